#!/bin/sh
# test_plan.sh - `plan --explain`, mappings by hand, and how long planning takes.  Needs RS_BUILD; with sanitizers, but for the time.
cd "$(dirname "$0")/../.." || exit 1
build=${RS_BUILD:-build}
rs=$build/san/rowstation
net=tests/workloads/resnet8.csv
RS_PLATFORM_PATH=$build
export RS_PLATFORM_PATH
unset ROWSTATION_TARGET
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failures=0

# expect NAME STATUS TEXT COMMAND...: exit status, and TEXT (a basic regular expression) in what it printed.
expect() {
    name=$1 want=$2 text=$3
    shift 3
    timeout 120 "$@" >"$tmp/log" 2>&1 </dev/null
    got=$?
    if [ "$got" -eq "$want" ] && grep -q -e "$text" "$tmp/log" && ! grep -q 'Sanitizer' "$tmp/log"; then
        echo "PASS $name"
    else
        failures=$((failures + 1))
        echo "  $*"
        echo "  status $got, want $want; expected to read: $text"
        head -n 20 "$tmp/log" | sed 's/^/  | /'
        echo "FAIL $name"
    fi
}
# bad NAME TEXT LINE: a mapping file with this one line is refused, with the line's number and TEXT.
bad() {
    printf '# a comment\n%s\n' "$3" >"$tmp/bad"
    expect "$1" 1 "$2" "$rs" plan $net --mapping "$tmp/bad"
}

# ---- explain ----
expect explain_marks_the_chosen_mapping 0 '^ *[0-9]*\* .*conv e=' "$rs" plan $net --explain b2_a --top 5
expect explain_says_why 0 'It comes after b1_b and before' "$rs" plan $net --explain b2_a
expect explain_takes_a_node_number 0 'layer b1_a (node 1' "$rs" plan $net --explain 1
expect explain_of_a_pool_gives_the_reason 0 'has no mapping: pool engine' "$rs" plan $net --explain pool
expect explain_of_no_layer 1 "no layer 'b9'" "$rs" plan $net --explain b9
expect explain_of_no_node 1 'has nodes 0 to' "$rs" plan $net --explain 99
expect explain_wants_a_sound_number_of_rows 2 'from 1 to 64' "$rs" plan $net --explain 1 --top 0
if command -v python3 >/dev/null; then
    "$rs" plan $net --explain b3_a --top 64 --json "$tmp/explain.json" && python3 - "$tmp/explain.json" <<'PY'
import json, sys
p = json.load(open(sys.argv[1]))
x = p["explain"]
layer = [l for l in p["layers"] if l["name"] == "b3_a"][0]
rows = x["mappings"]
assert rows[x["chosen"]]["mapping"] == layer["mapping"], "the chosen row is the plan's mapping"
assert rows[x["best_for_job"]]["job_cycles"] == min(r["job_cycles"] for r in rows)
assert [r["cycles"] for r in rows] == sorted(r["cycles"] for r in rows), "by cycles"
assert len({tuple(sorted(r["mapping"].items())) for r in rows}) == len(rows) >= 64, "all different"
assert x["considered"] > 1000
for r in rows:
    need, f = r["clocks_needed"], r["fill"]
    assert r["bound"] == max(need, key=lambda b: need[b]), r
    assert need["compute"] <= r["cycles"]
    full = f["rows"] * f["columns"] * f["lanes"] * f["steps"]
    assert 0 < full <= 1 + 1e-9 and abs(layer["macs"] - full * 512 * need["compute"]) < 1, (full, r)
PY
    if [ $? -eq 0 ]; then echo "PASS explain_json_adds_up"; else echo "FAIL explain_json_adds_up"; failures=$((failures + 1)); fi
else
    echo "SKIP explain_json_adds_up: no python3"
fi

# ---- mappings by hand ----
"$rs" plan $net --json "$tmp/a.json" --write-mapping "$tmp/all" && "$rs" plan $net --mapping "$tmp/all" --json "$tmp/b.json"
if cmp -s "$tmp/a.json" "$tmp/b.json"; then
    echo "PASS a_written_mapping_read_back_gives_the_same_plan"
else
    echo "FAIL a_written_mapping_read_back_gives_the_same_plan"
    failures=$((failures + 1))
fi
good='layer "b1_a" mode=conv e=1 fx=4 mx=4 pairs=2 ns=2 fp=8 q=1 rp=1 wc=31 filters=outer'
printf 'preset default\n%s # by hand\n' "$good" >"$tmp/one"
expect one_layer_by_hand 0 'e1 fx4 mx4 pairs2 ns2 fp8 q1 rp1 wc31 filters outer' "$rs" plan $net --mapping "$tmp/one"
expect explain_says_by_hand 0 'given by hand' "$rs" plan $net --mapping "$tmp/one" --explain b1_a
if [ -e "$build/librs_emu_default.so" ]; then
    expect bench_by_hand_is_exact 0 'b1_a .* ok' "$rs" bench $net --target emu --mapping "$tmp/one"
    expect bench_by_hand_takes_one_network 2 'one network or one layer' "$rs" bench $net $net --target emu --mapping "$tmp/one"
    expect bench_of_a_batch_is_exact 0 '1,310,720 .* ok' "$rs" bench tests/workloads/ad.csv --target emu --batch 16
    head -c 784 /dev/zero >"$tmp/black.i8"
    "$rs" plan models/fashion_resnet.tflite --write-mapping "$tmp/fashion" >/dev/null
    expect run_by_hand_is_exact 0 'Bit-exact' "$rs" run models/fashion_resnet.tflite --target emu --mapping "$tmp/fashion" --input "$tmp/black.i8" --verify
    expect run_by_hand_names_the_file 1 "$tmp/none: No such file" "$rs" run models/fashion_resnet.tflite --target emu --mapping "$tmp/none" \
        --input "$tmp/black.i8"
fi
bad a_word_out_of_place ":2: 'preset' or 'layer' is expected, found 'lyaer'" 'lyaer "b1_a"'
bad another_preset "preset 'small', the device has 'default'" 'preset small'
bad no_such_layer ":2: no layer 'b7'" "$(echo "$good" | sed 's/b1_a/b7/')"
bad no_such_node 'nodes 0 to' "$(echo "$good" | sed 's/"b1_a"/77/')"
bad a_name_without_an_end 'closing quote' 'layer "b1_a'
bad an_unknown_key "unknown key 'g'" "$good g=1"
bad a_key_twice 'fx is there twice' "$good fx=4"
bad a_key_missing 'no filters: ' "$(echo "$good" | sed 's/ filters=outer//')"
bad not_a_number 'e=x: a number from 1 to' "$(echo "$good" | sed 's/ e=1/ e=x/')"
bad not_a_mode 'mode=sparse: conv, flatten or depthwise' "$(echo "$good" | sed 's/conv/sparse/')"
bad more_columns_than_there_are "mapping of 'b1_a': e\*fx\*mx = 4\*4\*4: the array has 16 columns" "$(echo "$good" | sed 's/ e=1/ e=4/')"
bad more_entries_than_there_are "accumulator entries" "$(echo "$good" | sed 's/ns=2/ns=63/')"
bad a_mapping_for_a_pool 'not on the array' "$(echo "$good" | sed 's/b1_a/pool/')"
bad a_mapping_for_an_add "is done by the commands of 'b1_b'; map that one" "$(echo "$good" | sed 's/b1_a/b1_add/')"
printf '%s\n%s\n' "$good" "$good" >"$tmp/bad"
expect a_layer_twice 1 ":2: a second mapping for 'b1_a'" "$rs" plan $net --mapping "$tmp/bad"

# ---- time: processor seconds of the whole command, which also makes ResNet-50's 25 million random filters ----
seconds=$( ("$build/rowstation" plan tests/workloads/resnet50.csv >/dev/null; times) | awk 'END { gsub("[ms]", " "); print $1 * 60 + $2 + $3 * 60 + $4 }')
if awk -v s="$seconds" 'BEGIN { exit !(s > 0 && s < 5) }'; then
    echo "PASS resnet50_is_planned_in_5_seconds"
else
    echo "  $seconds s"
    echo "FAIL resnet50_is_planned_in_5_seconds"
    failures=$((failures + 1))
fi
exit $((failures != 0))
