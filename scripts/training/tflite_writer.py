"""Writes the layer list, quantized or float, as a TensorFlow Lite flatbuffer (schema version 3, id TFL3).

Field numbers, operator codes and versions are those of TensorFlow Lite's schema.fbs; the operator
versions are the ones its own converter gives int8 and float models. The bytes depend on nothing but the
arguments.
"""
import flatbuffers
import numpy as np

from .layers import IMAGE, shapes

FLOAT32, INT32, INT8 = 0, 2, 9                   # TensorType (FLOAT32 is the table's default)
SAME, VALID = 0, 1                               # Padding
NONE, RELU = 0, 1                                # ActivationFunctionType

# kind: (builtin operator, operator version, builtin options type)
OPERATORS = {
    "conv":    (3, 3, 1),                        # CONV_2D, Conv2DOptions
    "dwconv":  (4, 3, 2),                        # DEPTHWISE_CONV_2D, DepthwiseConv2DOptions
    "add":     (0, 2, 11),                       # ADD, AddOptions
    "avgpool": (1, 2, 5),                        # AVERAGE_POOL_2D, Pool2DOptions
    "flatten": (22, 1, 17),                      # RESHAPE, ReshapeOptions
    "fc":      (9, 4, 8),                        # FULLY_CONNECTED, FullyConnectedOptions
    "softmax": (25, 2, 9),                       # SOFTMAX, SoftmaxOptions
}


class Writer:
    def __init__(self):
        self.b = flatbuffers.Builder(1 << 17)
        self.buffers = [None]                    # buffer 0 is empty by convention
        self.tensors = []
        self.index = {}

    # ---- flatbuffer pieces ----

    def table(self, *fields):
        """A table from (field number, 'int8'..'int64'/'float32'/'offset', value); zeros are written
        too, so that no reader has to know a default."""
        b = self.b
        b.StartObject(max(f for f, _, _ in fields) + 1)
        for number, kind, value in fields:
            if kind == "offset":
                b.PrependUOffsetTRelativeSlot(number, value, 0)
                continue
            b.ForceDefaults(True)
            slot = {"int8": b.PrependInt8Slot, "uint8": b.PrependUint8Slot,
                    "bool": b.PrependBoolSlot, "int32": b.PrependInt32Slot,
                    "uint32": b.PrependUint32Slot, "float32": b.PrependFloat32Slot}[kind]
            slot(number, value, 0)
            b.ForceDefaults(False)
        return b.EndObject()

    def numbers(self, values, dtype):
        return self.b.CreateNumpyVector(np.ascontiguousarray(values, dtype).reshape(-1))

    def offsets(self, values):
        self.b.StartVector(4, len(values), 4)
        for v in reversed(values):
            self.b.PrependUOffsetTRelative(v)
        return self.b.EndVector()

    def data(self, payload):
        """A byte vector whose first byte is 16-aligned, as the schema's force_align wants."""
        b = self.b
        b.StartVector(1, len(payload), 16)
        b.head = b.Head() - len(payload)
        b.Bytes[b.Head():b.Head() + len(payload)] = payload
        return b.EndVector()

    # ---- model pieces ----

    def tensor(self, name, shape, kind, values=None, scale=None, zero_point=0, axis=0):
        buffer = 0
        if values is not None:
            buffer = len(self.buffers)
            self.buffers.append(values.astype(values.dtype.newbyteorder("<")).tobytes())
        fields = [(0, "offset", self.numbers(shape, "<i4")), (1, "int8", kind),
                  (2, "uint32", buffer), (3, "offset", self.b.CreateString(name))]
        if scale is not None:
            scale = np.atleast_1d(scale)
            scales = self.numbers(scale, "<f4")
            zeros = self.numbers(np.full(len(scale), zero_point), "<i8")
            fields.append((4, "offset", self.table((2, "offset", scales), (3, "offset", zeros),
                                                   (6, "int32", axis))))
        self.index[name] = len(self.tensors)
        self.tensors.append(self.table(*fields))

    def options(self, n, out_shape):
        act = RELU if n.relu else NONE
        if n.kind == "conv":
            return self.table((0, "int8", SAME), (1, "int32", n.stride), (2, "int32", n.stride),
                              (3, "int8", act), (4, "int32", 1), (5, "int32", 1))
        if n.kind == "dwconv":
            return self.table((0, "int8", SAME), (1, "int32", n.stride), (2, "int32", n.stride),
                              (3, "int32", 1), (4, "int8", act), (5, "int32", 1), (6, "int32", 1))
        if n.kind == "avgpool":
            return self.table((0, "int8", VALID), (1, "int32", n.size), (2, "int32", n.size),
                              (3, "int32", n.size), (4, "int32", n.size), (5, "int8", NONE))
        if n.kind == "flatten":
            return self.table((0, "offset", self.numbers(out_shape, "<i4")))
        if n.kind == "softmax":
            return self.table((0, "float32", 1.0))
        return self.table((0, "int8", act))      # add, fc


def write(net, q, path, description):
    """q: int8.Quantized, or {layer name: (filter, bias)} of float_net.fold() for a float model."""
    w, sh = Writer(), shapes(net)
    folded = q if isinstance(q, dict) else None

    def activation(name):
        if folded is None:
            w.tensor(name, (1,) + sh[name], INT8, None, *q.act[name])
        else:
            w.tensor(name, (1,) + sh[name], FLOAT32)

    activation(IMAGE)
    operands = {}
    for n in net:
        names = list(n.inputs)
        if folded is not None and n.name in folded:
            for part, t in zip(("/filter", "/bias"), folded[n.name]):
                w.tensor(n.name + part, t.shape, FLOAT32, t.astype(np.float32))
                names.append(n.name + part)
        elif folded is None and n.name in q.filters:
            axis = 3 if n.kind == "dwconv" else 0
            scales = q.scales[n.name]
            w.tensor(n.name + "/filter", q.filters[n.name].shape, INT8, q.filters[n.name],
                     scales, 0, axis)
            w.tensor(n.name + "/bias", q.bias[n.name].shape, INT32, q.bias[n.name],
                     q.act[n.inputs[0]][0] * scales)
            names += [n.name + "/filter", n.name + "/bias"]
        elif n.kind == "flatten":
            new = np.array((1,) + sh[n.name], np.int32)
            w.tensor(n.name + "/shape", new.shape, INT32, new)
            names.append(n.name + "/shape")
        operands[n.name] = names
        activation(n.name)

    kinds = list(dict.fromkeys(n.kind for n in net))
    operators = []
    for n in net:
        inputs = w.numbers([w.index[i] for i in operands[n.name]], "<i4")
        outputs = w.numbers([w.index[n.name]], "<i4")
        options = w.options(n, (1,) + sh[n.name])
        operators.append(w.table((0, "uint32", kinds.index(n.kind)), (1, "offset", inputs),
                                 (2, "offset", outputs), (3, "uint8", OPERATORS[n.kind][2]),
                                 (4, "offset", options)))
    subgraph = w.table((0, "offset", w.offsets(w.tensors)),
                       (1, "offset", w.numbers([w.index[IMAGE]], "<i4")),
                       (2, "offset", w.numbers([w.index[net[-1].name]], "<i4")),
                       (3, "offset", w.offsets(operators)),
                       (4, "offset", w.b.CreateString("main")))
    codes = [w.table((0, "int8", OPERATORS[k][0]), (2, "int32", OPERATORS[k][1] if folded is None else 1),
                     (3, "int32", OPERATORS[k][0])) for k in kinds]
    buffers = []
    for payload in w.buffers:
        if payload is None:
            w.b.StartObject(1)
            buffers.append(w.b.EndObject())
        else:
            buffers.append(w.table((0, "offset", w.data(payload))))
    model = w.table((0, "uint32", 3), (1, "offset", w.offsets(codes)),
                    (2, "offset", w.offsets([subgraph])),
                    (3, "offset", w.b.CreateString(description)),
                    (4, "offset", w.offsets(buffers)))
    w.b.Finish(model, file_identifier=b"TFL3")
    with open(path, "wb") as f:
        f.write(w.b.Output())
