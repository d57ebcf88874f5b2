"""The operations in torch, on any device: the modules as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hasnet_models.device import resolve_device
from hasnet_models.networks import operations
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tt_net import TTNet
from hasnet_models.runtimes.contract import Pixels, Planes
from hasnet_models.runtimes.window import lay_in_window
from hasnet_models.weights import load


class TorchRuntime:
    """Networks on one device; a domain's TT-Net is loaded when first used.

    Attributes:
        heads: TT-Nets by the file of their head.
    """

    name = "torch"

    def __init__(
        self, device: torch.device, rt: RTNet, tt: TTNet, vgg: nn.Module, identity: nn.Module
    ) -> None:
        self.target = device
        self.rt, self.tt, self.vgg, self.identity = (
            net.to(device) for net in (rt, tt, vgg, identity)
        )
        self.heads: dict[Path, TTNet] = {}

    @classmethod
    def load(cls, device: str = "auto") -> TorchRuntime:
        """With the embedded weights.

        Raises:
            DeviceError: the device is not usable here.
            WeightsError: weights are missing or damaged.
        """
        target = resolve_device(device)
        nets = load.load_rt(), load.load_tt(), load.load_vgg(), load.load_identity()
        return cls(target, *nets)

    @property
    def device(self) -> str:
        return str(self.target)

    @property
    def domains(self) -> tuple[str, ...]:
        return self.tt.config.domains

    @property
    def uses_rt(self) -> bool:
        return self.tt.config.use_rt

    def embed(self, pictures: Pixels) -> Planes:
        return self._run(operations.Embed(self.identity), pictures)[0]

    def recolour(
        self, pictures: Pixels, lift: Planes, palettes: Pixels, zones: Planes, shares: Planes
    ) -> tuple[Planes, Planes]:
        module = operations.Recolour(self.rt)
        x_sg, x_rt = self._run(module, pictures, lift, palettes, zones, shares)
        return x_sg, x_rt

    def warp(self, planes: Planes, flow: Planes) -> Planes:
        return self._run(operations.Warp(), planes, flow)[0]

    def lay(
        self, picture: Planes, colours: Pixels, mask: Planes, chroma: float, pattern: float
    ) -> Planes:
        return lay_in_window(
            lambda *inputs: self._run(operations.Lay(), *inputs)[0],
            picture, colours, mask, chroma, pattern,
        )  # fmt: skip

    def redraw(
        self, picture: Planes, z_id: Planes, code: Planes, person: Planes, oval: Planes,
        head: Path | None = None,
    ) -> Planes:  # fmt: skip
        tt = self._tt(head)
        features = self._found(operations.Content(self.vgg, tt.config), picture)
        module = operations.Redraw(tt)
        return self._run(module, picture, z_id, code, person, oval, *features)[0]

    def _run(self, module: nn.Module, *arguments: Any) -> list[np.ndarray]:
        return [one.float().cpu().numpy() for one in self._found(module, *arguments)]

    @torch.inference_mode()
    def _found(self, module: nn.Module, *arguments: Any) -> tuple[Tensor, ...]:
        """What a module gives, still on the device."""
        found = module(*map(self._tensor, arguments))
        return (found,) if isinstance(found, Tensor) else found

    def _tensor(self, given: Any) -> Tensor:
        if isinstance(given, Tensor):
            return given
        return torch.from_numpy(np.ascontiguousarray(given)).to(self.target)

    def _tt(self, head: Path | None) -> TTNet:
        if head is None:
            return self.tt
        if head not in self.heads:
            self.heads[head] = load.load_tt(head=head).to(self.target)
        return self.heads[head]
