"""PyAV, whose wheels carry FFmpeg, or one sentence. The package imports it from here only."""

from __future__ import annotations

from hasnet_models.errors import HasnetError

try:
    import av
except ImportError as error:
    raise HasnetError(
        f"PyAV cannot be loaded: {str(error).splitlines()[0]}.", "Run: pip install 'hasnet[video]'"
    ) from error

__all__ = ["av"]
