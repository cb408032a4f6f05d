#!/usr/bin/env python3
"""onnx_runtime.py - int8 models of ONNX Runtime's own quantizer: our outputs against ONNX Runtime's.

Small networks with random weights are made here, quantized by onnxruntime.quantization (QDQ per channel, QOperator), and
run by both.  With rounding=onnx, QOperator models must give the same bits; QDQ models the same codes but for ties, since
ONNX Runtime computes them in float, as they are defined (its extended optimizations change a QDQ model's numbers; how far is
printed).  With the array's rounding, outputs differ by a few
steps at most, and `emu` gives the bits that `cpu` gives.

    onnx_runtime.py LIBROWSTATION.SO [SEED [emu]]

Prints PASS, FAIL and SKIP lines as tests/run.sh wants them.
"""
import ctypes as C
import gzip
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
except ImportError as e:
    print("SKIP onnx_runtime: Python package %s is not installed (pip install onnx onnxruntime)" % e.name)
    sys.exit(0)

LIB = C.CDLL(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
RNG = np.random.default_rng(SEED)
ITEMS = 8
# Without VNNI, ONNX Runtime's uint8 by int8 products saturate in 16 bits unless filters have 7.
REDUCE = "vnni" not in open("/proc/cpuinfo").read()


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("text", C.c_char * 508)]


class Info(C.Structure):
    _fields_ = [("name", C.c_char_p), ("type", C.c_char_p), ("rank", C.c_int), ("dim", C.c_int32 * 5), ("elements", C.c_size_t),
                ("bytes", C.c_size_t), ("scale", C.c_float), ("zero_point", C.c_int32)]


def call(name, *args):
    err = Error()
    if getattr(LIB, name)(*args, C.byref(err)) != 0:
        raise RuntimeError("%s: %s" % (name, err.text.decode()))


def ours(path, target, inputs):
    """Outputs for each item of @inputs, a list of arrays with one item each."""
    device, model = C.c_void_p(), C.c_void_p()
    call("rs_open", target.encode(), None, C.byref(device))
    try:
        call("rs_model_load", device, path.encode(), None, C.byref(model))
        LIB.rs_model_outputs.argtypes = [C.c_void_p]
        info = Info()
        call("rs_model_output", model, 0, C.byref(info))
        shape, kinds = tuple(info.dim[:info.rank]), {b"float32": np.float32, b"uint8": np.uint8, b"int8": np.int8}
        outputs = []
        for x in inputs:
            x, y = np.ascontiguousarray(x), np.zeros(shape, kinds[info.type])
            call("rs_run", model, (C.c_void_p * 1)(x.ctypes.data), (C.c_void_p * 1)(y.ctypes.data), C.c_uint32(1), C.c_int64(-1))
            outputs.append(y)
        return outputs
    finally:
        LIB.rs_model_free.argtypes = LIB.rs_close.argtypes = [C.c_void_p]
        LIB.rs_model_free(model)
        LIB.rs_close(device)


class Net:
    """A float network in the making; layers take and return names."""

    def __init__(self, shape, batch="N"):
        self.nodes, self.weights, self.shape = [], [], shape
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch] + list(shape))

    def constant(self, array):
        name = "w%d" % len(self.weights)
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, kind, *inputs, **attributes):
        name = "t%d" % len(self.nodes)
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name="n%d" % len(self.nodes), **attributes))
        return name

    def conv(self, x, m, c, r=3, group=1, **attributes):
        w = RNG.normal(0, 1 / np.sqrt(c // group * r * r), (m, c // group, r, r)).astype(np.float32)
        w *= RNG.uniform(0.3, 2, (m, 1, 1, 1)).astype(np.float32)
        attributes.setdefault("pads", [r // 2] * 4)
        return self.op("Conv", x, self.constant(w), self.constant(RNG.normal(0, 0.2, m).astype(np.float32)), group=group,
                       kernel_shape=[r, r], **attributes)

    def gemm(self, x, m, c):
        w = RNG.normal(0, 1 / np.sqrt(c), (m, c)).astype(np.float32)
        return self.op("Gemm", x, self.constant(w), self.constant(RNG.normal(0, 0.2, m).astype(np.float32)), transB=1)

    def model(self, out, rank):
        output = helper.make_tensor_value_info(out, TensorProto.FLOAT, ["N"] + [None] * (rank - 1))
        graph = helper.make_graph(self.nodes, "net", [self.input], [output], self.weights)
        m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return onnx.shape_inference.infer_shapes(m)


def conv_net():
    n = Net((3, 12, 10))
    x = n.op("Relu", n.conv("x", 16, 3, strides=[2, 2]))
    x = n.op("Clip", n.conv(x, 20, 16), n.constant(np.float32(0)), n.constant(np.float32(6)))
    return n.model(n.conv(x, 8, 20, r=1), 4)


def depthwise_net():
    n = Net((4, 9, 9))
    x = n.op("Relu", n.conv("x", 12, 4))
    x = n.op("Relu", n.conv(x, 12, 12, group=12))
    x = n.op("Relu", n.conv(x, 24, 12, r=1))
    return n.model(n.conv(x, 24, 24, group=24, strides=[2, 2]), 4)


def gemm_net():
    n = Net((30,))
    x = n.op("Relu", n.gemm("x", 40, 30))
    x = n.op("Relu", n.gemm(x, 17, 40))
    return n.model(n.gemm(x, 10, 17), 2)


def residual_net():
    n = Net((8, 8, 8))
    a = n.op("Relu", n.conv("x", 16, 8))
    b = n.conv(n.op("Relu", n.conv(a, 16, 16)), 16, 16)
    x = n.op("Relu", n.op("Add", a, b))
    return n.model(n.conv(x, 8, 16, r=1), 4)


def classifier():
    n = Net((3, 16, 16))
    x = n.op("Relu", n.conv("x", 8, 3))
    x = n.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = n.op("Relu", n.conv(x, 12, 8))
    x = n.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    return n.model(n.gemm(n.op("Flatten", x), 10, 12 * 16), 2)


def mobile_block():
    n = Net((6, 10, 10))
    x = n.op("Relu", n.conv("x", 16, 6))
    y = n.op("Relu", n.conv(x, 32, 16, r=1))
    y = n.op("Relu", n.conv(y, 32, 32, group=32))
    x = n.op("Add", x, n.conv(y, 16, 32, r=1))
    x = n.op("GlobalAveragePool", x)
    return n.model(n.gemm(n.op("Flatten", x), 10, 16), 2)


def pools_net():
    n = Net((5, 9, 9))
    x = n.op("Relu", n.conv("x", 8, 5))
    x = n.op("Concat", n.op("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2]), n.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2]), axis=1)
    return n.model(n.op("Sigmoid", n.conv(x, 8, 16, r=1)), 4)


def encoder(norm):
    """A transformer's encoder block: 9 positions of 32, 4 heads, GELU by Erf."""
    d, heads, wide, n = 32, 4, 64, Net((9, 32))

    def real(*shape):
        return n.constant(RNG.normal(0, 0.2, shape).astype(np.float32))

    def linear(x, c, m):
        w = n.constant(RNG.normal(0, 1 / np.sqrt(c), (c, m)).astype(np.float32))
        return n.op("Add", real(m), n.op("MatMul", x, w))

    def normalized(x):
        gain = n.constant(RNG.uniform(0.5, 1.5, d).astype(np.float32))
        if norm:
            return n.op("LayerNormalization", x, gain, real(d), axis=-1, epsilon=1e-5)
        c = n.op("Sub", x, n.op("ReduceMean", x, axes=[-1]))
        v = n.op("ReduceMean", n.op("Pow", c, n.constant(np.float32(2))), axes=[-1])
        y = n.op("Div", c, n.op("Sqrt", n.op("Add", v, n.constant(np.float32(1e-5)))))
        return n.op("Add", n.op("Mul", y, gain), real(d))

    def head(x, perm):
        return n.op("Transpose", n.op("Reshape", linear(x, d, d), n.constant(np.array([-1, 9, heads, d // heads], np.int64))), perm=perm)

    y = normalized("x")
    q, k, v = head(y, [0, 2, 1, 3]), head(y, [0, 2, 3, 1]), head(y, [0, 2, 1, 3])
    a = n.op("Softmax", n.op("Mul", n.op("MatMul", q, k), n.constant(np.float32(heads / d))), axis=-1)
    a = n.op("Transpose", n.op("MatMul", a, v), perm=[0, 2, 1, 3])
    x = n.op("Add", "x", linear(n.op("Reshape", a, n.constant(np.array([-1, 9, d], np.int64))), d, d))
    y = linear(normalized(x), d, wide)
    e = n.op("Add", n.op("Erf", n.op("Div", y, n.constant(np.float32(np.sqrt(2))))), n.constant(np.float32(1)))
    y = n.op("Mul", n.op("Mul", y, e), n.constant(np.float32(0.5)))
    return n.model(n.op("Add", x, linear(y, wide, d)), 3)


def encoder_net():
    return encoder(True)


def encoder_in_steps_net():
    return encoder(False)


def exported_net():
    """The shape of a Reshape computed as exporters write it, from the symbolic batch."""
    n = Net((3, 8, 8))
    x = n.op("Relu", n.conv("x", 8, 3, strides=[2, 2]))
    batch = n.op("Gather", n.op("Shape", x), n.constant(np.int64(0)), axis=0)
    shape = n.op("Concat", n.op("Unsqueeze", batch, n.constant(np.array([0], np.int64))), n.constant(np.array([-1], np.int64)), axis=0)
    return n.model(n.gemm(n.op("Reshape", x, shape), 10, 128), 2)


class Reader(CalibrationDataReader):
    def __init__(self, items, name="x"):
        self.items = iter([{name: x} for x in items])

    def get_next(self):
        return next(self.items, None)


def steps(a, b):
    """Greatest difference in steps of the output's scale, and how many elements differ."""
    values = np.unique(np.concatenate([a.ravel(), b.ravel()]))
    gaps = np.diff(values)
    step = gaps[gaps > 1e-7 * max(1e-9, np.abs(values).max())].min() if len(values) > 1 else 1.0
    return np.abs(a - b).max() / step, int((a != b).sum())


def compare(make, form, activations, folder):
    float_path, path = os.path.join(folder, "float.onnx"), os.path.join(folder, "int8.onnx")
    model = make()
    onnx.save(model, float_path)
    shape = [1] + [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    items = [RNG.normal(0, 1, shape).astype(np.float32) for _ in range(ITEMS)]
    quantize_static(float_path, path, Reader(items), quant_format=form, per_channel=form == QuantFormat.QDQ, reduce_range=REDUCE,
                    activation_type=activations, weight_type=QuantType.QInt8)
    want = runtime(path, items, EVERY if form == QuantFormat.QOperator else BASIC)
    exact = np.stack(ours(path, "cpu?rounding=onnx", items))
    array = np.stack(ours(path, "cpu", items))
    kinds = sorted({n.op_type for n in onnx.load(path).graph.node})
    (worst, count), (worst_array, count_array) = steps(want, exact), steps(want, array)
    real, real_ours = runtime(float_path, items), np.stack(ours(float_path, "cpu", items))
    report = "onnx: %d of %d differ, at most %.1f steps; double: %d, %.1f steps; float: %.1e of the largest" % (
        count, want.size, worst, count_array, worst_array, np.abs(real - real_ours).max() / np.abs(real).max())
    if form == QuantFormat.QDQ:
        report += "; ONNX Runtime from itself, all optimizations: %d, %.1f steps" % steps(want, runtime(path, items, EVERY))[::-1]
    good = count == 0 if form == QuantFormat.QOperator else worst <= 2.5 and count <= want.size // 20 + 1
    good &= np.abs(real - real_ours).max() <= 1e-5 * np.abs(real).max()
    if "emu" in sys.argv[3:] and activations == QuantType.QUInt8:
        same = np.array_equal(ours(path, "emu", items[:1])[0], array[0])
        report += "; emu: %s" % ("the same" if same else "DIFFERENT")
        good &= same
    return good and worst_array <= 4.5, report + "; " + ",".join(kinds)


def runtime(path, items, level=ort.GraphOptimizationLevel.ORT_ENABLE_BASIC):
    """ONNX Runtime's outputs for each of @items."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = level
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.stack([session.run(None, {session.get_inputs()[0].name: x})[0] for x in items])


# ONNX Runtime's extended optimizations change a QDQ model's numbers; a QOperator model has none to change.
EVERY, BASIC = ort.GraphOptimizationLevel.ORT_ENABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_BASIC


def decibels(want, got):
    return 10 * np.log10((want.astype(float) ** 2).sum() / max(1e-30, ((want.astype(float) - got) ** 2).sum()))


def compare_written(make, folder):
    """What our quantizer writes: valid, and run by ONNX Runtime as by us."""
    float_path, path = os.path.join(folder, "float.onnx"), os.path.join(folder, "ours.onnx")
    model = make()
    onnx.save(model, float_path)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    samples = np.ascontiguousarray(RNG.normal(0, 1, [64] + shape).astype(np.float32))
    items = [samples[i:i + 1] for i in range(ITEMS)]
    call("rs_quantize_model", float_path.encode(), (C.c_void_p * 1)(samples.ctypes.data), C.c_uint32(len(samples)), None, path.encode())
    onnx.checker.check_model(onnx.load(path), full_check=True)
    want, every = runtime(path, items), runtime(path, items, EVERY)
    batch = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    together = batch.run(None, {batch.get_inputs()[0].name: np.concatenate(items)})[0]
    (worst, count), (worst_every, _) = steps(want, np.stack(ours(path, "cpu?rounding=onnx", items))), steps(want, every)
    worst_array, count_array = steps(want, np.stack(ours(path, "cpu", items)))
    sqnr = decibels(runtime(float_path, items), want)
    report = "onnx: %d of %d differ, at most %.1f steps; double: %d, %.1f steps; all optimizations: %.1f steps; %.1f dB from float" % (
        count, want.size, worst, count_array, worst_array, worst_every, sqnr)
    good = worst <= 2.5 and count <= want.size // 20 + 1 and worst_array <= 4.5 and sqnr > 15
    return good and steps(np.concatenate(list(want)), together)[0] <= 2.5, report


def fashion(what, count):
    """The first @count images of Fashion-MNIST as [1][1][28][28] in [0, 1], and their classes."""
    read = lambda kind: gzip.open("/usr/share/datasets/fashion-mnist/%s-%s-ubyte.gz" % (what, kind)).read()
    pixels = np.frombuffer(read("images-idx3"), np.uint8, count * 784, 16).reshape(count, 1, 1, 28, 28)
    return list(pixels.astype(np.float32) / 255), np.frombuffer(read("labels-idx1"), np.uint8, count, 8)


def compare_project(form, activations, folder):
    """The project's own network, written by us as float ONNX, quantized by ONNX Runtime, on test images."""
    float_path, path = os.path.join(folder, "project.onnx"), os.path.join(folder, "int8.onnx")
    program = os.path.join(os.path.dirname(sys.argv[1]), "rowstation")
    subprocess.run([program, "convert", "models/fashion_resnet_float.tflite", "-o", float_path], check=True, stdout=subprocess.DEVNULL)
    onnx.checker.check_model(onnx.load(float_path), full_check=True)
    name = onnx.load(float_path).graph.input[0].name
    training, images, labels = fashion("train", 256)[0], *fashion("t10k", 1000)
    quantize_static(float_path, path, Reader(training, name), quant_format=form, per_channel=True, reduce_range=REDUCE,
                    activation_type=activations, weight_type=QuantType.QInt8)
    want = runtime(path, images, BASIC if form == QuantFormat.QDQ else EVERY)
    exact, array = np.stack(ours(path, "cpu?rounding=onnx", images)), np.stack(ours(path, "cpu", images))
    real, real_ours = runtime(float_path, images), np.stack(ours(float_path, "cpu", images))
    (worst, count), (worst_array, count_array) = steps(want, exact), steps(want, array)
    percent = [100.0 * (x.reshape(len(images), -1).argmax(1) == labels).mean() for x in (real, want, exact, array)]
    report = "%d images; onnx: %d of %d outputs differ, at most %.1f steps; double: %d, %.1f steps; " \
             "top-1: float %.1f %%, ONNX Runtime %.1f %%, ours %.1f %% (onnx), %.1f %% (double)" % (
                 len(images), count, want.size, worst, count_array, worst_array, *percent)
    good = count == 0 if form == QuantFormat.QOperator else worst <= 4.5 and count <= want.size // 20
    return good and np.abs(real - real_ours).max() <= 1e-5 and max(percent) - min(percent) < 1.5, report


def scales(kind, name, n):
    """Scale and zero point as two constants of a model."""
    zero = RNG.integers(0, 256) if kind == np.uint8 else RNG.integers(-128, 128)
    return [numpy_helper.from_array(np.float32(RNG.uniform(0.004, 0.05)), "s%s%d" % (name, n)),
            numpy_helper.from_array(kind(zero), "z%s%d" % (name, n))]


# ONNX Runtime's integer operators, on all pairs of codes or all codes: operator, inputs, shape, attributes.
OPERATORS = [
    ("QLinearAdd", 2, (1, 65536), {}), ("QLinearMul", 2, (1, 65536), {}), ("QLinearSigmoid", 1, (1, 256), {}),
    ("QLinearLeakyRelu", 1, (1, 256), {"alpha": 0.1}), ("QLinearConcat", 2, (1, 256), {"axis": 1}),
    ("QLinearAveragePool", 1, (1, 3, 40, 40), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("QLinearGlobalAveragePool", 1, (1, 500, 7, 7), {"channels_last": 0}),
    ("QLinearSoftmax", 1, (64, 50), {"axis": 1, "opset": 13}),
]


def compare_operator(op, inputs, shape, attributes, kind, folder):
    path = os.path.join(folder, "op.onnx")
    low = 0 if kind == np.uint8 else -128
    worst, count, size = 0, 0, 0
    for _ in range(20):
        constants, names = [], []
        for i in range(inputs):
            constants += scales(kind, "x", i)
            names += ["x%d" % i, "sx%d" % i, "zx%d" % i] if i == 0 else ["y", "sx%d" % i, "zx%d" % i]
        constants += [numpy_helper.from_array(np.float32(1 / 256), "sy0"), numpy_helper.from_array(kind(low), "zy0")] \
            if op == "QLinearSoftmax" else scales(kind, "y", 0)
        names = ["sy0", "zy0"] + names if op == "QLinearConcat" else names + ["sy0", "zy0"]
        node = helper.make_node(op, names, ["out"], domain="com.microsoft", **attributes)
        element = TensorProto.UINT8 if kind == np.uint8 else TensorProto.INT8
        x = np.arange(np.prod(shape), dtype=np.int64)
        x, other = ((x % 256 + low).astype(kind).reshape(shape), (x // 256 % 256 + low).astype(kind).reshape(shape))
        if len(shape) == 4 or op == "QLinearSoftmax":
            x = RNG.integers(low, low + 256, shape).astype(kind)
        constants.append(numpy_helper.from_array(other, "y"))
        graph = helper.make_graph([node], "op", [helper.make_tensor_value_info("x0", element, list(shape))],
                                  [helper.make_tensor_value_info("out", element, None)],
                                  [c for c in constants if c.name != "y" or inputs == 2])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8), path)
        want = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x0": x})[0]
        got = ours(path, "cpu?rounding=onnx", [x])[0]
        d = np.abs(want.astype(int) - got.astype(int))
        worst, count, size = max(worst, d.max()), count + int((d != 0).sum()), size + d.size
    return count == 0, "%d of %d codes differ, at most by %d" % (count, size, worst)


NETWORKS = (conv_net, depthwise_net, gemm_net, residual_net, classifier, mobile_block, pools_net, exported_net, encoder_net,
            encoder_in_steps_net)
KINDS = [(form, activations) for form in (QuantFormat.QOperator, QuantFormat.QDQ) for activations in (QuantType.QUInt8, QuantType.QInt8)]


def judge(name, function, *arguments):
    """Prints what @function reports, and PASS or FAIL; whether it passed."""
    try:
        good, report = function(*arguments)
    except RuntimeError as e:
        good, report = False, str(e)
    print("  %s\n%s %s" % (report, "PASS" if good else "FAIL", name), flush=True)
    return good


def main():
    ort.set_default_logger_severity(3)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for make in NETWORKS:
            for form, activations in KINDS:
                good &= judge("%s_%s_%s" % (make.__name__, form.name, activations.name), compare, make, form, activations, folder)
            good &= judge("%s_written" % make.__name__, compare_written, make, folder)
        for op, inputs, shape, attributes in OPERATORS:
            for kind in (np.uint8, np.int8):
                good &= judge("%s_%s" % (op, kind.__name__), compare_operator, op, inputs, shape, attributes, kind, folder)
        if os.path.exists("/usr/share/datasets/fashion-mnist"):
            for form, activations in KINDS:
                good &= judge("project_%s_%s" % (form.name, activations.name), compare_project, form, activations, folder)
        else:
            print("SKIP project: no dataset-fashion-mnist")
    return not good


sys.exit(main())
