#!/bin/sh
# diag.sh - every refusal's text, caret and advice; and the text of the Verilog (golden files).
#   UPDATE=1 rewrites the expected files: read the difference before you commit it.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD_DIR:-$root/build}
hlsc=${HLSC:-$build/hlsc-asan}
work=$build/tests/hlsc/diag
failed=0
case $hlsc in /*) ;; *) hlsc=$root/$hlsc ;; esac
rm -rf "$work" && mkdir -p "$work" || exit 1

check() { # name, got, want
    [ -n "$UPDATE" ] && cp "$2" "$3"
    if cmp -s "$2" "$3"; then
        echo "PASS $1"
    else
        diff "$3" "$2" | head -20 | sed 's/^/  /'
        echo "FAIL $1"
        failed=1
    fi
}

cd "$here/refuse" || exit 1
for f in *.c; do
    name=${f%.c}
    "$hlsc" -w -o "$work" "$f" >"$work/$name.txt" 2>&1
    status=$?
    if [ "$status" -ne 1 ] || [ -n "$(find "$work" -name '*.v')" ]; then
        sed 's/^/  /' "$work/$name.txt" | head -20
        echo "  exit status $status, wanted 1 and no Verilog"
        echo "FAIL refuses_$name"
        failed=1
        rm -f "$work"/*.v
        continue
    fi
    check "refuses_$name" "$work/$name.txt" "$name.txt"
done
cd "$here/golden" || exit 1
for f in *.c; do
    name=${f%.c}
    d=$work/$name
    mkdir -p "$d"
    if ! "$hlsc" -o "$d" "$f" >"$d/log" 2>&1; then
        sed 's/^/  /' "$d/log"
        echo "FAIL golden_$name"
        failed=1
        continue
    fi
    check "golden_$name" "$d/$name.v" "$name.v"
    if command -v iverilog >/dev/null && [ "$name" != parent ]; then
        if iverilog -g2012 -Wall -t null "$d/$name.v" >"$d/log" 2>&1 && [ ! -s "$d/log" ]; then
            echo "PASS icarus_$name"
        else
            sed 's/^/  /' "$d/log"
            echo "FAIL icarus_$name"
            failed=1
        fi
    fi
done
exit $failed
