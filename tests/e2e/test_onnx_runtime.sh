#!/bin/sh
# test_onnx_runtime.sh - models of ONNX Runtime's quantizer, ours against ONNX Runtime (RS_PYTHON: a Python that has it).
python=${RS_PYTHON:-python3}
command -v "$python" >/dev/null || { echo "SKIP onnx_runtime: $python not found"; exit 0; }
[ -f "${RS_BUILD:-build}/gen/onnx.pb-c.h" ] || { echo "SKIP onnx_runtime: built without protobuf-c"; exit 0; }
emu=
[ ! -f "${RS_BUILD:-build}/librs_emu_default.so" ] || emu=emu
exec "$python" tests/e2e/onnx_runtime.py "${RS_BUILD:-build}/librowstation.so" 1 $emu
