#!/usr/bin/env python3
"""against_litert.py - compare sw/kernels with the TensorFlow Lite reference interpreter, bit for bit.

Makes one-operator models with random shapes, scales and data, runs them in ai-edge-litert (PyPI) with its
reference kernels, and in our library through ctypes.  A development tool: nothing in the build or in the
tests needs it.  No model is kept.

ai-edge-litert 2.3.0: FULLY_CONNECTED there rounds once (RS_ROUND_SINGLE), everything else twice; the public
golden vectors of MLPerf Tiny want twice in FULLY_CONNECTED too, so that is our default.

    pip install ai-edge-litert numpy flatbuffers
    cc -std=c11 -O2 -shared -fPIC -Ihost -Isw/base -Isw/kernels sw/base/*.c sw/kernels/*.c -lm -o /tmp/librs.so
    sw/kernels/tools/against_litert.py /tmp/librs.so [cases [seed]]
"""
import ctypes as C
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as S
from ai_edge_litert.interpreter import Interpreter, OpResolverType

LIB = C.CDLL(sys.argv[1])
CASES = int(sys.argv[2]) if len(sys.argv) > 2 else 200
RNG = np.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
I32, F32, PTR = C.c_int32, C.c_float, C.c_void_p


class Err(C.Structure):
    _fields_ = [("status", C.c_int), ("text", C.c_char * 508)]


class Shape(C.Structure):
    _fields_ = [(n, I32) for n in ("n h w c m r s stride_h stride_w dilation_h dilation_w pad_top pad_bottom "
                                   "pad_left pad_right e f").split()]


class Quant(C.Structure):
    _fields_ = [("zp_in", I32), ("zp_out", I32), ("act_min", I32), ("act_max", I32), ("rounding", C.c_int),
                ("count", I32), ("mult", PTR), ("shift", PTR), ("scale", PTR)]


class Dims(C.Structure):
    _fields_ = [("rank", I32), ("extent", I32 * 5)]


class AddQuant(C.Structure):
    _fields_ = [(n, I32) for n in ("zp1 zp2 zp_out act_min act_max left_shift mult1 mult2 mult_out shift1 shift2 "
                                   "shift_out rounding").split()]


class MulQuant(C.Structure):
    _fields_ = [(n, I32) for n in "zp1 zp2 zp_out act_min act_max mult shift rounding".split()]


class Small(C.Structure):
    _fields_ = [(n, I32) for n in "a b c d".split()]


ERR = Err()
LIB.rs_conv_real_multiplier.restype = LIB.rs_fc_real_multiplier.restype = C.c_double


def call(name, *args):
    if getattr(LIB, name)(*args, C.byref(ERR)) != 0:
        raise RuntimeError(name + ": " + ERR.text.decode())


def ptr(a):
    return a.ctypes.data_as(PTR)


def dims(shape):
    return Dims(len(shape), (I32 * 5)(*shape))


def quantize_multiplier(real):
    m, s = I32(), C.c_int()
    call("rs_quantize_multiplier", C.c_double(real), C.byref(m), C.byref(s))
    return m.value, s.value


def act_range(act, scale, zp):
    lo, hi = I32(), I32()
    call("rs_activation_range", act, F32(scale), zp, C.byref(lo), C.byref(hi))
    return lo.value, hi.value


def quant(zp_in, zp_out, lo, hi, reals):
    pairs = [quantize_multiplier(r) for r in reals]
    mult = np.array([p[0] for p in pairs], np.int32)
    shift = np.array([p[1] for p in pairs], np.int32)
    q = Quant(zp_in, zp_out, lo, hi, 0, len(pairs), ptr(mult), ptr(shift), None)
    q.keep = mult, shift
    return q


def tensor(shape, kind, scale=None, zp=None, axis=0, data=None):
    return dict(shape=list(shape), kind=kind, scale=scale, zp=zp, axis=axis, data=data)


def model(op, options_type, options, tensors, inputs, outputs, version=1):
    m = S.ModelT()
    m.version = 3
    code = S.OperatorCodeT()
    code.builtinCode = op
    code.deprecatedBuiltinCode = min(op, 127)
    code.version = version
    m.operatorCodes = [code]
    m.buffers = [S.BufferT()]
    g = S.SubGraphT()
    g.tensors = []
    for i, t in enumerate(tensors):
        x = S.TensorT()
        x.shape, x.type, x.name, x.buffer = t["shape"], t["kind"], "t%d" % i, 0
        if t["data"] is not None:
            b = S.BufferT()
            b.data = np.frombuffer(t["data"].tobytes(), np.uint8)
            m.buffers.append(b)
            x.buffer = len(m.buffers) - 1
        if t["scale"] is not None:
            x.quantization = S.QuantizationParametersT()
            x.quantization.scale = np.atleast_1d(t["scale"]).astype(np.float32).tolist()
            x.quantization.zeroPoint = np.atleast_1d(t["zp"]).astype(np.int64).tolist()
            if len(x.quantization.zeroPoint) < len(x.quantization.scale):
                x.quantization.zeroPoint *= len(x.quantization.scale)
            x.quantization.quantizedDimension = t["axis"]
        g.tensors.append(x)
    o = S.OperatorT()
    o.opcodeIndex = 0
    o.inputs, o.outputs = inputs, outputs
    o.builtinOptionsType, o.builtinOptions = options_type, options
    g.operators = [o]
    g.inputs = [i for i in inputs if i >= 0 and tensors[i]["data"] is None]
    g.outputs = outputs
    m.subgraphs = [g]
    b = flatbuffers.Builder(4096)
    b.Finish(m.Pack(b), b"TFL3")
    return bytes(b.Output())


def run(content, arrays):
    it = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    it.allocate_tensors()
    for d, a in zip(it.get_input_details(), arrays):
        it.set_tensor(d["index"], a)
    it.invoke()
    return it.get_tensor(it.get_output_details()[0]["index"])


def scale():
    return float(np.float32(np.exp(RNG.uniform(-7, 1))))


def zp():
    return int(RNG.choice([-128, 127, 0, int(RNG.integers(-128, 128))]))


def codes(*shape):
    return RNG.integers(-128, 128, shape).astype(np.int8)


def ri(lo, hi):
    return int(RNG.integers(lo, hi + 1))


ACT = [(0, S.ActivationFunctionType.NONE), (1, S.ActivationFunctionType.RELU),
       (2, S.ActivationFunctionType.RELU6), (3, S.ActivationFunctionType.RELU_N1_TO_1)]
T = S.TensorType


def geometry(pool=False):
    while True:
        sh = Shape(n=ri(1, 2), h=ri(1, 12), w=ri(1, 12), c=ri(1, 9), m=ri(1, 9), r=ri(1, 5), s=ri(1, 5),
                   stride_h=ri(1, 3), stride_w=ri(1, 3), dilation_h=ri(1, 2), dilation_w=ri(1, 2))
        if pool:
            sh.dilation_h = sh.dilation_w = 1
            sh.m = sh.c
        same = ri(0, 1)
        if same:
            a, b = I32(), I32()
            call("rs_conv_same_padding", sh.h, sh.r, sh.stride_h, sh.dilation_h, C.byref(a), C.byref(b))
            sh.pad_top, sh.pad_bottom = a.value, b.value
            call("rs_conv_same_padding", sh.w, sh.s, sh.stride_w, sh.dilation_w, C.byref(a), C.byref(b))
            sh.pad_left, sh.pad_right = a.value, b.value
        LIB.rs_conv_out_extent.restype = C.c_int64
        sh.e = LIB.rs_conv_out_extent(sh.h, sh.r, sh.stride_h, sh.dilation_h, sh.pad_top, sh.pad_bottom)
        sh.f = LIB.rs_conv_out_extent(sh.w, sh.s, sh.stride_w, sh.dilation_w, sh.pad_left, sh.pad_right)
        if sh.e >= 1 and sh.f >= 1:
            return sh, same


def conv(depthwise):
    sh, same = geometry()
    mult = ri(1, 3)
    if depthwise:
        sh.m = sh.c * mult
    s_in, s_out, z_in, z_out = scale(), scale(), zp(), zp()
    per_channel = ri(0, 1)
    s_f = np.array([scale() for _ in range(sh.m if per_channel else 1)], np.float32)
    # keep the output in range most of the time
    s_out = float(np.float32(s_in * np.median(s_f) * np.sqrt(sh.r * sh.s * sh.c) * RNG.uniform(10, 150)))
    if RNG.random() < 0.1:
        s_out = float(np.float32(s_in * np.median(s_f) * RNG.uniform(0.05, 2)))     # positive shifts
    act, tact = ACT[ri(0, 3)]
    x = codes(sh.n, sh.h, sh.w, sh.c)
    w = codes(1, sh.r, sh.s, sh.m) if depthwise else codes(sh.m, sh.r, sh.s, sh.c)
    w = np.maximum(w, -127)
    bias = RNG.integers(-20000, 20000, sh.m).astype(np.int32)
    o = S.DepthwiseConv2DOptionsT() if depthwise else S.Conv2DOptionsT()
    o.padding = S.Padding.SAME if same else S.Padding.VALID
    o.strideH, o.strideW, o.dilationHFactor, o.dilationWFactor = (sh.stride_h, sh.stride_w, sh.dilation_h,
                                                                  sh.dilation_w)
    o.fusedActivationFunction = tact
    if depthwise:
        o.depthMultiplier = mult
        op, ot = S.BuiltinOperator.DEPTHWISE_CONV_2D, S.BuiltinOptions.DepthwiseConv2DOptions
    else:
        op, ot = S.BuiltinOperator.CONV_2D, S.BuiltinOptions.Conv2DOptions
    ts = [tensor(x.shape, T.INT8, s_in, z_in), tensor(w.shape, T.INT8, s_f, 0, 3 if depthwise else 0, w),
          tensor([sh.m], T.INT32, s_f * np.float32(s_in), 0, 0, bias),
          tensor([sh.n, sh.e, sh.f, sh.m], T.INT8, s_out, z_out)]
    want = run(model(op, ot, o, ts, [0, 1, 2], [3], 3), [x])
    lo, hi = act_range(act, s_out, z_out)
    q = quant(z_in, z_out, lo, hi, [LIB.rs_conv_real_multiplier(F32(s_in), F32(float(f)), F32(s_out)) for f in s_f])
    got = np.empty(want.shape, np.int8)
    name = "rs_depthwise_conv2d_s8_ref" if depthwise else "rs_conv2d_s8_ref"
    call(name, C.byref(sh), ptr(x), ptr(w), ptr(bias), C.byref(q), ptr(got))
    return want, got


def fc():
    n, c, m = ri(1, 4), ri(1, 70), ri(1, 20)
    s_in, s_f, z_in, z_out = scale(), scale(), zp(), zp()
    s_out = float(np.float32(s_in * s_f * np.sqrt(c) * RNG.uniform(10, 150)))
    act, tact = ACT[ri(0, 3)]
    x, w = codes(n, c), np.maximum(codes(m, c), -127)
    bias = RNG.integers(-20000, 20000, m).astype(np.int32)
    o = S.FullyConnectedOptionsT()
    o.fusedActivationFunction = tact
    ts = [tensor(x.shape, T.INT8, s_in, z_in), tensor(w.shape, T.INT8, s_f, 0, 0, w),
          tensor([m], T.INT32, np.float32(s_f) * np.float32(s_in), 0, 0, bias), tensor([n, m], T.INT8, s_out, z_out)]
    want = run(model(S.BuiltinOperator.FULLY_CONNECTED, S.BuiltinOptions.FullyConnectedOptions, o, ts, [0, 1, 2], [3],
                     4), [x])
    lo, hi = act_range(act, s_out, z_out)
    q = quant(z_in, z_out, lo, hi, [LIB.rs_fc_real_multiplier(F32(s_in), F32(s_f), F32(s_out))])
    q.rounding = 1
    got = np.empty(want.shape, np.int8)
    call("rs_fully_connected_s8_ref", n, c, m, ptr(x), ptr(w), ptr(bias), C.byref(q), ptr(got))
    return want, got


def binary(kind):
    out = [ri(1, 5) for _ in range(ri(1, 4))]
    d1, d2 = list(out), list(out)
    for i in range(len(out)):
        if RNG.random() < 0.3:
            (d1 if RNG.random() < 0.5 else d2)[i] = 1
    d2 = d2[ri(0, len(d2) - 1):]
    out = list(np.broadcast_shapes(d1, d2))
    s1, s2, z1, z2, zo = scale(), scale(), zp(), zp(), zp()
    if RNG.random() < 0.3:
        s2 = s1
    so = float(np.float32((s1 * s2 * 100 if kind == "mul" else max(s1, s2)) * RNG.uniform(0.3, 3)))
    act, tact = ACT[ri(0, 2)] if kind == "mul" else ACT[ri(0, 3)]
    a, b = codes(*d1), codes(*d2)
    o = {"add": S.AddOptionsT, "sub": S.SubOptionsT, "mul": S.MulOptionsT}[kind]()
    o.fusedActivationFunction = tact
    op = {"add": S.BuiltinOperator.ADD, "sub": S.BuiltinOperator.SUB, "mul": S.BuiltinOperator.MUL}[kind]
    ot = {"add": S.BuiltinOptions.AddOptions, "sub": S.BuiltinOptions.SubOptions,
          "mul": S.BuiltinOptions.MulOptions}[kind]
    ts = [tensor(d1, T.INT8, s1, z1), tensor(d2, T.INT8, s2, z2), tensor(out, T.INT8, so, zo)]
    want = run(model(op, ot, o, ts, [0, 1], [2], 2), [a, b])
    lo, hi = act_range(act, so, zo)
    q = MulQuant() if kind == "mul" else AddQuant()
    call("rs_mul_quant_init" if kind == "mul" else "rs_add_quant_init", F32(s1), z1, F32(s2), z2, F32(so), zo, lo, hi,
         C.byref(q))
    got = np.empty(want.shape, np.int8)
    call("rs_%s_s8" % kind, C.byref(dims(d1)), ptr(a), C.byref(dims(d2)), ptr(b), C.byref(q), C.byref(dims(out)),
         ptr(got))
    return want, got


def pool(kind):
    while True:
        sh, same = geometry(pool=True)
        x = codes(sh.n, sh.h, sh.w, sh.c)
        s, z = scale(), zp()
        act, tact = ACT[ri(0, 2)]
        lo, hi = act_range(act, s, z)
        got = np.empty((sh.n, sh.e, sh.f, sh.c), np.int8)
        name = "rs_average_pool_s8" if kind == "avg" else "rs_max_pool_s8"
        if getattr(LIB, name)(C.byref(sh), ptr(x), lo, hi, ptr(got), C.byref(ERR)) == 0:
            break
    o = S.Pool2DOptionsT()
    o.padding = S.Padding.SAME if same else S.Padding.VALID
    o.strideH, o.strideW, o.filterHeight, o.filterWidth = sh.stride_h, sh.stride_w, sh.r, sh.s
    o.fusedActivationFunction = tact
    op = S.BuiltinOperator.AVERAGE_POOL_2D if kind == "avg" else S.BuiltinOperator.MAX_POOL_2D
    ts = [tensor(x.shape, T.INT8, s, z), tensor(got.shape, T.INT8, s, z)]
    return run(model(op, S.BuiltinOptions.Pool2DOptions, o, ts, [0], [1], 2), [x]), got


def mean():
    shape = [ri(1, 9) for _ in range(ri(2, 4))]
    axes = sorted(RNG.permutation(len(shape))[:ri(1, len(shape))].tolist())
    if len(shape) == 4 and ri(0, 1):
        axes = [1, 2]
    keep = bool(ri(0, 1))
    x = codes(*shape)
    s, z, so, zo = scale(), zp(), scale(), zp()
    so = float(np.float32(s * RNG.uniform(0.1, 1.5)))
    if RNG.random() < 0.3:
        so, zo = s, z
    o = S.ReducerOptionsT()
    o.keepDims = keep
    out = [1 if i in axes else e for i, e in enumerate(shape)] if keep else [
        e for i, e in enumerate(shape) if i not in axes]
    ts = [tensor(shape, T.INT8, s, z), tensor([len(axes)], T.INT32, data=np.array(axes, np.int32)),
          tensor(out, T.INT8, so, zo)]
    want = run(model(S.BuiltinOperator.MEAN, S.BuiltinOptions.ReducerOptions, o, ts, [0, 1], [2], 2), [x])
    q = Small()
    call("rs_mean_quant_init", F32(s), z, F32(so), zo, C.byref(q))
    got = np.empty(want.shape, np.int8)
    call("rs_mean_s8", C.byref(dims(shape)), ptr(x), sum(1 << a for a in axes), C.byref(q), ptr(got))
    return want, got


def softmax():
    rows, depth = ri(1, 4), ri(1, 40)
    x = codes(rows, depth)
    if ri(0, 1):
        x = (x // ri(1, 40)).astype(np.int8)
    s, beta = scale(), float(np.float32(RNG.choice([1.0, 1.0, 0.5, 2.0])))
    o = S.SoftmaxOptionsT()
    o.beta = beta
    ts = [tensor(x.shape, T.INT8, s, zp()), tensor(x.shape, T.INT8, 1 / 256, -128)]
    want = run(model(S.BuiltinOperator.SOFTMAX, S.BuiltinOptions.SoftmaxOptions, o, ts, [0], [1], 2), [x])
    q = Small()
    call("rs_softmax_quant_init", F32(beta), F32(s), C.byref(q))
    got = np.empty(want.shape, np.int8)
    call("rs_softmax_s8", rows, depth, ptr(x), C.byref(q), ptr(got))
    return want, got


def unary(kind):
    x = np.arange(-128, 128).astype(np.int8)
    s, z = min(scale(), 0.5), zp()
    so, zo = (1 / 256, -128) if kind == "logistic" else (1 / 128, 0)
    op = S.BuiltinOperator.LOGISTIC if kind == "logistic" else S.BuiltinOperator.TANH
    ts = [tensor(x.shape, T.INT8, s, z), tensor(x.shape, T.INT8, so, zo)]
    want = run(model(op, S.BuiltinOptions.NONE, None, ts, [0], [1], 2), [x])
    q = Small()
    call("rs_sigmoid_quant_init", F32(s), z, C.byref(q))
    got = np.empty(want.shape, np.int8)
    call("rs_%s_s8" % kind, C.c_size_t(256), ptr(x), C.byref(q), ptr(got))
    return want, got


def requantize():
    x = codes(200)
    s, z, so, zo = scale(), zp(), scale(), zp()
    ts = [tensor(x.shape, T.INT8, s, z), tensor(x.shape, T.INT8, so, zo)]
    want = run(model(S.BuiltinOperator.QUANTIZE, S.BuiltinOptions.QuantizeOptions, S.QuantizeOptionsT(), ts, [0], [1],
                     2), [x])
    q = quant(z, zo, -128, 127, [float(np.float32(s)) / float(np.float32(so))])
    got = np.empty(want.shape, np.int8)
    call("rs_requantize_s8", C.c_size_t(200), ptr(x), C.byref(q), ptr(got))
    return want, got


def quantize():
    so, zo = scale(), zp()
    x = (RNG.normal(0, 60, 300) * so).astype(np.float32)
    x[:50] = (np.arange(-25, 25) + 0.5).astype(np.float32) * np.float32(so)
    ts = [tensor(x.shape, T.FLOAT32), tensor(x.shape, T.INT8, so, zo)]
    want = run(model(S.BuiltinOperator.QUANTIZE, S.BuiltinOptions.QuantizeOptions, S.QuantizeOptionsT(), ts, [0], [1],
                     2), [x])
    got = np.empty(want.shape, np.int8)
    call("rs_quantize_f32_s8", C.c_size_t(300), ptr(x), F32(so), zo, 0, ptr(got))
    return want, got


def dequantize():
    s, z = scale(), zp()
    x = codes(300)
    ts = [tensor(x.shape, T.INT8, s, z), tensor(x.shape, T.FLOAT32)]
    want = run(model(S.BuiltinOperator.DEQUANTIZE, S.BuiltinOptions.DequantizeOptions, S.DequantizeOptionsT(), ts, [0],
                     [1], 2), [x])
    got = np.empty(want.shape, np.float32)
    call("rs_dequantize_s8_f32", C.c_size_t(300), ptr(x), F32(s), z, ptr(got))
    return want.view(np.int32), got.view(np.int32)


def relu(act):
    x = codes(200)
    s, z = scale(), zp()
    so, zo = (s, z) if RNG.random() < 0.3 else (float(np.float32(s * RNG.uniform(0.3, 3))), zp())
    op = [S.BuiltinOperator.RELU, S.BuiltinOperator.RELU6][act - 1]
    ts = [tensor(x.shape, T.INT8, s, z), tensor(x.shape, T.INT8, so, zo)]
    want = run(model(op, S.BuiltinOptions.NONE, None, ts, [0], [1], 2), [x])
    lo, hi = act_range(act, so, zo)
    q = quant(z, zo, lo, hi, [float(np.float32(s)) / float(np.float32(so))])
    got = np.empty(want.shape, np.int8)
    call("rs_requantize_s8", C.c_size_t(200), ptr(x), C.byref(q), ptr(got))
    return want, got


def transpose():
    shape = [ri(1, 5) for _ in range(ri(2, 5))]
    perm = RNG.permutation(len(shape)).astype(np.int32)
    x = codes(*shape)
    got = np.empty([shape[p] for p in perm], np.int8)
    call("rs_transpose_s8", C.byref(dims(shape)), ptr(x), ptr(perm), ptr(got))
    return np.transpose(x, perm), got


def pad():
    shape = [ri(1, 5) for _ in range(ri(1, 4))]
    amounts = RNG.integers(0, 3, (len(shape), 2)).astype(np.int32)
    x = codes(*shape)
    want = np.pad(x, amounts, constant_values=-7)
    before, after = np.ascontiguousarray(amounts[:, 0]), np.ascontiguousarray(amounts[:, 1])
    got = np.empty(want.shape, np.int8)
    call("rs_pad_s8", C.byref(dims(shape)), ptr(x), ptr(before), ptr(after), -7, ptr(got))
    return want, got


TESTS = {
    "conv2d": lambda: conv(False), "depthwise": lambda: conv(True), "fully_connected": fc,
    "add": lambda: binary("add"), "sub": lambda: binary("sub"), "mul": lambda: binary("mul"),
    "average_pool": lambda: pool("avg"), "max_pool": lambda: pool("max"), "mean": mean, "softmax": softmax,
    "logistic": lambda: unary("logistic"), "tanh": lambda: unary("tanh"), "requantize": requantize,
    "quantize": quantize, "dequantize": dequantize, "relu": lambda: relu(1), "relu6": lambda: relu(2),
    "transpose (numpy)": transpose, "pad (numpy)": pad,
}

def main():
    for name, test in TESTS.items():
        cases = bad_cases = total = bad = worst = refused = 0
        for _ in range(CASES):
            try:
                want, got = test()
            except RuntimeError as e:
                refused += 1
                why = str(e).splitlines()[0]
                continue
            d = np.abs(want.astype(np.int64) - got.astype(np.int64))
            cases += 1
            bad_cases += bool(d.any())
            total, bad, worst = total + d.size, bad + int((d != 0).sum()), max(worst, int(d.max()) if d.size else 0)
        note = "  (%d refused, last: %s)" % (refused, why) if refused else ""
        print("%-18s %4d cases, %7d values, %5d differ in %d cases, greatest difference %d%s"
              % (name, cases, total, bad, bad_cases, worst, note), flush=True)


if __name__ == "__main__":
    main()
