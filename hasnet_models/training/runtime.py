"""How the arithmetic of training runs: device, precision, memory layout, compilation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.training import cpu, distributed

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
CPU = torch.device("cpu")
# Off CUDA the compiler may lay activations out channels last, and then expects the gradient of
# replicate padding (filters.box) to be so too, which it is not: the step ends in an error.
OWN_LAYOUT = {"layout_optimization": False}

Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True)
class Runtime:
    """Device and arithmetic of a run.

    Attributes:
        dtype: of the networks' forward pass; the weights, optimisers and losses stay in float32.
        compile: whether the networks go through ``torch.compile``.
        quick: by which of :data:`hasnet_models.training.cpu.ALL` a step is made quicker.
    """

    device: torch.device = CPU
    dtype: torch.dtype = torch.float32
    compile: bool = False
    quick: tuple[str, ...] = ()

    @classmethod
    def choose(
        cls, device: torch.device, precision: str = "auto", compile: bool = False
    ) -> Runtime:
        """The runtime for a device.

        Args:
            precision: "auto" (bf16 on CUDA, fp16 on older cards; fp32 elsewhere) or one of
                "fp32", "bf16" and "fp16".

        Raises:
            UsageError: there is no such precision, or not on this device; or it is a CPU, for which
                networks are not compiled.
        """
        if precision == "auto":
            precision = _best_precision(device)
        if precision not in PRECISIONS:
            raise UsageError(
                f"There is no precision {precision!r}.", f"Use auto, {', '.join(PRECISIONS)}."
            )
        if device.type == "mps" and precision == "fp16":
            raise UsageError(
                "fp16 cannot be trained on mps.",
                "Use precision=fp32 or precision=bf16.",
                parameters=("precision",),
            )
        if compile and device.type == "cpu":  # compiling alone takes longer than most runs there
            raise UsageError(
                "The networks are not compiled on a CPU.",
                "Train without compile.",
                parameters=("compile",),
            )
        quick = cpu.ALL if device.type == "cpu" and precision == "fp32" else ()
        return cls(device, PRECISIONS[precision], compile, quick)

    @property
    def on_gpu(self) -> bool:
        """Whether this is CUDA, where channels last is the fast layout and a pool costs memory."""
        return self.device.type == "cuda"

    def place(self, net: Net) -> Net:
        """Bring a network to the device, in channels-last layout where that is the quicker one."""
        last = self.on_gpu or cpu.CHANNELS_LAST in self.quick
        layout = torch.channels_last if last else torch.preserve_format
        return net.to(self.device, memory_format=layout)

    def arithmetic(self) -> AbstractContextManager[object]:
        """What a step runs in."""
        return cpu.Quick(self.quick) if self.quick else nullcontext()

    def runner(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` as it is to be called: compiled and in autocast where asked for.

        The tensors that it returns, alone or in a dictionary, are float32.
        """
        if self.compile:
            function = compiled(function, None if self.on_gpu else OWN_LAYOUT)
        if self.dtype == torch.float32:
            return function

        def call(*args: Any, **options: Any) -> Any:
            with torch.autocast(self.device.type, self.dtype):
                return in_float32(function(*args, **options))

        return call


def compiled(
    function: Callable[..., Any], options: Mapping[str, Any] | None = None
) -> Callable[..., Any]:
    """``torch.compile``, whose failures are one sentence.

    Args:
        options: of torch's compiler.

    Raises:
        HasnetError: when called, if it cannot be compiled.
    """
    made = torch.compile(function, options=None if options is None else dict(options))

    def call(*args: Any, **options: Any) -> Any:
        try:
            return made(*args, **options)
        except torch._dynamo.exc.BackendCompilerFailed as error:
            # the message holds all that the compiler printed, often thousands of lines
            raise HasnetError(
                "The networks cannot be compiled here: torch's compiler failed.",
                "Train without compile.",
                parameters=("compile",),
            ) from error

    return call


def in_float32(found: Any) -> Any:
    """A tensor, or the tensors of a dictionary, as float32; anything else as it is."""
    if isinstance(found, Mapping):
        return {name: in_float32(value) for name, value in found.items()}
    return found.float() if isinstance(found, Tensor) else found


class Optimiser:
    """Adam that averages the gradients over the processes and scales the loss for fp16.

    Args:
        parameters: what is trained, or torch's groups of it where some have a rate of their own.
    """

    def __init__(
        self,
        parameters: list[nn.Parameter] | list[dict[str, Any]],
        lr: float,
        betas: tuple[float, float],
        runtime: Runtime,
    ) -> None:
        self.adam = torch.optim.Adam(parameters, lr, betas)
        self.parameters = [p for group in self.adam.param_groups for p in group["params"]]
        self.scaler = torch.amp.GradScaler(
            runtime.device.type, enabled=runtime.dtype == torch.float16
        )

    def minimise(self, loss: Tensor) -> None:
        """One step down the gradient of ``loss``."""
        self.adam.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        # before the scaler looks for overflow, so that all processes skip the same steps
        distributed.average_gradients(self.parameters)
        self.scaler.step(self.adam)
        self.scaler.update()

    def state_dict(self) -> dict[str, Any]:
        """Adam's state, with the scaler's where there is one."""
        scaler = {"scaler": self.scaler.state_dict()} if self.scaler.is_enabled() else {}
        return {**self.adam.state_dict(), **scaler}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict`, of any precision."""
        adam = {name: value for name, value in state.items() if name != "scaler"}
        self.adam.load_state_dict(adam)
        if "scaler" in state and self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])


def _best_precision(device: torch.device) -> str:
    if device.type != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
