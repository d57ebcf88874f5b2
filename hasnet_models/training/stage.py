"""What the two stages share: a generator against a discriminator, their state and counters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from hasnet_models.config.build import to_dict
from hasnet_models.config.schema import RTTrainConfig, TTTrainConfig
from hasnet_models.data.faces import FaceSet
from hasnet_models.training import distributed
from hasnet_models.training.ema import EMA
from hasnet_models.training.runtime import Optimiser, Runtime
from hasnet_models.weights import load


class GanStage:
    """Networks, optimisers and counters; a stage adds its data, losses and :meth:`advance`."""

    name = ""
    label = ""

    def __init__(
        self,
        config: RTTrainConfig | TTTrainConfig,
        faces: FaceSet,
        val: FaceSet,
        runtime: Runtime,
    ) -> None:
        self.config, self.faces, self.val = config, faces, val
        self.runtime, self.device = runtime, runtime.device
        self.step_number = self.images = 0

    def use(
        self, net: nn.Module, d: nn.Module, trained: Sequence[Any], d_trained: Sequence[Any]
    ) -> None:
        """Train parameters (or groups of them) of the generator ``net`` against those of ``d``."""
        c = self.config
        self.net, self.d = self.runtime.place(net), self.runtime.place(d)
        self.ema = EMA(self.net, c.ema)
        betas = (c.beta1, c.beta2)
        self.opt = Optimiser(list(trained), c.lr, betas, self.runtime)
        self.d_opt = Optimiser(list(d_trained), c.d_lr, betas, self.runtime)

    def start_from(
        self, net: dict[str, Tensor], d: dict[str, Tensor] | None = None, images: int = 0
    ) -> None:
        """Begin with these weights instead of random ones.

        Args:
            images: how many they have seen; the count goes on from there.

        Raises:
            WeightsError: they are of another architecture.
        """
        load.load_into(self.net, net, self.label)
        load.load_into(self.ema.net, net, self.label)
        if d is not None:
            load.load_into(self.d, d, "the discriminator")
        self.images = images

    def advance(self) -> dict[str, Tensor]:
        """D's and G's optimiser step on one batch; the losses."""
        raise NotImplementedError

    def step(self) -> dict[str, float]:
        """One batch; all randomness follows from (seed, step). The losses of all processes."""
        with self.runtime.arithmetic():
            report = self.advance()
        self.ema.update(self.net, self.step_number)
        self.step_number += 1
        self.images += self.config.batch * distributed.world()
        return distributed.mean(report)

    @contextmanager
    def frozen_d(self) -> Iterator[None]:
        """D lets gradients through, but gets none."""
        self.d.requires_grad_(False)
        try:
            yield
        finally:
            self.d.requires_grad_(True)

    def state(self) -> dict[str, Any]:
        """Networks, optimisers and counters."""
        return {
            "net": self.net.state_dict(),
            "ema": self.ema.net.state_dict(),
            "d": self.d.state_dict(),
            "opt": self.opt.state_dict(),
            "d_opt": self.d_opt.state_dict(),
            "step": self.step_number,
            "images": self.images,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        for part in ("net", "d", "opt", "d_opt"):
            getattr(self, part).load_state_dict(state[part])
        self.ema.net.load_state_dict(state["ema"])
        self.step_number, self.images = state["step"], state["images"]

    def training_table(self) -> dict[str, Any]:
        """The training configuration; ``batch`` is that of all processes together."""
        table = to_dict(self.config)
        return {**table, "batch": table["batch"] * distributed.world()}
