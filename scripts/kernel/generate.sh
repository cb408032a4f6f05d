#!/bin/sh
# generate.sh - a folder with everything that Vivado and v++ need to make the kernel for one card.
#
#   generate.sh CARD UNITS MHZ TARGET DESCRIBE VERILOG OUT
#
# CARD of platforms.txt; UNITS compute units; TARGET hw or hw_emu; DESCRIBE: the program of describe.c; VERILOG: the folder that
# hlsc wrote.  OUT may be copied to the machine with the vendor's tools; `sh OUT/build.sh` builds it.
set -eu
card=$1 units=$2 mhz=$3 target=$4 describe=$5 verilog=$6 out=$7
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

line=$(grep "^$card " "$here/platforms.txt") || {
    echo "generate.sh: no card '$card'; there are: $(sed -n 's/^\([a-z0-9]*\) .*/\1/p' "$here/platforms.txt" | tr '\n' ' ')" >&2
    exit 1
}
set -- $line
part=$2 platform=$3
shift 3
case $units in [1-9]) ;; *) echo "generate.sh: UNITS=$units: a number is expected" >&2; exit 1 ;; esac
[ "$units" -le $# ] || { echo "generate.sh: UNITS=$units, but $card has places for $#" >&2; exit 1; }
case $target in hw|hw_emu) ;; *) echo "generate.sh: TARGET=$target: hw or hw_emu is expected" >&2; exit 1 ;; esac
[ -f "$verilog/core.v" ] || { echo "generate.sh: no $verilog/core.v; make sim makes it" >&2; exit 1; }

rm -rf "$out"
mkdir -p "$out/rtl"
# What hlsc writes has size casts, which Vivado reads as SystemVerilog only; an IP's top module has to be Verilog, as rs.v is.
for f in "$verilog"/*.v; do name=${f##*/}; cp "$f" "$out/rtl/${name%.v}.sv"; done
awk -v kernel=rs -f "$here/wrapper.awk" "$verilog/core.v" >"$out/rtl/rs.v"
"$describe" tcl >"$out/kernel.tcl"
"$describe" xml >"$out/kernel.xml"
"$describe" cfg >"$out/rs.cfg"
cp "$here/package_kernel.tcl" "$out"
cp "$root/constraints/rs_ooc.xdc" "$out"

names= slrs= sps= clocks= i=0
for place in "$@"; do
    i=$((i + 1))
    [ $i -le "$units" ] || break
    names="$names${names:+.}rs_$i"
    slrs="$slrs rs_$i ${place%%:*}"
    sps="$sps
slr=rs_$i:${place%%:*}
sp=rs_$i.m_axi_gmem:${place#*:}"
    clocks="$clocks
freqhz=${mhz}000000:rs_$i.ap_clk"
done
{ echo "set cu_slr {${slrs# }}"; cat "$root/constraints/alveo_place.tcl"; } >"$out/place.tcl"
# @DIR@ becomes the folder in build.sh: v++ wants an absolute name.
cat >"$out/link.cfg.in" <<END
# Made by scripts/kernel/generate.sh for $card; do not edit.
[connectivity]
nk=rs:$units:$names$sps
[clock]$clocks
[vivado]
prop=run.impl_1.STEPS.PLACE_DESIGN.TCL.PRE=@DIR@/place.tcl
END
[ "$target" = hw ] || sed -i '/^\[vivado\]/,$d' "$out/link.cfg.in"
sed -e "s|@PART@|$part|g" -e "s|@PLATFORM@|$platform|g" -e "s|@TARGET@|$target|g" -e "s|@UNITS@|$units|g" "$here/build.sh.in" >"$out/build.sh"
