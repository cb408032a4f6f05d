#!/usr/bin/env python3
"""Trains a small residual CNN on Fashion-MNIST and writes it as an int8 .tflite of our own.

    python3 scripts/train_fashion_mnist.py --out models/fashion_resnet.tflite

Steps: train in float (PyTorch, CPU, augmented with mirror and shift), fold batch normalization,
calibrate on 512 training images, quantize to int8 with one filter scale a channel, run all 10,000 test
images in exact integers, write the flatbuffer, and hold it against TensorFlow Lite's interpreter with
reference kernels. The test images are read only to measure, after everything is fixed.

Needs Python 3.9 or later with numpy, torch and flatbuffers, and ai-edge-litert for --check and
--golden (all on PyPI; models/README.md names the versions used); images from the Debian package
dataset-fashion-mnist. It is a tool for whoever remakes the model; nothing else in the project needs
Python. The same seed, versions, thread count and kind of CPU give the same file; elsewhere sums may round
otherwise, and the file differs a little.
"""
import argparse
import gzip
import os
import sys
import time

import numpy as np

from training import int8, layers, tflite_writer

DATA = "/usr/share/datasets/fashion-mnist"
CALIBRATION_IMAGES = 512


def read_idx(path, magic, dims):
    """A gzip'd IDX file of unsigned bytes: big-endian magic, extents, then the data."""
    with gzip.open(path, "rb") as f:
        raw = f.read()
    head = np.frombuffer(raw, ">u4", 1 + dims)
    shape = tuple(int(d) for d in head[1:])
    if head[0] != magic or len(raw) != 4 * (1 + dims) + np.prod(shape):
        sys.exit(f"{path}: not an IDX file with magic {magic:#x}, or cut short")
    return np.frombuffer(raw, np.uint8, offset=4 * (1 + dims)).reshape(shape).copy()


def load(folder, part):
    return (read_idx(os.path.join(folder, f"{part}-images-idx3-ubyte.gz"), 0x803, 3),
            read_idx(os.path.join(folder, f"{part}-labels-idx1-ubyte.gz"), 0x801, 1))


def float_weights(args, net, images, labels, holdout):
    """Trains, or takes the weights of an earlier run from --weights."""
    if args.weights and os.path.exists(args.weights):
        print(f"float weights from {args.weights}")
        with np.load(args.weights) as f:
            return {name: (f[name + "/filter"], f[name + "/bias"])
                    for name in layers.macs_and_weights(net)}
    from training import float_net
    started = time.monotonic()
    model = float_net.train(net, images, labels, args.epochs, args.seed,
                            lambda line: print(line, flush=True), holdout)
    print(f"trained in {time.monotonic() - started:.0f} s on {args.threads} thread(s)")
    folded = float_net.fold(model)
    if args.weights:
        np.savez(args.weights, **{f"{k}/{part}": t for k, wb in folded.items()
                                  for part, t in zip(("filter", "bias"), wb)})
    return folded


def ranges_of(net, folded, images):
    """Least and greatest activation of every layer over the calibration images."""
    from training import float_net
    values = float_net.run_folded(net, folded, images)
    return {name: (t.min(), t.max()) for name, t in values.items()}


def accuracy(outputs_of, images, labels):
    """Top-1, the lowest index winning a tie."""
    right = 0
    for i in range(0, len(images), 500):
        right += int((outputs_of(images[i:i + 500]).argmax(axis=1) == labels[i:i + 500]).sum())
    return right / len(images)


def print_table(net):
    sh, cost = layers.shapes(net), layers.macs_and_weights(net)
    print("| layer | kind | reads | ofmap | MACs | parameters |\n| --- | --- | --- | --- | ---: | ---: |")
    for n in net:
        kind = n.kind
        if n.kind in ("conv", "dwconv"):
            kind += f" {n.size}x{n.size}" + (f" / {n.stride}" if n.stride > 1 else "")
        macs, w, b = cost.get(n.name, (0, 0, 0))
        print(f"| {n.name} | {kind}{' + ReLU' if n.relu else ''} | {', '.join(n.inputs)} "
              f"| {'x'.join(map(str, sh[n.name]))} | {macs:,} | {w + b:,} |")
    total = [sum(column) for column in zip(*cost.values())]
    print(f"| total | | | | {total[0]:,} | {total[1] + total[2]:,} |")


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", metavar="FILE", help="the .tflite to write")
    p.add_argument("--float", metavar="FILE", help="write the float network too, as a .tflite")
    p.add_argument("--qat", metavar="FILE", help="train on, quantization-aware, and write that .tflite")
    p.add_argument("--qat-epochs", type=int, default=2, help="default 2")
    p.add_argument("--golden", metavar="FILE", help="write the interpreter's int8 outputs for the "
                   "first 64 test images, 10 bytes each")
    p.add_argument("--check", metavar="N", type=int, default=500, help="compare every tensor with the "
                   "interpreter's on N test images (default 500; 0: do not)")
    p.add_argument("--weights", metavar="FILE.npz", help="float weights: read if there, else written "
                   "after training")
    p.add_argument("--data", metavar="DIR", default=DATA, help=f"Fashion-MNIST (default {DATA})")
    p.add_argument("--epochs", type=int, default=20, help="default 20")
    p.add_argument("--seed", type=int, default=1, help="default 1")
    p.add_argument("--threads", type=int, default=2, help="default 2")
    p.add_argument("--holdout", metavar="N", type=int, default=0, help="for choosing the network: train "
                   "without the last N training images, report on those, and leave the test images alone")
    args = p.parse_args()

    import torch
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)

    net = layers.network()
    print_table(net)
    images, labels = load(args.data, "train")
    if args.holdout:
        cut = len(images) - args.holdout
        test = images[cut:], labels[cut:]
        images, labels = images[:cut], labels[:cut]
    else:
        test = load(args.data, "t10k")

    folded = float_weights(args, net, images, labels, test if args.holdout else None)
    pick = np.random.default_rng(args.seed).choice(len(images), CALIBRATION_IMAGES, replace=False)
    ranges = ranges_of(net, folded, images[np.sort(pick)])
    q = int8.quantize(net, folded, ranges)

    from training import float_net
    top1 = accuracy(lambda x: float_net.run_folded(net, folded, x)["logits"], *test)
    print(f"float: {100 * top1:.2f} % of {len(test[0])} {'held-out' if args.holdout else 'test'} images")
    top1 = accuracy(lambda x: int8.run(net, q, x)[net[-1].name], *test)
    print(f"int8:  {100 * top1:.2f} %", flush=True)

    if args.out:
        tflite_writer.write(net, q, args.out, "Rowstation: Fashion-MNIST ResNet, int8 per channel; "
                            "made by scripts/train_fashion_mnist.py")
        print(f"{args.out}: {os.path.getsize(args.out)} bytes")
    if args.float:
        tflite_writer.write(net, folded, args.float, "Rowstation: Fashion-MNIST ResNet, float32; "
                            "made by scripts/train_fashion_mnist.py")
        print(f"{args.float}: {os.path.getsize(args.float)} bytes")
    if args.qat:
        from training import qat
        trained = qat.train(net, folded, ranges, images, labels, args.qat_epochs, args.seed,
                            lambda line: print(line, flush=True))
        aware = int8.quantize(net, *trained)
        top1 = accuracy(lambda x: int8.run(net, aware, x)[net[-1].name], *test)
        print(f"int8, quantization-aware: {100 * top1:.2f} %", flush=True)
        tflite_writer.write(net, aware, args.qat, "Rowstation: Fashion-MNIST ResNet, int8 per channel, trained "
                            "quantization-aware; made by scripts/train_fashion_mnist.py")
    if args.golden and not args.out:
        p.error("--golden needs --out: the interpreter runs the file")
    if args.out and (args.check or args.golden):
        from training import litert_check
        count = max(args.check, 64 if args.golden else 0)
        equal, outputs = litert_check.check(net, q, args.out, test[0][:count])
        if not equal:
            return 1                             # and no golden file from a doubtful run
        if args.golden:
            outputs[:64].tofile(args.golden)
    return 0


if __name__ == "__main__":
    sys.exit(main())
