#!/bin/sh
# test_kernel.sh - dry runs of `make kernel`: stand-ins for the vendor's commands (stubs/) that know the real options and fail on
# any other, check.py, and the driver's own check of the result; then drifts, planted one at a time, each of which has to fail.
# Needs RS_BUILD with kernel/describe_default, sim/default/v and rowstation; tclsh and python3.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
build=$(cd "${RS_BUILD:-build}" && pwd) || exit 1
describe=$build/kernel/describe_default verilog=$build/sim/default/v
for tool in tclsh python3; do
    command -v $tool >/dev/null || { echo "SKIP kernel_packaging: no $tool"; exit 0; }
done
[ -x "$describe" ] && [ -f "$verilog/core.v" ] || { echo "SKIP kernel_packaging: no $describe or $verilog/core.v"; exit 0; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
PATH=$root/tests/xrt/stubs:$PATH
ROWSTATION=$build/rowstation
export PATH ROWSTATION
failures=0
pass() { echo "PASS $1"; }
fail() { failures=$((failures + 1)); sed 's/^/  | /' "$tmp/log" | tail -n 12; echo "FAIL $1"; }
generate() { sh scripts/kernel/generate.sh "$1" "$2" 250 "$3" "$describe" "$verilog" "$4" >"$tmp/log" 2>&1; }
check() { python3 scripts/kernel/check.py "$1" "${2:-$root}" >"$tmp/log" 2>&1; }
dry_run() { sh "$1/build.sh" >"$tmp/log" 2>&1; }

# ---- every card, as it is ----
for case in u200:1:hw u200:3:hw u250:1:hw u250:4:hw u250:2:hw_emu u280:3:hw u50:2:hw u55c:1:hw u55c:3:hw; do
    card=${case%%:*} units=${case#*:}
    target=${units#*:} units=${units%%:*}
    name=dry_run_${card}_${units}_${target}
    if generate "$card" "$units" "$target" "$tmp/ok" && check "$tmp/ok" && dry_run "$tmp/ok" &&
        [ "$(grep -c '^unit ' "$tmp/log")" -eq "$units" ] && grep -q "^mode      $target\$" "$tmp/log"; then pass "$name"; else fail "$name"; fi
done
if command -v iverilog >/dev/null; then
    if iverilog -g2012 -s rs -t null "$tmp"/ok/rtl/*.v "$tmp"/ok/rtl/*.sv >"$tmp/log" 2>&1; then pass the_wrapped_kernel_elaborates; else fail the_wrapped_kernel_elaborates; fi
else
    echo "SKIP the_wrapped_kernel_elaborates: no iverilog"
fi

# ---- wrong requests ----
refused() { if [ "$1" -ne 0 ] && grep -q -e "$3" "$tmp/log"; then pass "$2"; else echo "expected to read: $3" >>"$tmp/log"; fail "$2"; fi; }
generate u999 1 hw "$tmp/no"; refused $? an_unknown_card_is_refused "no card 'u999'"
generate u50 3 hw "$tmp/no"; refused $? more_units_than_places_are_refused 'u50 has places for 2'
generate u50 1 sw_emu "$tmp/no"; refused $? sw_emu_is_refused 'hw or hw_emu'
mkdir "$tmp/bin"
for tool in dirname sed; do ln -s "$(command -v $tool)" "$tmp/bin"; done
PATH=$tmp/bin /bin/sh "$tmp/ok/build.sh" >"$tmp/log" 2>&1; refused $? without_the_tools_it_says_so 'not found: vivado v++ xclbinutil'

# ---- planted drifts: found by check.py (c), by a vendor's stand-in or the driver (b) ----
generate u250 2 hw "$tmp/good"
drift() {
    name=drift_$1 how=$2 text=$3 file=$4 script=$5
    rm -rf "$tmp/bad"
    cp -R "$tmp/good" "$tmp/bad"
    sed "$script" "$tmp/good/$file" >"$tmp/bad/$file"
    if cmp -s "$tmp/good/$file" "$tmp/bad/$file"; then echo "$script changes nothing in $file" >"$tmp/log"; fail "$name"; return; fi
    if [ "$how" = c ]; then check "$tmp/bad"; else dry_run "$tmp/bad"; fi
    refused $? "$name" "$text"
}
drift renamed_port_in_the_rtl        c 'port m_axi_gmem_ARADDR: core.sv has None'  rtl/core.sv  's/m_axi_gmem_ARADDR/m_axi_gmem_ARADR/'
drift renamed_port_in_the_top        b 'no m_axi_gmem_ARADDR'                      rtl/rs.v     's/wire \(.*\) m_axi_gmem_ARADDR,/wire \1 m_axi_gmem_ARAD,/'
drift stray_pin                      b 'not part of an interface'                  rtl/rs.v     's/^    input wire ap_clk,/&\n    output wire debug,/'
drift narrow_register_address        c 's_axi_control_AWADDR'                      rtl/core.sv  's/\[11:0\] s_axi_control_AWADDR/[5:0] s_axi_control_AWADDR/'
drift narrow_register_address_in_top b 's_axi_control_AWADDR has 6 bits'           rtl/rs.v     's/\[11:0\] s_axi_control_AWADDR/[5:0] s_axi_control_AWADDR/'
drift other_data_width               c 'WDATA'                                     kernel.tcl   's/data_bits 512/data_bits 256/'
drift moved_register                 c "('count', 68"                              kernel.tcl   's/count 0x040/count 0x044/'
drift moved_register_reaches_driver  b 'count at 0x44, expected 0x40'              kernel.tcl   's/count 0x040/count 0x044/'
drift moved_register_in_the_rtl      c '0x44'                                      rtl/control.sv "s/r_awaddr == 12'd64/r_awaddr == 12'd68/"
drift overlapping_registers          b 'overlaps'                                  kernel.tcl   's/filters 0x01C/filters 0x014/'
drift renamed_argument               b "'weights', expected 'filters'"             kernel.tcl   's/filters/weights/'
drift swapped_arguments              c "kernel.xml: argument ('1', 'activations'"  kernel.xml   's/"filters"/"x"/; s/"activations"/"filters"/; s/"x"/"activations"/'
drift pointer_without_port           b 'has no ASSOCIATED_BUSIF'                   package_kernel.tcl '/add_register_parameter/d; /get_register_parameters/d'
drift port_without_clock             b 'm_axi_gmem has no clock'                   package_kernel.tcl '/-busif $master_port/d'
drift unknown_tcl_option             b 'unknown option -bus'                       package_kernel.tcl 's/-busif \$control_port/-bus $control_port/'
drift unknown_tcl_command            b 'invalid command name'                      package_kernel.tcl 's/ipx::update_checksums/ipx::update_checksum/'
drift forgotten_kernel_flag          b 'ipi_drc'                                   package_kernel.tcl '/ignore_freq_hz true/d'
drift unknown_vxx_option             b 'unknown option --configuration'            build.sh     's/--config link/--configuration link/'
drift other_platform                 c 'not in platforms.txt'                      build.sh     's/xilinx_u250_gen3x16_xdma_4_1/xilinx_u250_gen3x16_xdma_9_9/'
drift part_of_another_card           c 'the part of u250'                          build.sh     's/xcu250-figd2104-2L-e/xcu50-fsvh2104-2-e/'
drift wrong_bank                     c 'its bank there is DDR\[1\]'                link.cfg.in  's/rs_2.m_axi_gmem:DDR\[1\]/rs_2.m_axi_gmem:DDR[0]/'
drift bank_that_is_not_there         b 'no such bank'                              link.cfg.in  's/DDR\[1\]/DDR[7]/'
drift slr_that_is_not_there          b 'SLR0 to SLR3'                              link.cfg.in  's/rs_2:SLR1/rs_2:SLR4/'
drift unit_without_bank              b 'rs_2 has no sp='                           link.cfg.in  '/^sp=rs_2/d'
drift port_of_another_name           b 'ports are m_axi_gmem'                      link.cfg.in  's/m_axi_gmem:DDR\[0\]/m_axi_mem:DDR[0]/'
drift units_and_names_differ         b 'nk='                                       link.cfg.in  's/nk=rs:2/nk=rs:3/'
drift unknown_configuration_key      b 'unknown key'                               link.cfg.in  's/^slr=/place=/'
drift placement_of_other_units       c 'place.tcl'                                 place.tcl    's/rs_2 SLR1/rs_3 SLR1/'
drift no_clock_constraint            c 'rs_ooc.xdc'                                rs_ooc.xdc   's/ap_clk/clk/'
drift other_configuration            b 'no preset or configuration hash'           rs.cfg       '/config_hash/d'

missing() {
    rm -rf "$tmp/bad"
    cp -R "$tmp/good" "$tmp/bad"
    rm "$tmp/bad/$2"
    if [ "$3" = c ]; then check "$tmp/bad"; else dry_run "$tmp/bad"; fi
    refused $? "drift_missing_$1_$3" "$4"
}
missing verilog rtl/pe.sv c 'instantiates pe,'
missing verilog rtl/pe.sv b 'module pe, which pe_row instantiates'
missing clock rs_ooc.xdc c 'No such file'
missing clock rs_ooc.xdc b 'no file'
missing placement place.tcl b 'file that exists'
missing description rs.cfg b 'rs.cfg'

# The ISA header moves on, and the Verilog is from before.
mkdir -p "$tmp/root/hw" "$tmp/root/sw/xclbin" "$tmp/root/scripts/kernel"
sed 's/^#define RS_REG_COUNT .*/#define RS_REG_COUNT 0x44/' hw/isa.h >"$tmp/root/hw/isa.h"
cp sw/xclbin/kernel.h "$tmp/root/sw/xclbin"
cp scripts/kernel/platforms.txt "$tmp/root/scripts/kernel"
check "$tmp/good" "$tmp/root"; refused $? drift_moved_register_in_the_isa_header 'control.sv writes registers'
[ $failures -eq 0 ]
