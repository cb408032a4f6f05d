#!/usr/bin/env python3
"""golden_litert.py - write tests/unit/test_kernels_golden.h: outputs of the TensorFlow Lite reference interpreter.

Inputs are made by a formula that the C test repeats, so only outputs are stored.  Run as against_litert.py.
"""
import sys

import numpy as np

import against_litert as A
from against_litert import S, T, tensor, model, run


def ramp(n, step, start):
    """The codes start, start + step, ... modulo 256: ramp() in the C test."""
    return ((np.arange(n) * step + start) % 256 - 128).astype(np.int8)


def emit(name, want):
    flat = [str(int(v)) for v in np.asarray(want).ravel()]
    print("static const int8_t %s[%d] = {" % (name, len(flat)))
    for i in range(0, len(flat), 20):
        print("    " + ", ".join(flat[i:i + 20]) + ("," if i + 20 < len(flat) else ""))
    print("};")


def main():
    print("/*\n * test_kernels_golden.h - outputs of ai-edge-litert 2.3.0 (TensorFlow Lite, reference kernels) for small")
    print(" * layers of our own.  Made by sw/kernels/tools/golden_litert.py; do not edit.\n */")
    o = S.SoftmaxOptionsT()
    o.beta = 1.0
    for name, rows, depth, step, s in (("softmax_fine", 2, 16, 37, 0.03125), ("softmax_coarse", 3, 10, 11, 0.75)):
        x = ramp(rows * depth, step, 5).reshape(rows, depth)
        ts = [tensor(x.shape, T.INT8, s, 3), tensor(x.shape, T.INT8, 1 / 256, -128)]
        emit("golden_" + name, run(model(S.BuiltinOperator.SOFTMAX, S.BuiltinOptions.SoftmaxOptions, o, ts, [0], [1],
                                         2), [x]))
    x = np.arange(-128, 128).astype(np.int8)
    for name, op, so, zo in (("logistic", S.BuiltinOperator.LOGISTIC, 1 / 256, -128),
                             ("tanh", S.BuiltinOperator.TANH, 1 / 128, 0)):
        ts = [tensor(x.shape, T.INT8, 0.047, -9), tensor(x.shape, T.INT8, so, zo)]
        emit("golden_" + name, run(model(op, S.BuiltinOptions.NONE, None, ts, [0], [1], 2), [x]))
    for name, op, ot, opt in (("add", S.BuiltinOperator.ADD, S.BuiltinOptions.AddOptions, S.AddOptionsT()),
                              ("sub", S.BuiltinOperator.SUB, S.BuiltinOptions.SubOptions, S.SubOptionsT()),
                              ("mul", S.BuiltinOperator.MUL, S.BuiltinOptions.MulOptions, S.MulOptionsT())):
        opt.fusedActivationFunction = 0
        a, b = ramp(3 * 4 * 5, 29, 3).reshape(3, 4, 5), ramp(4, 71, 90).reshape(4, 1)
        so = 1.7 if name == "mul" else 0.081
        ts = [tensor(a.shape, T.INT8, 0.05, -4), tensor(b.shape, T.INT8, 0.037, 17), tensor(a.shape, T.INT8, so, -21)]
        emit("golden_" + name, run(model(op, ot, opt, ts, [0, 1], [2], 2), [a, b]))
    x = ramp(2 * 3 * 5 * 4, 53, 1).reshape(2, 3, 5, 4)
    r = S.ReducerOptionsT()
    r.keepDims = False
    ts = [tensor(x.shape, T.INT8, 0.1, 5), tensor([2], T.INT32, data=np.array([1, 2], np.int32)),
          tensor([2, 4], T.INT8, 0.021, -30)]
    emit("golden_mean", run(model(S.BuiltinOperator.MEAN, S.BuiltinOptions.ReducerOptions, r, ts, [0, 1], [2], 2), [x]))
    x = ramp(7 * 6 * 3, 41, 9).reshape(1, 7, 6, 3)
    c = S.Conv2DOptionsT()
    c.padding, c.strideH, c.strideW, c.dilationHFactor, c.dilationWFactor = S.Padding.SAME, 2, 1, 1, 2
    c.fusedActivationFunction = S.ActivationFunctionType.RELU6
    w = np.maximum(ramp(5 * 3 * 2 * 3, 23, 7), -127).reshape(5, 3, 2, 3)
    sf = np.array([0.01, 0.013, 0.002, 0.02, 0.009], np.float32)
    bias = np.array([100, -2000, 7, 0, 900], np.int32)
    ts = [tensor(x.shape, T.INT8, 0.04, -6), tensor(w.shape, T.INT8, sf, 0, 0, w),
          tensor([5], T.INT32, sf * np.float32(0.04), 0, 0, bias), tensor([1, 4, 6, 5], T.INT8, 0.06, -100)]
    emit("golden_conv", run(model(S.BuiltinOperator.CONV_2D, S.BuiltinOptions.Conv2DOptions, c, ts, [0, 1, 2], [3], 3),
                            [x]))
    d = S.DepthwiseConv2DOptionsT()
    d.padding, d.strideH, d.strideW, d.dilationHFactor, d.dilationWFactor = S.Padding.SAME, 1, 2, 1, 1
    d.depthMultiplier, d.fusedActivationFunction = 2, 0
    w = np.maximum(ramp(3 * 3 * 6, 23, 7), -127).reshape(1, 3, 3, 6)
    sf = np.array([0.01, 0.013, 0.002, 0.02, 0.009, 0.03], np.float32)
    bias = np.array([100, -2000, 7, 0, 900, -5], np.int32)
    ts = [tensor(x.shape, T.INT8, 0.04, -6), tensor(w.shape, T.INT8, sf, 0, 3, w),
          tensor([6], T.INT32, sf * np.float32(0.04), 0, 0, bias), tensor([1, 7, 3, 6], T.INT8, 0.06, 11)]
    emit("golden_depthwise", run(model(S.BuiltinOperator.DEPTHWISE_CONV_2D, S.BuiltinOptions.DepthwiseConv2DOptions, d,
                                       ts, [0, 1, 2], [3], 3), [x]))


if __name__ == "__main__":
    main()
