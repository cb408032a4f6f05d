#!/bin/sh
# test_bench_cpu.sh - rowstation bench-cpu: the table, its JSON, the ladder, refusals.  How fast anything is is not tested.
set -u
rs=$RS_BUILD/san/rowstation
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

verdict() {                             # verdict NAME STATUS
    if [ "$2" -eq 0 ]; then echo "PASS $1"; else cat "$tmp/out"; echo "FAIL $1"; fi
}

# Other libraries leak and race by the sanitizers' lights; here is only ours.
mkdir "$tmp/none"
RS_PLATFORM_PATH=$tmp/none $rs bench-cpu --only dscnn_pw --seconds 0.001 --threads 1,2 --json "$tmp/json" >"$tmp/out" 2>&1 &&
    grep -q 'dscnn_pw_25x5x64_64' "$tmp/out" && grep -q 'onednn: peers/librs_peer_onednn.so was not built' "$tmp/out" &&
    grep -q '"geomean"' "$tmp/json" && grep -q '"threads": 2' "$tmp/json" && grep -q '"best": {"1": null, "2": null}' "$tmp/json"
verdict without_any_peer $?

$rs bench-cpu --ladder=48 --json "$tmp/json" >"$tmp/out" 2>&1 && grep -q '^naive' "$tmp/out" && grep -q '^packed' "$tmp/out" &&
    grep -q '"name": "blocked"' "$tmp/json"
verdict climbs_the_ladder $?

peers=$(ls "$RS_BUILD"/peers/librs_peer_*.so 2>/dev/null | grep -v onnxruntime)
if [ -z "$peers" ]; then
    echo 'SKIP agrees_with_the_peers: neither libdnnl-dev nor libxnnpack-dev is installed'
else
    # The command without sanitizers: the peers' differences are of one code in a few hundred, or none.
    "$RS_BUILD/rowstation" bench-cpu --only rn8 --seconds 0.001 --threads 1 --json "$tmp/json" >"$tmp/out" 2>&1 &&
        ! grep -o '"differences": {[^}]*}' "$tmp/json" | grep -o ': [0-9][0-9]*' | grep -qv ': [01]$'
    verdict agrees_with_the_peers $?
fi

status=0
for bad in '--threads 0' '--threads 1,' '--seconds -1' '--ladder=5' '--isa z80' 'x'; do
    # shellcheck disable=SC2086
    $rs bench-cpu $bad >"$tmp/out" 2>&1 && status=1
done
verdict refuses_nonsense $status
