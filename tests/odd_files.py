"""Picture files as other programs write them, byte by byte: ICC profiles, TIFF, PNG chunks."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

SRGB = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
P3 = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))


def srgb_curve(x: np.ndarray) -> np.ndarray:
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def power(gamma: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: x**gamma


def profile(
    name: str, primaries: Sequence[Sequence[float]], curve: Callable, space: bytes = b"RGB "
) -> bytes:
    """An ICC version 2 display profile; primaries adapted to D50, curve 0..1 to light 0..1."""
    values = np.round(curve(np.linspace(0, 1, 1024)) * 65535).astype(">u2").tobytes()
    trc = b"curv" + bytes(4) + struct.pack(">I", 1024) + values
    text = name.encode() + b"\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
    }
    if space == b"GRAY":
        tags[b"kTRC"] = trc
    else:
        tags |= {bytes([c]) + b"XYZ": _xyz(p) for c, p in zip(b"rgb", primaries, strict=True)}
        tags |= {bytes([c]) + b"TRC": trc for c in b"rgb"}
    return _with_header(tags, space)


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))


def _with_header(tags: dict[bytes, bytes], space: bytes) -> bytes:
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += padded
    head = struct.pack(">I4xI4s4s4s", at + len(body), 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


@dataclass
class Page:
    """A picture of a TIFF: its samples (H, W) or (H, W, 3), stored as they are in one strip."""

    samples: np.ndarray
    photometric: int = 1
    bits: int = 8
    tags: dict[int, int] = field(default_factory=dict)
    inner: Sequence[Page] = ()
    data: bytes | None = None

    @property
    def strip(self) -> bytes:
        return self.samples.tobytes() if self.data is None else self.data


def tiff(pages: Sequence[Page], order: str = "<") -> bytes:
    """A TIFF of these pictures, each with its SubIFDs."""
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    link = 4
    for page in pages:
        at = _directory(out, page, order)
        struct.pack_into(order + "I", out, link, at)
        link = at + 2 + 12 * struct.unpack_from(order + "H", out, at)[0]
    return bytes(out)


def _directory(out: bytearray, page: Page, order: str) -> int:
    inner = [_directory(out, one, order) for one in page.inner]
    if inner:
        page.tags[330] = _put(out, struct.pack(f"{order}{len(inner)}I", *inner))
        if len(inner) == 1:
            page.tags[330] = inner[0]
    height, width = page.samples.shape[:2]
    channels = 1 if page.samples.ndim == 2 else page.samples.shape[2]
    fields = {
        256: width, 257: height, 258: page.bits, 259: 1, 262: page.photometric,
        273: _put(out, page.strip), 277: channels, 278: height, 279: len(page.strip), **page.tags,
    }  # fmt: skip
    if channels == 3:
        fields[258] = _put(out, struct.pack(order + "3H", *[page.bits] * 3))
    counts = {258: channels, 330: max(1, len(inner))}
    at = len(out)
    out += struct.pack(order + "H", len(fields))
    for tag, value in sorted(fields.items()):
        short = tag == 258 or tag == 339
        count = counts.get(tag, 1)
        out += struct.pack(order + "HHI", tag, 3 if short else 4, count)
        inline = short and count == 1
        out += struct.pack(order + ("HH" if inline else "I"), *([value, 0] if inline else [value]))
    out += bytes(4)
    return at


def _put(out: bytearray, data: bytes) -> int:
    out += bytes(-len(out) % 4)
    at = len(out)
    out += data
    return at


def png(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def with_chunk(file: bytes, extra: bytes, last: bool = False) -> bytes:
    """A PNG with a chunk behind its head, or before its end."""
    at = len(file) - 12 if last else 8 + 12 + 13
    return file[:at] + extra + file[at:]
