"""PNG without the chunks beside the pixels that would cost the picture.

Pillow gives a whole PNG up for a text of more than 1 MiB, a large colour profile, a wrong checksum
of a comment, or an animation that is not sound. None of that is the picture.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LARGEST_TEXT = 2**20  # PngImagePlugin.MAX_TEXT_CHUNK: what Pillow expands of one chunk
_LARGEST_TEXTS = 2**25  # half of PngImagePlugin.MAX_TEXT_MEMORY: of all of them
_LARGEST_PROFILE = 2**24
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")  # only the still picture is read
_LEAST = {b"sRGB": 1, b"gAMA": 4, b"tIME": 7, b"pHYs": 9, b"cHRM": 32}  # bytes, PNG 3rd edition, 11


@dataclass(frozen=True, eq=False)
class SoundPng:
    """A PNG that Pillow reads.

    Attributes:
        stream: at its beginning; the one that was given if nothing had to go.
        profile: an ICC profile that had to be taken out because of its size.
        left_out: kinds of the chunks that are lost, such as "zTXt".
    """

    stream: BinaryIO
    profile: bytes | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Chunk:
    """Where a chunk stands; `data` is None for a critical one, which Pillow judges."""

    kind: bytes
    start: int
    end: int
    data: bytes | None
    intact: bool = True


def sound_png(stream: BinaryIO) -> SoundPng:
    """The PNG in a seekable stream, without what is damaged or too large beside its pixels."""
    profile, texts, kept, lost = None, 0, [], []
    chunks = list(_chunks(stream))
    for chunk in chunks:
        size = _expanded_size(chunk) if chunk.intact else None
        if chunk.kind == b"iCCP" and size is not None and size > _LARGEST_TEXT:
            profile = _inflated(chunk, _LARGEST_PROFILE)
            continue
        texts += size or 0
        if chunk.kind in _ANIMATION:
            continue
        if size is None or texts > _LARGEST_TEXTS:
            texts -= size or 0
            lost.append(chunk.kind.decode("ascii", "replace"))
        else:
            kept.append(chunk)
    if len(kept) < len(chunks):
        stream = _joined(stream, kept)
    stream.seek(0)
    return SoundPng(stream, profile, tuple(dict.fromkeys(lost)))


def _chunks(stream: BinaryIO) -> Iterator[_Chunk]:
    """The chunks up to IEND; the last may be cut off."""
    start = len(SIGNATURE)
    stream.seek(start)
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        end = start + 12 + length
        if kind[0] & 0x20:  # PNG 3rd edition, 5.4: a small first letter says ancillary
            data, checksum = stream.read(length), stream.read(4)
            intact = zlib.crc32(kind + data).to_bytes(4, "big") == checksum
            yield _Chunk(kind, start, end, data, intact)
        else:
            yield _Chunk(kind, start, end, None)
        if kind == b"IEND":
            return
        start = stream.seek(end)


def _expanded_size(chunk: _Chunk) -> int | None:
    """Bytes that an ancillary chunk takes when it is read, 0 for others; None if it is no good."""
    if chunk.data is None:
        return 0
    if chunk.kind == b"iCCP":
        profile = _inflated(chunk, _LARGEST_PROFILE)
        return None if profile is None else len(profile)
    if chunk.kind == b"zTXt" or (chunk.kind == b"iTXt" and _is_compressed(chunk.data)):
        text = _inflated(chunk, _LARGEST_TEXT)
        return None if text is None else len(text)
    if chunk.kind in _TEXTS:
        return len(chunk.data) if len(chunk.data) <= _LARGEST_TEXT else None
    return 0 if len(chunk.data) >= _LEAST.get(chunk.kind, 0) else None


def _is_compressed(international: bytes) -> bool:
    return international.partition(b"\0")[2][:1] == b"\1"


def _inflated(chunk: _Chunk, most: int) -> bytes | None:
    """What zTXt, iTXt or iCCP holds; None if it is damaged or more than `most` bytes."""
    _, _, rest = (chunk.data or b"").partition(b"\0")
    if chunk.kind == b"iTXt":  # flag, method, language, translated keyword
        method, packed = rest[1:2], rest[2:].split(b"\0", 2)[-1]
    else:
        method, packed = rest[:1], rest[1:]
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, most + 1)
    except zlib.error:
        return None
    return data if method == b"\0" and len(data) <= most else None


def _joined(stream: BinaryIO, chunks: list[_Chunk]) -> BinaryIO:
    parts = [SIGNATURE]
    for chunk in chunks:
        stream.seek(chunk.start)
        parts.append(stream.read(chunk.end - chunk.start))
    return io.BytesIO(b"".join(parts))
