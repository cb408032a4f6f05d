#!/bin/sh
# test_emu_env.sh - XRT programs under `rowstation emu-env`: a user's own (host/examples/xrt_gemm.c) and ours.
# Needs RS_BUILD with rowstation, rs_xrt_*, librs_xrt_sleep.so, examples/xrt_gemm, librs_emu_default.so; librs_sim_default.so
# for the Verilated core.  Without XRT everything is skipped.
cd "$(dirname "$0")/../.." || exit 1
build=$(cd "${RS_BUILD:-build}" && pwd) || exit 1
RS_BUILD=$build
export RS_BUILD
rs=$build/rowstation gemm=$build/examples/xrt_gemm
RS_PLATFORM_PATH=${RS_PLATFORM_PATH:+$RS_PLATFORM_PATH:}$build:$build/shim
export RS_PLATFORM_PATH
unset ROWSTATION_TARGET ROWSTATION_XCLBIN XCL_EMULATION_MODE XILINX_XRT
tmp=$(mktemp -d /tmp/rs-emu-env-XXXXXX) || exit 1
trap 'rm -rf "$tmp"' EXIT
failures=0
good='0 of 928 values wrong'

pass() { echo "PASS $1"; }
fail() { failures=$((failures + 1)); head -n 20 "$tmp/log" | sed 's/^/  | /'; echo "FAIL $1"; }

# expect NAME STATUS TEXT COMMAND...
expect() {
    name=$1 want=$2 text=$3
    shift 3
    timeout 120 "$@" >"$tmp/log" 2>&1 </dev/null
    got=$?
    if [ "$got" -eq "$want" ] && { [ -z "$text" ] || grep -q -e "$text" "$tmp/log"; }; then pass "$name"; else
        echo "  $*: status $got, want $want; expected to read: $text"
        fail "$name"
    fi
}

if [ ! -x "$build/rs_xrt_host" ] || [ ! -x "$gemm" ] || ! "$rs" emu-env --target emu -- true >"$tmp/log" 2>&1; then
    echo "SKIP xrt_programs_on_emulated_cards: XRT is not installed (libxrt1, libxrt-dev, unzip), or rs_xrt_host not built"
    exit 0
fi
before=$(ls -d /tmp/rowstation-* 2>/dev/null | sort)
cd "$tmp" || exit 1

# ---- a user's own program ----
expect a_plain_xrt_program_runs_on_emu 0 "$good" "$rs" emu-env --target emu -- "$gemm"
start=$(date +%s%N)
expect it_runs_in_two_seconds 0 "$good" "$rs" emu-env --target emu -- "$gemm"
ms=$((($(date +%s%N) - start) / 1000000))
echo "  xrt_gemm under emu-env: $ms ms in all"
[ "$ms" -lt 2000 ] || { echo "$ms ms" >"$tmp/log"; fail start_up_is_short; }
if [ -x "$build/rs_sim_default" ]; then
    expect a_plain_xrt_program_runs_on_the_verilated_core 0 "$good" "$rs" emu-env --target sim -- "$gemm"
    "$rs" emu-env --target emu -- "$gemm" >"$tmp/emu" 2>&1
    "$rs" emu-env --target sim -- "$gemm" >"$tmp/sim" 2>&1
    if grep product "$tmp/emu" | cmp -s - "$tmp/none" || [ "$(grep product "$tmp/emu")" != "$(grep product "$tmp/sim")" ]; then
        cat "$tmp/emu" "$tmp/sim" >"$tmp/log"; fail emu_and_sim_count_the_same_cycles
    else pass emu_and_sim_count_the_same_cycles; fi
else
    echo "SKIP a_plain_xrt_program_runs_on_the_verilated_core: no $build/rs_sim_default"
fi
expect the_second_card_works 0 "$good" "$rs" emu-env --target emu --cards 2 -- sh -c "$gemm \$ROWSTATION_XCLBIN 1"
expect sw_emu_is_an_alias 0 'using hw_emu with emu in the device process' env XCL_EMULATION_MODE=sw_emu "$rs" emu-env --target sim -- "$gemm"
"$rs" xclbin --target emu -o "$tmp/own.xclbin"
expect a_written_xclbin_runs 0 "$good" "$rs" emu-env --xclbin "$tmp/own.xclbin" -- "$gemm"
expect a_hostile_memory_changes_nothing 0 "$good" "$rs" emu-env --target 'emu?hostile=7&latency=200' -- "$gemm"

# Six processes at once on one emulated machine.
cat >six.sh <<END
for i in 1 2 3 4 5 6; do "$gemm" >six.\$i 2>&1 & eval "p\$i=\$!"; done
for i in 1 2 3 4 5 6; do eval "wait \\\$p\$i" || exit 1; done
END
expect six_processes_at_once 0 '' "$rs" emu-env --target emu -- sh six.sh
[ "$(cat six.? | grep -c "$good")" -eq 6 ] || { cat six.? >"$tmp/log"; fail all_six_were_right; }

# ---- our own program ----
cat >ours.sh <<END
for i in 1 2 3 4 5 6; do "$rs" bench --gemm 20,64,64 --target "xrt:0?xclbin=$tmp/own.xclbin" >six.\$i 2>&1 & eval "p\$i=\$!"; done
for i in 1 2 3 4 5 6; do eval "wait \\\$p\$i" || exit 1; done
END
expect six_of_ours_at_once 0 '' env XCL_EMULATION_MODE=hw_emu sh ours.sh
[ "$(cat six.? | grep -c ' ok$')" -eq 6 ] || { cat six.? >"$tmp/log"; fail all_six_of_ours_were_right; }
expect rowstation_takes_the_card 0 '^target    xrt:0' "$rs" emu-env --target emu -- "$rs" info
expect its_self_test_passes 0 'self-test passed' "$rs" emu-env --target emu -- "$rs" info --self-test
"$rs" xclbin --target 'emu?clock=100' -o "$tmp/other.xclbin"
cat >other.sh <<END
"$rs" bench --gemm 200,64,64 >/dev/null 2>&1 & other=\$!
n=0
while [ ! -s "\$ROWSTATION_EMU_MACHINE/card0" ] && [ \$n -lt 100 ]; do sleep 0.05; n=\$((n + 1)); done
"$rs" bench --gemm 20,64,64 --target "xrt:0?xclbin=$tmp/other.xclbin"; s=\$?
wait \$other || exit 9
exit \$s
END
expect another_xclbin_is_refused 1 'stop the other process' "$rs" emu-env --target 'emu?latency=3000' -- sh other.sh

# ---- programs that do not behave ----
expect the_exit_status_is_the_programs 7 '' "$rs" emu-env --target emu -- sh -c 'exit 7'
expect a_program_that_is_not_there 127 'nonsuch' "$rs" emu-env --target emu -- ./nonsuch
expect an_xclbin_that_is_not_there 1 'nonsuch.xclbin' "$rs" emu-env --xclbin nonsuch.xclbin -- true
expect a_program_that_hangs_is_ended 124 'not finished after 1 s' "$rs" emu-env --target emu --timeout 1 -- sleep 60
expect strays_are_ended 0 '' "$rs" emu-env --target emu -- sh -c 'sleep 61 & setsid sleep 62 & exit 0'
if ps -e -o args | grep -q '^sleep 6[12]$'; then ps -e -o args >"$tmp/log"; fail no_strays_are_left; else pass no_strays_are_left; fi
expect a_kernel_that_never_finishes_is_ended 124 'not finished after 3 s' "$rs" emu-env --target emu:hang --timeout 3 -- "$gemm"
cat >kill.sh <<END
"$gemm" & p=\$!
n=0
while [ \$n -lt 100 ]; do
    device=\$(sed -n 's/.*, pid \\([0-9]*\\)\$/\\1/p' "\$ROWSTATION_EMU_DIR"/device-*.log 2>/dev/null)
    [ -n "\$device" ] && break
    sleep 0.05; n=\$((n + 1))
done
sleep 0.3
kill -9 \$device
wait \$p
exit 0
END
start=$(date +%s)
timeout 60 "$rs" emu-env --target emu:hang --timeout 30 -- sh kill.sh >"$tmp/log" 2>&1 </dev/null
status=$?
if [ $status -ne 0 ] && [ $(($(date +%s) - start)) -lt 10 ] && grep -q 'device process of an emulated card is gone\|ended by signal' "$tmp/log"; then
    pass a_killed_device_process_ends_the_program
else echo "status $status after $(($(date +%s) - start)) s" >>"$tmp/log"; fail a_killed_device_process_ends_the_program; fi
"$rs" xclbin --target emu:hang -o "$tmp/nolib.xclbin"
expect a_device_process_that_cannot_start_ends_the_program 1 'no librs_emu_hang.so' env RS_PLATFORM_PATH="$build" "$rs" emu-env --xclbin "$tmp/nolib.xclbin" -- "$gemm"

# Interrupted: the program gets the signal, and all is cleaned up.
"$rs" emu-env --target emu -- sleep 63 >"$tmp/log" 2>&1 &
pid=$!
sleep 0.5
kill -TERM $pid
wait $pid
status=$?
if [ $status -eq 143 ] && ! ps -e -o args | grep -q '^sleep 63$'; then pass a_signal_is_passed_on; else echo "status $status" >>"$tmp/log"; fail a_signal_is_passed_on; fi

# The library's process killed: its card and folder go as well.
"$rs" xclbin --target 'emu?latency=50000' -o "$tmp/slow.xclbin"
XCL_EMULATION_MODE=hw_emu "$rs" bench --gemm 500,64,64 --target "xrt:0?xclbin=$tmp/slow.xclbin" >"$tmp/log" 2>&1 &
pid=$!
sleep 1
kill -9 $pid
wait $pid 2>/dev/null
n=0
while [ $n -lt 40 ] && [ "$(ls -d /tmp/rowstation-* 2>/dev/null | sort)" != "$before" ]; do sleep 0.1; n=$((n + 1)); done

after=$(ls -d /tmp/rowstation-* 2>/dev/null | sort)
if [ "$after" = "$before" ]; then pass no_folders_are_left; else echo "$after" >"$tmp/log"; fail no_folders_are_left; fi
left=$(ps -e -o stat,args | grep "$build/rs_xrt\|$tmp" | grep -v 'grep\|^Z')
if [ -z "$left" ]; then pass no_processes_are_left; else echo "$left" >"$tmp/log"; fail no_processes_are_left; fi
litter=$(ls "$tmp" | grep -v '\.xclbin$\|\.sh$\|^six\.\|^log$\|^emu$\|^sim$')
if [ -z "$litter" ]; then pass no_files_are_left_in_the_users_folder; else echo "$litter" >"$tmp/log"; fail no_files_are_left_in_the_users_folder; fi
[ $failures -eq 0 ]
