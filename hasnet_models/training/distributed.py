"""Several training processes that together do what one with their joint batch would do.

Every process draws the whole joint batch's random numbers and keeps its own share of them, so N
processes with batch B see the pictures that one process with batch N x B sees. Gradients and
losses are averaged; what mixes the samples of a batch goes through :func:`gather`. Without
``torchrun`` there is one process and all of this costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist

from hasnet_models.device import resolve_device
from hasnet_models.errors import UsageError

Rows = TypeVar("Rows", np.ndarray, Tensor, list)


def world() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, 0 for the one that writes and prints."""
    return dist.get_rank() if world() > 1 else 0


@contextmanager
def processes(device: str) -> Iterator[torch.device]:
    """Join the processes that ``torchrun`` started, if any; gives this process's device.

    Args:
        device: as the user named it; each process takes the CUDA device of its local rank.

    Raises:
        UsageError: one numbered device, or mps, was asked for several processes.
        DeviceError: a device is missing.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield resolve_device(device)
        return
    found = _own_device(device)
    if found.type == "cuda":
        torch.cuda.set_device(found)
    dist.init_process_group("nccl" if found.type == "cuda" else "gloo")
    try:
        yield found
        # who is ready first must not take the connections from under the others
        dist.barrier()
    finally:
        dist.destroy_process_group()


def _own_device(device: str) -> torch.device:
    found = resolve_device(device)
    if found.type == "cuda" and ":" not in device:
        return resolve_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    if found.type != "cpu":
        raise UsageError(
            f"Several processes cannot share the device {device}.",
            "Use device=cuda or device=cpu.",
            parameters=("device",),
        )
    return found


@contextmanager
def first_alone() -> Iterator[None]:
    """The first process goes first, the others when it is through (and its cache is there).

    They go on also where the first one failed: they will fail in the same way, and not wait.
    """
    if rank() > 0:
        dist.barrier()
    try:
        yield
    finally:
        if world() > 1 and rank() == 0:
            dist.barrier()


def share(rows: Rows) -> Rows:
    """This process's rows of the joint batch's."""
    each = len(rows) // world()
    return rows[rank() * each : (rank() + 1) * each]


def gather(rows: Tensor) -> Tensor:
    """The joint batch from each process's rows (B, ...), differentiable to any order."""
    if world() == 1:
        return rows
    blank = torch.zeros_like(rows)
    return Sum.apply(torch.cat([rows if r == rank() else blank for r in range(world())]))


class Sum(torch.autograd.Function):
    """Sum over the processes; it is its own adjoint."""

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return Sum.apply(gradient.contiguous())


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes, in one exchange."""
    if world() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    parts = (flat / world()).split([g.numel() for g in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def mean(values: Mapping[str, Tensor]) -> dict[str, float]:
    """Numbers averaged over the processes, brought to the CPU at once."""
    if not values:
        return {}
    stacked = torch.stack([v.detach().float() for v in values.values()])
    if world() > 1:
        dist.all_reduce(stacked)
        stacked = stacked / world()
    return dict(zip(values, stacked.tolist(), strict=True))


def anywhere(flag: bool) -> bool:
    """Whether ``flag`` is set in any process."""
    if world() == 1:
        return flag
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    found = torch.tensor(int(flag), device=device)
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return bool(found.item())
