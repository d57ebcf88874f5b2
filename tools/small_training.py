"""What the trainers of small networks share: steps, a running mean of the weights, a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from hasnet_models.atomic import replacing

_NET, _MEAN, _OPTIMIZER = "net.", "mean.", "optimizer."

Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class SmallTrainer:
    """The network, its mean over the last steps, and the optimizer.

    Args:
        network: makes it.
        optimizer: of its parameters.
        folder: for the checkpoint; where there is one, the run goes on from it.

    Attributes:
        step: that comes next.
        spent: seconds, where the run counts them.
    """

    def __init__(
        self, network: Callable[[], nn.Module], optimizer: Optimizer, folder: Path, seed: int
    ) -> None:
        torch.manual_seed(seed)
        self.file, self.step, self.spent = folder / "checkpoint.safetensors", 0, 0.0
        self.net, self.mean = (network().to(memory_format=torch.channels_last) for _ in range(2))
        self.mean.load_state_dict(self.net.state_dict())
        self.optimizer = optimizer(self.net.parameters())
        if self.file.is_file():
            metadata = load_checkpoint(self.file, self.net, self.mean, self.optimizer)
            self.step, self.spent = int(metadata["step"]), float(metadata.get("spent", 0))

    def descend(self, loss: Tensor, rate: float, steepest: float, ema: float) -> None:
        """One step down a loss, its gradient's norm at most `steepest`; the mean follows."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), steepest)
        self.optimizer.step()
        self.step += 1
        follow(self.mean, self.net, ema, self.step)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        metadata = {"step": str(self.step), "spent": f"{self.spent:.1f}"}
        save_checkpoint(self.file, self.net, self.mean, self.optimizer, metadata)


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
