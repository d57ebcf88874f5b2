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

WHOLE = 256  # a line that is no longer once it is enlarged is so by one matrix
PART = 8  # of a line's points, for which the matrix that enlarges them is made
FEW = 32  # planes, of which the greatest is found by comparing them one by one


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
        given = model.graph.initializer
        sizes: dict[str, Sizes | None] = {one.name: list(one.dims) for one in given}
        return cls(
            sizes | {one.name: sizes_of(one) for one in values},
            {one.name: numpy_helper.to_array(one) for one in given},
            {name: node for node in model.graph.node for name in node.output},
        )

    def numbers(self, name: str) -> list[int] | None:
        """Sizes of a value but the first one (the batch's), if they are known."""
        sizes = self.sizes.get(name)
        if not sizes or not all(isinstance(one, int) for one in sizes[1:]):
            return None
        return sizes[1:]


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

    def split(self, x: str, count: int) -> list[str]:
        """Planes one by one; the names of what a node gives."""
        names = [f"{self.output}/{len(self.nodes)}/{number}" for number in range(count)]
        self.nodes.append(helper.make_node("Split", [x], names, axis=1, num_outputs=count))
        return names

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


def _conv(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """3 x 3 to few planes: what each pixel gives its nine neighbours is worked out and added, where
    onnxruntime would copy nine neighbours of each pixel of all the planes that go in.

    That is a transposed convolution, its weights turned round at each run, which costs by their
    number.
    """
    x, weights, *bias = node.input
    outputs, planes = (known.sizes.get(weights) or [0])[0], known.numbers(x) or [0, 0, 0]
    inputs, pixels = planes[0], planes[1] * planes[2]
    if known.numbers(weights) != [inputs, 3, 3] or not _is_same_sized(node):
        return False
    if 2 * outputs > inputs or outputs * inputs > 2 * pixels:
        return False
    back = _whole(-1, -1)
    turned = instead.add("Slice", weights, back, _whole(-4, -4), _whole(2, 3), back)
    swapped = instead.add("Transpose", turned, perm=[1, 0, 2, 3])
    instead.add("ConvTranspose", x, swapped, *bias, kernel_shape=[3, 3], pads=[1] * 4)
    return True


def _is_same_sized(node: onnx.NodeProto) -> bool:
    """Whether a convolution of 3 x 3 gives a pixel for each that it is given."""
    steps = (*_attribute(node, "strides", [1]), *_attribute(node, "dilations", [1]))
    return set(steps) == set(_attribute(node, "pads", [0])) == {1}


def _reshape(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """To sizes that are known, or are those of what is reshaped: nothing is to be worked out."""
    x, wanted = node.input
    if wanted in known.values:
        return False
    sizes = known.numbers(node.output[0])
    target = _kept_sizes(x, wanted, known) if sizes is None else [-1, *sizes]
    if target is None:
        return False
    instead.add("Reshape", x, _whole(*target))
    return True


def _kept_sizes(x: str, wanted: str, known: Known) -> list[int] | None:
    """A shape as `Reshape` takes it, where it is the first sizes of ``x`` and then numbers."""
    maker = known.makers.get(wanted)
    if maker is None or maker.op_type != "Concat":
        return None
    first, *rest = maker.input
    part = known.makers.get(first)
    if part is None or part.op_type != "Slice":
        return None
    shape = known.makers.get(part.input[0])
    if shape is None or shape.op_type != "Shape" or shape.input[0] != x:
        return None
    bounds = [known.values.get(name) for name in part.input[1:3]]
    numbers = [known.values.get(name) for name in rest]
    if any(one is None for one in (*bounds, *numbers)) or bounds[0][0] or bounds[1][0] < 0:
        return None
    return [0] * int(bounds[1][0]) + np.concatenate(numbers).tolist()


def _unsqueeze(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """Axes that are added one behind the other are added at once."""
    x, axes = node.input[0], known.values[node.input[1]]
    maker = known.makers.get(x)
    while maker is not None and maker.op_type == "Unsqueeze":
        before = known.values[maker.input[1]]
        if not 0 <= before.max() < axes.min():
            break
        x, axes = maker.input[0], np.concatenate((before, axes))
        maker = known.makers.get(x)
    if x == node.input[0]:
        return False
    instead.add("Unsqueeze", x, axes)
    return True


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
    sizes = known.numbers(places)
    if sizes is None or known.values.get(table, np.empty(())).ndim != 1 or places in known.values:
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
    """Enlarged by whole numbers: bilinearly both ways by products, else with the factors known."""
    small, large = known.numbers(node.input[0]), known.numbers(node.output[0])
    if small is None or large is None or len(small) != 3 or _attribute(node, "antialias", 0):
        return False
    if any(b % a for a, b in zip(small, large, strict=True)):
        return False
    factors = [b // a for a, b in zip(small, large, strict=True)]
    x = node.input[0]
    if min(factors[1:]) > 1 and _is_bilinear(node):
        wide = _enlarged(x, 3, small[2], large[2], instead)
        _enlarged(wide, 2, small[1], large[1], instead)
        return True
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    instead.add("Resize", x, "", np.array([1, *factors], np.float32), **attributes)
    return True


def _is_bilinear(node: onnx.NodeProto) -> bool:
    """Between pixels' middles, as torch does it."""
    return (
        _attribute(node, "mode", "nearest") == "linear"
        and _attribute(node, "coordinate_transformation_mode", "half_pixel") == "half_pixel"
    )


def _enlarged(x: str, axis: int, small: int, large: int, instead: Instead) -> str:
    """Planes enlarged along an axis, their rows (2) or what is in a row (3)."""
    if large <= WHOLE:
        matrix = _between(small, large // small)
        return instead.add("MatMul", *((matrix, x) if axis == 2 else (x, _turned(matrix))))
    if axis == 2:
        return _enlarged_rows(x, small, large, instead)
    # whole rows are taken out far quicker than parts of them, even if planes are turned for it
    turned = instead.add("Transpose", x, perm=[0, 1, 3, 2])
    tall = _enlarged_rows(turned, small, large, instead)
    return instead.add("Transpose", tall, perm=[0, 1, 3, 2])


def _turned(matrix: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(matrix.T)


def _enlarged_rows(x: str, small: int, large: int, instead: Instead) -> str:
    """Planes with more rows, a part at a time: a matrix of all would hold little but zeros."""
    part, factor = math.gcd(small, PART), large // small
    matrix = _between(part + 2, factor)[factor:-factor]
    parts = instead.add("Gather", x, _parts(small, part), axis=2)
    fine = instead.add("MatMul", matrix, parts)
    return instead.add("Reshape", fine, _whole(0, 0, large, -1))


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
    x = node.input[0]
    if _planes_of(node, known) != 3:
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


def _reduce_max(node: onnx.NodeProto, known: Known, instead: Instead) -> bool:
    """The greatest of some planes: they are compared as wholes, not the values of each pixel."""
    planes = _planes_of(node, known)
    if not isinstance(planes, int) or not 1 < planes <= FEW:
        return False
    instead.add("Max", *instead.split(node.input[0], planes))
    return True


def _planes_of(node: onnx.NodeProto, known: Known) -> int | str | None:
    """How many planes a node reduces to one that stays an axis; None where it does not do that."""
    axes = known.values.get(node.input[1]) if len(node.input) > 1 else None
    sizes = known.sizes.get(node.input[0])
    if axes is None or axes.tolist() != [1] or not _attribute(node, "keepdims", 1):
        return None
    return sizes[1] if sizes is not None and len(sizes) == 4 else None


_RULES: Mapping[str, Callable[[onnx.NodeProto, Known, Instead], bool]] = {
    "Conv": _conv,
    "PRelu": _prelu,
    "Gather": _gather,
    "GridSample": _grid_sample,
    "Resize": _resize,
    "ReduceMax": _reduce_max,
    "ReduceSum": _reduce_sum,
    "Reshape": _reshape,
    "Unsqueeze": _unsqueeze,
}
