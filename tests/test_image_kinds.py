"""Files of other programs: what colours mean, which picture of several, unsound metadata."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from odd_files import (
    ADOBE,
    P3,
    SRGB,
    Page,
    chunk,
    png,
    power,
    profile,
    srgb_curve,
    tiff,
    with_chunk,
)
from PIL import ExifTags, Image, TiffImagePlugin

from hasnet_models.errors import ImageError
from hasnet_models.image_io import MAX_PIXELS_VARIABLE, Photo, read, read_metadata, write

GREY = np.linspace(0, 255, 24, dtype=np.uint8).reshape(4, 6)


def photo_of(data: bytes) -> Photo:
    return read(io.BytesIO(data))


def slope(height: int, width: int) -> np.ndarray:
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[:height, :width]
    planes = [x * 255 // (width - 1), y * 255 // (height - 1), 128 + 0 * x]
    return np.stack(planes, axis=2).astype(np.uint8)


# --------------------------------------------------------------------------------------- profiles


def through(level: int, icc: bytes, grey: bool = False) -> list[int]:
    """What a plain picture becomes."""
    colour = np.full((4, 4), level, np.uint8) if grey else np.tile(np.uint8(level), (4, 4, 3))
    buffer = io.BytesIO()
    Image.fromarray(colour).save(buffer, "PNG", icc_profile=icc)
    return photo_of(buffer.getvalue()).rgb[0, 0].astype(int).tolist()


@pytest.mark.parametrize(
    "name", ["GIMP built-in Linear sRGB", "sRGB-elle-V2-g10.icc", "sRGB IEC61966-2.1", "linear"]
)
def test_a_linear_profile_is_linear_whatever_its_name(name: str) -> None:
    found = through(55, profile(name, SRGB, power(1.0)))  # 55/255 of light is 128/255 in sRGB
    assert np.abs(np.subtract(found, 128)).max() <= 1


@pytest.mark.parametrize("gamma", [1.8, 2.6])
def test_another_curve_under_the_name_of_srgb(gamma: float) -> None:
    light = (100 / 255) ** gamma
    wanted = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    assert abs(through(100, profile("sRGB", SRGB, power(gamma)))[0] - wanted) <= 1


@pytest.mark.parametrize("name", ["sRGB IEC61966-2.1", "some monitor"])
def test_what_does_as_srgb_changes_no_pixel(name: str) -> None:
    rgb = slope(40, 60)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", icc_profile=profile(name, SRGB, srgb_curve))
    assert (photo_of(buffer.getvalue()).rgb == rgb).all()


@pytest.mark.parametrize(("primaries", "curve"), [(ADOBE, power(563 / 256)), (P3, srgb_curve)])
def test_wide_primaries_count_under_the_name_of_srgb(primaries, curve) -> None:
    rgb = np.tile(np.uint8([200, 80, 80]), (4, 4, 1))
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", icc_profile=profile("sRGB", primaries, curve))
    red, green, _ = photo_of(buffer.getvalue()).rgb[0, 0].astype(int)
    light = curve(np.array([200, 80, 80]) / 255)
    linear = np.linalg.inv(np.array(SRGB).T) @ np.array(primaries).T @ light
    wanted = 255 * (1.055 * linear.clip(0.0031308, 1) ** (1 / 2.4) - 0.055)
    assert abs(red - wanted[0]) <= 2 and abs(green - wanted[1]) <= 2
    assert red > 205 and green < 80


def test_a_grey_profile_counts_on_a_grey_picture() -> None:
    icc = profile("sRGB grey", SRGB, power(1.0), b"GRAY")
    assert np.abs(np.subtract(through(55, icc, grey=True), 128)).max() <= 1
    assert through(55, icc) == [55, 55, 55]  # and says nothing of a colour picture


@pytest.mark.parametrize("damage", [0, 40, 128, 140, 300])
def test_a_broken_profile_named_srgb_is_ignored(damage: int) -> None:
    icc = bytearray(profile("sRGB", SRGB, power(1.0)))
    assert through(55, bytes(icc[:damage])) == [55, 55, 55]


# ------------------------------------------------------------------------------- numbers of a TIFF


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_16_bits_count_from_white_or_from_black(order: str, photometric: int) -> None:
    deep = GREY.astype(order + "u2") * 257
    stored = 65535 - deep if photometric == 0 else deep
    page = Page(stored.astype(order + "u2"), photometric, 16)
    assert np.abs(photo_of(tiff([page], order)).rgb[..., 1].astype(int) - GREY).max() <= 1


@pytest.mark.parametrize("photometric", [0, 1])
def test_floats_count_from_white_or_from_black(photometric: int) -> None:
    values = (GREY / 255).astype("<f4")
    page = Page(1 - values if photometric == 0 else values, photometric, 32, {339: 3})
    assert np.abs(photo_of(tiff([page])).rgb[..., 1].astype(int) - GREY).max() <= 1


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_few_bits_count_from_white(bits: int) -> None:
    levels = GREY[:, :4] >> (8 - bits)
    stored = (2**bits - 1) - levels
    ones = np.unpackbits(stored[..., None], axis=2)[..., -bits:].reshape(len(stored), -1)
    page = Page(levels, 0, bits, data=np.packbits(ones, axis=1).tobytes())
    wanted = np.round(levels * (255 / (2**bits - 1)))
    assert (photo_of(tiff([page])).rgb[..., 0] == wanted).all()


def test_12_bits_are_scaled_by_their_own_range() -> None:
    deep = GREY.astype(int) * 4095 // 255
    pairs = deep.reshape(-1, 2)
    packed = np.stack(
        [pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1
    )
    page = Page(GREY, 1, 12, data=packed.astype(np.uint8).tobytes())
    assert np.abs(photo_of(tiff([page])).rgb[..., 0].astype(int) - GREY).max() <= 1


def test_the_pixel_limit_of_a_deep_tiff_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own limit, here lowered, neither warns nor refuses."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    deep = tiff([Page(GREY.astype("<u2") * 257, 0, 16)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert photo_of(deep).rgb.shape == (4, 6, 3)
        monkeypatch.setenv(MAX_PIXELS_VARIABLE, "24")
        assert photo_of(deep).rgb.shape == (4, 6, 3)
    monkeypatch.setenv(MAX_PIXELS_VARIABLE, "23")
    with pytest.raises(ImageError, match="6x4 pixels"):
        photo_of(deep)
    assert Image.MAX_IMAGE_PIXELS == 5


@pytest.mark.parametrize("kind", ["GIF", "PNG", "JPEG", "TIFF", "WEBP", "BMP"])
def test_no_warning_of_pillows_limit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.fromarray(slope(40, 60)).save(buffer, kind)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert photo_of(buffer.getvalue()).rgb.shape == (40, 60, 3)


# ------------------------------------------------------------------------------- pictures of a TIFF


def small(rgb: np.ndarray, side: int) -> np.ndarray:
    image = Image.fromarray(rgb)
    image.thumbnail((side, side))
    return np.asarray(image)


FULL = slope(300, 400)
RAW = 32803  # photometric: a colour filter array


def thumbnail(**more) -> Page:
    return Page(small(FULL, 60), 2, tags={254: 1}, **more)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_thumbnail_before_the_picture(order: str) -> None:
    photo = photo_of(tiff([thumbnail(), Page(FULL, 2)], order))
    assert (photo.rgb == FULL).all() and photo.notes == ()


def test_a_thumbnail_that_is_not_marked() -> None:
    assert (photo_of(tiff([Page(small(FULL, 60), 2), Page(FULL, 2)])).rgb == FULL).all()


def test_a_thumbnail_in_a_file_with_long_offsets() -> None:
    buffer = io.BytesIO()
    more = [Image.fromarray(FULL)]
    first = Image.fromarray(small(FULL, 60))
    first.save(buffer, "TIFF", save_all=True, append_images=more, big_tiff=True)
    assert buffer.getvalue()[:4] == b"II+\0"
    assert (photo_of(buffer.getvalue()).rgb == FULL).all()


def test_the_picture_in_a_subdirectory() -> None:
    middle = Page(small(FULL, 200), 2, tags={254: 1})
    assert (photo_of(tiff([thumbnail(inner=[middle, Page(FULL, 2)])])).rgb == FULL).all()


def test_a_picture_with_its_thumbnail_behind_it() -> None:
    pages = [Page(FULL, 2, inner=[thumbnail()]), thumbnail()]
    assert (photo_of(tiff(pages)).rgb == FULL).all()


@pytest.mark.parametrize("second", [(300, 400), (400, 300), (500, 500), (60, 80), (600, 800)])
def test_the_first_page_of_several(second: tuple[int, int]) -> None:
    first = np.full((550, 700, 3), 9, np.uint8)
    photo = photo_of(tiff([Page(first, 2, tags={254: 2}), Page(slope(*second), 2, tags={254: 2})]))
    assert (photo.rgb == first).all()


def test_a_raw_file_gives_its_preview_and_says_so() -> None:
    raw = Page(np.zeros((600, 800), np.uint8), RAW)
    preview = Page(FULL, 2, tags={254: 1})
    photo = photo_of(tiff([thumbnail(inner=[raw, preview])]))
    assert (photo.rgb == FULL).all()
    (note,) = photo.notes
    assert "800x600" in note and "400x300" in note


def test_a_raw_file_with_a_thumbnail_alone_is_one_sentence() -> None:
    raw = Page(np.zeros((600, 800), np.uint8), RAW)
    with pytest.raises(ImageError, match="800x600") as caught:
        photo_of(tiff([thumbnail(inner=[raw])]))
    assert "\n" not in str(caught.value) and caught.value.hint


def test_a_whole_jpeg_in_a_raw_file() -> None:
    buffer = io.BytesIO()
    Image.fromarray(FULL).save(buffer, "JPEG", quality=95)
    raw = Page(np.zeros((300, 400), np.uint8), RAW)
    first = thumbnail(inner=[raw])
    file = tiff([first])
    jpeg = thumbnail(inner=[raw, Page(np.zeros((1, 1), np.uint8), 6, tags={513: len(file) + 400})])
    jpeg.inner[1].tags[514] = len(buffer.getvalue())
    file = tiff([jpeg])
    at = len(file) + -len(file) % 4
    jpeg.inner[1].tags[513] = at
    file = tiff([jpeg])
    photo = photo_of(file.ljust(at, b"\0") + buffer.getvalue())
    assert np.abs(photo.rgb.astype(int) - FULL).mean() < 3


def test_the_file_says_how_its_inner_picture_is_turned() -> None:
    upright = slope(400, 300)
    stored = np.ascontiguousarray(np.rot90(upright))
    first = Page(small(stored, 60), 2, tags={254: 1, 274: 6}, inner=[Page(stored, 2)])
    assert (photo_of(tiff([first])).rgb == upright).all()


def test_an_inner_picture_obeys_the_pixel_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MAX_PIXELS_VARIABLE, "100000")
    with pytest.raises(ImageError, match="400x300"):
        photo_of(tiff([thumbnail(), Page(FULL, 2)]))


def test_directories_that_go_in_a_circle() -> None:
    file = bytearray(tiff([thumbnail(), Page(FULL, 2)]))
    (first,) = struct.unpack_from("<I", file, 4)
    (count,) = struct.unpack_from("<H", file, first)
    (second,) = struct.unpack_from("<I", file, first + 2 + 12 * count)
    (count,) = struct.unpack_from("<H", file, second)
    struct.pack_into("<I", file, second + 2 + 12 * count, first)
    assert (photo_of(bytes(file)).rgb == FULL).all()


# ---------------------------------------------------------------------------------------- metadata

LONG = b"x" * (3 << 20)
CHUNKS = {
    "zTXt": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(LONG)),
    "tEXt": chunk(b"tEXt", b"Comment\0" + LONG),
    "iTXt": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LONG)),
    "wrong sum": chunk(b"tEXt", b"Comment\0hello", 1234),
    "wrong sum of a time": chunk(b"tIME", bytes(7), 1),
    "unknown coding": chunk(b"zTXt", b"Comment\0\7abc"),
    "short": chunk(b"pHYs", b"\0"),
    "no rendering": chunk(b"sRGB", b""),
    "profile": chunk(b"iCCP", b"p\0\7abc"),
    "no animation": chunk(b"acTL", b"\0"),
    "no frame": chunk(b"fcTL", bytes(26)),
}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("name", CHUNKS)
def test_a_chunk_beside_the_pixels_never_costs_the_picture(name: str, last: bool) -> None:
    rgb = slope(40, 60)
    photo = photo_of(with_chunk(png(rgb), CHUNKS[name], last))
    assert (photo.rgb == rgb).all()
    animated = name in ("no animation", "no frame")
    assert len(photo.notes) == (0 if animated else 1)


def test_sound_chunks_stay_beside_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write(slope(40, 60), path, metadata={"domain": "sketch"})
    file = with_chunk(path.read_bytes(), CHUNKS["wrong sum"])
    assert read_metadata(io.BytesIO(file)) == {"domain": "sketch"}
    photo = photo_of(file)
    assert photo.icc is not None and "tEXt" in photo.notes[0]


def test_a_damaged_pixel_chunk_is_still_an_error() -> None:
    file = bytearray(png(slope(40, 60)))
    file[file.index(b"IDAT") + 30] ^= 255
    with pytest.raises(ImageError):
        photo_of(with_chunk(bytes(file), CHUNKS["wrong sum"]))


def test_a_large_profile_still_counts() -> None:
    icc = bytearray(profile("sRGB", SRGB, power(1.0)))
    icc += bytes(2 << 20)
    icc[:4] = struct.pack(">I", len(icc))
    packed = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(icc)))
    rgb = np.full((4, 4, 3), 55, np.uint8)
    photo = photo_of(with_chunk(png(rgb), packed))
    assert abs(int(photo.rgb[0, 0, 0]) - 128) <= 1 and photo.notes == ()


def exif_of(**values: str) -> bytes:
    exif = Image.Exif()
    for name, value in values.items():
        exif[ExifTags.Base[name]] = value
    return exif.tobytes()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_long_exif_never_costs_the_picture(tmp_path: Path, suffix: str) -> None:
    exif = exif_of(ImageDescription="x" * 100_000, Artist="somebody")
    buffer = io.BytesIO()
    Image.fromarray(slope(40, 60)).save(buffer, "PNG", exif=exif)
    photo = photo_of(buffer.getvalue())
    assert len(photo.notes) == 1 and "ImageDescription" in photo.notes[0]
    path = tmp_path / f"a{suffix}"
    write(photo.rgb, path, source=photo, metadata={"domain": "sketch"})
    assert Image.open(path).getexif().get(ExifTags.Base.Artist) == "somebody"
    assert read_metadata(path) == {"domain": "sketch"}


def test_texts_of_ours_come_before_the_sources_exif(tmp_path: Path) -> None:
    photo = Photo(slope(40, 60), exif=exif_of(Artist="x" * 60_000))
    write(photo.rgb, tmp_path / "a.jpg", source=photo, metadata={"z": "y" * 20_000})
    assert read_metadata(tmp_path / "a.jpg") == {"z": "y" * 20_000}


def test_pillow_keeps_what_it_could_read() -> None:
    """What is taught to Pillow adds to its table and changes nothing in it."""
    photo_of(tiff([Page(GREY)]))
    assert TiffImagePlugin.OPEN_INFO[(b"II", 1, (1,), 1, (16,), ())] == ("I;16", "I;16")
