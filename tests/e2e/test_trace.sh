#!/bin/sh
# test_trace.sh - `--trace FILE`: trace events that keep the format's rules and sum to the counters.  Needs RS_BUILD, emu:default, python3.
cd "$(dirname "$0")/../.." || exit 1
build=${RS_BUILD:-build}
rs=$build/san/rowstation
RS_PLATFORM_PATH=$build
export RS_PLATFORM_PATH
unset ROWSTATION_TARGET XCL_EMULATION_MODE
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failures=0

if [ ! -e "$build/librs_emu_default.so" ] || ! command -v python3 >/dev/null; then
    echo "SKIP traces: no emulation library or no python3"
    exit 0
fi
# result NAME STATUS: its lines come from $tmp/log
result() {
    if [ "$2" -eq 0 ]; then echo "PASS $1"; else sed 's/^/  /' "$tmp/log"; echo "FAIL $1"; failures=$((failures + 1)); fi
}
for net in resnet8 kws; do
    "$rs" bench tests/workloads/$net.csv --target emu --trace "$tmp/trace.json" --json "$tmp/traced.json" >"$tmp/log" 2>&1 &&
        python3 tests/e2e/check_trace.py "$tmp/trace.json" "$tmp/traced.json" >>"$tmp/log" 2>&1
    result trace_of_${net}_sums_to_the_counters $?
    "$rs" bench tests/workloads/$net.csv --target emu --json "$tmp/plain.json" >"$tmp/log" 2>&1
    # What the host's clock says differs; everything counted must not.
    for f in traced plain; do sed 's/"seconds[a-z_]*": [^,]*, //g; s/"target": "[^"]*"//' "$tmp/$f.json" >"$tmp/$f"; done
    cmp "$tmp/traced" "$tmp/plain" >"$tmp/log" 2>&1
    result ${net}_counts_the_same_with_a_trace $?
done
head -c 784 /dev/zero >"$tmp/black.i8"
"$rs" run models/fashion_resnet.tflite --target 'emu?latency=60' --trace "$tmp/run.json" --input "$tmp/black.i8" >"$tmp/log" 2>&1 &&
    python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))["traceEvents"]) > 100' "$tmp/run.json" >>"$tmp/log" 2>&1
result run_writes_a_trace $?
"$rs" run models/fashion_resnet.tflite --target cpu --trace "$tmp/no.json" --input "$tmp/black.i8" >"$tmp/log" 2>&1
[ $? -eq 1 ] && grep -q 'target cpu has no trace of events; emu has' "$tmp/log"
result a_trace_needs_emu $?
"$rs" bench --gemm 8,8,8 --target emu --trace /nonexistent/t.json >"$tmp/log" 2>&1
[ $? -eq 1 ] && grep -q '/nonexistent/t.json: No such file' "$tmp/log"
result a_trace_that_cannot_be_written_is_an_error $?
"$rs" bench --gemm 8,8,8 --gemm 4,4,4 --target emu --trace "$tmp/no.json" >"$tmp/log" 2>&1
[ $? -eq 2 ] && grep -q 'one network or one layer, found 2' "$tmp/log"
result bench_traces_one_thing $?
exit $((failures != 0))
