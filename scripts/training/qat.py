"""Quantization-aware training: the folded float network learns on with its filters and activations
rounded to the codes that int8.quantize() will give them.

The gradient passes the rounding as if it were not there, and is zero where a value is clipped. Ranges
of activations follow the batches slowly. Source: Jacob et al., CVPR 2018, section 3.
"""
import math
import time

import torch
import torch.nn.functional as F

from .float_net import augment, pad
from .layers import IMAGE


class Round(torch.autograd.Function):
    @staticmethod
    def forward(_, x):
        return torch.round(x)

    @staticmethod
    def backward(_, gradient):
        return gradient


def fake_filter(w, per_channel):
    """Symmetric, 127 for the greatest weight of a channel (or of all)."""
    top = w.detach().abs().amax(dim=(1, 2, 3), keepdim=True) if per_channel else w.detach().abs().max()
    scale = torch.clamp(top / 127, min=1e-9)
    return Round.apply(w / scale) * scale


def fake_activation(x, low, high):
    """The codes of [low, high], which holds 0."""
    scale = (high - low) / 255
    zero = round(-128 - low / scale)
    return (torch.clamp(Round.apply(x / scale) + zero, -128, 127) - zero) * scale


def train(net, folded, ranges, images, labels, epochs, seed, log):
    """folded: {name: (filter, bias)} as float_net.fold(); ranges: {name: (low, high)} from calibration.
    Returns both, trained on."""
    batch, peak, decay = 128, 0.005, 0.99
    gen = torch.Generator().manual_seed(seed + 2)
    weights = {}
    for n in net:
        if n.name in folded:
            w, b = (torch.from_numpy(t).float() for t in folded[n.name])
            if n.kind != "fc":
                w = w.permute(0, 3, 1, 2) if n.kind == "conv" else w.permute(3, 0, 1, 2)
            weights[n.name] = (w.clone().requires_grad_(), b.clone().requires_grad_())
    ranges = {k: (min(0.0, float(lo)), max(0.0, float(hi))) for k, (lo, hi) in ranges.items()}
    opt = torch.optim.SGD([p for wb in weights.values() for p in wb], lr=peak, momentum=0.9, nesterov=True)

    def forward(image):
        v = {IMAGE: image}
        for n in net:
            x = v[n.inputs[0]]
            if n.kind in ("conv", "dwconv"):
                w, b = weights[n.name]
                y = F.conv2d(pad(x, n), fake_filter(w, True), b, n.stride,
                             groups=x.shape[1] if n.kind == "dwconv" else 1)
            elif n.kind == "add":
                y = x + v[n.inputs[1]]
            elif n.kind == "fc":
                w, b = weights[n.name]
                y = F.linear(x, fake_filter(w, False), b)
            elif n.kind == "softmax":
                return x
            else:
                v[n.name] = F.avg_pool2d(x, n.size) if n.kind == "avgpool" else x.flatten(1)
                continue
            y = F.relu(y) if n.relu else y
            seen = (min(0.0, y.detach().min().item()), max(0.0, y.detach().max().item()))
            ranges[n.name] = tuple(decay * r + (1 - decay) * s for r, s in zip(ranges[n.name], seen))
            v[n.name] = fake_activation(y, *ranges[n.name])
        raise AssertionError("the network ends without softmax")

    x, y = torch.from_numpy(images), torch.from_numpy(labels).long()
    steps = len(x) // batch
    started = time.monotonic()
    for epoch in range(epochs):
        order = torch.randperm(len(x), generator=gen)
        total = 0.0
        for i in range(steps):
            for group in opt.param_groups:
                group["lr"] = peak * 0.5 * (1 + math.cos(math.pi * (epoch + i / steps) / epochs))
            pick = order[i * batch:(i + 1) * batch]
            loss = F.cross_entropy(forward(augment(x[pick], gen)), y[pick], label_smoothing=0.05)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            total += loss.item()
        log(f"quantization-aware epoch {epoch + 1}/{epochs}  loss {total / steps:.4f}  "
            f"{time.monotonic() - started:.0f} s")
    out = {}
    for n in net:
        if n.name in weights:
            w, b = (t.detach() for t in weights[n.name])
            if n.kind != "fc":
                w = w.permute(0, 2, 3, 1) if n.kind == "conv" else w.permute(1, 2, 3, 0)
            out[n.name] = (w.double().numpy().copy(), b.double().numpy().copy())
    return out, ranges
