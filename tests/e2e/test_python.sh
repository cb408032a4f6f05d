#!/bin/sh
# test_python.sh - the Python bindings: a wheel is built, installed into a clean virtual environment, and used there: plan, run
# on the CPU and the emulated array, counters, quantize.  Needs RS_BUILD; RS_PYTHON names a Python with numpy (default: python3,
# then /usr/bin/python3).
cd "$(dirname "$0")/../.." || exit 1
build=${RS_BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
python=
for p in ${RS_PYTHON:-python3 /usr/bin/python3}; do
    if "$p" -c 'import numpy, venv, ensurepip' 2>/dev/null; then python=$p; break; fi
done
if [ -z "$python" ]; then echo 'SKIP python_bindings: no Python with numpy and venv (python3-numpy, python3-venv)'; exit 0; fi
if [ ! -f "$build/librs_emu_default.so" ]; then echo 'SKIP python_bindings: emulation not built'; exit 0; fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
model=$PWD/models/fashion_resnet.tflite float=$PWD/models/fashion_resnet_float.tflite golden=$PWD/models/fashion_resnet.golden.i8
unset ROWSTATION_TARGET RS_PLATFORM_PATH XCL_EMULATION_MODE
PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INDEX=1
export PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INDEX

# numpy is the system's: nothing is fetched.
if "$python" -m venv --system-site-packages "$tmp/venv" >"$tmp/log" 2>&1 &&
   RS_BUILD=$build "$tmp/venv/bin/pip" wheel . --no-deps -w "$tmp/dist" >>"$tmp/log" 2>&1 &&
   "$tmp/venv/bin/pip" install --no-deps "$tmp"/dist/rowstation-*.whl >>"$tmp/log" 2>&1
then echo 'PASS wheel_builds_and_installs'
else tail -n 20 "$tmp/log" | sed 's/^/  | /'; echo 'FAIL wheel_builds_and_installs'; exit 1; fi
cd "$tmp" || exit 1
"$tmp/venv/bin/python" - "$model" "$float" "$golden" <<'PY'
import gzip, os, sys
import numpy as np
import rowstation

model_path, float_path, golden_path = sys.argv[1:]
failures = 0


def test(function):
    global failures
    try:
        function()
        print(f"PASS {function.__name__}")
    except Exception as e:
        failures += 1
        print(f"  {type(e).__name__}: {e}\nFAIL {function.__name__}")


rng = np.random.default_rng(1)
codes = rng.integers(-128, 128, (3, 28, 28, 1), np.int8)
assert os.path.dirname(rowstation.__file__).startswith(os.getcwd()), "the installed package is tested"


@test
def plan_says_where_and_why():
    with rowstation.Device("emu:default") as device:
        plan = device.load(model_path).plan()
        assert device.info()["macs_per_cycle"] == 512
    assert [layer["where"] for layer in plan].count("array") == 12 and plan[-1]["where"] == "cpu", plan
    assert "no SOFTMAX" in plan[-1]["reason"] and sum(layer["macs"] for layer in plan) == 4469440


@test
def emulation_agrees_with_the_cpu_and_counts():
    with rowstation.Device("cpu") as cpu, rowstation.Device("emu:default") as emu:
        want = cpu.load(model_path, reference=True).run(codes)
        got = emu.load(model_path).run(codes, timeout=300)
    assert got.outputs[0].shape == (3, 10) and got.outputs[0].dtype == np.int8
    assert np.array_equal(want.outputs[0], got.outputs[0])
    report = got.report
    assert report["batch"] == 3 and report["counters"]["macs"] == 3 * 4469440 and report["macs_cpu"] == 0
    assert report["cycles"] == sum(report["counters"][k] for k in
                                   "compute wait_ifmap wait_filter wait_psum wait_drain overhead wait_load wait_depend idle".split())
    assert report["layers"][0]["where"] == "array" and report["layers"][0]["counters"]["cycles"] > 0


@test
def golden_outputs():
    data = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
    if not os.path.exists(data):
        return
    images = np.frombuffer(gzip.open(data).read(), np.uint8, 64 * 784, 16).reshape(64, 28, 28, 1)
    with rowstation.Device("cpu") as device:
        got = device.load(model_path).run(images / np.float32(255)).outputs[0]
    assert np.array_equal(got, np.fromfile(golden_path, np.int8).reshape(64, 10))


@test
def quantizes_a_float_model():
    samples = rng.random((32, 28, 28, 1), np.float32)
    layers = rowstation.quantize(float_path, samples, "int8.tflite", method="mse")
    assert len(layers) > 10 and all(layer["sqnr_db"] > 10 for layer in layers), layers
    with rowstation.Device("cpu") as device:
        real = device.load(float_path).run(samples).outputs[0]
        quantized = device.load("int8.tflite")
        back = (quantized.run(samples).outputs[0].astype(np.float32) + 128) / 256
    assert real.dtype == np.float32 and np.abs(real - back).max() < 0.1


@test
def errors_are_exceptions_with_the_librarys_words():
    for call, status, words in (
            (lambda: rowstation.Device("moon"), "RS_ERR_ARG", "moon"),
            (lambda: rowstation.Device("cpu").load("absent.tflite"), "RS_ERR_IO", "absent.tflite"),
            (lambda: rowstation.Device("cpu").load(b"no model at all"), "RS_ERR_FORMAT", "")):
        try:
            call()
        except rowstation.Error as e:
            assert words in str(e), (e.status, str(e))
        else:
            raise AssertionError(f"no error, {status} was expected")
    model = rowstation.Device("cpu").load(model_path)
    for bad in (codes[:, :5], codes.astype(np.int32), codes[:0]):
        try:
            model.run(bad)
        except (ValueError, TypeError):
            continue
        raise AssertionError("a wrong input was taken")


@test
def a_saved_model_loads_again():
    with rowstation.Device("emu:default") as device:
        device.load(model_path).save("model.rsm")
        with open("model.rsm", "rb") as f:
            again = device.load(f.read())
        assert np.array_equal(again.run(codes[:1]).outputs[0], device.load(model_path).run(codes[:1]).outputs[0])


sys.exit(failures != 0)
PY
