"""Holds the integer simulation against an independent implementation: TensorFlow Lite's interpreter
with its reference kernels (PyPI package ai-edge-litert), every tensor of every layer.

Use version 1.2.0: from 1.3.0 on, the reference fully connected kernel rounds once (measured;
convolution, add and softmax stayed as they were), so now and then a logit comes out one lower or
higher than in gemmlowp double rounding.
"""
import importlib.metadata

import numpy as np

from . import int8
from .layers import IMAGE


def reference_outputs(net, path, images):
    """Runs the file itself, one image at a time. Yields {layer name: int8} for each image."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    interpreter = Interpreter(model_path=path, num_threads=1,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                              experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    where = {t["name"]: t["index"] for t in interpreter.get_tensor_details()}
    for image in images:
        code = (image.astype(np.int16) - 128).astype(np.int8).reshape(1, 28, 28, 1)
        interpreter.set_tensor(where[IMAGE], code)
        interpreter.invoke()
        yield {n.name: interpreter.get_tensor(where[n.name])[0] for n in net}


def check(net, q, path, images):
    """Prints what was compared and where it differs. Returns (all equal, the interpreter's outputs)."""
    mine = int8.run(net, q, images)
    differ = dict.fromkeys((n.name for n in net), 0)
    outputs, compared = [], 0
    for i, theirs in enumerate(reference_outputs(net, path, images)):
        for n in net:
            wrong = mine[n.name][i] != theirs[n.name]
            differ[n.name] += int(wrong.sum())
            compared += wrong.size
        outputs.append(theirs[net[-1].name])
    version = importlib.metadata.version("ai-edge-litert")
    print(f"interpreter (ai-edge-litert {version}, reference kernels), {len(images)} images, every "
          f"tensor: {sum(differ.values())} of {compared} bytes differ")
    for name, count in differ.items():
        if count:
            print(f"  {name}: {count}")
    return not any(differ.values()), np.array(outputs, np.int8)
