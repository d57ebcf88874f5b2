"""The contract of reading and writing: the right picture or one sentence, never half a file.

Properties over EXIF x mode x format x size x damage; the cases by name are in test_image_io.py.
"""

from __future__ import annotations

import errno
import io
import os
import random
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hasnet_models.errors import HasnetError, ImageError
from hasnet_models.image_io import Photo, read, read_metadata, write
from hasnet_models.image_io.formats import BY_SUFFIX

QUICK = settings(
    max_examples=60, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
# What each format can hold, and how far an 8-bit picture may come back from it.
LOSSLESS = {"PNG": ("1", "L", "LA", "P", "RGB", "RGBA"), "TIFF": ("1", "L", "RGB", "RGBA"),
            "BMP": ("1", "L", "P", "RGB"), "GIF": ("1", "L", "P")}  # fmt: skip
LOSSY = {"JPEG": ("L", "RGB", "CMYK"), "WEBP": ("RGB", "RGBA"), "AVIF": ("RGB", "RGBA")}
MODES = {**LOSSLESS, **LOSSY}
CASES = [(kind, mode) for kind, modes in MODES.items() for mode in modes]
WITH_EXIF = {"JPEG", "PNG", "WEBP", "TIFF", "AVIF"}
WRITABLE = [suffix for suffix in BY_SUFFIX if suffix not in (".heic", ".heif")]
# The stored picture of each EXIF orientation, from the upright one (EXIF 2.3, tag 274).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


def scene(height: int, width: int, mode: str) -> np.ndarray:
    """A picture without symmetry that every mode can hold: quarters of other greys."""
    levels = (0, 255, 255, 0) if mode == "1" else (30, 100, 170, 240)
    picture = np.full((height, width, 3), levels[0], np.uint8)
    half, middle = (height + 1) // 2, (width + 1) // 2
    picture[:half, middle:] = levels[1]
    picture[half:, :middle] = levels[2]
    picture[half:, middle:] = levels[3]
    return picture


def encoded(upright: np.ndarray, kind: str, mode: str, orientation: int = 1) -> bytes:
    stored = np.ascontiguousarray(STORED[orientation](upright))
    image = Image.fromarray(stored)
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    options: dict = {"quality": 95} if kind in LOSSY else {}
    if kind in WITH_EXIF:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def one_sentence(error: HasnetError) -> bool:
    text = str(error)
    return bool(text) and "\n" not in text and "Traceback" not in text and text.endswith(".")


def read_or_refuse(data: bytes) -> Photo | None:
    """The picture, or None where it was refused as it should be."""
    try:
        photo = read(io.BytesIO(data))
    except HasnetError as error:
        assert one_sentence(error)
        return None
    assert photo.rgb.dtype == np.uint8 and photo.rgb.ndim == 3 and photo.rgb.shape[2] == 3
    assert photo.alpha is None or photo.alpha.shape == photo.rgb.shape[:2]
    return photo


# ---------------------------------------------------------------------------------- sound pictures


@QUICK
@given(st.sampled_from(CASES), st.integers(1, 8), st.integers(1, 70), st.integers(1, 70))
def test_every_format_mode_orientation_and_size(case, orientation, height, width):
    kind, mode = case
    if kind not in WITH_EXIF:
        orientation = 1
    upright = scene(height, width, mode)
    photo = read(io.BytesIO(encoded(upright, kind, mode, orientation)))
    assert photo.rgb.shape == upright.shape
    gap = np.abs(photo.rgb.astype(int) - upright)
    if kind in LOSSLESS:
        assert gap.max() == 0
    elif min(height, width) >= 16:
        assert np.median(gap) <= 6  # the middles of the quarters; edges ring


@QUICK
@given(
    st.sampled_from(WRITABLE), st.integers(1, 90), st.integers(1, 90), st.booleans(),
    st.integers(1, 100), st.dictionaries(st.text(max_size=9), st.text(max_size=30), max_size=3),
)  # fmt: skip
def test_what_is_written_comes_back(tmp_path, suffix, height, width, clear, quality, texts):
    rgb = scene(height, width, "RGB")
    alpha = np.full((height, width), 128, np.uint8) if clear else None
    path = tmp_path / f"a{suffix}"
    write(Photo(rgb, alpha), path, quality=quality, metadata=texts)
    photo = read(path)
    assert photo.rgb.shape == rgb.shape
    if suffix != ".bmp":
        assert read_metadata(path) == texts
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    path.unlink()


def test_forty_megapixels_and_one_line_of_pixels(tmp_path):
    upright = scene(8000, 5000, "RGB")
    photo = read(io.BytesIO(encoded(upright, "JPEG", "RGB", 6)))
    assert photo.rgb.shape == (8000, 5000, 3)
    assert np.abs(photo.rgb[::500, ::500].astype(int) - upright[::500, ::500]).max() <= 8
    write(photo, tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg").rgb.shape == (8000, 5000, 3)
    for shape in ((1, 1), (1, 20000), (20000, 1)):
        write(scene(*shape, "RGB"), tmp_path / "line.png")
        assert (read(tmp_path / "line.png").rgb == scene(*shape, "RGB")).all()


@pytest.mark.parametrize("suffix", WRITABLE)
def test_a_size_beyond_the_format_is_one_sentence(tmp_path, suffix):
    line = np.zeros((1, 70000, 3), np.uint8)
    path = tmp_path / f"a{suffix}"
    try:
        write(line, path)
    except HasnetError as error:
        assert one_sentence(error) and list(tmp_path.iterdir()) == []
    else:
        assert read(path).rgb.shape == line.shape


@pytest.mark.parametrize("kind", MODES)
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.txt", "a", "a.heic"])
def test_a_wrong_suffix_does_not_matter(tmp_path, kind, name):
    path = tmp_path / name
    path.write_bytes(encoded(scene(20, 30, "L"), kind, MODES[kind][1]))
    assert read(path).rgb.shape == (20, 30, 3)


# ---------------------------------------------------------------------------------- damaged ones


@pytest.mark.parametrize(("kind", "mode"), CASES)
def test_truncated_at_every_tenth(kind, mode):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    data = encoded(pixels, kind, mode)
    whole = read(io.BytesIO(data)).rgb
    for tenth in range(10):
        photo = read_or_refuse(data[: len(data) * tenth // 10])
        assert photo is None or (photo.rgb == whole).all(), f"half a picture at {tenth}/10"
    for missing in (1, 2, 4, 8, 12):
        photo = read_or_refuse(data[:-missing])
        assert photo is None or photo.rgb.shape == whole.shape


@QUICK
@given(st.binary(max_size=300))
def test_random_bytes(data):
    assert read_or_refuse(data) is None


HEADS = {kind: encoded(scene(20, 30, MODES[kind][0]), kind, MODES[kind][0]) for kind in MODES}


@QUICK
@given(st.sampled_from(sorted(HEADS)), st.binary(max_size=400), st.floats(0, 1))
def test_random_bytes_behind_a_true_beginning(kind, junk, share):
    head = HEADS[kind]
    read_or_refuse(head[: int(len(head) * share)] + junk)


@QUICK
@given(st.sampled_from(sorted(HEADS)), st.integers(0, 2**32))
def test_damaged_bytes(kind, seed):
    data, chance = bytearray(HEADS[kind]), random.Random(seed)
    for _ in range(chance.randint(1, 9)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    read_or_refuse(bytes(data))


@QUICK
@given(st.binary(max_size=200))
def test_damaged_exif_and_profiles_do_not_cost_the_picture(junk):
    for options in ({"exif": b"Exif\0\0" + junk}, {"icc_profile": junk}):
        buffer = io.BytesIO()
        Image.fromarray(scene(20, 30, "L")).save(buffer, "JPEG", **options)
        photo = read_or_refuse(buffer.getvalue())
        assert photo is not None and sorted(photo.rgb.shape) == [3, 20, 30]


def png_bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(
            ">I", zlib.crc32(name + data)
        )  # fmt: skip

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(10**6), 9) * 20
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels)


def bmp_bomb(width: int, height: int) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 1, 0, 0, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 62, 0, 0, 62) + head + bytes(8)


def gif_bomb(width: int, height: int) -> bytes:
    size = struct.pack("<HH", min(width, 65535), min(height, 65535))
    return b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b"," + bytes(4) + size + b"\0\x02\x01\0\0;"


@pytest.mark.parametrize("bomb", [png_bomb, bmp_bomb, gif_bomb])
def test_bombs_are_refused_at_once(bomb):
    start = time.perf_counter()
    with pytest.raises(ImageError, match="more than the limit") as caught:
        read(io.BytesIO(bomb(60000, 60000)))
    assert one_sentence(caught.value) and "HASNET_MAX_PIXELS" in caught.value.hint
    assert time.perf_counter() - start < 1


# ---------------------------------------------------------------------------------- writing fails


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("stage", ["write", "fsync", "replace"])
def test_a_failing_write_leaves_what_was_there(tmp_path, monkeypatch, stage, suffix):
    path = tmp_path / f"old{suffix}"
    write(scene(20, 30, "RGB"), path)
    before = path.read_bytes()

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if stage == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif stage == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    else:
        real = Path.open
        monkeypatch.setattr(Path, "open", lambda self, *a, **k: HalfFile(real(self, *a, **k)))
    with pytest.raises(ImageError, match="No space left") as caught:
        write(scene(40, 50, "RGB"), path)
    monkeypatch.undo()
    assert one_sentence(caught.value)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


class HalfFile:
    """A file on a disk that is full after a few bytes."""

    def __init__(self, file) -> None:
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        self.file.write(data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# ------------------------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"II*\0\x08\0\0\0", b"BM",
     b"%PDF-1.7", b"\x00\x00\x00\x18ftypheic", b"\x89PNG\r\n\x1a\n" + bytes(40),
     png_bomb(10**5, 10**5), HEADS["JPEG"][:200], HEADS["PNG"][:60], os.urandom(500)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["photo.jpg", "фото.webp"])
def test_bad_photos_are_one_line_and_no_file(run, site, pipeline, tmp_path, data, name):
    site.install("pencil")
    (tmp_path / name).write_bytes(data)
    code, out, err = run("avatar", tmp_path / name, "--domain", "pencil", "-o", "x.png")
    assert code == 1 and out == "" and "Traceback" not in err
    assert err.startswith("hasnet: ") and err.count("\n") <= 2
    assert list((tmp_path / "here").iterdir()) == []
