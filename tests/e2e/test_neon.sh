#!/bin/sh
# test_neon.sh - the kernels compiled for AArch64, their unit tests run under QEMU.
set -u
cc=aarch64-linux-gnu-gcc
qemu=
for q in qemu-aarch64-static qemu-aarch64; do
    [ -n "$qemu" ] || ! command -v $q >/dev/null 2>&1 || qemu=$q
done
if ! command -v $cc >/dev/null 2>&1 || [ -z "$qemu" ]; then
    echo "SKIP kernels_on_aarch64: needs the packages gcc-aarch64-linux-gnu and qemu-user"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0
include='-Ihost -Isw/base -Isw/kernels -Itests'

# The library once, then a program for each test.
i=0
for file in sw/kernels/*.c sw/base/*.c; do
    i=$((i + 1))
    # shellcheck disable=SC2086
    $cc -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror $include -c "$file" -o "$tmp/$i.o" || { echo "FAIL compiles_for_aarch64: $file"; exit 1; }
done
for run in test_fast_layers:'1 60' test_layers_ref: test_layers_s16: test_elementwise_s8: test_pool_move_s8: test_pool: test_rounding_campaign:; do
    name=${run%%:*}
    # shellcheck disable=SC2086
    if ! $cc -std=c11 -D_GNU_SOURCE -O1 -static $include "tests/unit/$name.c" "$tmp"/*.o -lm -pthread -o "$tmp/$name"; then
        echo "FAIL ${name}_on_aarch64: does not link"
        status=1
        continue
    fi
    # The same names as here; what is of x86 only is no skipped test there.
    # shellcheck disable=SC2086
    $qemu "$tmp/$name" ${run#*:} >"$tmp/out" 2>&1 || status=1
    sed -n -e "s/^\(PASS\|FAIL\) /&aarch64_/p" -e '/^  /p' "$tmp/out"
done
exit $status
