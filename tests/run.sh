#!/bin/sh
# run.sh PROGRAM... - run test programs, show their failures, add up PASS, FAIL and SKIP lines.
# A program that ends badly without a FAIL line of its own (a crash, a sanitizer report, a time-out)
# counts as one failure.  Ends with the line "N passed, N failed".  Exit 0 only if nothing failed.
# RS_TEST_TIMEOUT: seconds allowed for each program (default 600).
passed=0 failed=0 skipped=0
log=$(mktemp) || exit 1
skips=$(mktemp) || exit 1
trap 'rm -f "$log" "$skips"' EXIT INT TERM
for program in "$@"; do
    start=$(date +%s)
    timeout -k 5 "${RS_TEST_TIMEOUT:-600}" "$program" >"$log" 2>&1 </dev/null
    status=$?
    p=$(grep -c '^PASS ' "$log")
    f=$(grep -c '^FAIL ' "$log")
    s=$(grep -c '^SKIP ' "$log")
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
        echo "FAIL $program ended with status $status" >>"$log"
    elif [ "$status" -eq 0 ] && [ $((p + f + s)) -eq 0 ]; then
        f=1
        echo "FAIL $program ran no test" >>"$log"
    fi
    printf '%-44s %4d passed %3d failed %3d skipped  %4d s\n' \
        "${program##*/}" "$p" "$f" "$s" $(($(date +%s) - start))
    [ "$f" -ne 0 ] && sed 's/^/    /' "$log"
    grep '^SKIP ' "$log" >>"$skips"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
if [ "$skipped" -ne 0 ]; then
    echo "$skipped skipped:"
    sort "$skips" | uniq -c | sed 's/^ *\([0-9]*\) SKIP /  \1 x /'
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
