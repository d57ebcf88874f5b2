"""A graph without the bookkeeping of sizes that a trace leaves: what is always the same is folded.

A session is opened for every single avatar, and its cost goes by the number of nodes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from hasnet_models.export.quicker import Known, Sizes, quicker
from hasnet_models.runtimes.sessions import PROVIDERS

_ROUNDS = 3
_DOMAIN = ""  # of ONNX's own operators


def simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with fewer nodes; what depends on initialisers that lie outside stays."""
    away = outside(model)
    for one in away:  # as inputs, so that nothing follows from their values
        model.graph.initializer.remove(one)
        model.graph.input.append(
            onnx.helper.make_tensor_value_info(one.name, one.data_type, list(one.dims))
        )
    for _ in range(_ROUNDS):
        model = _with_known_sizes(_folded(model))
    model = _folded(quicker(_folded(model)))
    names = {one.name for one in away}
    inputs = [one for one in model.graph.input if one.name not in names]
    del model.graph.input[:], model.graph.value_info[:]
    model.graph.input.extend(inputs)
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(one for one in away if one.name in used)
    opsets = [one for one in model.opset_import if one.domain == _DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    return model


def outside(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """The initialisers whose values are not in the graph."""
    elsewhere = onnx.TensorProto.EXTERNAL
    return [one for one in model.graph.initializer if one.data_location == elsewhere]


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """With its constants computed, by onnxruntime's basic optimiser."""
    import onnxruntime  # once `runtimes.sessions` has said how

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.onnx"
        options.optimized_model_filepath = str(file)
        data = model.SerializeToString()
        onnxruntime.InferenceSession(data, options, providers=PROVIDERS)
        return onnx.load(file)


def _with_known_sizes(model: onnx.ModelProto) -> onnx.ModelProto:
    """With numbers in place of parts of shapes that are the same for every batch."""
    known = Known.of(model)
    of = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Shape"}
    for node in list(model.graph.node):
        sizes = known.sizes.get(of.get(node.input[0], "")) if node.input else None
        part = None if sizes is None else _part(node, sizes, known.values)
        if part is not None:
            model.graph.node.remove(node)
            model.graph.initializer.append(numpy_helper.from_array(part, node.output[0]))
    return model


def _part(
    node: onnx.NodeProto, sizes: Sizes, constants: Mapping[str, np.ndarray]
) -> np.ndarray | None:
    """What a node takes out of a shape, where that is known."""
    arguments = [constants.get(name) for name in node.input[1:]]
    if any(one is None for one in arguments):
        return None
    if node.op_type == "Gather":
        index = arguments[0]
        taken = [sizes[i] for i in index.ravel()]
        shape = index.shape
    elif node.op_type == "Slice":
        start, end = (int(one.ravel()[0]) for one in arguments[:2])
        step = int(arguments[3].ravel()[0]) if len(arguments) > 3 else 1
        taken = sizes[start : min(end, len(sizes)) : step]
        shape = (len(taken),)
    else:
        return None
    if not all(isinstance(one, int) for one in taken):
        return None
    return np.array(taken, np.int64).reshape(shape)
