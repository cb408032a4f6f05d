#!/usr/bin/env python3
"""Measures a GPU for `rowstation compare --devices FILE`.

    python3 scripts/measure_gpu.py --name h200 --batch 1,32 tests/workloads/kws.csv tests/workloads/resnet8.csv > gpu.txt
    build/rowstation compare tests/workloads/kws.csv --batch 1,32 --devices gpu.txt

Wants PyTorch with CUDA, and nothing else (nvidia-smi for power, where it is there).  What it writes replaces keys of [device NAME] in
sw/cost/data/devices.txt, each with confidence `measured`:
    launch, request, memory, link, idle, max     one operation in a CUDA graph; one around the graph, copies of a byte
                                                 included; a copy of 1 GiB on the device; pinned host memory to the device; watts
    ceiling                                      int8 product of 8192 x 8192 x 8192 over --peak TOPS, where that is given
    latency_NETWORK_bBATCH                       a whole inference of tests/workloads/NETWORK.csv
A network runs as a CUDA graph, copies of input and output included, median of 50 after 10.  PyTorch has no int8 convolution on
GPUs: convolutions run in fp16 on tensor cores, channels last, which TensorRT's int8 may beat by up to two.  The file says so.
A device of another NAME needs its other keys (peak, fill, price, ...) added by hand: docs/cost.md.
--device cpu runs the same on the CPU, to try the script; its numbers are no GPU's, say `assumed`, and compare
refuses them as latencies.
"""
import argparse
import csv
import datetime
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    sys.exit("measure_gpu.py: PyTorch is not installed: pip install torch")


class Network:
    """A table of tests/workloads as a function of one tensor, NHWC inside (channels last), random filters."""

    def __init__(self, path, device, dtype):
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#") and line.strip()))
        if not rows or rows[0].get("type") != "input":
            raise ValueError(f"{path}: no network: its first row has type `input`")
        self.rows, self.filters = rows, {}
        channels = {}
        before = None
        for row in rows:
            name, kind = row["name"], row["type"]
            c = int(row["C"]) if kind == "input" else channels[row["from"] or before]
            if kind == "conv" or kind == "fc":
                m = int(row["M"])
                shape = (m, c, int(row["R"] or 1), int(row["S"] or 1)) if kind == "conv" else (m, c)
            elif kind == "depthwise":
                m = int(row["M"] or c)
                shape = (m, 1, int(row["R"] or 1), int(row["S"] or 1))
            else:
                m, shape = c, None
            if shape is not None:
                scale = (shape[1] * (shape[2] * shape[3] if len(shape) == 4 else 1)) ** -0.5
                w = torch.randn(shape, device=device).mul_(scale).to(dtype)
                self.filters[name] = w.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else w
            channels[name] = m
            before = name

    def input(self, batch, device, dtype):
        row = self.rows[0]
        x = torch.randn(batch * int(row["N"]), int(row["C"]), int(row["H"]), int(row["W"]), device=device).to(dtype)
        return x.contiguous(memory_format=torch.channels_last)

    def __call__(self, x):
        value, before = {self.rows[0]["name"]: x}, self.rows[0]["name"]
        for row in self.rows[1:]:
            y = value[row["from"] or before]
            kind, stride = row["type"], int(row["stride"] or 1)
            top, left, bottom, right = (int(row[k] or 0) for k in ("pad_top", "pad_left", "pad_bottom", "pad_right"))
            if kind in ("conv", "depthwise"):
                w, pad = self.filters[row["name"]], (top, left)
                if top != bottom or left != right:
                    y, pad = F.pad(y, (left, right, top, bottom)), 0
                y = F.conv2d(y, w, stride=stride, padding=pad, groups=y.shape[1] if kind == "depthwise" else 1)
            elif kind == "fc":
                y = F.linear(y.flatten(1) if y.dim() == 4 and y.shape[2:] == (1, 1) else y.movedim(1, -1), self.filters[row["name"]])
                y = y[..., None, None] if y.dim() == 2 else y.movedim(-1, 1)
            elif kind == "add":
                y = y + value[row["with"]]
            elif kind in ("maxpool", "avgpool"):
                pool = F.max_pool2d if kind == "maxpool" else F.avg_pool2d
                y = pool(F.pad(y, (left, right, top, bottom)), (int(row["R"]), int(row["S"])), stride)
            else:
                raise ValueError(f"type {kind} of {row['name']} is not known")
            if row["act"] == "relu":
                y = F.relu(y)
            elif row["act"] == "relu6":
                y = F.relu6(y)
            value[row["name"]], before = y, row["name"]
        return value[before]


class Clock:
    """Seconds of a call, median, with the device idle before and after."""

    def __init__(self, cuda):
        self.cuda = cuda

    def __call__(self, call, runs=50, warm=10):
        seconds = []
        for i in range(warm + runs):
            self.wait()
            start = time.perf_counter()
            call()
            self.wait()
            if i >= warm:
                seconds.append(time.perf_counter() - start)
        return statistics.median(seconds)

    def wait(self):
        if self.cuda:
            torch.cuda.synchronize()


def captured(call, cuda):
    """@call as a CUDA graph."""
    if not cuda:
        return call
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def watts(query):
    if shutil.which("nvidia-smi") is None:
        return None
    text = subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits"], capture_output=True, text=True, check=False).stdout
    try:
        return float(text.split("\n")[0])
    except ValueError:
        return None


def main():
    arguments = argparse.ArgumentParser(description="Measures a GPU for rowstation compare --devices.")
    arguments.add_argument("networks", nargs="*", help="tables of tests/workloads")
    arguments.add_argument("--name", required=True, help="section of devices.txt, such as h200")
    arguments.add_argument("--batch", default="1,32")
    arguments.add_argument("--peak", type=float, help="dense int8 TOPS of the data sheet, for `ceiling`")
    arguments.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    a = arguments.parse_args()
    if not re.fullmatch(r"[A-Za-z0-9_]+", a.name):
        sys.exit(f"measure_gpu.py: --name {a.name}: letters, digits and _ are expected")
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", a.batch):
        sys.exit(f"measure_gpu.py: --batch {a.batch}: numbers with commas between them are expected")
    cuda = a.device == "cuda"
    if cuda and not torch.cuda.is_available():
        sys.exit("measure_gpu.py: PyTorch sees no CUDA device")
    device, dtype, clock = torch.device(a.device), torch.float16 if cuda else torch.float32, Clock(cuda)
    title = torch.cuda.get_device_name() if cuda else "CPU, to try the script"
    size = 1 if cuda else 64                       # the CPU is only there to try it
    source = f"scripts/measure_gpu.py, PyTorch {torch.__version__}" + (", convolutions in fp16" if cuda else "")

    def line(key, value, unit):
        print(f"{key} = {value:.6g} {unit} | {'measured' if cuda else 'assumed'} | {datetime.date.today().isoformat()} | {source}", flush=True)

    torch.manual_seed(1)
    print(f"# {title}; written by scripts/measure_gpu.py\n[device {a.name}]")
    for key, query in (("idle", "power.draw"), ("max", "power.limit")):
        value = watts(query) if cuda else None
        if value is not None:
            line(key, value, "W")
    with torch.no_grad():
        one = torch.zeros(1, device=device)
        chain = captured(lambda: [one.add_(1) for _ in range(100)], cuda)
        many = clock(chain)
        line("launch", 1e6 * many / 100, "us")
        host = torch.zeros(1, pin_memory=cuda)
        empty = captured(lambda: one.add_(1), cuda)

        def request():
            one.copy_(host, non_blocking=True)
            empty()
            host.copy_(one, non_blocking=True)
        line("request", max(0.0, 1e6 * (clock(request) - many / 100)), "us")
        big = torch.empty((1 << 30) // size, dtype=torch.int8, device=device)
        other = torch.empty_like(big)
        line("memory", 2e-9 * big.numel() / clock(lambda: other.copy_(big), 20), "GB/s")
        if cuda:
            pinned = torch.empty(1 << 28, dtype=torch.int8, pin_memory=True)
            line("link", 1e-9 * pinned.numel() / clock(lambda: big[:pinned.numel()].copy_(pinned, non_blocking=True), 20), "GB/s")
        del big, other
        if a.peak is not None:
            n = 8192 // size
            x = torch.randint(-127, 127, (n, n), dtype=torch.int8, device=device)
            y = torch.randint(-127, 127, (n, n), dtype=torch.int8, device=device).t().contiguous().t()
            line("ceiling", min(1.0, 2e-12 * n ** 3 / clock(lambda: torch._int_mm(x, y), 20) / a.peak), "ratio")
        for path in a.networks:
            network = Network(path, device, dtype)
            for batch in map(int, a.batch.split(",")):
                x = network.input(batch, device, dtype)
                outside = torch.empty(x.shape, dtype=x.dtype, pin_memory=cuda).contiguous(memory_format=torch.channels_last)
                result = {}

                def inference():
                    result["y"] = network(x)
                run = captured(inference, cuda)
                run()
                back = torch.empty(result["y"].shape, dtype=dtype, pin_memory=cuda)

                def whole():
                    x.copy_(outside, non_blocking=True)
                    run()
                    back.copy_(result["y"], non_blocking=True)
                name = os.path.splitext(os.path.basename(path))[0]
                line(f"latency_{name}_b{batch}", 1e6 * clock(whole), "us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
