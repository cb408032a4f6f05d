#!/usr/bin/env bash
# sim_speed.sh [MODEL INPUT...] - clocks simulated a CPU second of the whole process (planning, start and host included), `sim` and
# `emu` interleaved, five runs each, medians.  Default: the network in models/ on fifty test images.
# Run from the repository's root after `make build`.
set -eu
if [ $# -eq 0 ]; then
    set -- models/fashion_resnet.tflite 'idx:/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz#0-49'
fi
model=$1
shift
json=$(mktemp)
trap 'rm -f "$json"' EXIT
TIMEFORMAT='%U %S'
declare -A speeds
for _ in 1 2 3 4 5; do
    for target in sim:default emu:default; do
        used=$( { time build/rowstation run "$model" --target "$target" --input "$@" --json "$json" >/dev/null 2>&1; } 2>&1 )
        cycles=$(sed -n 's/.*"cycles_all_inferences": *\([0-9]*\).*/\1/p' "$json" | head -n 1)
        speeds[$target]+="$(awk -v c="$cycles" -v t="$used" 'BEGIN { split(t, s, " "); printf "%.0f", c / (s[1] + s[2]) }') "
    done
done
for target in sim:default emu:default; do
    sorted=$(printf '%s\n' ${speeds[$target]} | sort -n)
    printf '%-12s median %s clocks a CPU second (%s)\n' "$target" "$(sed -n 3p <<<"$sorted")" "$(tr '\n' ' ' <<<"$sorted" | sed 's/ $//')"
done
