"""What torch computes slowly on a CPU, computed otherwise while a step trains.

The networks say what is computed and know nothing of this: :class:`Quick` stands between them and
torch, as a mode that sees each call of torch's functions, and gives some of them another way with
the same result within rounding, forward and backward.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from hasnet_models.training import winograd

# where Winograd's convolution is the quicker one: from so many channels on, up to so large a side
CHANNELS, SIDE = 96, 32
# a convolution to so few planes of so many is quicker as what each pixel gives its neighbours
FEW, MANY = 2, 24
CHANNELS_LAST = "channels last"


class Quick(TorchFunctionMode):
    """Within it, functions of torch go the ways that are quicker on a CPU.

    Args:
        ways: which of :data:`WAYS` are gone, by name.
    """

    def __init__(self, ways: Collection[str]) -> None:
        super().__init__()
        self.ways = dict(WAYS[name] for name in ways if name in WAYS)

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        way = self.ways.get(function)
        found = None if way is None else way(*args, **kwargs)
        return function(*args, **kwargs) if found is None else found


def convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor | None:
    """A 3 x 3 convolution of many channels to many, or to few; None for any other."""
    steps = _all(stride, 1) and _all(padding, 1) and _all(dilation, 1)
    if not steps or groups != 1 or weight.shape[2:] != (3, 3):
        return None
    outputs, inputs = weight.shape[:2]
    if outputs <= FEW and inputs >= MANY:
        found = spread(x, weight)
    elif min(outputs, inputs) >= CHANNELS and _goes_by_winograd(x):
        found = winograd.convolve(x, weight)
    else:
        return None
    return found if bias is None else found.add_(bias.view(-1, 1, 1))


def _goes_by_winograd(x: Tensor) -> bool:
    return x.shape[-1] <= SIDE and winograd.fits(x) and x.dtype == torch.float32


def spread(x: Tensor, weight: Tensor) -> Tensor:
    """``F.conv2d(x, weight, padding=1)`` of 3 x 3 as what each pixel gives its nine neighbours.

    That is a convolution of one pixel to nine planes for each of the output, which `fold` adds: a
    third of the time, gradients with it.
    """
    given = weight.flip(2, 3).permute(0, 2, 3, 1).reshape(-1, weight.shape[1], 1, 1)
    planes = torch.conv2d(x, given).flatten(2)
    return F.fold(planes, x.shape[2:], 3, padding=1)


def _all(given: Any, value: int) -> bool:
    return given == value or (isinstance(given, tuple | list) and set(given) == {value})


def window_mean(x: Tensor, kernel: Any, stride: Any = None, padding: Any = 0) -> Tensor | None:
    """Means over 3 x 3 windows one pixel apart; None for any other pooling."""
    if not (_all(kernel, 3) and _all(stride, 1) and _all(padding, 0)):
        return None
    return WindowMean.apply(x)


class WindowMean(torch.autograd.Function):
    """(B, C, H, W) -> (B, C, H - 2, W - 2), as sums of shifted pictures."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        rows = x[..., :-2, :] + x[..., 1:-1, :]
        rows += x[..., 2:, :]
        found = rows[..., :-2] + rows[..., 1:-1]
        found += rows[..., 2:]
        return found.mul_(1 / 9)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        # each pixel was in the nine windows about it: the same means, of a zero-padded gradient
        return WindowMean.apply(F.pad(gradient, (2, 2, 2, 2)))


def prelu(x: Tensor, weight: Tensor) -> Tensor | None:
    """With a frozen slope for each channel; None where the slopes are trained."""
    if weight.requires_grad or x.dim() != 4:
        return None
    return FrozenPReLU.apply(x, weight.view(-1, 1, 1))


class FrozenPReLU(torch.autograd.Function):
    """Between ReLU and the number itself, by the slope.

    torch's own has no vector code for slopes that differ along the innermost axis.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, slopes: Tensor) -> Tensor:
        ctx.save_for_backward(x, slopes)
        return x.clamp_min(0).lerp_(x, slopes)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        x, slopes = ctx.saved_tensors
        passed = torch.ops.aten.threshold_backward(gradient, x, 0)
        return passed.lerp_(gradient, slopes), None


Way = Callable[..., Tensor | None]
WAYS: dict[str, tuple[Callable[..., Any], Way]] = {
    "convolutions": (torch.conv2d, convolution),
    "window means": (F.avg_pool2d, window_mean),
    "slopes": (F.prelu, prelu),
}
# what a step on a CPU does otherwise; the first is a layout, which the networks are placed in
ALL = (CHANNELS_LAST, *WAYS)
