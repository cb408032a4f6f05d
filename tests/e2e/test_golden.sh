#!/bin/sh
# test_golden.sh - the public networks and our own, against their published outputs, on every target that is built.
# Also: every MAC of these networks is counted by the array, none is the CPU's, and emu and sim count the same cycles.
# RS_MODELS: folder of the public networks (default ../shared/models); without it, only ours.
cd "$(dirname "$0")/../.." || exit 1
build=${RS_BUILD:-build}
rs=$build/rowstation
models=${RS_MODELS:-../shared/models}
images=/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz
RS_PLATFORM_PATH=${RS_PLATFORM_PATH:-$build}
export RS_PLATFORM_PATH
unset ROWSTATION_TARGET XCL_EMULATION_MODE
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failures=0

report() { # STATUS NAME: the log is shown when it failed
    if [ "$1" -eq 0 ]; then
        echo "PASS $2"
    else
        failures=$((failures + 1))
        tail -n 20 "$tmp/log" | sed 's/^/  | /'
        echo "FAIL $2"
    fi
}

number() { # KEY FILE: the first number with that key
    sed -n "s/^  \"$1\": \([0-9]*\).*/\1/p" "$2" | head -n 1
}

targets=cpu
for kind in emu sim; do
    if [ -f "$build/librs_${kind}_default.so" ]; then
        targets="$targets $kind:default"
    else
        echo "SKIP golden_on_$kind: librs_${kind}_default.so is not built"
    fi
done

# macs_and_cycles NAME MODEL INPUT: on all targets that have an array.
macs_and_cycles() {
    name=$1 model=$2 input=$3 before=
    for t in $targets; do
        [ "$t" = cpu ] && continue
        "$rs" run "$model" --target "$t" --input "$input" --json "$tmp/run.json" >"$tmp/log" 2>&1
        [ "$(number macs "$tmp/run.json")" = "$(number macs_counted "$tmp/run.json")" ] &&
            [ "$(number macs_cpu "$tmp/run.json")" = 0 ]
        report $? "${name}_every_mac_on_the_array_of_$t"
        cycles=$(number cycles "$tmp/run.json")
        if [ -n "$before" ]; then
            echo "emu $before cycles, sim $cycles" >"$tmp/log"
            [ "$before" = "$cycles" ]
            report $? "${name}_takes_the_same_cycles_on_emu_and_sim"
        fi
        before=$cycles
    done
}

if [ -d "$models" ]; then
    for network in resnet8 kws ad01; do
        set --
        for golden in "$models/$network"/*.golden.i8; do
            set -- "$@" --input "${golden%.golden.i8}.i8" --golden "$golden"
            first=${golden%.golden.i8}
        done
        for t in $targets; do
            timeout 600 "$rs" check "$models/$network/model.tflite" "$@" --target "$t" >"$tmp/log" 2>&1
            report $? "${network}_all_golden_vectors_on_$t"
        done
        macs_and_cycles $network "$models/$network/model.tflite" "$first.i8"
        for preset in small tiny; do
            for kind in emu sim; do
                [ -f "$build/librs_${kind}_$preset.so" ] || continue
                timeout 600 "$rs" check "$models/$network/model.tflite" --input "$first.i8" --golden "$first.golden.i8" \
                    --target $kind:$preset >"$tmp/log" 2>&1
                report $? "${network}_one_golden_vector_on_$kind:$preset"
            done
        done
    done
else
    echo "SKIP public_networks: $models is not there"
fi

# Ours: the outputs of an independent interpreter for the first 64 test images, 10 bytes each.
if [ ! -f "$images" ]; then
    echo "SKIP fashion: $images is not there (package dataset-fashion-mnist)"
elif "$rs" run models/fashion_resnet.tflite --input "idx:$images#0" 2>&1 | grep -q 'built without zlib'; then
    echo "SKIP fashion: built without zlib"
else
    for t in $targets; do
        n=64
        [ "$t" = sim:default ] && n=12
        rm -rf "$tmp/out"
        timeout 600 "$rs" run models/fashion_resnet.tflite --target "$t" --input "idx:$images#0-$((n - 1))" --output "$tmp/out" \
            --top 0 >"$tmp/log" 2>&1 &&
            i=0 && while [ $i -lt $n ]; do cat "$tmp/out/$i.out.i8"; i=$((i + 1)); done >"$tmp/all" &&
            head -c $((n * 10)) models/fashion_resnet.golden.i8 | cmp - "$tmp/all" >>"$tmp/log" 2>&1
        report $? "fashion_first_${n}_images_on_$t"
    done
    macs_and_cycles fashion models/fashion_resnet.tflite "idx:$images#0"
    labels=/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz
    "$rs" run models/fashion_resnet.tflite --input "idx:$images#0-999" --expect "$labels#0-999" --top 0 --json "$tmp/run.json" >"$tmp/log" 2>&1
    correct=$(number correct "$tmp/run.json")
    echo "$correct of 1000 right" >>"$tmp/log"
    [ "${correct:-0}" -ge 900 ]
    report $? fashion_at_least_900_of_1000_right_on_cpu
fi
exit $((failures != 0))
