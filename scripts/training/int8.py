"""Post-training quantization to TensorFlow Lite's int8, and the same arithmetic in exact integers.

Activations: asymmetric int8, one scale and zero point a tensor. Filters: symmetric int8 in
[-127, 127], one scale an output channel (fully connected: one scale a tensor, which every version of
TensorFlow Lite reads). Bias: int32 with scale s_in * s_filter. Requantization is gemmlowp's double
rounding: saturating rounding doubling high multiply, then rounding shift.

Source: TensorFlow Lite 8-bit quantization specification; Jacob et al., CVPR 2018; gemmlowp fixedpoint.h.
"""
import math
from dataclasses import dataclass

import numpy as np

from .layers import IMAGE, same_pad

CODE_MIN, CODE_MAX = -128, 127


@dataclass
class Quantized:
    act: dict        # {layer name: (scale float32, zero point int)}
    filters: dict    # {layer name: int8, axes as in float_net.fold()}
    bias: dict       # {layer name: int32 [M]}
    scales: dict     # {layer name: float32 [M], or [1] for fc}


# ---- quantize --------------------------------------------------------------------------------

def quantize(net, folded, ranges):
    """ranges: {layer name: (low, high)} of the real activations, from calibration."""
    act = {IMAGE: (np.float32(1 / 255), CODE_MIN)}          # code = pixel - 128
    q = Quantized(act, {}, {}, {})
    for n in net:
        if n.kind in ("avgpool", "flatten"):                 # the rules: as their input
            act[n.name] = act[n.inputs[0]]
        elif n.kind == "softmax":
            act[n.name] = (np.float32(1 / 256), CODE_MIN)
        else:
            act[n.name] = scale_of(*ranges[n.name])
        if n.name in folded:
            w, b = folded[n.name]
            axis = 3 if n.kind == "dwconv" else 0
            other = tuple(i for i in range(w.ndim) if i != axis)
            top = np.abs(w).max(axis=other) if n.kind != "fc" else np.abs(w).max(keepdims=True)[0]
            s = np.maximum(top / 127, 1e-9).astype(np.float32)
            along = s.astype(np.float64).reshape([-1 if i == axis else 1 for i in range(w.ndim)])
            q.filters[n.name] = np.clip(np.rint(w / along), -127, 127).astype(np.int8)
            code = np.rint(b / (np.float64(act[n.inputs[0]][0]) * s))
            assert np.abs(code).max() < 2**30, f"{n.name}: bias does not fit its scale"
            q.bias[n.name] = code.astype(np.int32)
            q.scales[n.name] = s
    return q


def scale_of(low, high):
    """Scale and zero point of the codes that cover [low, high] and hold real 0 exactly."""
    low, high = min(0.0, float(low)), max(0.0, float(high))
    scale = np.float32((high - low) / 255)
    return scale, int(np.clip(np.rint(CODE_MIN - low / np.float64(scale)), CODE_MIN, CODE_MAX))


# ---- the arithmetic ----------------------------------------------------------------------------

def multiplier_of(real):
    """real > 0 as (Q31 mantissa in [2^30, 2^31), exponent): real = mantissa * 2^(exponent - 31)."""
    mantissa, exponent = math.frexp(real)
    fixed = math.floor(mantissa * (1 << 31) + 0.5)
    if fixed == 1 << 31:
        fixed, exponent = fixed // 2, exponent + 1
    return (0, 0) if exponent < -31 else (fixed, exponent)


def mul(a, b):
    """Saturating rounding doubling high multiply; nothing here reaches its one saturating case."""
    x = np.asarray(a, np.int64) * b
    x = x + np.where(x >= 0, 1 << 30, 1 - (1 << 30))
    return np.where(x >= 0, x >> 31, -((-x) >> 31))           # C's division truncates


def shift_right(x, by):
    """Divide by 2^by, rounding half away from zero."""
    mask = (np.int64(1) << by) - 1
    return (x >> by) + ((x & mask) > (mask >> 1) + (x < 0))


def requantize(acc, fixed, exponent):
    """acc * fixed * 2^(exponent - 31), rounded twice. int64 arrays that hold int32 values."""
    exponent = np.asarray(exponent, np.int64)
    return shift_right(mul(acc << np.maximum(exponent, 0), fixed), np.maximum(-exponent, 0))


def narrow(x, zero_point, relu):
    """Add the zero point and saturate to int8; relu raises the lower bound to real 0."""
    return np.clip(x + zero_point, zero_point if relu else CODE_MIN, CODE_MAX).astype(np.int8)


def run(net, q, images):
    """uint8 [N][28][28] -> {layer name: int8}. Exact: sums are float64 far below 2^53."""
    v = {IMAGE: (images.astype(np.int16) - 128).astype(np.int8)[..., None]}
    for n in net:
        x = v[n.inputs[0]]
        (s_in, zp_in), (s_out, zp_out) = q.act[n.inputs[0]], q.act[n.name]
        if n.kind in ("conv", "dwconv", "fc"):
            acc = accumulate(n, x.astype(np.float64) - zp_in, q.filters[n.name])
            acc = acc.astype(np.int64) + q.bias[n.name]
            if n.kind == "fc":     # TensorFlow Lite multiplies these two scales in single precision
                real = [float(s_in * s) / float(s_out) for s in q.scales[n.name]]
            else:
                real = [float(s_in) * float(s) / float(s_out) for s in q.scales[n.name]]
            fixed, exponent = np.array([multiplier_of(r) for r in real], np.int64).T
            v[n.name] = narrow(requantize(acc, fixed, exponent), zp_out, n.relu)
        elif n.kind == "add":
            v[n.name] = add(x, v[n.inputs[1]], q.act[n.inputs[0]], q.act[n.inputs[1]],
                            q.act[n.name], n.relu)
        elif n.kind == "avgpool":
            total, count = x.astype(np.int64).sum(axis=(1, 2), keepdims=True), n.size * n.size
            half = np.where(total > 0, count // 2, -(count // 2))
            v[n.name] = narrow(np.fix((total + half) / count).astype(np.int64), 0, False)
        elif n.kind == "flatten":
            v[n.name] = x.reshape(len(x), -1)
        else:
            v[n.name] = softmax(x, s_in)
    return v


def accumulate(n, x, w):
    """Sum of filter * (code - zp_in); padding taps are real zero."""
    w = w.astype(np.float64)
    if n.kind == "fc":
        return x @ w.T
    _, h, width, c = x.shape
    x = np.pad(x, ((0, 0), same_pad(h, n.size, n.stride), same_pad(width, n.size, n.stride), (0, 0)))
    e, f = -(-h // n.stride), -(-width // n.stride)
    acc = 0.0
    for r in range(n.size):
        for s in range(n.size):
            tap = x[:, r:r + (e - 1) * n.stride + 1:n.stride, s:s + (f - 1) * n.stride + 1:n.stride]
            acc = acc + (tap * w[0, r, s] if n.kind == "dwconv" else tap @ w[:, r, s].T)
    return acc


def add(a, b, qa, qb, qo, relu):
    """Both operands to one scale with 20 bits of headroom, sum, requantize."""
    twice = 2 * max(float(qa[0]), float(qb[0]))
    total = 0
    for x, (scale, zp) in ((a, qa), (b, qb)):
        total = total + requantize((x.astype(np.int64) - zp) << 20,
                                   *multiplier_of(float(scale) / twice))
    out = requantize(total, *multiplier_of(twice / ((1 << 20) * float(qo[0]))))
    return narrow(out, qo[1], relu)


# ---- softmax in gemmlowp fixed point: Qi.f is i integer bits, f = 31 - i fraction bits ----------

def shift_left(x, by):
    return np.clip(x << by, -(1 << 31), (1 << 31) - 1)


def exp_negative(a):
    """exp of Q5.26 values <= 0, as Q0.31: a Taylor series on [-1/4, 0), then one factor a set bit."""
    quarter = 1 << 24
    low = (a & (quarter - 1)) - quarter
    x = shift_left(low, 5) + (1 << 28)                        # around -1/8
    x2 = mul(x, x)
    x3, x4 = mul(x2, x), mul(x2, x2)
    tail = shift_right(mul(shift_right(x4, 2) + x3, 715827883) + x2, 1)    # 1/3
    y = 1895147668 + mul(1895147668, x + tail)                # exp(-1/8)
    for bit, factor in enumerate((1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)):
        y = np.where((low - a) >> (24 + bit) & 1, mul(y, factor), y)       # exp(-2^(bit - 2))
    return np.where(a == 0, (1 << 31) - 1, y)


def reciprocal(a):
    """1 / (1 + a) for a in [0, 1) as Q0.31: three Newton steps from 48/17 - 32/17 d, d = (1 + a)/2."""
    d = (a + (1 << 31)) >> 1                                  # rounds half up; one is 2^31 - 1
    x = 1515870810 + mul(d, -1010580540)                      # Q2.29
    for _ in range(3):
        x = x + shift_left(mul(x, (1 << 29) - mul(d, x)), 2)
    return shift_left(x, 1)


def softmax(x, scale):
    fixed, left = multiplier_of(float(scale) * (1 << 26))
    floor = -math.floor(31 * (1 << 26) / (1 << left))         # below it, exp counts as zero
    diff = x.astype(np.int64) - x.max(axis=1, keepdims=True)
    e = exp_negative(mul(np.maximum(diff, floor) << left, fixed))
    e = np.where(diff >= floor, e, 0)
    total = shift_right(e, 12).sum(axis=1, keepdims=True)     # Q12.19
    headroom = 32 - np.frexp(total.astype(np.float64))[1]     # leading zeros of 32 bits
    p = mul(reciprocal((total << headroom) - (1 << 31)), e)
    return narrow(shift_right(p, 12 - headroom + 31 - 8), CODE_MIN, False)
