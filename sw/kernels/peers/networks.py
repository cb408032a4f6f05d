#!/usr/bin/env python3
"""networks.py - a TensorFlow Lite network by TFLite itself and by ONNX Runtime, for `rowstation bench-cpu --network`.

    networks.py MODEL.tflite        prints a line "ready NAME VERSION" for each way that works and "none NAME WHY" for the others,
                                    then "end"; then for each line "run NAME COUNT" read, the microseconds of one run

One thread, its CPU time.  tflite: PyPI ai-edge-litert with its default delegate (XNNPACK).  onnxruntime_u8, _s8: PyPI
onnxruntime and onnx; the network is rewritten with QLinear operators, activations u8 (codes + 128) or s8, and optimized by
the library's defaults.  A fused ReLU needs no operator: codes saturate at the output's zero point, -128.
"""
import sys
import time

import numpy as np


def tflite(path):
    import ai_edge_litert
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    d = interpreter.get_input_details()[0]
    rng = np.random.default_rng(1)
    interpreter.set_tensor(d["index"], rng.integers(-128, 128, d["shape"], dtype=np.int8))
    return interpreter._interpreter.Invoke, getattr(ai_edge_litert, "__version__", "")


class Rewriter:
    """The operators of the MLPerf Tiny networks, from TFLite (NHWC) to ONNX (NCHW)."""

    def __init__(self, path, unsigned):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
        import onnx
        from onnx import TensorProto

        self.onnx, self.offset = onnx, 128 if unsigned else 0
        self.dtype, self.type = (np.uint8, TensorProto.UINT8) if unsigned else (np.int8, TensorProto.INT8)
        self.it = Interpreter(model_path=path, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        self.it.allocate_tensors()
        self.detail = {d["index"]: d for d in self.it.get_tensor_details()}
        self.nodes, self.constants = [], []

    def const(self, name, value):
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def quant(self, t):
        """Scale and zero point of an activation, as constants."""
        q = self.detail[t]["quantization_parameters"]
        return [self.const(f"s{t}_{len(self.constants)}", np.float32(q["scales"][0])),
                self.const(f"z{t}_{len(self.constants)}", self.dtype(int(q["zero_points"][0]) + self.offset))]

    def weights(self, t, value):
        q = self.detail[t]["quantization_parameters"]
        scales = q["scales"].astype(np.float32)
        scales = scales if len(scales) > 1 else np.repeat(scales, value.shape[0])
        return [self.const(f"w{t}", value), self.const(f"ws{t}", scales), self.const(f"wz{t}", np.zeros(len(scales), np.int8))]

    def node(self, op, inputs, outputs, domain="", **attributes):
        self.nodes.append(self.onnx.helper.make_node(op, inputs, outputs, domain=domain, **attributes))

    @staticmethod
    def name(t):
        return f"t{t}"

    def window(self, x, y, k):
        """Stride and SAME or VALID padding that lead from one extent to the other."""
        (ih, iw), (oh, ow) = x, y
        s = (max(1, round(ih / oh)), max(1, round(iw / ow)))
        if k == x:
            s = k
        pad = [max(0, (o - 1) * st + r - i) for i, o, st, r in zip((ih, iw), (oh, ow), s, k)]
        return list(s), [pad[0] // 2, pad[1] // 2, pad[0] - pad[0] // 2, pad[1] - pad[1] // 2]

    def conv(self, op):
        x, w, b = op["inputs"][:3]
        y = op["outputs"][0]
        value = self.it.get_tensor(w)
        depthwise = op["op_name"] == "DEPTHWISE_CONV_2D"
        value = np.ascontiguousarray(value.transpose(3, 0, 1, 2) if depthwise else value.transpose(0, 3, 1, 2))
        k = value.shape[2:]
        strides, pads = self.window(tuple(self.detail[x]["shape"][1:3]), tuple(self.detail[y]["shape"][1:3]), tuple(k))
        self.node("QLinearConv", [self.name(x), *self.quant(x), *self.weights(w, value), *self.quant(y),
                                  self.const(f"b{b}", self.it.get_tensor(b))], [self.name(y)],
                  strides=strides, pads=pads, kernel_shape=list(k), group=int(value.shape[0]) if depthwise else 1)

    def rewrite(self):
        helper = self.onnx.helper
        first, last = self.it.get_input_details()[0]["index"], self.it.get_output_details()[0]["index"]
        shape_in, shape_out = [int(i) for i in self.detail[first]["shape"]], [int(i) for i in self.detail[last]["shape"]]
        if len(shape_in) == 4:
            self.node("Transpose", ["input"], [self.name(first)], perm=[0, 3, 1, 2])
        else:
            self.node("Identity", ["input"], [self.name(first)])
        for op in self.it._get_ops_details():
            kind, ins, y = op["op_name"], [int(i) for i in op["inputs"] if i >= 0], int(op["outputs"][0])
            x = ins[0]
            if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
                self.conv(op)
            elif kind == "ADD":
                self.node("QLinearAdd", [self.name(x), *self.quant(x), self.name(ins[1]), *self.quant(ins[1]), *self.quant(y)],
                          [self.name(y)], "com.microsoft")
            elif kind == "AVERAGE_POOL_2D":
                k = [int(i) for i in self.detail[x]["shape"][1:3]]       # all of it, in these networks
                self.node("QLinearGlobalAveragePool", [self.name(x), *self.quant(x), *self.quant(y)], [self.name(y)],
                          "com.microsoft", channels_last=0)
                assert list(self.detail[y]["shape"][1:3]) == [1, 1], k
            elif kind == "RESHAPE":
                shape = self.const(f"shape{y}", np.array(self.detail[y]["shape"], np.int64))
                self.node("Reshape", [self.name(x), shape], [self.name(y)])
            elif kind == "FULLY_CONNECTED":
                value = self.it.get_tensor(ins[1])
                self.node("QGemm", [self.name(x), *self.quant(x), *self.weights(ins[1], value),
                                    self.const(f"b{y}", self.it.get_tensor(ins[2])), *self.quant(y)], [self.name(y)],
                          "com.microsoft", transB=1)
            elif kind == "SOFTMAX":
                self.node("QLinearSoftmax", [self.name(x), *self.quant(x), *self.quant(y)], [self.name(y)], "com.microsoft",
                          axis=-1, opset=13)
            elif kind == "DELEGATE":
                continue
            else:
                raise ValueError(f"no rewriting of {kind}")
        self.node("Identity", [self.name(last)], ["output"])
        graph = helper.make_graph(self.nodes, "network", [helper.make_tensor_value_info("input", self.type, shape_in)],
                                  [helper.make_tensor_value_info("output", self.type, shape_out)], self.constants)
        return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13),
                                                                    helper.make_opsetid("com.microsoft", 1)])


def onnxruntime(path, unsigned):
    import onnxruntime as ort

    r = Rewriter(path, unsigned)
    model = r.rewrite()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    d = r.it.get_input_details()[0]
    codes = np.random.default_rng(1).integers(-128, 128, d["shape"], dtype=np.int8)
    given = (codes.astype(np.int16) + r.offset).astype(r.dtype)

    # The rewritten network must be the network: its codes are held against TFLite's reference kernels.
    r.it.set_tensor(d["index"], codes)
    r.it.invoke()
    want = r.it.get_tensor(r.it.get_output_details()[0]["index"]).astype(int)
    got = session.run(None, {"input": given})[0].astype(int) - r.offset
    off = int(np.abs(got.reshape(-1) - want.reshape(-1)).max())
    if off > 24:
        raise ValueError(f"answers differ from TFLite's by up to {off} codes")
    binding = session.io_binding()
    binding.bind_ortvalue_input("input", ort.OrtValue.ortvalue_from_numpy(given))
    binding.bind_output("output")
    run = session._sess.run_with_iobinding
    return (lambda b=binding._iobinding: run(b, None)), f"{ort.__version__}, answers within {off} codes of TFLite's"


def main():
    ways = {"tflite": lambda: tflite(sys.argv[1]), "onnxruntime_u8": lambda: onnxruntime(sys.argv[1], True),
            "onnxruntime_s8": lambda: onnxruntime(sys.argv[1], False)}
    ready = {}
    for name, make in ways.items():
        try:
            ready[name], version = make()
            for _ in range(5):
                ready[name]()
            print("ready", name, version)
        except Exception as e:                                          # whatever is missing or refused, say it
            print("none", name, " ".join(str(e).split())[:300] or type(e).__name__)
    print("end", flush=True)
    for line in sys.stdin:
        _, name, count = line.split()
        run, count = ready[name], int(count)
        for _ in range(max(3, count // 4)):                             # warm: another process has just had the caches
            run()
        before = time.thread_time_ns()
        for _ in range(count):
            run()
        print((time.thread_time_ns() - before) / 1e3 / count, flush=True)


main()
