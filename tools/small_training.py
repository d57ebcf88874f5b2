"""What the trainers of small networks share: a running mean of the weights, and a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import nn

from hasnet_models.atomic import replacing

_NET, _MEAN, _OPTIMIZER = "net.", "mean.", "optimizer."


def follow(mean: nn.Module, net: nn.Module, most: float, step: int) -> None:
    """Draw the mean towards the network; early steps are forgotten sooner than `most` says."""
    keep = min(most, step / (step + 10))
    with torch.no_grad():
        now = net.state_dict()
        for name, value in mean.state_dict().items():
            if value.is_floating_point():
                value.lerp_(now[name], 1 - keep)


def save_checkpoint(
    file: Path,
    net: nn.Module,
    mean: nn.Module,
    optimizer: torch.optim.Optimizer,
    metadata: Mapping[str, str],
) -> None:
    """Write both networks and the optimizer's state, whole or not at all."""
    tensors = {_NET + name: value for name, value in net.state_dict().items()}
    tensors |= {_MEAN + name: value for name, value in mean.state_dict().items()}
    for i, values in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{i}.{name}": value for name, value in values.items()}
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    with replacing(file) as out:
        out.write(save(tensors, dict(metadata)))


def load_checkpoint(
    file: Path, net: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, str]:
    """Bring both networks and the optimizer to what was saved; gives its metadata."""
    tensors = load_file(file)
    for start, module in ((_NET, net), (_MEAN, mean)):
        module.load_state_dict(
            {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
        )
    state = optimizer.state_dict()
    for key, value in tensors.items():
        if key.startswith(_OPTIMIZER):
            _, i, name = key.split(".")
            state["state"].setdefault(int(i), {})[name] = value
    optimizer.load_state_dict(state)
    with safe_open(file, "pt") as opened:
        return opened.metadata()
