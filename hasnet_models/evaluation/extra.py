"""What only an evaluation needs is an extra of the installation; here it is asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

from hasnet_models.errors import UsageError


def torchmetrics(module: str = "image") -> ModuleType:
    """A module of torchmetrics.

    Args:
        module: such as "image.fid"; the package names FID and KID only where torch-fidelity is
            installed, which they do without when they are given features.

    Raises:
        UsageError: torchmetrics is not installed.
    """
    try:
        return importlib.import_module(f"torchmetrics.{module}")
    except ImportError as error:
        raise UsageError(
            "An evaluation needs torchmetrics, which is not installed.",
            "Install it with: pip install 'hasnet[eval]'",
        ) from error
