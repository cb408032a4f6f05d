"""The float network in PyTorch: training with batch normalization, then folding it away."""
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from .layers import IMAGE, same_pad, shapes


class Net(nn.Module):
    """The layer list as a trainable module; every convolution is followed by batch normalization."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.sh = shapes(net)
        self.ops = nn.ModuleDict()
        for n in net:
            c = self.sh[n.inputs[0]][-1]
            if n.kind in ("conv", "dwconv"):
                m = self.sh[n.name][-1]
                self.ops[n.name] = nn.Sequential(
                    nn.Conv2d(c, m, n.size, n.stride, bias=False,
                              groups=c if n.kind == "dwconv" else 1),
                    nn.BatchNorm2d(m))
                nn.init.kaiming_normal_(self.ops[n.name][0].weight, mode="fan_out",
                                        nonlinearity="relu")
            elif n.kind == "fc":
                self.ops[n.name] = nn.Linear(c, n.filters)

    def forward(self, image):
        """[N][1][28][28] in [0, 1] -> [N][10] logits."""
        v = {IMAGE: image}
        for n in self.net:
            x = v[n.inputs[0]]
            if n.kind in ("conv", "dwconv"):
                y = self.ops[n.name](pad(x, n))
            elif n.kind == "add":
                y = x + v[n.inputs[1]]
            elif n.kind == "avgpool":
                y = F.avg_pool2d(x, n.size)
            elif n.kind == "flatten":
                y = x.flatten(1)
            elif n.kind == "fc":
                return self.ops[n.name](x)
            v[n.name] = F.relu(y) if n.relu else y
        raise AssertionError("the network ends without logits")


def pad(x, n):
    top, bottom = same_pad(x.shape[2], n.size, n.stride)
    left, right = same_pad(x.shape[3], n.size, n.stride)
    return F.pad(x, (left, right, top, bottom)) if top + bottom + left + right else x


def augment(x, gen):
    """uint8 [N][28][28] -> float [N][1][28][28] in [0, 1]: mirrored by a coin toss, moved by up to
    two pixels each way, real zero (black) moving in."""
    n = x.shape[0]
    x = F.pad(x, (2, 2, 2, 2))
    rows = torch.arange(28) + torch.randint(0, 5, (n, 1), generator=gen)
    cols = torch.arange(28) + torch.randint(0, 5, (n, 1), generator=gen)
    flip = torch.rand(n, 1, generator=gen) < 0.5
    cols = torch.where(flip, 31 - cols, cols)
    x = x[torch.arange(n)[:, None, None], rows[:, :, None], cols[:, None, :]]
    return x.float().div_(255).unsqueeze_(1)


def train(net, images, labels, epochs, seed, log, holdout=None):
    """SGD with Nesterov momentum, linear warm-up and cosine decay. Returns the trained Net, in eval
    mode. holdout: (images, labels) whose accuracy is logged now and then, never learned from."""
    batch, peak, warm = 128, 0.2, 2
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed + 1)
    model = Net(net).to(memory_format=torch.channels_last)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    opt = torch.optim.SGD([{"params": decayed, "weight_decay": 5e-4}, {"params": plain}],
                          lr=peak, momentum=0.9, nesterov=True)
    x, y = torch.from_numpy(images), torch.from_numpy(labels).long()
    steps = len(x) // batch
    started = time.monotonic()
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(x), generator=gen)
        total, right = 0.0, 0
        for i in range(steps):
            t = epoch + i / steps
            lr = peak * (t / warm if t < warm else
                         0.5 * (1 + math.cos(math.pi * (t - warm) / (epochs - warm))))
            for group in opt.param_groups:
                group["lr"] = lr
            pick = order[i * batch:(i + 1) * batch]
            logits = model(augment(x[pick], gen).contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits, y[pick], label_smoothing=0.05)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            total += loss.item()
            right += (logits.argmax(1) == y[pick]).sum().item()
        line = (f"epoch {epoch + 1:3d}/{epochs}  loss {total / steps:.4f}  "
                f"train {100 * right / (steps * batch):.2f} %  "
                f"{time.monotonic() - started:.0f} s")
        if holdout is not None and (epoch % 5 == 4 or epoch + 1 == epochs):
            line += f"  held out {100 * module_accuracy(model, *holdout):.2f} %"
        log(line)
    return model.eval()


def module_accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        right = 0
        for i in range(0, len(images), 1000):
            x = torch.from_numpy(images[i:i + 1000]).float().div(255).unsqueeze(1)
            right += (model(x).argmax(1).numpy() == labels[i:i + 1000]).sum()
    return right / len(images)


def fold(model):
    """{layer name: (filter, bias)} as float64 numpy, batch normalization folded in.

    Filter axes as TensorFlow Lite wants them: conv [M][R][S][C], dwconv [1][R][S][C], fc [M][C]."""
    out = {}
    for n in model.net:
        if n.kind in ("conv", "dwconv"):
            conv, bn = model.ops[n.name]
            gain = bn.weight.double() / torch.sqrt(bn.running_var.double() + bn.eps)
            w = conv.weight.double() * gain[:, None, None, None]
            b = bn.bias.double() - bn.running_mean.double() * gain
            w = w.permute(0, 2, 3, 1) if n.kind == "conv" else w.permute(1, 2, 3, 0)
            out[n.name] = (w.detach().numpy().copy(), b.detach().numpy().copy())
        elif n.kind == "fc":
            op = model.ops[n.name]
            out[n.name] = (op.weight.detach().double().numpy().copy(),
                           op.bias.detach().double().numpy().copy())
    return out


def run_folded(net, folded, images):
    """uint8 [N][28][28] -> {layer name: float32 numpy, [N][E][F][M] or [N][M]}, without softmax."""
    v = {IMAGE: torch.from_numpy(images).float().div(255).unsqueeze(1)}
    with torch.no_grad():
        for n in net:
            x = v[n.inputs[0]]
            if n.kind in ("conv", "dwconv"):
                w, b = (torch.from_numpy(t).float() for t in folded[n.name])
                w = w.permute(0, 3, 1, 2) if n.kind == "conv" else w.permute(3, 0, 1, 2)
                y = F.conv2d(pad(x, n), w, b, n.stride,
                             groups=x.shape[1] if n.kind == "dwconv" else 1)
            elif n.kind == "add":
                y = x + v[n.inputs[1]]
            elif n.kind == "avgpool":
                y = F.avg_pool2d(x, n.size)
            elif n.kind == "flatten":
                y = x.flatten(1)
            elif n.kind == "fc":
                w, b = (torch.from_numpy(t).float() for t in folded[n.name])
                y = F.linear(x, w, b)
            else:
                continue
            v[n.name] = F.relu(y) if n.relu else y
    return {k: (t.permute(0, 2, 3, 1) if t.dim() == 4 else t).numpy() for k, t in v.items()}
