#!/bin/sh
# test_operators.sh - docs/operators.md says what the code does: its tables are those that the program prints.
program=${RS_BUILD:-build}/rowstation
[ -f "${RS_BUILD:-build}/gen/onnx.pb-c.h" ] || { echo "SKIP operators_document: built without protobuf-c"; exit 0; }
printed=$(mktemp) || exit 1
trap 'rm -f "$printed"' EXIT INT TERM
"$program" info --operators >"$printed" || { echo "FAIL operators_document"; exit 1; }
if sed -n '/^## TensorFlow Lite/,$p' docs/operators.md | cmp -s - "$printed" && grep -q '^| Conv |' "$printed"; then
    echo "PASS operators_document"
else
    sed -n '/^## TensorFlow Lite/,$p' docs/operators.md | diff - "$printed" | head -20
    echo "FAIL operators_document"
    exit 1
fi
