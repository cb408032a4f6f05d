#!/bin/sh
# fuzz.sh - libFuzzer on every reader for RS_FUZZ_SECONDS each (default 3600), two at a time.  What it finds new stays in
# RS_BUILD/fuzz/corpus; a crash leaves its file in RS_BUILD/fuzz/crashes.
cd "$(dirname "$0")/../.." || exit 1
build=${RS_BUILD:-build}
seconds=${RS_FUZZ_SECONDS:-3600}
if [ ! -x "$build/tests/fuzz/fuzz_tflite" ]; then echo 'SKIP fuzz: not built: clang with libFuzzer is needed (libclang-rt-dev), then make fuzz'; exit 0; fi
mkdir -p "$build/fuzz/crashes"

# A program without the reader that it is called after would run for hours on a message that says so.
reached() {
    [ "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$build/fuzz/$1.log" | tail -n 1)" -ge 100 ] || { echo "only a few branches of the reader were reached"; return 1; }
}

one() {
    corpus=$build/fuzz/corpus/$1
    mkdir -p "$corpus"
    case $1 in
    tflite) cp models/*.tflite "$corpus" ;;
    csv)    cp tests/workloads/kws.csv tests/workloads/resnet8.csv "$corpus" ;;
    onnx)   find /usr/share -path '*onnx*' -name 'model.onnx' -size -8k 2>/dev/null | head -n 300 | while read -r f; do
                cp "$f" "$corpus/$(echo "$f" | cksum | cut -d' ' -f1)"; done ;;
    plan)   "$build/rowstation" compile models/fashion_resnet.tflite -o "$corpus/model.rsm" --target emu:default >/dev/null ;;
    xclbin) "$build/rowstation" xclbin -o "$corpus/emu.xclbin" --target emu:default >/dev/null ;;
    esac
    if "$build/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=30 -max_len=200000 -print_final_stats=1 \
         -artifact_prefix="$build/fuzz/crashes/$1-" "$corpus" >"$build/fuzz/$1.log" 2>&1 && reached "$1"
    then echo "PASS fuzz_$1 ($(sed -n 's/^stat::number_of_executed_units: *//p' "$build/fuzz/$1.log") runs in $seconds s)"
    else tail -n 30 "$build/fuzz/$1.log" | sed 's/^/  | /'; echo "FAIL fuzz_$1"; fi
}

for pair in 'tflite onnx' 'plan xclbin' csv; do
    for reader in $pair; do
        one "$reader" &
    done
    wait
done >"$build/fuzz/results"
cat "$build/fuzz/results"
! grep -q '^FAIL' "$build/fuzz/results"
