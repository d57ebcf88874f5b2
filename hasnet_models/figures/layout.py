"""A figure on one sheet: its title, a caption over each column and before each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hasnet_models.sheet import sheet

Pixels = NDArray[np.uint8]

_GAP = 4
_LETTERS = 0.09  # height of a caption's letters as a share of a cell's side
_LEAST = 12
_SMALLEST = 8
_LINES = 2
_LINE = 1.3  # from one line to the next, as a share of the letters' height
_TITLE = 1.3


def figure_sheet(
    title: str, columns: Sequence[str], rows: Sequence[str],
    cells: Sequence[Sequence[Pixels | None]], side: int,
) -> Pixels:  # fmt: skip
    """Set pictures into a sheet, uint8.

    Args:
        columns: a caption each; broken into two lines, made smaller where that
            is not enough, and at last cut.
        rows: captions, all empty where there are none.
        cells: a picture each, brought to `side` px; None leaves it white.
    """
    size = max(_LEAST, round(side * _LETTERS))
    body = sheet(cells, side, _GAP)
    left = side // 2 if any(rows) else 0
    head, above = round(size * 2.4), round(size * 1.4 * _LINES)
    height, width = body.shape[0] + head + above, body.shape[1] + left
    paper = Image.new("RGB", (width, height), "white")
    paper.paste(Image.fromarray(body), (left, head + above))
    draw = ImageDraw.Draw(paper)
    _write(draw, title, (_GAP, 0, width, head), round(size * _TITLE), "lm")
    for place, caption in enumerate(columns):
        start = left + _GAP + place * (side + _GAP)
        _write(draw, caption, (start, head, start + side, head + above), size)
    for place, caption in enumerate(rows):
        start = head + above + _GAP + place * (side + _GAP)
        _write(draw, caption, (_GAP, start, left, start + side), size)
    return np.asarray(paper)


def _write(
    draw: ImageDraw.ImageDraw, text: str, box: tuple[int, int, int, int], size: int,
    anchor: str = "mm",
) -> None:  # fmt: skip
    """Text in the middle of a box (or at its left), as large as `size` allows and it fits."""
    left, top, right, bottom = box
    font, lines = _fitting(draw, text, right - left, bottom - top, size)
    x = left if anchor == "lm" else (left + right) / 2
    height = font.size * _LINE
    start = (top + bottom - height * (len(lines) - 1)) / 2
    for place, line in enumerate(lines):
        draw.text((x, start + place * height), line, "black", font, anchor)


def _fitting(
    draw: ImageDraw.ImageDraw, text: str, width: int, height: int, size: int
) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest font and the lines that fit; what is too long for the smallest is cut."""
    for smaller in range(size, min(size, _SMALLEST) - 1, -1):
        font = ImageFont.load_default(smaller)
        lines = _broken(draw, text, font, width)
        wide = max(draw.textlength(line, font) for line in lines)
        if wide <= width and len(lines) * smaller * _LINE <= height:
            break
    most = max(1, int(height / (font.size * _LINE)))
    return font, [_cut(draw, line, font, width) for line in lines[:most]]


def _cut(draw: ImageDraw.ImageDraw, line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    while line and draw.textlength(line, font) > width:
        line = line[:-1]
    return line


def _broken(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: int
) -> list[str]:
    """The words of a text in as few lines as their width allows."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
