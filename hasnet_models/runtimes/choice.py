"""Which runtime computes: onnxruntime on a processor, torch on everything else."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
from collections.abc import Hashable
from pathlib import Path

from hasnet_models.ahead import Ahead
from hasnet_models.runtimes.contract import Runtime
from hasnet_models.runtimes.names import AUTO, ONNX, TORCH, check_runtime
from hasnet_models.runtimes.onnx_runtime import OnnxRuntime, graphs_fit
from hasnet_models.weights.files import OVERRIDE_VARIABLE

_AHEAD: Ahead[OnnxRuntime] = Ahead()


def open_ahead(name: str = AUTO, device: str = "auto", embeds: bool = True) -> None:
    """Begin to open onnxruntime's networks where `load_runtime` will be asked for them.

    Args:
        name, device: as of `load_runtime`.
        embeds: whether z_id of some face will be asked for.

    Raises:
        UsageError, DeviceError, WeightsError: as `load_runtime`, as far as that is known by now.
    """
    check_runtime(name, device)
    if chosen(name, device) == ONNX:
        _AHEAD.begin(_key(), functools.partial(OnnxRuntime, embeds=embeds))


def drop_ahead() -> None:
    """Open no more of what was begun and not asked for."""
    for runtime in _AHEAD.drop():
        runtime.close()


def load_runtime(name: str = AUTO, device: str = "auto") -> Runtime:
    """The networks with the embedded weights in a runtime.

    Args:
        name: "auto" is onnx where the networks compute on the CPU, and torch elsewhere or where
            the weights are those of another network than the graphs.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        UsageError: there is no such runtime, or it does not compute on that device.
        DeviceError: the device is not usable here.
        WeightsError: weights are missing or damaged.
    """
    check_runtime(name, device)
    if chosen(name, device) == ONNX:
        return _AHEAD.take(_key(), OnnxRuntime)
    # torch is imported here and nowhere else on the way to an avatar
    from hasnet_models.runtimes.torch_runtime import TorchRuntime

    return TorchRuntime.load(device)


def chosen(name: str, device: str) -> str:
    """What "auto" stands for here."""
    if name != AUTO:
        return name
    return ONNX if _on_cpu(device.strip().lower()) and graphs_fit() else TORCH


def _key() -> Hashable:
    return os.environ.get(OVERRIDE_VARIABLE)


def _on_cpu(device: str) -> bool:
    if device != "auto" or not maybe_accelerated():
        return device in ("auto", "cpu")
    from hasnet_models.device import resolve_device

    return resolve_device(device).type == "cpu"


def maybe_accelerated() -> bool:
    """Whether torch could find a GPU here; it takes a second to import, so only then it is asked.

    An Apple processor, or a driver of NVIDIA's or AMD's beside a torch that is built for one.
    """
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    if not _torch_for_gpu():
        return False
    import ctypes.util

    return any(map(ctypes.util.find_library, ("cuda", "nvcuda", "amdhip64")))


def _torch_for_gpu() -> bool:
    """By the libraries that its package has; its metadata takes longer to be read."""
    spec = importlib.util.find_spec("torch")
    folders = spec.submodule_search_locations or () if spec else ()
    files = (file.name for folder in folders for file in Path(folder, "lib").glob("*torch_*"))
    return any("torch_cuda" in name or "torch_hip" in name for name in files)
