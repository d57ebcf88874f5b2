"""The runtimes by the names that users give; without numpy."""

from __future__ import annotations

from hasnet_models.errors import UsageError

AUTO, ONNX, TORCH = "auto", "onnx", "torch"
RUNTIMES = (AUTO, ONNX, TORCH)


def check_runtime(name: str, device: str) -> None:
    """Raises UsageError where there is no such runtime, or not on that device."""
    if name not in RUNTIMES:
        raise UsageError(
            f"There is no runtime called {name!r}.",
            f"Use one of {', '.join(RUNTIMES)}.",
            parameters=("runtime",),
        )
    if name == ONNX and device.strip().lower() not in ("auto", "cpu"):
        raise UsageError(
            f"The runtime onnx computes on the CPU, not on {device}.",
            "Use runtime=torch, or device=cpu.",
            parameters=("runtime", "device"),
        )
