"""Contact sheets as arrays: pictures in rows and columns on white."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hasnet_models.opencv import cv2

_CAPTION_SHARE = 0.16
_SWATCH_ROWS = 4


def sheet(rows: Sequence[Sequence[np.ndarray | None]], side: int, gap: int = 2) -> np.ndarray:
    """A sheet of uint8 pictures, each brought to ``side`` px; None leaves a white cell."""
    columns = max(len(row) for row in rows)
    shape = (len(rows) * (side + gap) + gap, columns * (side + gap) + gap, 3)
    out = np.full(shape, 255, np.uint8)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            if picture is None:
                continue
            top, left = gap + r * (side + gap), gap + c * (side + gap)
            method = cv2.INTER_AREA if picture.shape[0] > side else cv2.INTER_LINEAR
            small = cv2.resize(picture, (side, side), interpolation=method)
            out[top : top + side, left : left + side] = small
    return out


def palette_cell(palette: np.ndarray, caption: str, side: int) -> np.ndarray:
    """A cell that stands for a reference: its colours in rows of five and its name, uint8.

    Args:
        palette: uint8 (20, 3).
    """
    cell = caption_cell(caption, side)
    height = side - round(side * _CAPTION_SHARE)
    swatches = palette.reshape(_SWATCH_ROWS, -1, 3)
    size = (side, height)
    cell[:height] = cv2.resize(swatches, size, interpolation=cv2.INTER_NEAREST)
    return cell


def caption_cell(caption: str, side: int) -> np.ndarray:
    """A white cell with one line of text at its foot, cut where it is too long: uint8."""
    from PIL import Image, ImageDraw

    from hasnet_models.fonts import font_for, shown

    height = round(side * _CAPTION_SHARE)
    font = font_for(caption, max(8, round(height * 0.6)))
    caption = shown(caption, font)
    cell = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(cell)
    while caption and draw.textlength(caption, font) > side:
        caption = caption[:-1]
    draw.text((side / 2, side - height / 2), caption, "black", font, anchor="mm")
    return np.array(cell)
