"""3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3), a quarter of the products (Lavin, Gray 2016).

A picture is cut into tiles of 6 x 6 that overlap by two and give 4 x 4 results each. In the
transformed domain a convolution is one product for each of 36 places, its gradients are too, and
the transforms themselves are products with constant matrices. Activations lie channels last, so
that a tile's places are whole rows of memory.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F
from torch.utils.weak import WeakTensorKeyDictionary

OUTPUT, INPUT = 4, 6  # sides of a tile
# values of a place that are transformed together, so that they stay in the processor's cache; but
# no fewer tiles than that, as all weights are read for them
VALUES, LEAST_TILES = 2**14, 64

# of a tile, a weight and what they give: along one side, for its rows and then its columns
FROM_INPUT = torch.tensor(
    (
        (4.0, 0, -5, 0, 1, 0),
        (0, -4, -4, 1, 1, 0),
        (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0),
        (0, 2, -1, -2, 1, 0),
        (0, 4, 0, -5, 0, 1),
    )
)
FROM_WEIGHT = torch.tensor(
    (
        (1 / 4, 0, 0),
        (-1 / 6, -1 / 6, -1 / 6),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6),
        (1 / 24, -1 / 12, 1 / 6),
        (0, 0, 1),
    )
)
TO_OUTPUT = torch.tensor(
    ((1.0, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
)


def both_ways(transform: Tensor, places: Tensor) -> Tensor:
    """A transform (m, n) of the rows and columns of places (n * n, ...): (m * m, values)."""
    m, n = transform.shape
    rows = (transform @ places.reshape(n, -1)).view(m, n, -1)
    return torch.matmul(transform, rows).view(m * m, -1)


def fits(x: Tensor) -> bool:
    """Whether a picture (B, C, H, W) is whole tiles."""
    return x.shape[-2] % OUTPUT == 0 and x.shape[-1] % OUTPUT == 0


def convolve(x: Tensor, weight: Tensor) -> Tensor:
    """``F.conv2d(x, weight, padding=1)`` within rounding, with its gradients.

    Args:
        x: (B, Cin, H, W) in float32, H and W multiples of four.
        weight: (Cout, Cin, 3, 3).

    Returns:
        (B, Cout, H, W), channels last.
    """
    frozen = isinstance(weight, nn.Parameter) and not weight.requires_grad
    return Convolution.apply(x, weight, kept_matrices(weight) if frozen else None)


class Convolution(torch.autograd.Function):
    """The convolution and its two gradients; differentiated twice, it is torch's own."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, matrices: Tensor | None) -> Tensor:
        if matrices is None:
            matrices = transformed_weight(weight)
        ctx.save_for_backward(x, weight, matrices)
        out = like(x, weight.shape[0])
        for part, result in zip(*split(x, out), strict=True):
            products = torch.bmm(transformed_input(part), matrices)
            results_of(both_ways(TO_OUTPUT, products), result)
        return out

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight, matrices = ctx.saved_tensors
        for_x, for_weight, _ = ctx.needs_input_grad
        if torch.is_grad_enabled():
            return *plain_gradients(gradient, x, weight, (for_x, for_weight)), None
        found = like(x, x.shape[1]) if for_x else x
        total = torch.zeros_like(matrices) if for_weight else None
        for part, own, slope in zip(*split(x, found, gradient), strict=True):
            products = transformed_gradient(slope)
            if for_weight:
                total.baddbmm_(transformed_input(part).transpose(1, 2), products)
            if for_x:
                through = torch.bmm(products, matrices.transpose(1, 2))
                add_overlapping(both_ways(FROM_INPUT.t(), through), own)
        return found if for_x else None, None if total is None else weight_of(total), None


def plain_gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """torch's own, which can be differentiated again."""
    return torch.ops.aten.convolution_backward(
        gradient, x, weight, None, (1, 1), (1, 1), (1, 1), False, (0, 0), 1, (*wanted, False)
    )[:2]


def like(x: Tensor, channels: int) -> Tensor:
    """An empty picture of so many channels, channels last."""
    shape = (len(x), channels, *x.shape[2:])
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)


def split(x: Tensor, *others: Tensor) -> list[tuple[Tensor, ...]]:
    """Each in the same parts of the batch, of about VALUES values a place."""
    tiles = x.shape[-2] * x.shape[-1] // OUTPUT**2
    together = max(VALUES // max(one.shape[1] for one in (x, *others)), LEAST_TILES)
    return [one.split(max(1, together // tiles)) for one in (x, *others)]


def kept_matrices(weight: nn.Parameter) -> Tensor:
    """:func:`transformed_weight` of a frozen weight, found once."""
    version, matrices = _kept.get(weight, (None, None))
    if version != weight._version:
        version, matrices = weight._version, transformed_weight(weight.detach())
        _kept[weight] = version, matrices
    return matrices


_kept = WeakTensorKeyDictionary()


def transformed_weight(weight: Tensor) -> Tensor:
    """(Cout, Cin, 3, 3) -> (36, Cin, Cout)."""
    outputs, inputs = weight.shape[:2]
    return both_ways(FROM_WEIGHT, weight.permute(2, 3, 1, 0)).view(-1, inputs, outputs)


def weight_of(matrices: Tensor) -> Tensor:
    """The gradient of the weight from that of :func:`transformed_weight`."""
    _, inputs, outputs = matrices.shape
    places = both_ways(FROM_WEIGHT.t(), matrices)
    return places.view(3, 3, inputs, outputs).permute(3, 2, 0, 1)


def transformed_input(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (36, tiles, C)."""
    batch, channels, height, width = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
    image, row, column, _ = padded.stride()
    tiles = padded.as_strided(
        (INPUT, INPUT, batch, height // OUTPUT, width // OUTPUT, channels),
        (row, column, image, OUTPUT * row, OUTPUT * column, 1),
    )
    return both_ways(FROM_INPUT, tiles).view(INPUT**2, -1, channels)


def as_tiles(x: Tensor) -> Tensor:
    """A view of (B, C, H, W) as (4, 4, B, H / 4, W / 4, C); the memory must be channels last."""
    batch, channels, height, width = x.shape
    shape = (batch, height // OUTPUT, OUTPUT, width // OUTPUT, OUTPUT, channels)
    return x.permute(0, 2, 3, 1).view(shape).permute(2, 4, 0, 1, 3, 5)


def results_of(places: Tensor, out: Tensor) -> None:
    """Write (16, tiles * C) where they belong in ``out`` (B, C, H, W)."""
    tiles = as_tiles(out)
    tiles.copy_(places.view(tiles.shape))


def transformed_gradient(gradient: Tensor) -> Tensor:
    """Of the results (B, C, H, W) -> of the products (36, tiles, C)."""
    channels = gradient.shape[1]
    tiles = as_tiles(gradient.contiguous(memory_format=torch.channels_last))
    return both_ways(TO_OUTPUT.t(), tiles).view(INPUT**2, -1, channels)


def add_overlapping(places: Tensor, out: Tensor) -> None:
    """Write the sum of overlapping tiles (36, tiles * C) into ``out`` (B, C, H, W)."""
    batch, channels, height, width = out.shape
    down, across = height // OUTPUT, width // OUTPUT
    tiles = places.view(INPUT, INPUT, batch, down, across, channels).permute(2, 3, 0, 4, 1, 5)
    whole = out.new_zeros(batch, down + 1, OUTPUT, across + 1, OUTPUT, channels)
    over = INPUT - OUTPUT
    whole[:, :-1, :, :-1] = tiles[:, :, :OUTPUT, :, :OUTPUT]
    whole[:, 1:, :over, :-1] += tiles[:, :, OUTPUT:, :, :OUTPUT]
    whole[:, :-1, :, 1:, :over] += tiles[:, :, :OUTPUT, :, OUTPUT:]
    whole[:, 1:, :over, 1:, :over] += tiles[:, :, OUTPUT:, :, OUTPUT:]
    padded = whole.view(batch, height + OUTPUT, width + OUTPUT, channels)
    out.permute(0, 2, 3, 1).copy_(padded[:, 1 : height + 1, 1 : width + 1])
