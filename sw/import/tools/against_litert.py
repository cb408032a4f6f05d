#!/usr/bin/env python3
"""against_litert.py - whole random models: this project's reader, passes and CPU executor against TensorFlow Lite.

Makes models of 1 to 14 operations with random shapes, scales and data, runs them in ai-edge-litert (PyPI) with its
reference kernels, and in our library through ctypes: as read, optimized, and optimized with packed layers.  All three
must give the same bytes.  Every third model is 16x8: int16 activations, int8 filters, int64 biases.  A development tool: nothing in the build or in the tests needs it.  No model is kept.

Version 1.2.0, because later ones round once in FULLY_CONNECTED (models/README.md).

    pip install ai-edge-litert==1.2.0 numpy flatbuffers
    cc -std=c11 -O2 -shared -fPIC -Ihost -Isw/base -Isw/kernels -Isw/graph -Isw/import \\
       sw/base/*.c sw/kernels/*.c sw/graph/*.c sw/import/*.c -lm -o /tmp/librs.so
    sw/import/tools/against_litert.py /tmp/librs.so [models [seed]]
"""
import collections
import ctypes as C
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as S
from ai_edge_litert.interpreter import Interpreter, OpResolverType

LIB = C.CDLL(sys.argv[1])
MODELS = int(sys.argv[2]) if len(sys.argv) > 2 else 300
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
T, B, O = S.TensorType, S.BuiltinOperator, S.BuiltinOptions


class Err(C.Structure):
    _fields_ = [("status", C.c_int), ("text", C.c_char * 508)]


class Options(C.Structure):
    _fields_ = [("reference", C.c_bool), ("packed", C.c_void_p), ("pool", C.c_void_p), ("hook", C.c_void_p), ("context", C.c_void_p)]


ERR = Err()
LIB.rs_graph_arena_bytes.restype = C.c_size_t
LIB.rs_graph_destroy.argtypes = LIB.rs_memory_plan_destroy.argtypes = LIB.rs_packed_graph_destroy.argtypes = [C.c_void_p]


class Refused(Exception):
    pass


def call(name, *args):
    if getattr(LIB, name)(*args, C.byref(ERR)) != 0:
        raise Refused("%s: %s" % (name, ERR.text.decode()))


def ours(content, inputs, out_like, optimize, pack):
    g, plan, packed = C.c_void_p(), C.c_void_p(), C.c_void_p()
    call("rs_tflite_read", content, C.c_size_t(len(content)), C.byref(g))
    if optimize:
        call("rs_graph_optimize", g, 63, None)
    call("rs_memory_plan_create", g, C.c_size_t(64), C.byref(plan))
    if pack:
        call("rs_packed_graph_create", g, C.byref(packed))
    need = LIB.rs_graph_arena_bytes(plan, packed, 1)
    arena = np.full(need + 64, 0xA5, np.uint8)
    at = (arena.ctypes.data + 63) // 64 * 64
    outs = [np.zeros(o.shape, o.dtype) for o in out_like]
    call("rs_graph_run_cpu", g, plan, (C.c_void_p * len(inputs))(*[i.ctypes.data for i in inputs]),
         (C.c_void_p * len(outs))(*[o.ctypes.data for o in outs]), C.c_void_p(at), C.c_size_t(need),
         C.byref(Options(not pack, packed, None, None, None)))
    LIB.rs_packed_graph_destroy(packed)
    LIB.rs_memory_plan_destroy(plan)
    LIB.rs_graph_destroy(g)
    return outs


def theirs(content, inputs):
    it = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    it.allocate_tensors()
    for d, a in zip(it.get_input_details(), inputs):
        it.set_tensor(d["index"], a)
    it.invoke()
    return [it.get_tensor(d["index"]) for d in it.get_output_details()]


Act = collections.namedtuple("Act", "index shape scale zp")


class Model:
    def __init__(self, rng, wide):
        self.rng, self.tensors, self.ops, self.names, self.wide = rng, [], [], [], wide
        self.kind, self.dtype, self.most = (T.INT16, np.int16, 32768) if wide else (T.INT8, np.int8, 128)
        self.live = []

    def tensor(self, shape, kind=T.INT8, scale=None, zp=0, axis=0, data=None):
        self.tensors.append(dict(shape=list(shape), kind=kind, scale=scale, zp=zp, axis=axis, data=data))
        return len(self.tensors) - 1

    def act(self, shape, scale, zp):
        zp = 0 if self.wide else zp
        return Act(self.tensor(shape, self.kind, scale, zp), tuple(shape), scale, zp)

    def codes(self, shape):
        return self.rng.integers(-self.most, self.most, shape).astype(self.dtype)

    def ints(self, *values, shape=None):
        a = np.array(values, np.int32)
        return self.tensor(shape or a.shape, T.INT32, data=a)

    def op(self, builtin, inputs, outputs, options_type=0, options=None, version=1):
        self.ops.append((builtin, inputs, [o.index for o in outputs], options_type, options, version))
        self.names.append(builtin)
        self.live += outputs

    def scale(self):
        return float(np.float32(np.exp(self.rng.uniform(-4, 0)) / (256 if self.wide else 1)))

    def zp(self):
        return int(self.rng.choice([-128, 127, 0, int(self.rng.integers(-128, 128))]))

    def ri(self, lo, hi):
        return int(self.rng.integers(lo, hi + 1))

    def bytes(self, n_out):
        m = S.ModelT()
        m.version, m.buffers, g = 3, [S.BufferT()], S.SubGraphT()
        m.operatorCodes, g.tensors, g.operators = [], [], []
        for i, t in enumerate(self.tensors):
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
        for k, (builtin, inputs, outputs, options_type, options, version) in enumerate(self.ops):
            c, o = S.OperatorCodeT(), S.OperatorT()
            c.builtinCode, c.deprecatedBuiltinCode, c.version = builtin, min(builtin, 127), version
            m.operatorCodes.append(c)
            o.opcodeIndex, o.inputs, o.outputs = k, inputs, outputs
            o.builtinOptionsType, o.builtinOptions = options_type, options
            g.operators.append(o)
        outs = [self.live[-1].index]
        others = [a.index for a in self.live[1:-1]]
        for _ in range(n_out - 1):
            if others:
                outs.append(others.pop(int(self.rng.integers(len(others)))))
        g.inputs, g.outputs = [0], outs
        m.subgraphs = [g]
        b = flatbuffers.Builder(4096)
        b.Finish(m.Pack(b), b"TFL3")
        return bytes(b.Output())


def options(cls, **fields):
    o = cls()
    for k, v in fields.items():
        setattr(o, k, v)
    return o


def out_extent(h, r, u, d, same):
    return -(-h // u) if same else (h - ((r - 1) * d + 1)) // u + 1


def weights(m, shape, axis):
    per = m.rng.random() < 0.6 and axis is not None
    n = shape[axis] if per else 1
    s = np.exp(m.rng.uniform(-6, -3, n)).astype(np.float32)
    return m.tensor(shape, scale=s, zp=0, axis=axis if per else 0, data=m.rng.integers(-127, 128, shape).astype(np.int8))


def add_op(m):
    x = m.live[int(m.rng.integers(len(m.live)))]
    kind = m.ri(0, 23)
    act = m.ri(0, 3)
    same = bool(m.ri(0, 1))
    pad = S.Padding.SAME if same else S.Padding.VALID
    if kind <= 4:
        if len(x.shape) != 4:
            return
        n, h, w, c = x.shape
        r, s, uh, uw = m.ri(1, 3), m.ri(1, 3), m.ri(1, 2), m.ri(1, 2)
        d = m.ri(1, 2) if kind < 3 else 1
        e, f = out_extent(h, r, uh, d, same), out_extent(w, s, uw, d, same)
        if e < 1 or f < 1:
            return
        common = dict(padding=pad, strideH=uh, strideW=uw, fusedActivationFunction=act)
        if kind < 3:
            depthwise = kind == 2
            k = m.ri(1, 2) * c if depthwise else m.ri(1, 6)
            wt = weights(m, [1, r, s, k] if depthwise else [k, r, s, c], 3 if depthwise else 0)
            bias = m.tensor([k], T.INT64 if m.wide else T.INT32, data=m.rng.integers(-2000, 2000, k).astype(np.int64 if m.wide else np.int32),
                            scale=[float(np.float32(x.scale * q)) for q in np.atleast_1d(m.tensors[wt]["scale"])],
                            zp=0)
            y = m.act((n, e, f, k), m.scale() * 4, m.zp())
            cls = S.DepthwiseConv2DOptionsT if depthwise else S.Conv2DOptionsT
            o = options(cls, dilationHFactor=d, dilationWFactor=d, **common)
            if depthwise:
                o.depthMultiplier = k // c
            m.op(B.DEPTHWISE_CONV_2D if depthwise else B.CONV_2D, [x.index, wt, bias], [y],
                 O.DepthwiseConv2DOptions if depthwise else O.Conv2DOptions, o, 3)
        else:
            y = m.act((n, e, f, c), x.scale, x.zp)
            m.op(B.MAX_POOL_2D if kind == 3 else B.AVERAGE_POOL_2D, [x.index], [y], O.Pool2DOptions,
                 options(S.Pool2DOptionsT, filterHeight=r, filterWidth=s, **common), 2)
    elif kind == 5:
        c = int(np.prod(x.shape[1:]))
        k = m.ri(1, 8)
        wt = weights(m, [k, c], None)
        y = m.act((x.shape[0], k), m.scale() * 8, m.zp())
        m.op(B.FULLY_CONNECTED, [x.index, wt, -1], [y], O.FullyConnectedOptions,
             options(S.FullyConnectedOptionsT, fusedActivationFunction=act), 4)
    elif kind <= 8:
        same_shape = [a for a in m.live if a.shape == x.shape]
        z = same_shape[int(m.rng.integers(len(same_shape)))]
        zi = z.index
        if m.ri(0, 3) == 0 and len(x.shape) <= 4:
            z = m.act((x.shape[-1],), m.scale(), m.zp())
            zi = z.index
            m.tensors[zi]["data"] = m.codes(z.shape)
        which, ot, cls = [(B.ADD, O.AddOptions, S.AddOptionsT), (B.SUB, O.SubOptions, S.SubOptionsT),
                          (B.MUL, O.MulOptions, S.MulOptionsT)][kind - 6]
        y = m.act(x.shape, m.scale() * 2, m.zp())
        m.op(which, [x.index, zi] if m.ri(0, 1) or kind == 7 else [zi, x.index], [y], ot,
             options(cls, fusedActivationFunction=act, **({"potScaleInt16": False} if kind < 8 else {})), 2)
    elif kind == 9:
        if m.wide:
            return
        axes = sorted(set(m.ri(1, len(x.shape) - 1) for _ in range(2))) if len(x.shape) > 1 else []
        if not axes:
            return
        keep = bool(m.ri(0, 1))
        shape = [1 if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes]
        y = m.act(shape, x.scale if m.ri(0, 1) else m.scale(), x.zp if m.ri(0, 1) else m.zp())
        a = m.ints(*[i - (len(x.shape) if m.ri(0, 1) else 0) for i in axes])
        m.op(B.MEAN, [x.index, a], [y], O.ReducerOptions, options(S.ReducerOptionsT, keepDims=keep), 2)
    elif kind == 10:
        rest = int(np.prod(x.shape[1:]))
        shape = [x.shape[0], -1] if m.ri(0, 1) else [x.shape[0], 1, -1, 1]
        y = m.act([x.shape[0], rest] if len(shape) == 2 else [x.shape[0], 1, rest, 1], x.scale, x.zp)
        m.op(B.RESHAPE, [x.index, m.ints(*shape)], [y], O.ReshapeOptions, options(S.ReshapeOptionsT, newShape=shape))
    elif kind <= 12:
        if len(x.shape) > 4:
            return
        p = [(0, 0)] + [(m.ri(0, 2), m.ri(0, 2)) if kind == 11 or i < 2 else (0, 0) for i in range(len(x.shape) - 1)]
        y = m.act([d + a + b for d, (a, b) in zip(x.shape, p)], x.scale, x.zp)
        pads = m.ints(*[v for q in p for v in q], shape=[len(p), 2])
        if m.ri(0, 3):
            m.op(B.PAD, [x.index, pads], [y], O.PadOptions, S.PadOptionsT(), 2)
        else:
            v = m.tensor([1], m.kind, x.scale, x.zp, data=m.codes(1))
            m.op(B.PADV2, [x.index, pads, v], [y], O.PadV2Options, S.PadV2OptionsT(), 2)
    elif kind == 13:
        perm = [0] + [int(i) + 1 for i in m.rng.permutation(len(x.shape) - 1)]
        y = m.act([x.shape[i] for i in perm], x.scale, x.zp)
        m.op(B.TRANSPOSE, [x.index, m.ints(*perm)], [y], O.TransposeOptions, S.TransposeOptionsT(), 2)
    elif kind == 14:
        axis = m.ri(1, len(x.shape) - 1) if len(x.shape) > 1 else 0
        y = m.act([2 * d if i == axis else d for i, d in enumerate(x.shape)], x.scale, x.zp)
        m.op(B.CONCATENATION, [x.index, x.index], [y], O.ConcatenationOptions,
             options(S.ConcatenationOptionsT, axis=axis - (len(x.shape) if m.ri(0, 1) else 0)), 2)
    elif kind == 15:
        begin = [0] + [m.ri(0, d - 1) for d in x.shape[1:]]
        size = [x.shape[0]] + [m.ri(1, d - b) for d, b in zip(x.shape[1:], begin[1:])]
        y = m.act(size, x.scale, x.zp)
        m.op(B.SLICE, [x.index, m.ints(*begin), m.ints(*[-1 if b + s == d and m.ri(0, 1) else s for b, s, d in zip(begin, size, x.shape)])],
             [y], O.SliceOptions, S.SliceOptionsT(), 2)
    elif kind == 16:
        if len(x.shape) > 4:
            return
        begin = [0] + [m.ri(-d, d - 1) for d in x.shape[1:]]
        end = [x.shape[0]] + [m.ri(-d, d + 2) for d in x.shape[1:]]
        step = [1] + [m.ri(1, 2) for _ in x.shape[1:]]
        bm, em = m.ri(0, 15) & ~1, m.ri(0, 15) | 1
        shrink = m.ri(0, 15) & ~1 & (2 ** len(x.shape) - 1) if m.ri(0, 1) else 0
        want = []
        for i, d in enumerate(x.shape):
            b = begin[i] + d if begin[i] < 0 else begin[i]
            e = end[i] + d if end[i] < 0 else end[i]
            if shrink >> i & 1:
                step[i] = 1
                continue
            want.append(len(range(0 if bm >> i & 1 else b, d if em >> i & 1 else min(max(e, 0), d), step[i])))
        if any(w < 1 for w in want):
            return
        bm &= ~shrink
        y = m.act(want, x.scale, x.zp)
        m.op(B.STRIDED_SLICE, [x.index, m.ints(*begin), m.ints(*end), m.ints(*step)], [y], O.StridedSliceOptions,
             options(S.StridedSliceOptionsT, beginMask=bm, endMask=em, shrinkAxisMask=shrink), 2)
    elif kind == 17:
        axis = len(x.shape) - 1
        if x.shape[axis] % 2 or axis == 0:
            return
        ys = [m.act(list(x.shape[:-1]) + [x.shape[-1] // 2], x.scale, x.zp) for _ in range(2)]
        m.op(B.SPLIT, [m.tensor([], T.INT32, data=np.array(axis, np.int32)), x.index], ys, O.SplitOptions,
             options(S.SplitOptionsT, numSplits=2), 2)
    elif kind == 18:
        if len(x.shape) != 4:
            return
        h, w = m.ri(1, 7), m.ri(1, 7)
        y = m.act([x.shape[0], h, w, x.shape[3]], x.scale, x.zp)
        align, half = [(False, False), (True, False), (False, True)][m.ri(0, 2)]
        m.op(B.RESIZE_NEAREST_NEIGHBOR, [x.index, m.ints(h, w)], [y], O.ResizeNearestNeighborOptions,
             options(S.ResizeNearestNeighborOptionsT, alignCorners=align, halfPixelCenters=half), 2)
    elif kind == 19:
        which = m.ri(0, 2)
        y = m.act(x.shape, 1 / 32768 if m.wide else 1 / 256 if which != 1 else 1 / 128, -128 if which != 1 else 0)
        if which == 0:
            m.op(B.SOFTMAX, [x.index], [y], O.SoftmaxOptions, options(S.SoftmaxOptionsT, beta=1.0), 2)
        else:
            m.op(B.TANH if which == 1 else B.LOGISTIC, [x.index], [y], 0, None, 2)
    elif kind == 20:
        which = m.ri(0, 1 if m.wide else 4)
        equal = m.ri(0, 1)
        y = m.act(x.shape, x.scale if equal else m.scale(), x.zp if equal else m.zp())
        if which == 4:
            m.op(B.HARD_SWISH, [x.index], [y], O.HardSwishOptions, S.HardSwishOptionsT(), 1)
        elif which == 3:
            m.op(B.LEAKY_RELU, [x.index], [y], O.LeakyReluOptions, options(S.LeakyReluOptionsT, alpha=float(m.rng.uniform(0.01, 0.9))), 2)
        else:
            m.op([B.RELU, B.RELU6, B.RELU_N1_TO_1][which], [x.index], [y], 0, None, 1 if which == 2 else 2)
    elif kind == 21:
        y = m.act(x.shape, m.scale(), m.zp())
        m.op(B.QUANTIZE, [x.index], [y], O.QuantizeOptions, S.QuantizeOptionsT(), 2)
    elif kind == 22:
        match = [a for a in m.live if a.shape == x.shape and a.scale == x.scale and a.zp == x.zp]
        z = match[int(m.rng.integers(len(match)))]
        y = m.act(x.shape, x.scale, x.zp)
        if len(x.shape) > 4:
            return
        m.op(B.MAXIMUM if m.ri(0, 1) else B.MINIMUM, [x.index, z.index], [y], O.MaximumMinimumOptions, S.MaximumMinimumOptionsT(), 2)
    else:
        if len(x.shape) not in (3, 4) or m.wide:
            return
        match = [a for a in m.live if len(a.shape) == len(x.shape) and a.shape[:-2] == x.shape[:-2] and a.shape[-1] == x.shape[-1]]
        z = match[int(m.rng.integers(len(match)))]
        y = m.act(list(x.shape[:-1]) + [z.shape[-2]], m.scale() * 30, m.zp())
        m.op(B.BATCH_MATMUL, [x.index, z.index], [y], O.BatchMatMulOptions,
             options(S.BatchMatMulOptionsT, adjX=False, adjY=True), 2)


def main():
    tally, refusals, skipped, equal, failed = collections.Counter(), collections.Counter(), 0, 0, 0
    for i in range(MODELS):
        m = Model(np.random.default_rng([SEED, i]), i % 3 == 2)
        shape = (m.ri(1, 2), m.ri(1, 8), m.ri(1, 8), m.ri(1, 6))
        m.live.append(m.act(shape, m.scale(), m.zp()))
        want = m.ri(1, 14)
        for _ in range(8 * want):
            if len(m.ops) < want and max(int(np.prod(a.shape)) for a in m.live) < 20000:
                add_op(m)
        if not m.ops:
            continue
        content = m.bytes(m.ri(1, 3))
        x = m.codes(shape)
        try:
            expected = theirs(content, [x])
        except (RuntimeError, ValueError) as e:
            skipped += 1
            refusals["LiteRT: " + str(e).split("\n")[0][-70:]] += 1
            continue
        try:
            for optimize, pack in ((False, False), (True, False), (True, True)):
                got = ours(content, [x], expected, optimize, pack)
                for k, (a, b) in enumerate(zip(got, expected)):
                    if not np.array_equal(a, b):
                        print("seed %d model %d optimize=%s pack=%s output %d: %d of %d codes differ; ops %s" % (
                            SEED, i, optimize, pack, k, int((a != b).sum()), a.size, m.names))
                        failed += 1
                        raise StopIteration
            equal += 1
            tally.update(m.names)
        except Refused as e:
            skipped += 1
            refusals["ours: " + str(e)[:150]] += 1
        except StopIteration:
            pass
    names = {v: k for k, v in vars(B).items() if isinstance(v, int)}
    print("%d models equal, %d differ, %d not run by both" % (equal, failed, skipped))
    print(", ".join("%s %d" % (names[k], v) for k, v in sorted(tally.items())))
    for k, v in refusals.most_common(12):
        print("  %d x %s" % (v, k))
    return failed != 0


sys.exit(main())
