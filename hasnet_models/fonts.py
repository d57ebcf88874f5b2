"""A font that has the letters of a text, of those that are installed; else letters that it has.

Pillow brings one font, of Latin letters. Others are looked for by the names under which systems
have them; Pillow knows the folders.
"""

from __future__ import annotations

import contextlib
import functools
import unicodedata
from collections.abc import Iterator

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Wide ones first; then those of one script, for Debian, Fedora, macOS and Windows.
_NAMES = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arial.ttf", "segoeui.ttf",
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc",
    "msyh.ttc", "simsun.ttc", "YuGothR.ttc", "msgothic.ttc", "malgun.ttf", "AppleSDGothicNeo.ttc",
    "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf", "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf", "Nirmala.ttf", "Nirmala.ttc", "LeelawUI.ttf", "FreeSans.ttf",
    "unifont.ttf", "unifont.otf",
)  # fmt: skip
_NO_LETTER = "\uffff"  # no font has it: it is drawn as the box that stands for what is missing


def font_for(text: str, size: int) -> Font:
    """The font with the most letters of a text, Pillow's own where it has them all.

    Args:
        size: px.
    """
    best, most = ImageFont.load_default(size), -1
    for font in _fonts(size):
        count = sum(has(font, letter) for letter in set(text))
        if count > most:
            best, most = font, count
        if most == len(set(text)):
            break
    return best


def shown(text: str, font: Font) -> str:
    """The text with what a font lacks without its accents, or as an escape such as \\u4f60."""
    return "".join(_letters(letter, font) for letter in text)


def has(font: Font, letter: str) -> bool:
    """Whether a font can draw a letter."""
    if letter == " " or not letter.isprintable():
        return letter == " "
    mask = bytes(font.getmask(letter))
    return any(mask) and mask != bytes(font.getmask(_NO_LETTER))


def _letters(letter: str, font: Font) -> str:
    if has(font, letter):
        return letter
    plain = [c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c)]
    if plain and "".join(plain) != letter and all(has(font, c) for c in plain):
        return "".join(plain)
    return letter.encode("unicode_escape").decode("ascii")


def _fonts(size: int) -> Iterator[Font]:
    """Pillow's own, then those that are installed."""
    yield ImageFont.load_default(size)
    for name in _NAMES:
        if (font := _installed(name, size)) is not None:
            yield font


@functools.lru_cache(maxsize=64)
def _installed(name: str, size: int) -> Font | None:
    with contextlib.suppress(OSError):
        return ImageFont.truetype(name, size)
    return None
