"""The network as a list of layers, said once.

Training, folding, quantization, integer simulation and the .tflite writer all walk this list; a
layer's own name is also the name of its ofmap. Activations are [N][H][W][C], C fastest.

Padding is "SAME" as TensorFlow Lite means it: E = ceil(H / U), and where the total pad is odd the
larger half goes to the bottom and right (28 -> 14 with R = 3, U = 2 pads nothing at the top).
"""
from dataclasses import dataclass

IMAGE = "image"


@dataclass(frozen=True)
class Layer:
    kind: str              # conv, dwconv, add, avgpool, flatten, fc or softmax
    name: str
    inputs: tuple          # names of the layers read
    filters: int = 0       # M; a depthwise layer keeps C, an add its operands'
    size: int = 1          # R = S
    stride: int = 1        # U
    relu: bool = False


def network():
    """A small ResNet for 28x28x1 -> 10 classes: every kind of layer that the array has a mode for."""
    def conv(name, src, m, size, stride=1, relu=True):
        return Layer("conv", name, (src,), m, size, stride, relu)

    def dwconv(name, src, stride=1):
        return Layer("dwconv", name, (src,), 0, 3, stride, True)

    def add(name, a, b):
        return Layer("add", name, (a, b), relu=True)

    return [
        conv("stem", IMAGE, 16, 3),
        # Block 1, 28x28x16: depthwise separable, identity shortcut.
        dwconv("block1_dw", "stem"),
        conv("block1_pw", "block1_dw", 16, 1, relu=False),
        add("block1", "stem", "block1_pw"),
        # Block 2, 14x14x32: two full convolutions, 1x1 shortcut.
        conv("block2_a", "block1", 32, 3, stride=2),
        conv("block2_b", "block2_a", 32, 3, relu=False),
        conv("block2_skip", "block1", 32, 1, stride=2, relu=False),
        add("block2", "block2_skip", "block2_b"),
        # Block 3, 7x7x64: a full convolution, then depthwise separable; 1x1 shortcut.
        conv("block3_a", "block2", 64, 3, stride=2),
        dwconv("block3_dw", "block3_a"),
        conv("block3_pw", "block3_dw", 64, 1, relu=False),
        conv("block3_skip", "block2", 64, 1, stride=2, relu=False),
        add("block3", "block3_skip", "block3_pw"),
        Layer("avgpool", "pool", ("block3",), size=7),
        Layer("flatten", "flatten", ("pool",)),
        Layer("fc", "logits", ("flatten",), 10),
        Layer("softmax", "probabilities", ("logits",)),
    ]


def same_pad(extent, size, stride):
    """(before, after) for one axis under SAME padding."""
    total = max(0, (-(-extent // stride) - 1) * stride + size - extent)
    return total // 2, total - total // 2


def shapes(net):
    """{layer name: (E, F, M)}, or (M,) once flattened. The image is 28x28x1."""
    out = {IMAGE: (28, 28, 1)}
    for n in net:
        src = out[n.inputs[0]]
        if n.kind == "conv":
            out[n.name] = (-(-src[0] // n.stride), -(-src[1] // n.stride), n.filters)
        elif n.kind == "dwconv":
            out[n.name] = (-(-src[0] // n.stride), -(-src[1] // n.stride), src[2])
        elif n.kind == "avgpool":
            assert src[:2] == (n.size, n.size), "the pool covers the whole map"
            out[n.name] = (1, 1, src[2])
        elif n.kind == "flatten":
            out[n.name] = (src[0] * src[1] * src[2],)
        elif n.kind == "fc":
            out[n.name] = (n.filters,)
        else:
            assert all(out[i] == src for i in n.inputs), f"{n.name}: operands differ in shape"
            out[n.name] = src
    return out


def macs_and_weights(net):
    """{layer name: (MACs with padding taps counted, weights, biases)} of the layers that have any."""
    sh, out = shapes(net), {}
    for n in net:
        c = sh[n.inputs[0]][-1]
        if n.kind == "conv":
            e, f, m = sh[n.name]
            w = m * n.size * n.size * c
            out[n.name] = (e * f * w, w, m)
        elif n.kind == "dwconv":
            e, f, m = sh[n.name]
            w = m * n.size * n.size
            out[n.name] = (e * f * w, w, m)
        elif n.kind == "fc":
            out[n.name] = (c * n.filters, c * n.filters, n.filters)
    return out
