"""What only an evaluation needs is an extra of the installation; here it is asked for."""

from __future__ import annotations

from types import ModuleType

from hasnet_models.errors import UsageError


def image_metrics() -> ModuleType:
    """torchmetrics' metrics of pictures.

    Raises:
        UsageError: torchmetrics is not installed.
    """
    try:
        from torchmetrics import image
    except ImportError as error:
        raise UsageError(
            "An evaluation needs torchmetrics, which is not installed.",
            "Install it with: pip install 'hasnet[eval]'",
        ) from error
    return image
