"""OpenCV, or one sentence that says what is missing. The package imports it from here only."""

from __future__ import annotations

from hasnet_models.errors import HasnetError

try:
    import cv2
except ImportError as error:
    raise HasnetError(
        f"OpenCV cannot be loaded: {str(error).splitlines()[0]}.",
        "On a machine without a display, run: pip install --force-reinstall "
        "opencv-python-headless (or, as root: apt-get install libgl1 libglib2.0-0).",
    ) from error

__all__ = ["cv2"]
