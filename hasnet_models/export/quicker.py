"""Nodes of a graph in forms that compute the same, in which onnxruntime's CPU is quicker.

They are ONNX's own operators all of them, so that a graph stays one for any program. What each of
them saves is in docs/performance.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

# None where it is not known, a name where it is free
Sizes = list[int | str | None]

PART = 8  # of a line's points, for which the matrix that enlarges them is made


@dataclass
class Known:
    """What is known of a graph's values, by their names: sizes, constants, who makes them."""

    sizes: Mapping[str, Sizes | None]
    values: Mapping[str, np.ndarray]
    makers: Mapping[str, onnx.NodeProto]

    @classmethod
    def of(cls, model: onnx.ModelProto) -> Known:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
        values = (*graph.value_info, *graph.input, *graph.output)
        return cls(
            {one.name: sizes_of(one) for one in values},
            {one.name: numpy_helper.to_array(one) for one in model.graph.initializer},
            {name: node for node in model.graph.node for name in node.output},
        )

    def numbers(self, name: str, rank: int) -> list[int] | None:
        """Sizes of a value of that rank but the first one (the batch's), if they are known."""
        sizes = self.sizes.get(name)
        if sizes is None or len(sizes) != rank:
            return None
        return sizes[1:] if all(isinstance(one, int) for one in sizes[1:]) else None


def sizes_of(value: onnx.ValueInfoProto) -> Sizes | None:
    """Sizes of a value's axes; None where not even their number is known."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return [
        one.dim_value if one.HasField("dim_value") else one.dim_param or None
        for one in kind.shape.dim
    ]


@dataclass
class Instead:
    """Nodes that stand where one node was, and the constants of all of them in a graph."""

    output: str
    constants: dict[bytes, onnx.TensorProto]
    nodes: list[onnx.NodeProto] = field(default_factory=list)

    def add(self, kind: str, *inputs: str | np.ndarray, **attributes: Any) -> str:
        """A node, of names and of constants; the name of what it gives."""
        names = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        name = f"{self.output}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [name], name=name, **attributes))
        return name

    def _constant(self, value: np.ndarray) -> str:
        tensor = numpy_helper.from_array(np.asarray(value))
        known = self.constants.setdefault(tensor.SerializeToString(), tensor)
        known.name = known.name or f"quicker/{len(self.constants)}"
        return known.name


def quicker(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, with each node for which there is a quicker form in that form."""
    known = Known.of(model)
    nodes: list[onnx.NodeProto] = []
    constants: dict[bytes, onnx.TensorProto] = {}
    for node in model.graph.node:
        instead = Instead(node.output[0], constants)
        rule = _RULES.get(node.op_type)
        if rule is None or not rule(node, known, instead):
            nodes.append(node)
            continue
        instead.nodes[-1].output[0] = node.output[0]
        nodes += instead.nodes
    model.graph.initializer.extend(constants.values())
    del model.graph.node[:]
    model.graph.node.extend(_needed(nodes, {one.name for one in model.graph.output}))
    return model


def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """Those of the nodes, which are in their order, that what is wanted follows from."""
    kept = []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    found = (helper.get_attribute_value(one) for one in node.attribute if one.name == name)
    value = next(found, default)
    return value.decode() if isinstance(value, bytes) else value


def _whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def _prelu(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """max(x, 0) + slope min(x, 0): onnxruntime chooses value by value, and guesses wrong."""
    x, slope = node.input
    above = instead.add("Relu", x)
    below = instead.add("Mul", slope, instead.add("Sub", x, above))
    instead.add("Add", above, below)
    return True


def _gather(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """From a table of numbers: one number at a time is copied as if it were a row of many."""
    table, places = node.input
    sizes = known.numbers(places, 4)
    if sizes is None or known.values.get(table, np.empty(0)).ndim != 1 or places in known.values:
        return False
    line = instead.add("Reshape", places, _whole(-1))
    taken = instead.add("GatherElements", table, line, axis=0)
    instead.add("Reshape", taken, _whole(-1, *sizes))
    return True


def _grid_sample(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """A border that is repeated is places that stop at its middles; then none lies beyond."""
    image, grid = node.input
    height, width = (known.sizes.get(image) or [None] * 4)[2:]
    border = _attribute(node, "padding_mode", "zeros") == "border"
    if not border or _attribute(node, "align_corners", 0) or height is None or height != width:
        return False
    if isinstance(width, int):
        last: str | np.ndarray = np.float32(1 - 1 / width)
        first: str | np.ndarray = np.float32(1 / width - 1)
    else:
        side = instead.add("Gather", instead.add("Shape", image), np.int64(3))
        cell = instead.add("Reciprocal", instead.add("Cast", side, to=onnx.TensorProto.FLOAT))
        last = instead.add("Sub", np.float32(1), cell)
        first = instead.add("Neg", last)
    inside = instead.add("Clip", grid, first, last)
    mode = _attribute(node, "mode", "bilinear")
    instead.add("GridSample", image, inside, mode=mode, padding_mode="zeros")
    return True


def _resize(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """Planes enlarged by whole numbers are products of matrices: columns first, then rows."""
    x = node.input[0]
    small, large = known.numbers(x, 4), known.numbers(node.output[0], 4)
    how = [
        _attribute(node, name, default)
        for name, default in (
            ("mode", "nearest"),
            ("coordinate_transformation_mode", "half_pixel"),
            ("antialias", 0),
        )
    ]
    if how != ["linear", "half_pixel", 0] or small is None or large is None:
        return False
    if any(large[i] % small[i] or large[i] == small[i] for i in (1, 2)):
        return False
    _enlarged(_enlarged(x, 3, small[2], large[2], instead), 2, small[1], large[1], instead)
    return True


def _enlarged(x: str, axis: int, small: int, large: int, instead: Instead) -> str:
    """Planes enlarged along an axis, their rows (2) or what is in a row (3)."""
    rows, part, factor = axis == 2, math.gcd(small, PART), large // small
    parts = instead.add("Gather", x, _parts(small, part), axis=axis)
    matrix = _between(part + 2, factor)[factor:-factor]
    if rows:
        return instead.add("Reshape", instead.add("MatMul", matrix, parts), _whole(0, 0, large, -1))
    matrix = np.ascontiguousarray(matrix.T)
    return instead.add("Reshape", instead.add("MatMul", parts, matrix), _whole(0, 0, 0, large))


def _parts(length: int, part: int) -> np.ndarray:
    """Of a line, its points in parts, each with the one before and the one behind it."""
    starts = np.arange(0, length, part)[:, None]
    return (starts + np.arange(-1, part + 1)).clip(0, length - 1)


def _between(length: int, factor: int) -> np.ndarray:
    """Shares (factor x length, length) of a line's points in a finer one's, bilinear."""
    places = ((np.arange(length * factor) + 0.5) / factor - 0.5).clip(0, length - 1)
    return (1 - abs(places[:, None] - np.arange(length))).clip(0).astype(np.float32)


def _reduce_sum(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """Planes summed into one are a convolution with ones, or with what they are weighted by."""
    axes = known.values.get(node.input[1]) if len(node.input) > 1 else None
    x, sizes = node.input[0], known.sizes.get(node.input[0])
    if axes is None or axes.tolist() != [1] or not _attribute(node, "keepdims", 1):
        return False
    if sizes is None or len(sizes) != 4 or sizes[1] != 3:
        return False
    weights = np.ones(3, np.float32)
    maker = known.makers.get(x)
    if maker is not None and maker.op_type == "Mul":
        for planes, factors in (maker.input, maker.input[::-1]):
            given = known.values.get(factors)
            if given is not None and given.shape == (3, 1, 1):
                x, weights = planes, given.ravel()
    instead.add("Conv", x, weights.reshape(1, 3, 1, 1))
    return True


_RULES: Mapping[str, Callable[[onnx.NodeProto, Known, Instead], bool]] = {
    "PRelu": _prelu,
    "Gather": _gather,
    "GridSample": _grid_sample,
    "Resize": _resize,
    "ReduceSum": _reduce_sum,
}
