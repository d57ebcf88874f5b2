"""Pictures in and out: every mode, orientation, format gives the right pixels or a sentence."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from hasnet_models import image_io
from hasnet_models.errors import HasnetError, ImageError, UsageError
from hasnet_models.image_io import (
    Photo,
    check_writable,
    colour_profile,
    formats,
    openers,
    read,
    read_metadata,
    reading,
    write,
)

TEXTS = {"domain": "sketch", "seed": "7", "word": "Émile \u4f60 \N{ARTIST PALETTE}"}
LOSSLESS = (".png", ".tiff", ".bmp")
LOSSY = (".jpg", ".jpeg", ".webp", ".avif")
WITH_TEXTS = (".png", ".jpg", ".webp", ".tif", ".avif", ".gif")


def picture(height: int = 40, width: int = 60) -> np.ndarray:
    """A smooth picture without symmetry: red grows to the right, green downwards."""
    y, x = np.mgrid[:height, :width]
    planes = [x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), 128 + 0 * x]
    return np.stack(planes, axis=2).astype(np.uint8)


def save(path: Path, image: Image.Image | np.ndarray, **options: object) -> Path:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(path, **options)
    return path


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b).mean())


# ---------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY, ".gif"])
def test_formats_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"\u00fc\u4eba face{suffix}"
    write(picture(), path)
    photo = read(path)
    assert photo.name == path.name
    assert photo.path == path
    assert photo.rgb.dtype == np.uint8
    assert photo.alpha is None
    assert difference(photo.rgb, picture()) <= (0 if suffix in LOSSLESS else 8)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(picture())
    if orientation in stored:
        image = image.transpose(stored[orientation])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    photo = read(save(tmp_path / f"turned{suffix}", image, exif=exif))
    assert difference(photo.rgb, picture()) < 4


def test_an_orientation_that_does_not_exist_is_ignored(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 77
    photo = read(save(tmp_path / "a.png", picture(), exif=exif))
    assert (photo.rgb == picture()).all()


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"]
)
def test_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(picture()[..., 0])
    image = grey if mode in ("1", "L", "LA", "I;16") else Image.fromarray(picture())
    image = image.convert("P").convert("PA") if mode == "PA" else image.convert(mode)
    suffix = {"CMYK": ".tif", "YCbCr": ".tif", "PA": ".tif"}.get(mode, ".png")
    # Pillow cannot read back the uncompressed TIFF of YCbCr that it writes
    options = {"compression": "tiff_lzw"} if mode == "YCbCr" else {}
    try:
        path = save(tmp_path / f"a{suffix}", image, **options)
    except (OSError, KeyError):
        pytest.skip(f"this Pillow cannot write {mode}")
    photo = read(path)
    assert photo.rgb.shape == (40, 60, 3)
    assert photo.alpha is None
    wanted = np.asarray(image.convert("L")) if mode == "1" else np.asarray(grey)
    if mode != "I;16":
        assert difference(photo.rgb[..., 0], wanted) < 20  # a palette of 216 colours is coarse


def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 256 * 4).astype(np.uint16).reshape(32, 32)
    for suffix in (".png", ".tif"):
        photo = read(save(tmp_path / f"deep{suffix}", values))
        wanted = np.rint(values / 257).astype(int)
        assert np.abs(photo.rgb[..., 1] - wanted).max() <= 1, suffix


def test_16_bit_colour_is_scaled(tmp_path: Path) -> None:
    import cv2

    deep = picture().astype(np.uint16) * 257
    path = tmp_path / "deep.png"
    path.write_bytes(cv2.imencode(".png", deep[..., ::-1])[1].tobytes())
    assert difference(read(path).rgb, picture()) < 1


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[-3.0, np.nan, 200.0]], np.float32), [0, 0, 255]),
        (np.array([[0, 32768, 65535]], np.int32), [0, 128, 255]),
        (np.array([[-5, 2**30, 2**31 - 1]], np.int32), [0, 128, 255]),
    ],
)
def test_floats_and_long_integers_are_scaled(tmp_path: Path, values, wanted) -> None:
    photo = read(save(tmp_path / "a.tif", values))
    assert photo.rgb[0, :, 0].tolist() == wanted


def test_only_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert read(path).rgb[4, 4].tolist() == [255, 0, 0]


def test_transparency_lies_over_white_and_the_alpha_is_kept(tmp_path: Path) -> None:
    rgba = np.zeros((1, 4, 4), np.uint8)
    rgba[0] = [[9, 99, 199, 0], [100, 0, 0, 51], [0, 0, 0, 128], [10, 20, 30, 255]]
    photo = read(save(tmp_path / "a.png", rgba))
    assert photo.rgb[0].tolist() == [[255, 255, 255], [224, 204, 204], [127] * 3, [10, 20, 30]]
    assert photo.alpha[0].tolist() == [0, 51, 128, 255]


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_transparent_colour_is_transparent(tmp_path: Path, mode: str) -> None:
    image = Image.new(mode, (4, 4), 0)
    key = (0, 0, 0) if mode == "RGB" else 0
    photo = read(save(tmp_path / "a.png", image, transparency=key))
    assert photo.alpha.max() == 0
    assert photo.rgb.min() == 255


def test_a_full_alpha_says_nothing(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(picture()).convert("RGBA"))
    assert read(path).alpha is None


def test_soft_edges_keep_their_colour_when_written(tmp_path: Path) -> None:
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[..., :3] = (200, 40, 10)
    rgba[..., 3] = np.arange(16)[None] * 17
    for suffix in (".png", ".tif"):
        photo = read(save(tmp_path / f"a{suffix}", rgba))
        write(photo, tmp_path / f"b{suffix}")
        again = np.asarray(Image.open(tmp_path / f"b{suffix}")).astype(int)
        assert (again[..., 3] == rgba[..., 3]).all()
        clear = rgba[..., 3] > 100
        assert np.abs(again - rgba)[clear].max() <= 2
        assert (again[:, 0, :3] == 255).all()  # nothing of what is invisible


def wide_profile() -> bytes:
    """A display profile with a gamma of 1.0: sRGB primaries, pixel values linear in light."""
    from struct import pack

    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for i in range(int.from_bytes(data[128:132], "big")):
        at = 132 + 12 * i
        name, start = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            data[start : start + 12] = b"curv" + bytes(4) + pack(">I", 0)
        if name == b"desc":
            data[start:] = data[start:].replace("sRGB".encode("utf-16-be"), b"\0t\0e\0s\0t", 1)
    return bytes(data)


def test_a_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    linear = np.full((4, 4, 3), 55, np.uint8)
    photo = read(save(tmp_path / "a.png", linear, icc_profile=wide_profile()))
    assert abs(int(photo.rgb[0, 0, 0]) - 128) <= 2  # 55/255 of light is 128/255 in sRGB
    assert photo.icc == wide_profile()


@pytest.mark.parametrize("profile", [b"", b"no profile", wide_profile()[:200]])
def test_a_damaged_profile_is_ignored(tmp_path: Path, profile: bytes) -> None:
    photo = read(save(tmp_path / "a.png", picture(), icc_profile=profile))
    assert (photo.rgb == picture()).all()


def test_a_profile_for_another_kind_of_picture_is_ignored(tmp_path: Path) -> None:
    cmyk = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    photo = read(save(tmp_path / "a.tif", cmyk, icc_profile=wide_profile()))
    assert photo.rgb[0, 0].tolist() == [255, 0, 0]


def test_reading_from_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(tmp_path / "a.png", picture()).read_bytes()
    assert (read(io.BytesIO(data)).rgb == picture()).all()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    photo = read("-")
    assert (photo.rgb == picture()).all()
    assert (photo.name, photo.path) == ("<stdin>", None)


def test_an_endless_stream_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 1000)
    with pytest.raises(ImageError, match="more than"):
        read(io.BytesIO(bytes(2000)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_reading_from_a_named_pipe(tmp_path: Path) -> None:
    import threading

    data = save(tmp_path / "a.png", picture()).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=[data], daemon=True).start()
    assert (read(pipe).rgb == picture()).all()


# -------------------------------------------------------------------------------------- bad input


def one_sentence(error: HasnetError) -> bool:
    return "\n" not in str(error) and str(error).endswith(".") and "Traceback" not in str(error)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path, tmp_path / ("x" * 300), tmp_path / "a\0b.png"):
        with pytest.raises(UsageError) as caught:
            read(path)
        assert one_sentence(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"just a text\n", bytes(5000), b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a"],
)
def test_files_that_are_no_pictures(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read(path)
    assert one_sentence(caught.value)
    assert "a.jpg" in str(caught.value)


def test_zero_bytes_are_called_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(ImageError, match="empty"):
        read(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp", ".gif", ".avif"])
def test_truncated_files(tmp_path: Path, suffix: str) -> None:
    """Cut at every tenth: an error, or (where only a trailer was cut) the picture."""
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    write(whole, tmp_path / f"a{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    for tenth in range(10):
        path.write_bytes(data[: len(data) * tenth // 10])
        with pytest.raises(ImageError) as caught:
            read(path)
        assert one_sentence(caught.value)


def test_a_wrong_suffix_does_not_matter_for_reading(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", picture())
    assert (read(path.rename(tmp_path / "a.jpg")).rgb == picture()).all()


OWN_MODULE = {
    ".jpg": "Jpeg", ".png": "Png", ".webp": "WebP", ".tif": "Tiff", ".bmp": "Bmp", ".gif": "Gif"
}  # fmt: skip


@pytest.mark.parametrize("suffix", [*OWN_MODULE, ".avif"])
def test_a_fresh_process_reads_a_file_by_its_content_with_its_format_s_module_alone(
    tmp_path: Path, suffix: str
) -> None:
    import subprocess

    path = save(tmp_path / f"a{suffix}", picture()).rename(tmp_path / "a.picture")
    code = (
        "import sys; from hasnet_models.image_io import read; print(read(sys.argv[1]).rgb.shape)\n"
        "print(*(name[4:-11] for name in sys.modules if name.endswith('ImagePlugin')))"
    )
    run = [sys.executable, "-c", code, path]
    shape, modules = subprocess.run(run, capture_output=True, text=True).stdout.splitlines()
    assert shape == "(40, 60, 3)"
    assert suffix == ".avif" or modules == OWN_MODULE[suffix]


def test_a_damaged_head_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for head in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\0", b"BM", b"GIF89a"):
        path.write_bytes(head + bytes(40))
        with pytest.raises(ImageError) as caught:
            read(path)
        assert one_sentence(caught.value)


def test_formats_that_stay_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    with pytest.raises(ImageError, match="not a picture"):
        read(path)


def test_heic_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "readable_formats", lambda: ("JPEG", "PNG"))
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(ImageError, match="HEIC") as caught:
        read(path)
    assert "pillow-heif" in caught.value.hint


def test_the_pixel_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png", picture())
    with pytest.raises(ImageError, match="60x40") as caught:
        read(path, max_pixels=2399)
    assert image_io.MAX_PIXELS_VARIABLE in caught.value.hint
    assert read(path, max_pixels=2400).rgb.shape == (40, 60, 3)
    monkeypatch.setenv(image_io.MAX_PIXELS_VARIABLE, "100")
    with pytest.raises(ImageError):
        read(path)
    monkeypatch.setenv(image_io.MAX_PIXELS_VARIABLE, "many")
    with pytest.raises(UsageError):
        read(path)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("1", (20000, 20000)), compress_level=1)
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageError, match="20000x20000"):
        read(path)
    assert before == Image.MAX_IMAGE_PIXELS


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    suffix=st.sampled_from([".jpg", ".png", ".webp", ".tif", ".gif", ".avif", ".bmp"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=30),
)
def test_flipped_bytes_give_a_picture_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, changes: list[tuple[float, int]]
) -> None:
    path = tmp_path_factory.mktemp("flip") / f"a{suffix}"
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    write(replace(Photo(picture(12, 9)), exif=exif.tobytes()), path, metadata=TEXTS)
    data = bytearray(path.read_bytes())
    for where, value in changes:
        data[int(where * len(data))] = value
    for call in (read, read_metadata):
        try:
            call(io.BytesIO(data))
        except HasnetError as error:
            assert one_sentence(error)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    suffix=st.sampled_from(LOSSLESS),
    transparent=st.booleans(),
)
def test_any_size_survives(
    tmp_path_factory: pytest.TempPathFactory,
    height: int,
    width: int,
    suffix: str,
    transparent: bool,
) -> None:
    path = tmp_path_factory.mktemp("size") / f"a{suffix}"
    alpha = np.full((height, width), 200, np.uint8) if transparent else None
    write(Photo(picture(height, width), alpha), path)
    photo = read(path)
    assert photo.rgb.shape == (height, width, 3)
    assert (photo.alpha is None) == (not transparent or suffix == ".bmp")


# ---------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("suffix", WITH_TEXTS)
def test_metadata_comes_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write(picture(), path, metadata=TEXTS)
    assert read_metadata(path) == TEXTS


def test_pictures_of_others_have_no_metadata(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0hello"
    assert read_metadata(save(tmp_path / "a.jpg", picture(), exif=exif)) == {}
    assert read_metadata(save(tmp_path / "a.png", picture())) == {}
    assert read_metadata(save(tmp_path / "a.gif", picture(), comment=b"[1]")) == {}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_output_carries_an_srgb_profile(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write(picture(), path)
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_our_profile_is_that_of_srgb_to_the_last_step() -> None:
    ours = ImageCms.ImageCmsProfile(io.BytesIO(colour_profile.srgb_bytes()))
    transform = ImageCms.buildTransform(ours, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 5, np.uint8)] * 3), axis=-1).reshape(1, -1, 3)
    assert (np.asarray(ImageCms.applyTransform(Image.fromarray(grid), transform)) == grid).all()


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        write(picture(), tmp_path / name, metadata=TEXTS)
        first = (tmp_path / name).read_bytes()
        colour_profile.srgb_bytes.cache_clear()
        colour_profile.srgb_profile.cache_clear()
        write(picture(), tmp_path / name, metadata=TEXTS)
        assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_only_public_exif_is_passed_on(tmp_path: Path, suffix: str) -> None:
    tags, gps = ExifTags.Base, ExifTags.IFD.GPSInfo
    exif = Image.Exif()
    exif[tags.Artist] = "Ada"
    exif[tags.Orientation] = 6
    exif[tags.HostComputer] = "SECRET-HOST"
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[tags.ISOSpeedRatings] = 200
    inner[tags.BodySerialNumber] = "SECRET-SERIAL"
    inner[tags.MakerNote] = b"SECRET-NOTE"
    exif.get_ifd(gps)[1] = "N"
    exif.get_ifd(gps)[2] = (47.0, 3.0, 1.0)
    photo = read(save(tmp_path / "in.jpg", picture(), exif=exif))
    path = tmp_path / f"out{suffix}"
    write(picture(), path, source=photo, metadata={"a": "b"})
    with Image.open(path) as image:
        image.load()
        kept = image.getexif()
        assert kept[tags.Artist] == "Ada"
        assert kept.get(tags.Orientation, 1) == 1
        assert kept.get_ifd(ExifTags.IFD.Exif)[tags.ISOSpeedRatings] == 200
        assert not kept.get_ifd(gps)
    assert b"SECRET" not in path.read_bytes()
    assert read_metadata(path) == {"a": "b"}


def test_quality_makes_larger_files(tmp_path: Path) -> None:
    sizes = []
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for quality in (10, 50, 100):
        write(noise, tmp_path / "a.jpg", quality=quality)
        sizes.append((tmp_path / "a.jpg").stat().st_size)
    assert sizes == sorted(set(sizes))
    write(noise, tmp_path / "a.webp", quality=100)
    assert (read(tmp_path / "a.webp").rgb == noise).all()
    with pytest.raises(UsageError):
        write(noise, tmp_path / "a.jpg", quality=0)


def test_arrays_that_are_no_pictures_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    for bad in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="expected uint8"):
            write(bad, tmp_path / "a.png")


@pytest.mark.parametrize("call", [check_writable, lambda path: write(picture(), path)])
def test_targets_that_cannot_be(tmp_path: Path, call) -> None:
    (tmp_path / "folder.png").mkdir()
    for name in ("a.xyz", "a", "none/a.png", "folder.png", "a\0b.png", "x" * 300 + ".png"):
        with pytest.raises((UsageError, ImageError)) as caught:
            call(tmp_path / name)
        assert one_sentence(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


def test_check_writable_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "a.png")
    check_writable("-")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a faked refusal: the tests may run as root, who may write everywhere."""
    real = Path.open

    def refuse(self: Path, mode: str = "r", *args, **kwargs):
        if "x" in mode:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    for call in (check_writable, lambda path: write(picture(), path)):
        with pytest.raises(ImageError, match="Permission denied"):
            call(tmp_path / "a.png")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImageError, match="No space left"):
        write(picture(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_too_large_for_its_format(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"wide\.webp cannot be encoded"):
        write(np.zeros((1, 20000, 3), np.uint8), tmp_path / "wide.webp")
    assert not list(tmp_path.iterdir())


def test_the_input_is_never_written_over(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", picture())
    before = path.read_bytes()
    photo = read(path)
    link = tmp_path / "link.png"
    link.symlink_to(path)
    for target in (path, tmp_path / "." / "a.png", link):
        for call in (
            lambda: write(photo, target),  # noqa: B023 - called at once
            lambda: write(255 - photo.rgb, target, source=photo),  # noqa: B023
            lambda: check_writable(target, photo),  # noqa: B023
        ):
            with pytest.raises(UsageError, match="input itself"):
                call()
    assert path.read_bytes() == before


def test_a_link_is_kept(tmp_path: Path) -> None:
    (tmp_path / "real.png").touch()
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    write(picture(), tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert (read(tmp_path / "real.png").rgb == picture()).all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_special_files_are_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "a.png"
    os.mkfifo(pipe)
    with pytest.raises(UsageError):
        write(picture(), pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        write(picture(), tmp_path / "a.png")
    finally:
        os.umask(old)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o644


def test_standard_output_gets_a_png(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    write(picture(), "-", metadata=TEXTS)
    assert (read(io.BytesIO(out.getvalue())).rgb == picture()).all()
    assert read_metadata(io.BytesIO(out.getvalue())) == TEXTS


def test_a_closed_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.RawIOBase):
        def write(self, data: bytes) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

        def writable(self) -> bool:
            return True

    class Out:
        buffer = Closed()

    monkeypatch.setattr(sys, "stdout", Out())
    with pytest.raises(ImageError, match="Broken pipe"):
        write(picture(), "-")


def test_reading_needs_no_torch() -> None:
    import subprocess

    code = "import sys, hasnet_models.image_io; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_host_s_warning_filters_are_left_alone() -> None:
    import subprocess

    code = (
        "import sys, warnings, cv2, numpy, PIL.ImageCms; before = list(warnings.filters)\n"
        "import hasnet_models.image_io, hasnet_models.batch, hasnet_models.avatar.api\n"
        "sys.exit(warnings.filters != before)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_bytes_of_a_file_are_decoded_as_the_file_is(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", picture())
    data = image_io.file_bytes(path)
    photo = image_io.decode(data, path)
    assert data == path.read_bytes() and (photo.rgb == read(path).rgb).all()
    assert (photo.name, photo.path) == ("a.png", path)
    with pytest.raises(ImageError, match=r"a\.png"):
        image_io.decode(data[:40], path)
    with pytest.raises(UsageError, match="no file"):
        image_io.file_bytes(tmp_path / "none.png")


def test_a_file_that_is_too_long_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(ImageError, match=r"a\.png holds more"):
        image_io.file_bytes(save(tmp_path / "a.png", picture()))


@pytest.mark.parametrize("format_", formats.FORMATS, ids=lambda one: one.name)
def test_the_table_of_formats_says_what_files_hold(tmp_path: Path, format_: formats.Format) -> None:
    openers.register(format_.name)
    if format_.name not in Image.SAVE:
        pytest.skip(f"this Pillow cannot write {format_.name}")
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Ada"
    alpha = np.repeat(np.uint8([0, 255]), 30)[None].repeat(40, axis=0)
    photo = Photo(picture(), alpha, exif=exif.tobytes())
    path = tmp_path / f"a{format_.suffixes[0]}"
    write(photo, path, metadata=TEXTS)
    with Image.open(path) as image:
        assert image.format == format_.name
        assert image.has_transparency_data is format_.alpha
        assert (image.getexif().get(ExifTags.Base.Artist) == "Ada") is format_.exif
        assert ("icc_profile" in image.info) is format_.profile
    assert read_metadata(path) == (TEXTS if format_.carrier else {})
