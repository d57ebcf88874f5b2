"""Graphs in forms that onnxruntime is quicker in compute what they did."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

pytest.importorskip("onnx")

from hasnet_models.export.simplify import simplified
from hasnet_models.export.tracing import trace

BATCH = {0: "batch"}
FREE = {0: "batch", 2: "side", 3: "side"}


class Module(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


def checked(
    function: Callable[..., Tensor], *given: Tensor, free: tuple[dict[int, str], ...] = ()
) -> set[str]:
    """The kinds of nodes of a function's graph, which computes what the function does."""
    names = [f"x{i}" for i in range(len(given))]
    axes = dict(zip(names, free or [BATCH] * len(given), strict=True)) | {"y": dict(BATCH)}
    model = simplified(trace(Module(function), given, names, ["y"], axes))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for batch in (1, 2):
        inputs = [one[:batch] for one in given]
        (found,) = session.run(None, {n: x.numpy() for n, x in zip(names, inputs, strict=True)})
        np.testing.assert_allclose(found, function(*inputs).numpy(), atol=1e-5)
    return {node.op_type for node in model.graph.node}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_a_slope_of_any_sign_is_arithmetic():
    slopes = torch.tensor([-2.0, 0.0, 0.3, 4.0])
    assert "PRelu" not in checked(lambda x: F.prelu(x, slopes), drawn(2, 4, 6, 6))


@pytest.mark.parametrize(
    ("inputs", "outputs", "side", "transposed"),
    [
        (8, 1, 9, True),  # a gate
        (8, 4, 6, True),
        (8, 5, 9, False),  # not half as many
        (16, 8, 6, False),  # weights that cost more to turn than they save
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_few_planes_of_many_are_a_transposed_convolution(inputs, outputs, side, transposed, bias):
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias).requires_grad_(False)
    kinds = checked(conv, drawn(2, inputs, side, side))
    assert ("ConvTranspose" in kinds, "Conv" in kinds) == (transposed, not transposed)


@pytest.mark.parametrize(
    "options", [{"padding": 0}, {"padding": 1, "stride": 2}, {"padding": 2, "dilation": 2},
                {"padding": 1, "groups": 2}, {"padding": 2, "kernel_size": 5},
                {"padding": 1, "padding_mode": "circular"}],
)  # fmt: skip
def test_other_convolutions_stay(options):
    conv = nn.Conv2d(8, 2, **{"kernel_size": 3, **options}).requires_grad_(False)
    assert "ConvTranspose" not in checked(conv, drawn(2, 8, 12, 12))


def test_a_table_is_looked_up_number_by_number():
    table = drawn(256)
    levels = torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8)
    kinds = checked(lambda x: table[x.int()], levels)
    assert "GatherElements" in kinds and "Gather" not in kinds


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ((8, 8), (64, 64)),
        ((12, 24), (24, 120)),
        ((3, 5), (9, 10)),
        ((1, 1), (4, 4)),
        ((2, 32), (4, 320)),
        ((24, 2), (288, 8)),
        ((16, 20), (272, 260)),  # in parts of a line
    ],
)
def test_planes_are_enlarged_by_products(small, large):
    def enlarged(x):
        return F.interpolate(x, size=large, mode="bilinear", align_corners=False)

    assert "Resize" not in checked(enlarged, drawn(2, 3, *small))


@pytest.mark.parametrize("large", [(12, 12), (8, 16), (4, 4)])
def test_what_is_not_enlarged_by_whole_numbers_both_ways_is_resized_as_before(large):
    def resized(x):
        return F.interpolate(x, size=large, mode="bilinear", align_corners=False)

    assert "Resize" in checked(resized, drawn(2, 3, 8, 8))


def test_whole_factors_are_known_before_a_picture_is():
    kinds = checked(lambda x: F.interpolate(x, size=(8, 16), mode="nearest"), drawn(2, 3, 4, 4))
    assert "Resize" in kinds and "Shape" not in kinds


@pytest.mark.parametrize("free", [BATCH, FREE])
def test_a_shape_that_is_known_or_kept_is_not_worked_out(free):
    assert checked(lambda x: x.flatten(2) * 2, drawn(2, 3, 4, 4), free=(free,)) == {
        "Reshape",
        "Mul",
    }


def test_axes_are_added_at_once():
    kinds = checked(lambda x, y: x * y[:, :, None, None], drawn(2, 3, 4, 4), drawn(2, 3, seed=1))
    assert kinds == {"Unsqueeze", "Mul"}
    one = simplified(
        trace(Module(lambda x: x[:, :, None, None] * 2), [drawn(2, 3)], ["x"], ["y"], {})
    )
    assert len(one.graph.node) == 2


@pytest.mark.parametrize("free", [(BATCH, BATCH), (FREE, {0: "batch", 1: "side", 2: "side"})])
def test_what_is_sampled_beyond_a_border_is_the_border(free):
    def sampled(x, grid):
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

    grid = drawn(2, 6, 6, 2, seed=1) * 1.5
    grid[:, 0, 0] = torch.tensor([-1.0, 1.0])
    kinds = checked(sampled, drawn(2, 3, 6, 6), grid, free=free)
    assert "Clip" in kinds


def test_a_picture_that_is_no_square_is_sampled_as_before():
    def sampled(x, grid):
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

    assert "Clip" not in checked(sampled, drawn(2, 3, 6, 8), drawn(2, 4, 4, 2, seed=1))


@pytest.mark.parametrize("weights", [None, (0.2, 0.7, 0.1)])
@pytest.mark.parametrize("free", [BATCH, FREE])
def test_three_planes_are_summed_by_a_convolution(weights, free):
    def summed(x):
        factors = 1 if weights is None else x.new_tensor(weights)[:, None, None]
        return (x.square() * factors).sum(1, keepdim=True)

    kinds = checked(summed, drawn(2, 3, 6, 6), free=(free,))
    assert "ReduceSum" not in kinds and "Conv" in kinds


@pytest.mark.parametrize("axis", [2, 3])
def test_other_sums_are_as_before(axis):
    assert "ReduceSum" in checked(lambda x: x.sum(axis, keepdim=True), drawn(2, 3, 6, 6))


@pytest.mark.parametrize("planes", [2, 20])
def test_the_greatest_of_some_planes_is_found_plane_by_plane(planes):
    kinds = checked(lambda x: x.amax(1, keepdim=True), drawn(2, planes, 6, 7))
    assert "ReduceMax" not in kinds and "Max" in kinds


@pytest.mark.parametrize(
    ("axis", "kept", "planes"), [(2, True, 4), (1, False, 4), (1, True, 1), (1, True, 40)]
)
def test_other_maxima_are_as_before(axis, kept, planes):
    assert "Max" not in checked(lambda x: x.amax(axis, keepdim=kept), drawn(2, planes, 6, 7))


@pytest.mark.parametrize("shares", [(0.02, 0.98), (0.0, 0.5, 1.0), (0.3,)])
def test_quantiles_are_those_of_torch(shares):
    wanted = torch.tensor(shares)
    checked(lambda x: torch.quantile(x, wanted, dim=1).T, drawn(2, 101))


@pytest.mark.parametrize("size", [(4, 4), (2, 8), (16, 16)])
def test_means_over_blocks_are_those_of_torch(size):
    checked(lambda x: F.adaptive_avg_pool2d(x, size), drawn(2, 3, 16, 16))
