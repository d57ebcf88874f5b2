"""Between a container's Y'CbCr and 8-bit RGB: the right matrix and range, in and out.

What a file does not say follows the custom of players: BT.709 from 720 lines on, BT.601 below.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.video.clip import ClipError, Colours
from hasnet_models.video.pyav import av

_UNSPECIFIED, _RGB = 2, 0
_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics of H.273
_HD_LINES = 720
_BT709, _BT601 = 1, 6
# H.273 matrix -> swscale's constant
_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_LIMITED, _FULL = 1, 2


def colours_of(frame: av.VideoFrame, name: str) -> Colours:
    """How a decoded frame is coded, with what it leaves open filled in.

    Raises:
        ClipError: it is HDR, which 8 bits cannot hold.
    """
    transfer = int(frame.color_trc)
    if transfer in _HDR:
        raise ClipError(
            f"{name} is HDR ({_HDR[transfer]}), which is not supported.",
            "Convert it to SDR first; players and FFmpeg's filter `tonemap` can.",
        )
    matrix = int(frame.colorspace)
    if matrix not in _SWSCALE and not is_rgb(frame):
        matrix = _BT709 if frame.height >= _HD_LINES else _BT601
    full = int(frame.color_range) == _FULL or frame.format.name.startswith("yuvj")
    return Colours(int(frame.color_primaries), transfer, matrix, full)


def is_rgb(frame: av.VideoFrame) -> bool:
    """Whether a frame holds red, green and blue (or gray, or a palette) and needs no matrix."""
    return frame.format.is_rgb or frame.format.name.startswith(("pal", "gray", "mono"))


def to_rgb(frame: av.VideoFrame, colours: Colours) -> NDArray[np.uint8]:
    """A decoded frame, of any depth, as uint8 (H, W, 3)."""
    if is_rgb(frame):
        return frame.to_ndarray(format="rgb24")
    converted = frame.reformat(
        format="rgb24",
        src_colorspace=_SWSCALE[colours.matrix],
        src_color_range=_FULL if colours.full else _LIMITED,
        dst_color_range=_FULL,
        interpolation="BICUBIC",
    )
    return converted.to_ndarray()


def from_rgb(rgb: NDArray[np.uint8], colours: Colours, pixels: str) -> av.VideoFrame:
    """A picture (H, W, 3) as a frame of the format `pixels`, in limited range."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    return frame.reformat(
        format=pixels,
        dst_colorspace=_SWSCALE[matrix_out(colours, len(rgb))],
        src_color_range=_FULL,
        dst_color_range=_LIMITED,
        interpolation="BICUBIC",
    )


def matrix_out(colours: Colours, height: int) -> int:
    """The matrix to write with, as H.273 has it: the source's, where it has one."""
    if colours.matrix in _SWSCALE:
        return colours.matrix
    return _BT709 if height >= _HD_LINES else _BT601


def label(context: av.VideoCodecContext, colours: Colours) -> None:
    """Say in the file how its pixels are coded."""
    context.colorspace = matrix_out(colours, context.height)
    context.color_range = _LIMITED
    context.color_primaries = colours.primaries
    context.color_trc = colours.transfer
