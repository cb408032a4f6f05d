#!/bin/sh
# random.sh [SEED [COUNT [BATCHES [CYCLES]]]] - random modules: their C, their Verilated Verilog and structures of arrays of
# several of each agree at every clock.
# Each batch is one Verilator build.  A failure prints the seed that replays it.
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD_DIR:-$root/build}
hlsc=${HLSC:-$build/hlsc-asan}
seed=${1:-1} count=${2:-12} batches=${3:-1} cycles=${4:-3000}
work=$build/tests/hlsc/random
mkdir -p "$work" || exit 1
if ! command -v verilator >/dev/null; then
    echo "SKIP random_modules: no verilator"
    exit 0
fi
cc -O1 -std=c11 -o "$work/gen" "$root/tests/hlsc/gen.c" || exit 1
failed=0
while [ "$batches" -gt 0 ]; do
    d=$work/$seed
    rm -rf "$d" && mkdir -p "$d/v" "$d/soa" || exit 1
    "$work/gen" "$seed" "$count" "$d" || exit 1
    ok=0
    "$hlsc" -w -o "$d/v" --glue "$d/glue.h" "$d"/m[0-9]*.c "$d/batch.c" >"$d/log" 2>&1 &&
        for f in "$d"/m*.c "$d/batch.c"; do
            cc -O0 -fwrapv -w -c "$f" -o "${f%.c}.o" >>"$d/log" 2>&1 || break
        done &&
        verilator --cc --exe -Wall -Wno-UNSIGNED -Wno-CMPCONST -O3 --x-assign fast --x-initial fast --assert --Mdir "$d/obj" --top-module batch \
            -y "$d/v" "$d/v/batch.v" "$root/tests/hlsc/lockstep.cc" "$d"/m[0-9]*.o "$d/batch.o" -CFLAGS "-DMODULE=batch -I$d" >>"$d/log" 2>&1 &&
        make -C "$d/obj" -f Vbatch.mk OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O1 >>"$d/log" 2>&1 &&
        "$d/obj/Vbatch" "$seed" "$cycles" >>"$d/log" 2>&1 &&
        "$hlsc" -w --soa "$d/soa/many_soa.c" --top many --glue "$d/soa/glue.h" "$d"/m*.c >>"$d/log" 2>&1 &&
        cc -O1 -march=native -fwrapv -w -I"$d" -c "$d/soa/many_soa.c" -o "$d/soa/many_soa.o" >>"$d/log" 2>&1 &&
        c++ -w -DSOA -DMODULE=many -I"$d/soa" -I"$d" "$root/tests/hlsc/lockstep.cc" "$d"/soa/many_soa.o "$d"/m*.o -o "$d/soa/many" >>"$d/log" 2>&1 &&
        "$d/soa/many" "$seed" "$cycles" >>"$d/log" 2>&1 && ok=1
    if [ "$ok" = 1 ]; then
        echo "PASS random_modules_seed_$seed"
    else
        tail -20 "$d/log"
        echo "  replay: tests/hlsc/random.sh $seed $count"
        echo "FAIL random_modules_seed_$seed"
        failed=1
    fi
    seed=$((seed + 1)) batches=$((batches - 1))
done
exit $failed
