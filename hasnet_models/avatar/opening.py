"""An avatar's networks, opened while Python still imports what will use them.

Opening them takes a third as long as all else before the first face, and holds no interpreter.
"""

from __future__ import annotations

from contextlib import suppress

from hasnet_models.errors import HasnetError
from hasnet_models.face import session
from hasnet_models.face.backends import EMBEDDED
from hasnet_models.runtimes import choice


def open_ahead(
    device: str = "auto", backend: str = EMBEDDED, runtime: str = "auto", embeds: bool = True
) -> None:
    """Begin to open, on threads, what `AvatarPipeline.load` will ask for in onnxruntime.

    Nothing is said of what cannot be opened: asked for again, it fails again.

    Args:
        embeds: whether z_id of some face will be asked for, see `Request.embeds`.
    """
    with suppress(HasnetError):
        if backend == EMBEDDED:
            session.open_ahead()
        choice.open_ahead(runtime, device, embeds)


def drop_ahead() -> None:
    """Open no more of what was begun and not asked for, as where the avatar failed."""
    session.drop_ahead()
    choice.drop_ahead()
