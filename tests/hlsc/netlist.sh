#!/bin/sh
# netlist.sh [CYCLES] - what Yosys makes of the golden modules behaves like their C, edge for edge.
#
# The C writes a trace of inputs and wanted outputs; Icarus runs it through the Verilog itself and through
# the netlists: generic `synth` cells, and UltraScale+ cells (synth_xilinx -family xcup).  Also: no latches, no
# combinational loops (yosys check -assert), memories where the pragmas put them.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD_DIR:-$root/build}
hlsc=${HLSC:-$build/hlsc-asan}
cycles=${1:-400}
work=$build/tests/hlsc/netlist
failed=0
case $hlsc in /*) ;; *) hlsc=$root/$hlsc ;; esac
for tool in yosys iverilog; do
    command -v $tool >/dev/null || { echo "SKIP netlists: no $tool"; exit 0; }
done
rm -rf "$work" && mkdir -p "$work" || exit 1
cells=$(yosys-config --datdir 2>/dev/null)/xilinx/cells_sim.v
[ -f "$cells" ] || cells=/usr/share/yosys/xilinx/cells_sim.v

result() { # name ok log
    if [ "$2" = 1 ]; then
        echo "PASS $1"
    else
        tail -15 "$3" | cut -c1-300 | sed 's/^/  /'
        echo "FAIL $1"
        failed=1
    fi
}

for m in pe memory arithmetic parent; do
    d=$work/$m
    mkdir -p "$d"
    files=$here/golden/$m.c
    [ $m = parent ] && files="$files $here/golden/pe.c"
    ok=0
    case $m in
    pe) hook='in.rst = rnd() % 16 == 0 || t == 0; in.w_valid &= state.taps < PE_TAPS && rnd() % 4 == 0' ;;
    parent) hook='in.rst = rnd() % 16 == 0 || t == 0; for (int i = 0; i < 3; i++) in.w_valid[i] &= state.pe[i].taps < PE_TAPS && rnd() % 4 == 0' ;;
    memory) hook='in.addr %= 8; in.lane[0] %= 8' ;;
    *) hook= ;;
    esac
    for f in $files; do cc -O1 -fwrapv -DNDEBUG -w -c "$f" -o "$d/$(basename "$f" .c).o" || exit 1; done
    "$hlsc" -I "$here/golden" -o "$d" --glue "$d/glue.h" $files >"$d/log" 2>&1 &&
        c++ -O1 -w -I "$here/golden" -I "$d" -DMODULE=$m "-DHOOK=$hook" -o "$d/trace" "$here/trace.cc" "$d"/*.o >>"$d/log" 2>&1 &&
        "$d/trace" "$cycles" "$d/tb.v" "$d/vectors.txt" >>"$d/log" 2>&1 && ok=1
    [ $ok = 1 ] || { result "netlist_$m" 0 "$d/log"; continue; }
    (cd "$d" || exit 1
     sources=$(for f in $files; do echo "$d/$(basename "$f" .c).v"; done)
     iverilog -g2012 -DSYNTHESIS -s tb -o rtl.vvp tb.v $sources && vvp -n rtl.vvp) >"$d/rtl.log" 2>&1
    ok=0; grep -q '^tb: equal' "$d/rtl.log" && ok=1
    result "icarus_rtl_$m" $ok "$d/rtl.log"
    (cd "$d" || exit 1
     sources=$(for f in $files; do echo "$(basename "$f" .c).v"; done)
     yosys -q -p "read_verilog -sv $(echo $sources); hierarchy -top $m; proc; opt_clean; check -assert; select -assert-none t:\$dlatch;
                  synth -flatten -top $m; write_verilog -noattr generic.v" &&
     iverilog -g2012 -s tb -o generic.vvp tb.v generic.v && vvp -n generic.vvp) >"$d/generic.log" 2>&1
    ok=0; grep -q '^tb: equal' "$d/generic.log" && ok=1
    result "netlist_generic_$m" $ok "$d/generic.log"
    (cd "$d" || exit 1
     sources=$(for f in $files; do echo "$(basename "$f" .c).v"; done)
     sed -i "s/ram_style = \"block\"/ram_style = \"distributed\"/" $sources; yosys -q -p "read_verilog -sv $(echo $sources); synth_xilinx -family xcup -nodsp -nobram -noiopad -noclkbuf -flatten -top $m; write_verilog -noattr xcup.v" &&
     iverilog -g2012 -s tb -o xcup.vvp tb.v xcup.v "$cells" && vvp -n xcup.vvp) >"$d/xcup.log" 2>&1
    ok=0; grep -q '^tb: equal' "$d/xcup.log" && ok=1
    result "netlist_xcup_$m" $ok "$d/xcup.log"
done
# Yosys has no models of DSP48E2 and RAMB18E2: what becomes of them is counted, not simulated.
for m in pe memory; do
    (cd "$work/$m" && "$hlsc" -I "$here/golden" -o . "$here/golden/$m.c" && yosys -q -p "read_verilog -sv $m.v; synth_xilinx -family xcup -noiopad -noclkbuf -flatten -top $m; tee -o stat.txt stat") \
        >>"$work/$m/xcup.log" 2>&1
done
grep -q RAMB "$work/memory/stat.txt" && grep -q 'RAM32M\|RAM64M\|RAM32X\|RAM16X' "$work/memory/stat.txt" && ok=1 || ok=0
result netlist_memories_are_ram $ok "$work/memory/stat.txt"
grep -q 'DSP48E2  *1$' "$work/pe/stat.txt" && ok=1 || ok=0
result netlist_pe_uses_one_dsp $ok "$work/pe/stat.txt"
exit $failed
