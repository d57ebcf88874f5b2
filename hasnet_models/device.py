"""Which device the networks run on."""

from __future__ import annotations

import re

import torch

from hasnet_models.errors import DeviceError, UsageError

DEVICE_NAMES = ("auto", "cpu", "cuda", "mps")
_CUDA = re.compile(r"cuda(?::(\d{1,3}))?", re.ASCII)


def resolve_device(name: str = "auto") -> torch.device:
    """Turn the name a user gives into a device that exists here.

    Args:
        name: "auto" (cuda before mps before cpu), "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        UsageError: the name is none of these.
        DeviceError: the device was asked for by name and is not usable on this machine.
    """
    wanted = name.strip().lower()
    if wanted == "auto":
        return torch.device(_best_device())
    if wanted == "cpu":
        return torch.device("cpu")
    if wanted == "mps":
        return _mps()
    if match := _CUDA.fullmatch(wanted):
        return _cuda(int(match[1] or 0))
    raise UsageError(
        f"There is no device called {name!r}.", f"Use one of {', '.join(DEVICE_NAMES)} or cuda:N."
    )


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _mps() -> torch.device:
    if not torch.backends.mps.is_available():
        raise DeviceError(
            "The device mps is not available here.",
            "Use device=auto or cpu.",
            parameters=("device",),
        )
    return torch.device("mps")


def _cuda(index: int) -> torch.device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        found = "no CUDA device" if count == 0 else f"{count} CUDA device{'s' * (count > 1)}"
        raise DeviceError(
            f"The device cuda:{index} is not available: torch sees {found} here.",
            "Use device=auto or cpu, or install a torch build that fits the driver.",
            parameters=("device",),
        )
    return torch.device("cuda", index)
