#!/bin/sh
# area_pe.sh - one PE of preset `default` on UltraScale+: at most 450 LUTs, distributed RAM among them, and exactly one DSP48E2.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD_DIR:-$root/build}
work=$build/tests/hlsc/area_pe
command -v yosys >/dev/null || { echo 'SKIP area of a PE: no yosys'; exit 0; }
rm -rf "$work" && mkdir -p "$work" || exit 1
"${HLSC:-$build/hlsc-asan}" -I "$root/hw" -o "$work" "$root/hw/pe.c" "$root/hw/cells/mul2.c" &&
    yosys -q -p "read_verilog -sv -DSYNTHESIS $work/pe.v $work/mul2.v; synth_xilinx -family xcup -flatten -noiopad -top pe; tee -q -o $work/stat stat" ||
    { echo 'FAIL area_of_a_pe'; exit 1; }
awk '
    $1 ~ /^LUT[1-6]$/ { lut += $2 }
    $1 == "RAM32M16" || $1 == "RAM64M8" { lutram += 8 * $2 }
    $1 == "RAM32M" || $1 == "RAM64M" { lutram += 4 * $2 }
    $1 ~ /^RAM(32|64)X1D$/ { lutram += 2 * $2 }
    $1 ~ /^SRL/ { lutram += $2 }
    $1 == "DSP48E2" { dsp = $2 }
    $1 ~ /^(RAMB|URAM)/ { block += $2 }
    $1 ~ /^FD/ { ff += $2 }
    END {
        printf "  %d LUT and %d of distributed RAM, %d FF, %d DSP48E2, %d block RAM\n", lut, lutram, ff, dsp, block
        ok = lutram > 0 && lut + lutram <= 450 && dsp == 1 && block == 0
        print (ok ? "PASS" : "FAIL") " area_of_a_pe"
        exit !ok
    }' "$work/stat"
