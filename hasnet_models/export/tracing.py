"""A torch module as an ONNX graph, with what torch's exporter cannot do of itself."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import onnx
import torch
from torch import Tensor, nn
from torch.onnx import symbolic_helper as helper

OPSET = 18  # the first whose Resize has the anti-aliasing filter


def trace(
    module: nn.Module,
    example: Sequence[Tensor],
    inputs: Sequence[str],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> onnx.ModelProto:
    """The graph of a module's ``forward``; initialisers are called as its parameters are.

    Args:
        example: arguments; their sizes along ``axes`` do not matter, two of them in a batch do.
        axes: input or output -> axis -> name of its size, where that is free.
    """
    file = io.BytesIO()
    with _symbolics(), warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # constants of the tracer, and that it is to be replaced
        torch.onnx.export(
            module.eval(), tuple(example), file, dynamo=False, opset_version=OPSET,
            input_names=list(inputs), output_names=list(outputs), do_constant_folding=False,
            dynamic_axes={name: dict(sizes) for name, sizes in axes.items()},
        )  # fmt: skip
    model = onnx.load_from_string(file.getvalue())
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    return model


@contextlib.contextmanager
def _symbolics() -> Iterator[None]:
    """What the networks use and the exporter has no, or no general, rule for."""
    rules = {
        "aten::adaptive_avg_pool2d": _area,
        "aten::_upsample_bilinear2d_aa": _antialiased,
        "aten::instance_norm": _instance_norm,
        "aten::pow": _power,
        "aten::quantile": _quantile,
    }
    for name, rule in rules.items():
        torch.onnx.register_custom_op_symbolic(name, rule, OPSET)
    try:
        yield
    finally:
        for name in rules:
            torch.onnx.unregister_custom_op_symbolic(name, OPSET)


def _constant(g: Any, *values: int) -> Any:
    return g.op("Constant", value_t=torch.tensor(values, dtype=torch.int64))


def _area(g: Any, x: Any, size: Any) -> Any:
    """Means over whole blocks: the sides of ``x`` are multiples of those of the output."""
    size = _as_sizes(g, size)
    height, width = (g.op("Slice", size, _constant(g, i), _constant(g, i + 1)) for i in (0, 1))
    rest, same = _constant(g, -1), _constant(g, 0, 0)
    # rows first: those are sums of whole rows, and leave less for the sums within one
    wide = g.op("Slice", g.op("Shape", x), _constant(g, 3), _constant(g, 4))
    shape = g.op("Concat", same, height, rest, wide, axis_i=0)
    x = g.op("ReduceMean", g.op("Reshape", x, shape), _constant(g, -2), keepdims_i=0)
    shape = g.op("Concat", same, _constant(g, 0), width, rest, axis_i=0)
    return g.op("ReduceMean", g.op("Reshape", x, shape), _constant(g, -1), keepdims_i=0)


def _antialiased(g: Any, x: Any, size: Any, align_corners: Any, *_: Any) -> Any:
    empty = g.op("Constant", value_t=torch.tensor([], dtype=torch.float32))
    shape = g.op("Shape", x)
    kept = g.op("Slice", shape, _constant(g, 0), _constant(g, 2))
    sizes = g.op("Concat", kept, _as_sizes(g, size), axis_i=0)
    return g.op(
        "Resize", x, empty, empty, sizes, mode_s="linear", antialias_i=1,
        coordinate_transformation_mode_s="half_pixel",
    )  # fmt: skip


def _as_sizes(g: Any, size: Any) -> Any:
    """Height and width, known or not, as a tensor of two numbers."""
    if not helper._is_packed_list(size):
        return size
    parts = (g.op("Reshape", one, _constant(g, 1)) for one in helper._unpack_list(size))
    return g.op("Concat", *parts, axis_i=0)


def _instance_norm(g: Any, x: Any, *rest: Any) -> Any:
    """Without scale and shift of its own, for any number of channels."""
    eps = helper._get_const(rest[-2], "f", "eps")
    channels = g.op("Slice", g.op("Shape", x), _constant(g, 1), _constant(g, 2))
    one, zero = (
        g.op("ConstantOfShape", channels, value_t=torch.tensor([value])) for value in (1.0, 0.0)
    )
    return g.op("InstanceNormalization", x, one, zero, epsilon_f=eps)


def _power(g: Any, x: Any, exponent: Any) -> Any:
    """Of what is above 0, where it is no small whole one: onnxruntime's takes ten times as long."""
    if helper._maybe_get_const(exponent, "f") in (2, 3):
        return g.op("Pow", x, exponent)
    return g.op("Exp", g.op("Mul", g.op("Log", x), exponent))


def _quantile(g: Any, x: Any, q: Any, dim: Any, keepdim: Any, interpolation: Any) -> Any:
    """Quantiles along the last axis, the next two values mixed, (Q, ...)."""
    found = [_ranked(g, x, share) for share in q.node().t("value").tolist()]
    return g.op("Transpose", g.op("Concat", *found, axis_i=-1), perm_i=[1, 0])


def _ranked(g: Any, x: Any, share: float) -> Any:
    """One of them, (..., 1): only what lies beyond it is sorted."""
    above = share > 0.5
    count = g.op("Slice", g.op("Shape", x), _constant(g, -1), _constant(g, 9))
    last = g.op("Sub", count, _constant(g, 1))
    outer = g.op("Constant", value_t=torch.tensor([1 - share if above else share]))
    place = g.op("Mul", outer, g.op("Cast", last, to_i=1))
    ends = [g.op("Cast", g.op(kind, place), to_i=7) for kind in ("Floor", "Ceil")]
    beyond = g.op("Add", ends[1], _constant(g, 1))
    values, _ = g.op("TopK", x, beyond, largest_i=int(above), outputs=2)
    near, far = (g.op("Gather", values, one, axis_i=-1) for one in ends)
    rest = g.op("Sub", place, g.op("Floor", place))
    return g.op("Add", near, g.op("Mul", rest, g.op("Sub", far, near)))
