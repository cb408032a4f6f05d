#!/bin/sh
# area.sh [PRESET...] - what Yosys makes of every module, for UltraScale+ (xcup) and the 7 series (xc7), as a table of docs/area.md.
#
# Each module is synthesized once, its children as black boxes, and multiplied by its instances: minutes instead of hours, and no
# logic is shared across module boundaries.  Results are kept by content in build/area/, so that a second run costs nothing.
# LUT: LUT1 to LUT6; LUTRAM: LUTs that are distributed RAM or shift registers; BRAM36: two RAMB18 count as one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-build}
jobs=${JOBS:-$(nproc)}
YOSYS=${YOSYS:-yosys}
[ $# -gt 0 ] || set -- default small tiny
command -v "$YOSYS" >/dev/null || { echo "area: no $YOSYS" >&2; exit 1; }
mkdir -p "$build/area"

# What one module is made of: NAME.v and the names of its children.
one() { # preset family module
    v=$build/sim/$1/v
    key=$build/area/$(sed "s|//.*||" "$v/$3.v" | md5sum | cut -c1-32).$2       # line numbers do not matter
    if [ ! -s "$key" ]; then
        others=$(ls "$v"/*.v | grep -v "/$3\.v\$" | tr '\n' ' ')
        "$YOSYS" -q -p "read_verilog -sv -lib $others; read_verilog -sv -DSYNTHESIS $v/$3.v; synth_xilinx -family $2 -noiopad -noclkbuf -top $3; \
            tee -q -o $key.new stat" >"$key.log" 2>&1 || { echo "area: $1/$3 ($2): see $key.log" >&2; return 1; }
        mv "$key.new" "$key" && rm -f "$key.log"
    fi
    printf '@ %s\n' "$3"
    cat "$key"
}

if [ "${1:-}" = --one ]; then
    one "$2" "$3" "$4" >/dev/null
    exit
fi

"$YOSYS" -V | cut -d'(' -f1
for preset; do
    v=$build/sim/$preset/v
    modules=$(ls "$v"/*.v | sed 's|.*/||; s|\.v$||')
    for family in ${FAMILIES:-xcup xc7}; do
        for m in $modules; do echo "$preset $family $m"; done | xargs -P "$jobs" -L 1 sh "$0" --one
        printf '\n### %s, %s\n\n' "$preset" "$family"
        for m in $modules; do one "$preset" "$family" "$m"; done | awk -f "$here/area.awk"
    done
done
