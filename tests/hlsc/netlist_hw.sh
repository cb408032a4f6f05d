#!/bin/sh
# netlist_hw.sh - what Yosys makes of the accelerator's PE, of an array row, and of a column's output (accumulators,
# requantizers, collector: foot.c) behaves like their C, edge for edge; no latches, no combinational loops.
#
# As netlist.sh, on hw/ in the smallest configuration (netlist_preset.h).  Inputs are random; a statement for each
# module keeps indices inside their arrays, which is all that C asks for.  Icarus runs the Verilog and the netlist of generic
# cells against the trace of the C.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD_DIR:-$root/build}
hlsc=${HLSC:-$build/hlsc-asan}
work=$build/tests/hlsc/netlist_hw
failed=0
case $hlsc in /*) ;; *) hlsc=$root/$hlsc ;; esac
for tool in yosys iverilog; do
    command -v $tool >/dev/null || { echo "SKIP netlists of hw: no $tool"; exit 0; }
done
rm -rf "$work" && mkdir -p "$work" || exit 1
preset="-DRS_PRESET_FILE=\"$here/netlist_preset.h\""

result() { # name ok log
    if [ "$2" = 1 ]; then
        echo "PASS $1"
    else
        tail -15 "$3" | cut -c1-300 | sed 's/^/  /'
        echo "FAIL $1"
        failed=1
    fi
}

one() { # module cycles hook files...
    m=$1 cycles=$2 hook=$(echo "$3" | tr '\n' ' ')          # one line: a macro
    shift 3
    d=$work/$m
    mkdir -p "$d"
    sources= paths=
    for f in "$@"; do
        cc -O1 -fwrapv -DNDEBUG -w -I "$root/hw" "$preset" -c "$root/hw/$f" -o "$d/$(basename "$f" .c).o" || exit 1
        sources="$sources $(basename "$f" .c).v" paths="$paths $root/hw/$f"
    done
    ok=0
    "$hlsc" -I "$root/hw" "$preset" -o "$d" --glue "$d/glue.h" $paths >"$d/log" 2>&1 &&
        c++ -O1 -w -I "$root/hw" -I "$d" "$preset" -DMODULE="$m" "-DHOOK=$hook" -o "$d/trace" "$here/trace.cc" "$d"/*.o >>"$d/log" 2>&1 &&
        "$d/trace" "$cycles" "$d/tb.v" "$d/vectors.txt" >>"$d/log" 2>&1 && ok=1
    [ $ok = 1 ] || { result "netlist_hw_$m" 0 "$d/log"; return; }
    (cd "$d" && iverilog -g2012 -DSYNTHESIS -s tb -o rtl.vvp tb.v $sources && vvp -n rtl.vvp) >"$d/rtl.log" 2>&1
    ok=0; grep -q '^tb: equal' "$d/rtl.log" && ok=1
    result "icarus_rtl_hw_$m" $ok "$d/rtl.log"
    (cd "$d" && yosys -q -p "read_verilog -sv $sources; hierarchy -top $m; proc; opt_clean; check -assert; select -assert-none t:\$dlatch;
                  synth -flatten -top $m; write_verilog -noattr generic.v" &&
     iverilog -g2012 -s tb -o generic.vvp tb.v generic.v && vvp -n generic.vvp) >"$d/generic.log" 2>&1
    ok=0; grep -q '^tb: equal' "$d/generic.log" && ok=1
    result "netlist_generic_hw_$m" $ok "$d/generic.log"
}

# A PE's spads are filled before anything is read: what is unknown in them would decide, as an `if` of Verilog does not show, whether a product is taken.
one pe 1000 'pe_load &l = in.load_n; pe_mac &m = in.mac_n; l.ifmap_addr %= 16; l.filter_addr %= 32; m.filter_addr %= 32; m.even_addr %= 16; m.odd_addr %= 16;
    if (t < 34) { l.ifmap_we = l.filter_we = 1; l.ifmap_addr = t % 16; l.filter_addr = t % 32; m.valid = 0; }' \
    pe.c cells/mul2.c
one pe_row 600 'for (int i = 0; i < 2; i++) { pe_load &l = in.north[i].load; pe_mac &m = in.north[i].mac; l.ifmap_addr %= 16; l.filter_addr %= 32; m.filter_addr %= 32; m.even_addr %= 16; m.odd_addr %= 16;
    if (t < 34) { l.ifmap_we = l.filter_we = 1; l.ifmap_addr = t % 16; l.filter_addr = t % 32; m.valid = 0; } }' \
    pe_row.c pe.c cells/mul2.c
one foot 3000 'in.op_w.acc.addr %= 16; in.op_w.flush.addr %= 16; in.op_w.flush.param = in.op_w.flush.index; in.op_w.param.place.g = in.op_w.param.group; in.rst = t < 2; if (t % 3) in.op_w.acc.valid = 0' \
    foot.c accumulator.c requantize.c
one requantize 600 '' requantize.c
one add_lane 600 '' add_lane.c
exit $failed
