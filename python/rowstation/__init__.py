"""Rowstation from Python: numpy arrays in and out, over the C library's public API (host/rowstation.h).

    import rowstation

    rowstation.quantize("float.tflite", images, "int8.tflite")      # images: float32, n items
    with rowstation.Device("sim:default") as device:
        model = device.load("int8.tflite")
        for layer in model.plan():
            print(layer["name"], layer["where"], layer["reason"])
        result = model.run(codes)                                   # int8, n items
        print(result.outputs[0], result.report["cycles"], result.report["counters"])

Nothing is computed here: every number comes from the library. What the C functions refuse is raised as
rowstation.Error, whose .status is their status ("RS_ERR_SHAPE") and whose text is their message.
"""
import ctypes as c
import os
import re

import numpy as np

__all__ = ["Device", "Error", "Model", "Result", "quantize", "version"]

_HERE = os.path.dirname(os.path.abspath(__file__))


class Error(Exception):
    """A C function failed; .status is the name of its status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


# ---- the header, in ctypes -----------------------------------------------------------------------

_SCALARS = {"bool": c.c_bool, "int": c.c_int, "int32_t": c.c_int32, "uint32_t": c.c_uint32, "int64_t": c.c_int64,
            "uint64_t": c.c_uint64, "size_t": c.c_size_t, "float": c.c_float, "double": c.c_double, "char": c.c_char,
            "rs_status": c.c_int, "rs_tensor_hook": c.c_void_p, "void": None}


def _structures(path):
    """{name: ctypes.Structure} of every struct that the header spells out, so that no field is listed twice."""
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S)
    made = {}
    for name, body in re.findall(r"\bstruct (\w+) \{(.*?)\n\};", text, re.S):
        fields = []
        for declaration in body.split(";"):
            declaration = " ".join(declaration.split())
            callback = re.match(r".*\(\*(\w+)\)\s*\(", declaration)
            if callback:
                fields.append((callback.group(1), c.c_void_p))
                continue
            kind = re.match(r"(?:const )?(struct \w+|enum \w+|\w+)\b(.*)", declaration)
            for declared in kind.group(2).split(",") if kind else ():
                stars, field, extent = re.match(r"\s*([*\s]*)(\w+)(?:\[(\d+)\])?$", declared).groups()
                word = kind.group(1).split()
                base = made.get(word[1]) if word[0] == "struct" else c.c_int if word[0] == "enum" else _SCALARS[word[0]]
                if "*" in stars:
                    base = c.c_char_p if base is c.c_char else c.POINTER(base) if base else c.c_void_p
                fields.append((field, base * int(extent) if extent else base))
        made[name] = type(name, (c.Structure,), {"_fields_": fields})
    return made


_structs = _structures(os.environ.get("ROWSTATION_HEADER", os.path.join(_HERE, "rowstation.h")))
_ErrorText = _structs["rs_error"]
_Counters, _LayerReport, _Report = _structs["rs_counters"], _structs["rs_layer_report"], _structs["rs_report"]
_Message = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p)
_Layer = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p, c.c_char_p, c.c_double)


def _library():
    path = os.environ.get("ROWSTATION_LIBRARY", os.path.join(_HERE, "librowstation.so"))
    lib = c.CDLL(path)
    err, p = c.POINTER(_ErrorText), c.c_void_p
    pointers = c.POINTER(c.c_void_p)
    for name, arguments in {
            "rs_open": [c.c_char_p, c.POINTER(_structs["rs_open_options"]), pointers, err],
            "rs_device_info": [p, c.POINTER(_structs["rs_device_info"]), err],
            "rs_self_test": [p, err],
            "rs_model_load": [p, c.c_char_p, c.POINTER(_structs["rs_load_options"]), pointers, err],
            "rs_model_load_memory": [p, c.c_char_p, c.c_size_t, c.POINTER(_structs["rs_load_options"]), pointers, err],
            "rs_model_save": [p, c.c_char_p, err],
            "rs_model_input": [p, c.c_int, c.POINTER(_structs["rs_tensor_info"]), err],
            "rs_model_output": [p, c.c_int, c.POINTER(_structs["rs_tensor_info"]), err],
            "rs_submit": [p, pointers, pointers, c.c_uint32, pointers, err],
            "rs_wait": [p, c.c_int64, err],
            "rs_request_report": [p, c.POINTER(c.POINTER(_Report)), err],
            "rs_quantize": [c.c_size_t, p, c.c_float, c.c_int32, p, err],
            "rs_quantize_model": [c.c_char_p, pointers, c.c_uint32, c.POINTER(_structs["rs_quantize_options"]), c.c_char_p, err]}.items():
        getattr(lib, name).argtypes = arguments
    for name in ("rs_close", "rs_model_free", "rs_request_free"):
        getattr(lib, name).argtypes, getattr(lib, name).restype = [p], None
    lib.rs_model_inputs.argtypes = lib.rs_model_outputs.argtypes = [p]
    lib.rs_model_layers.argtypes, lib.rs_model_layers.restype = [p, c.POINTER(c.c_uint32)], c.POINTER(_LayerReport)
    lib.rs_version.restype = lib.rs_status_name.restype = c.c_char_p
    return lib


_lib = _library()
_TYPES = {"int8": np.int8, "uint8": np.uint8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
          "float32": np.float32, "bool": np.bool_}
_WHERE = ("cpu", "array", "none")


def _call(function, *arguments):
    err = _ErrorText()
    status = function(*arguments, c.byref(err))
    if status != 0:
        raise Error(_lib.rs_status_name(status).decode(), err.text.decode(errors="replace"))


def _fields(structure):
    """A structure's numbers and texts as a dict."""
    out = {}
    for name, _ in structure._fields_:
        value = getattr(structure, name)
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        if isinstance(value, _Counters):
            value = _fields(value)
        if not isinstance(value, c._Pointer):
            out[name] = value
    return out


def _layer(report):
    return _fields(report) | {"where": _WHERE[report.where]}


def _pointers(arrays):
    return (c.c_void_p * max(1, len(arrays)))(*[a.ctypes.data for a in arrays])


# ---- what people use -----------------------------------------------------------------------------


def version():
    """Of the library: "0.1.0"."""
    return _lib.rs_version().decode()


class Device:
    """A target opened by its name: "cpu", "emu:default", "sim:default", "xrt:0?xclbin=..."; None: as the environment
    says. message: called with sentences that are no errors."""

    def __init__(self, target=None, cpu_fallback=False, message=None):
        self._handle = c.c_void_p()
        self._message = _Message(lambda _, text: message(text.decode())) if message else None
        options = _structs["rs_open_options"](message=c.cast(self._message, c.c_void_p) if message else None,
                                              cpu_fallback=cpu_fallback)
        _call(_lib.rs_open, target.encode() if target is not None else None, c.byref(options), c.byref(self._handle))

    def close(self):
        if self._handle:
            _lib.rs_close(self._handle)
            self._handle = c.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()

    def info(self):
        """rs_device_info() as a dict."""
        info = _structs["rs_device_info"]()
        _call(_lib.rs_device_info, self._handle, c.byref(info))
        return _fields(info)

    def self_test(self):
        _call(_lib.rs_self_test, self._handle)

    def load(self, model, *, reference=False, cpu_only=False, batch_plans=0):
        """A model from a file's name or from its bytes, planned for this device.  batch_plans: so many sizes of a batch keep a plan of their own."""
        return Model(self, model, _structs["rs_load_options"](reference=reference, cpu_only=cpu_only, batch_plans=batch_plans))


class Result:
    """outputs: a list of arrays [batch][...]; report: a dict, with "counters" and a list of "layers"."""

    def __init__(self, outputs, report):
        self.outputs = outputs
        self.report = report


class Model:
    """Made by Device.load(). inputs, outputs: dicts with name, type, shape (of one item), scale, zero_point."""

    def __init__(self, device, source, options):
        self._handle = c.c_void_p()
        self._device = device                                    # must outlive this
        if isinstance(source, (bytes, bytearray, memoryview)):
            source = bytes(source)
            _call(_lib.rs_model_load_memory, device._handle, source, len(source), c.byref(options), c.byref(self._handle))
        else:
            _call(_lib.rs_model_load, device._handle, os.fsencode(source), c.byref(options), c.byref(self._handle))
        self.inputs = [self._tensor(_lib.rs_model_input, i) for i in range(_lib.rs_model_inputs(self._handle))]
        self.outputs = [self._tensor(_lib.rs_model_output, i) for i in range(_lib.rs_model_outputs(self._handle))]

    def __del__(self):
        if getattr(self, "_handle", None):
            _lib.rs_model_free(self._handle)

    def _tensor(self, function, index):
        info = _structs["rs_tensor_info"]()
        _call(function, self._handle, index, c.byref(info))
        return {"name": info.name.decode(), "type": info.type.decode(), "shape": tuple(info.dim[:info.rank]),
                "scale": info.scale, "zero_point": info.zero_point}

    def save(self, path):
        """Keeps the model, its plan and its packed filters in a file for Device.load()."""
        _call(_lib.rs_model_save, self._handle, os.fsencode(path))

    def plan(self):
        """Where each layer runs, why, its MACs and predicted cycles: a list of dicts."""
        n = c.c_uint32()
        layers = _lib.rs_model_layers(self._handle, c.byref(n))
        return [{k: v for k, v in _layer(layers[i]).items() if k not in ("counters", "utilization", "host_seconds")}
                for i in range(n.value)]

    def run(self, *inputs, timeout=None):
        """One array an input: n items, of the input's own type, or, where it is int8, of floats (quantized by the
        library). Shape: the input's, its first dimension n times as large, or with n before it. timeout: seconds."""
        if len(inputs) != len(self.inputs):
            raise ValueError(f"{len(inputs)} inputs, the model has {len(self.inputs)}")
        arrays = [self._input(x, info) for x, info in zip(inputs, self.inputs)]
        sizes = [int(np.prod(info["shape"])) for info in self.inputs]
        counts = {a.size // size for a, size in zip(arrays, sizes)}
        if len(counts) != 1 or 0 in counts or any(a.size % size for a, size in zip(arrays, sizes)):
            raise ValueError(f"inputs of {[a.shape for a in arrays]} for shapes {[i['shape'] for i in self.inputs]}")
        batch = counts.pop()
        outputs = [np.empty(((batch * o["shape"][0],) + o["shape"][1:]) if o["shape"] else (batch,), _TYPES[o["type"]])
                   for o in self.outputs]
        request = c.c_void_p()
        _call(_lib.rs_submit, self._handle, _pointers(arrays), _pointers(outputs), batch, c.byref(request))
        try:
            _call(_lib.rs_wait, request, -1 if timeout is None else int(timeout * 1000))
            report = c.POINTER(_Report)()
            _call(_lib.rs_request_report, request, c.byref(report))
            r = report.contents
            told = _fields(r) | {"layers": [_layer(r.layers[i]) for i in range(r.n_layers)]}
        finally:
            _lib.rs_request_free(request)
        return Result(outputs, told)

    @staticmethod
    def _input(x, info):
        x = np.asarray(x)
        if info["type"] == "int8" and x.dtype.kind == "f":
            real = np.ascontiguousarray(x, np.float32)
            x = np.empty(real.shape, np.int8)
            _call(_lib.rs_quantize, x.size, real.ctypes.data, info["scale"], info["zero_point"], x.ctypes.data)
        if x.dtype != _TYPES[info["type"]]:
            raise TypeError(f"input '{info['name']}' is {info['type']}, not {x.dtype}")
        return np.ascontiguousarray(x)


def quantize(model, samples, out, *, method="minmax", percentile=99.99, equalize=True, correct_bias=True, keep16=0):
    """An int8 model of a float one, calibrated on samples: one float32 array, or one an input, each n items.
    method: "minmax", "percentile", "mse". Returns a list of dicts: name, op, sqnr_db of each operation."""
    methods = ("minmax", "percentile", "mse")
    if method not in methods:
        raise ValueError(f"method {method!r}, expected one of {', '.join(methods)}")
    samples = samples if isinstance(samples, (list, tuple)) else [samples]
    arrays = [np.ascontiguousarray(s, np.float32) for s in samples]
    with Device("cpu") as device:
        inputs = device.load(model).inputs
    sizes = [int(np.prod(i["shape"])) for i in inputs]
    counts = {a.size // size for a, size in zip(arrays, sizes)}
    if len(arrays) != len(inputs) or len(counts) != 1 or any(a.size % size for a, size in zip(arrays, sizes)):
        raise ValueError(f"samples of {[a.shape for a in arrays]} for inputs of {[i['shape'] for i in inputs]}")
    layers = []
    note = _Layer(lambda _, name, op, db: layers.append({"name": name.decode(), "op": op.decode(), "sqnr_db": db}))
    options = _structs["rs_quantize_options"](method=methods.index(method), percentile=percentile, no_equalization=not equalize,
                               no_bias_correction=not correct_bias, keep16=keep16, layer=c.cast(note, c.c_void_p))
    _call(_lib.rs_quantize_model, os.fsencode(model), _pointers(arrays), counts.pop(), c.byref(options), os.fsencode(out))
    return layers
