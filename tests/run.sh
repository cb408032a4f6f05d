#!/bin/sh
# run.sh PROGRAM... - run test programs, show their failures, add up PASS, FAIL and SKIP lines.
# A program that ends badly without a FAIL line of its own (a crash, a sanitizer report, a time-out)
# counts as one failure.  Ends with the line "N passed, N failed".  Exit 0 only if nothing failed.
# RS_TEST_TIMEOUT: seconds allowed for each program (default 600).  RS_TEST_JOBS: programs that run at a time (default 1).

# run.sh --one DIR PROGRAM: one program, its lines when it is over; DIR/counts and DIR/skips get its numbers.
if [ "${1:-}" = --one ]; then
    dir=$2 program=$3
    log=$dir/log.$$
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
    {
        printf '%-44s %4d passed %3d failed %3d skipped  %4d s\n' \
            "${program##*/}" "$p" "$f" "$s" $(($(date +%s) - start))
        [ "$f" -eq 0 ] || sed 's/^/    /' "$log"
    } >"$log.shown"
    cat "$log.shown"                       # in one piece, whoever else is running
    grep '^SKIP ' "$log" >>"$dir/skips"
    echo "$p $f $s" >>"$dir/counts"
    exit 0
fi

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT INT TERM
: >"$dir/counts"
[ $# -eq 0 ] || printf '%s\0' "$@" | xargs -0 -n 1 -P "${RS_TEST_JOBS:-1}" sh "$0" --one "$dir"
if [ -s "$dir/skips" ]; then
    echo "$(wc -l <"$dir/skips") skipped:"
    sort "$dir/skips" | uniq -c | sed 's/^ *\([0-9]*\) SKIP /  \1 x /'
fi
# A program of which nothing is known has failed.
awk -v programs=$# '
    { passed += $1; failed += $2; n++ }
    END { failed += programs - n; print passed + 0 " passed, " failed + 0 " failed"; exit failed != 0 }' "$dir/counts"
