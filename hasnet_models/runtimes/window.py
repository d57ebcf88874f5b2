"""Where in a picture a mask is: Lab is dear, and a face a third of its frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hasnet_models.runtimes.contract import Pixels, Planes


def lay_in_window(
    lay: Callable[..., Planes],
    picture: Planes,
    colours: Pixels,
    mask: Planes,
    chroma: float,
    pattern: float,
) -> Planes:
    """As `Runtime.lay`, by the operation "lay" of a runtime, which gives only the window."""
    window = window_of(mask, picture.shape[-1])
    top, bottom, left, right = window
    laid = picture.copy()
    if top < bottom and left < right:
        strengths = np.array(chroma, np.float32), np.array(pattern, np.float32)
        patch = lay(picture, colours, mask, *strengths, np.array(window, np.int64))
        laid[..., top:bottom, left:right] = patch
    return laid


def window_of(mask: np.ndarray, side: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what a mask covers once it is enlarged bilinearly.

    Args:
        mask: (B, 1, h, w); of all pictures together.
        side: to which it is enlarged.

    Returns:
        An empty window where the mask is 0 everywhere.
    """
    used = mask.max((0, 1)) > 0
    rows, columns = (_span(used.any(axis), side) for axis in (1, 0))
    return (*rows, *columns)


def _span(used: np.ndarray, side: int) -> tuple[int, int]:
    """The ends of a line's cells that are used, one more on each side, in pixels."""
    (places,) = used.nonzero()
    if not len(places):
        return 0, 0
    cell = side / len(used)
    first, last = (places[0] - 1) * cell, (places[-1] + 2) * cell
    return max(0, int(np.floor(first))), min(side, int(np.ceil(last)))
