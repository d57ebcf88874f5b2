"""Pictures in and out: the only place that opens or saves pixel files.

In: JPEG, PNG, WebP, TIFF, BMP, GIF (first frame), AVIF, and HEIC where pillow-heif is installed.
Whatever the file holds becomes 8-bit sRGB, upright:

* the EXIF orientation is applied first;
* 16-bit and 32-bit integers and floats are scaled to 0..255, never clipped (see `_to_8_bit`);
* an ICC profile is converted to sRGB (a damaged or unfitting profile is ignored);
* a transparent picture is laid over white, because the colours below zero alpha are arbitrary;
  its alpha is kept beside it, and `write` takes the white out again, so that soft edges get no
  halo on another background.

Out: the suffix gives the format. Files carry an sRGB profile, the harmless part of the source's
EXIF (camera, exposure, date, author, copyright; no place, serial numbers, owner, maker note) and
a dictionary of texts that `read_metadata` reads back (BMP holds neither). TIFF is not compressed,
because Pillow's compressed TIFF cannot hold EXIF. A file appears whole or not at all. Every error
is an `ImageError` or a `UsageError` of one sentence.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import secrets
import stat
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from hasnet_models.errors import ImageError, UsageError

STREAM = "-"
DEFAULT_QUALITY = 95
DEFAULT_MAX_PIXELS = 2**27
MAX_PIXELS_VARIABLE = "HASNET_MAX_PIXELS"
MAX_STREAM_BYTES = 2**29
TEMPORARY_GLOB = ".hasnet-*.tmp"  # left behind only by a process that was killed

# MPO is what many phones write under .jpg. Other formats of Pillow stay closed: some are seldom
# used and badly tested, one runs Ghostscript.
_READABLE = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "AVIF", "HEIF")
_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
}
SUFFIXES = tuple(_FORMATS)
_WITH_ALPHA = {"PNG", "WEBP", "TIFF", "GIF", "AVIF", "HEIF"}
_WITH_EXIF = {"JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"}
_METADATA_KEY = "hasnet"
_COMMENT_PREFIX = b"ASCII\0\0\0"  # EXIF 2.3, UserComment: character code of 8 bytes, then the text

_Base, _Exif = ExifTags.Base, ExifTags.IFD.Exif
_PUBLIC_TAGS = (
    _Base.ImageDescription,
    _Base.Make,
    _Base.Model,
    _Base.Software,
    _Base.DateTime,
    _Base.Artist,
    _Base.Copyright,
)
_PUBLIC_EXIF_TAGS = (
    _Base.ExposureTime,
    _Base.FNumber,
    _Base.ISOSpeedRatings,
    _Base.DateTimeOriginal,
    _Base.DateTimeDigitized,
    _Base.OffsetTime,
    _Base.OffsetTimeOriginal,
    _Base.ExposureBiasValue,
    _Base.Flash,
    _Base.FocalLength,
    _Base.FocalLengthIn35mmFilm,
    _Base.LensMake,
    _Base.LensModel,
)

# Pillow's bomb limit is a global of its own; ours is an argument, so the global is out of the way
# only while a header is read.
_OPEN_LOCK = threading.Lock()

# Damaged metadata beside sound pixels is no news to the user.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture, upright and in sRGB.

    Attributes:
        rgb: uint8 (H, W, 3); a transparent picture lies over white.
        alpha: uint8 (H, W), or None if every pixel is opaque.
        icc: the profile that the file had (the pixels are converted already), or None.
        exif: the EXIF block that may be passed on, orientation 1, or None.
        name: file name for messages; "<stdin>" for a stream.
        path: where it was read from; None for a stream.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    name: str = "picture"
    path: Path | None = None


def read(source: str | Path | BinaryIO, max_pixels: int | None = None) -> Photo:
    """Read a picture.

    Args:
        source: a path, "-" for standard input, or a binary file object.
        max_pixels: refuse larger pictures; None for HASNET_MAX_PIXELS or 2**27.

    Raises:
        UsageError: there is no such file, it is a folder, or the limit makes no sense.
        ImageError: it is no picture, a damaged, an unreadable or a too large one.
    """
    limit = _pixel_limit() if max_pixels is None else max_pixels
    with _opened(source) as (stream, name, path), _explained(name):
        photo = from_pillow(_open(stream, name, limit), name)
    return replace(photo, path=path)


def from_pillow(image: Image.Image, name: str = "picture") -> Photo:
    """A Pillow picture of any mode, upright and in sRGB as `read` gives it; it is not changed.

    Raises:
        ImageError: its data are damaged, or of a mode that cannot be converted.
    """
    with _explained(name):
        image.load()
        icc, exif = image.info.get("icc_profile"), _public_exif(image)
        rgb, alpha = _pixels(_upright(image), icc)
    return Photo(rgb, alpha, icc, exif, name)


def read_metadata(source: str | Path | BinaryIO) -> dict[str, str]:
    """The texts that `write` put into a picture; empty if there are none.

    Raises:
        UsageError, ImageError: as `read`.
    """
    with _opened(source) as (stream, name, _), _explained(name):
        image = _open(stream, name, _pixel_limit())
        if image.format == "PNG":
            image.load()  # text may stand behind the pixels
        return _parse_metadata(image)


def write(
    image: NDArray[np.uint8] | Photo,
    path: str | Path,
    *,
    quality: int = DEFAULT_QUALITY,
    metadata: Mapping[str, str] | None = None,
    source: Photo | None = None,
) -> None:
    """Save a picture, whole or not at all (temporary name in the same folder, fsync, rename).

    Args:
        image: uint8 (H, W, 3) in sRGB, or a `Photo`, whose alpha is kept if the format has one.
        path: the suffix gives the format; "-" writes PNG to standard output.
        quality: 1..100, for JPEG, WebP (100 is lossless there), AVIF and HEIC.
        metadata: texts to store in the file, not in BMP.
        source: the photo that the picture was made from; its EXIF is passed on and its file is
            never overwritten. A `Photo` is its own source.

    Raises:
        UsageError: the suffix is unknown, the folder missing, the target the source's own file.
        ImageError: the picture cannot be encoded or the file not be written.
    """
    photo = image if isinstance(image, Photo) else Photo(_checked(image))
    source = source or photo
    if not 1 <= quality <= 100:
        raise UsageError(f"The quality must be between 1 and 100, not {quality}.")
    if str(path) == STREAM:
        _write_stdout(
            _encode(photo, "PNG", quality, metadata or {}, source.exif, "standard output")
        )
        return
    target = _target(path)
    _refuse_source(target, source)
    data = _encode(photo, _format_of(target), quality, metadata or {}, source.exif, target.name)
    _write_atomically(data, target)


def encode(rgb: NDArray[np.uint8], suffix: str, quality: int = DEFAULT_QUALITY) -> bytes:
    """The bytes of a picture file, for embedding it elsewhere.

    Args:
        rgb: uint8 (H, W, 3) in sRGB.
        suffix: such as ".jpg"; gives the format.

    Raises:
        UsageError, ImageError: as `write`.
    """
    name = Path("picture" + suffix)
    return _encode(Photo(_checked(rgb)), _format_of(name), quality, {}, None, name.name)


def check_writable(path: str | Path, source: Photo | None = None) -> None:
    """Find out before the work starts whether `write` will be able to write here.

    Raises:
        UsageError, ImageError: as `write`.
    """
    if str(path) == STREAM:
        return
    target = _target(path)
    _format_of(target)
    _refuse_source(target, source)
    with _writing_explained(target), _temporary(target):
        pass


# ---------------------------------------------------------------------------------------- reading


def _pixel_limit() -> int:
    text = os.environ.get(MAX_PIXELS_VARIABLE, "")
    if not text:
        return DEFAULT_MAX_PIXELS
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"{MAX_PIXELS_VARIABLE} must be a whole number of pixels, not {text!r}.")
    return int(text)


@contextlib.contextmanager
def _opened(source: str | Path | BinaryIO) -> Iterator[tuple[BinaryIO, str, Path | None]]:
    """A seekable stream of the source's bytes, its name and its path."""
    if not isinstance(source, (str, Path)):
        yield _buffered(source), str(getattr(source, "name", "<stream>")), None
        return
    if str(source) == STREAM:
        yield _buffered(sys.stdin.buffer), "<stdin>", None
        return
    path = Path(source)
    file = _open_file(path)
    with file:
        regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        yield (file if regular else _buffered(file)), path.name, path


def _open_file(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a picture.")
        return path.open("rb")
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.") from error
    except PermissionError as error:
        raise ImageError(f"The file {path} may not be read: permission denied.") from error
    except (OSError, ValueError) as error:  # a name too long, a null byte in it
        raise UsageError(f"The path {str(path)!r} cannot be used: {_reason(error)}.") from error


def _buffered(stream: BinaryIO) -> BinaryIO:
    """All bytes of a stream that may not be seekable, such as a pipe; never without end."""
    data = stream.read(MAX_STREAM_BYTES + 1)
    if len(data) > MAX_STREAM_BYTES:
        raise ImageError(f"The stream holds more than {MAX_STREAM_BYTES >> 20} MiB.")
    return io.BytesIO(data)


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one sentence."""
    try:
        yield
    except (ImageError, UsageError):
        raise
    # Pillow's plugins raise nearly everything on damaged files (struct.error, SyntaxError,
    # IndexError, OverflowError, ...), so a list of types would never be complete.
    except Exception as error:
        raise ImageError(f"{name} cannot be read: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].rstrip(".")


def _open(stream: BinaryIO, name: str, max_pixels: int) -> Image.Image:
    """Read the header and judge it; no pixel is decoded yet."""
    head = stream.read(32)
    stream.seek(0)
    if not head:
        raise ImageError(f"{name} is empty (zero bytes).")
    formats = _readable_formats()
    try:
        with _OPEN_LOCK, _no_bomb_limit():
            image = Image.open(stream, formats=formats)
    except UnidentifiedImageError as error:
        if head[4:8] == b"ftyp" and "HEIF" not in formats:
            raise ImageError(
                f"{name} looks like a HEIC picture, which needs another package to be read.",
                "Run: pip install pillow-heif",
            ) from error
        raise ImageError(f"{name} is not a picture that can be read.") from error
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            f"{name} has {width}x{height} pixels, more than the limit of {max_pixels}.",
            f"If you trust the file, set {MAX_PIXELS_VARIABLE} to a higher number.",
        )
    return image


@functools.lru_cache(maxsize=1)
def _readable_formats() -> tuple[str, ...]:
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in _READABLE if name in Image.OPEN)


@contextlib.contextmanager
def _no_bomb_limit() -> Iterator[None]:
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF: the pixels are sound all the same
        return image


def _pixels(
    image: Image.Image, icc: bytes | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """sRGB over white, and the alpha channel if it says anything."""
    if image.mode == "F" or image.mode.startswith("I"):
        image = _to_8_bit(image)
    alpha = None
    if image.has_transparency_data:
        alpha = np.array(image.convert("RGBA").getchannel("A"))
        # Dropping the alpha channel leaves the colours as they are stored (not premultiplied).
        grey = image.mode in ("L", "LA", "La")
        image = image.convert("RGBA").convert("L" if grey else "RGB")
    rgb = np.array(_to_srgb(image, icc))
    if alpha is None or (alpha == 255).all():
        return rgb, None
    return _over_white(rgb, alpha), alpha


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale deep greys to 0..255 by the range that the mode stands for.

    I;16 is 0..65535. Mode I has no range of its own: files hold 16 bits in it as a rule, so it is
    0..65535 unless a value is larger, then 0..2**31-1. Floats are 0..1 unless a value is
    larger, then the largest is white. Negative values and NaN are black.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    top = float(values.max())
    if image.mode == "F":
        top = max(1.0, top)
    elif top <= 65535:
        top = 65535.0
    else:
        top = 2.0**31 - 1
    return Image.fromarray((values.clip(0, top) * (255 / top) + 0.5).astype(np.uint8))


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    if icc:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(icc)))
    if image.mode == "LAB":
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        return ImageCms.applyTransform(image, transform)
    return image.convert("RGB")


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """The picture in sRGB.

    Raises:
        ValueError: the profile is for another kind of picture.
    """
    space = profile.profile.xcolor_space.strip()
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(space)
    fits = {"RGB": ("RGB", "P", "L", "1", "RGBX"), "L": ("L", "1"), "CMYK": ("CMYK",)}
    if mode is None or image.mode not in fits[mode]:
        raise ValueError(f"a {space} profile on a picture of mode {image.mode}")
    # A conversion from sRGB to itself would only add rounding errors.
    if mode == "RGB" and "sRGB" in (profile.profile.profile_description or ""):
        return image.convert("RGB")
    return ImageCms.profileToProfile(
        image.convert(mode), profile, _srgb_profile(), outputMode="RGB"
    )


def _over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    a = alpha[..., None].astype(np.uint16)  # the sum stays below 2**16
    return ((rgb * a + 255 * (255 - a) + 127) // 255).astype(np.uint8)


def _off_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The inverse of `_over_white`, as far as 8 bits allow; white where nothing is visible."""
    straight = rgb.copy()
    soft = (alpha > 0) & (alpha < 255)
    a = alpha[soft, None].astype(np.float32)
    values = 255 - (255 - rgb[soft].astype(np.float32)) * (255 / a)
    straight[soft] = (values.clip(0, 255) + 0.5).astype(np.uint8)
    straight[alpha == 0] = 255
    return straight


# ------------------------------------------------------------------------------- EXIF and metadata


def _public_exif(image: Image.Image) -> bytes | None:
    """The tags that may be passed on, orientation 1; None if there are none or all is damaged."""
    public = Image.Exif()
    try:
        exif = image.getexif()
        _copy_tags(exif, public, _PUBLIC_TAGS)
        _copy_tags(exif.get_ifd(_Exif), public.get_ifd(_Exif), _PUBLIC_EXIF_TAGS)
        if not len(public) and not public.get_ifd(_Exif):
            return None
        public[_Base.Orientation] = 1
        return public.tobytes()
    except Exception:  # EXIF is seldom sound, and never worth losing the picture
        return None


def _copy_tags(old: Mapping, new: Image.Exif | dict, tags: tuple[int, ...]) -> None:
    new.update({int(tag): old[tag] for tag in tags if tag in old})


def _parse_metadata(image: Image.Image) -> dict[str, str]:
    if image.format == "PNG":
        text = getattr(image, "text", {}).get(_METADATA_KEY, "")
    elif image.format == "GIF":
        text = image.info.get("comment", b"").decode("ascii", "replace")
    else:
        comment = image.getexif().get_ifd(_Exif).get(_Base.UserComment, b"")
        raw = comment if isinstance(comment, bytes) else str(comment).encode()
        text = raw.removeprefix(_COMMENT_PREFIX).decode("ascii", "replace")
    try:
        found = json.loads(text)[_METADATA_KEY]
        return {str(key): str(value) for key, value in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):  # somebody else's comment
        return {}


def _metadata_text(metadata: Mapping[str, str]) -> str:
    return json.dumps({_METADATA_KEY: dict(metadata)}) if metadata else ""


def _exif_with(exif: bytes | None, text: str) -> Image.Exif:
    block = Image.Exif()
    if exif:
        block.load(exif)
    if text:
        block.get_ifd(_Exif)[int(_Base.UserComment)] = _COMMENT_PREFIX + text.encode("ascii")
    return block


# ---------------------------------------------------------------------------------------- writing


def _checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
    return image


def _target(path: str | Path) -> Path:
    """The file to be written, symbolic links followed (a link is kept, not replaced)."""
    path = Path(path)
    try:
        with contextlib.suppress(FileNotFoundError):
            path.stat()  # raises where is_dir() would only say no: a null byte, a name too long
        target = path.resolve() if path.is_symlink() else path
        if target.is_dir():
            raise UsageError(f"{path} is a folder; give a file name.")
        if not target.parent.is_dir():
            raise UsageError(f"There is no folder {target.parent} to write {target.name} into.")
        if target.exists() and not target.is_file():
            raise UsageError(f"{path} is not an ordinary file.")
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"The path {str(path)!r} cannot be used: {_reason(error)}.") from error
    return target


def _format_of(path: Path) -> str:
    """Pillow's name of the format that the suffix stands for.

    Raises:
        UsageError: the suffix is unknown, or the format cannot be written here.
    """
    name = _FORMATS.get(path.suffix.lower())
    if name is None:
        what = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
        raise UsageError(
            f"{path.name} has {what}, which names no picture format.",
            f"Use one of: {' '.join(SUFFIXES)}",
        )
    _readable_formats()  # registers the savers as well
    if name not in Image.SAVE:
        package = "pillow-heif" if name == "HEIF" else "a Pillow that was built with it"
        raise UsageError(f"Writing {path.suffix} needs {package}.")
    return name


def _refuse_source(target: Path, source: Photo | None) -> None:
    if source is None or source.path is None:
        return
    with contextlib.suppress(OSError):  # one of the two does not exist
        if source.path.samefile(target):
            raise UsageError(f"{target} is the input itself; give another output name.")


@functools.lru_cache(maxsize=1)
def _srgb_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@functools.lru_cache(maxsize=1)
def _srgb_bytes() -> bytes:
    """littlecms puts the time of its making into a profile; files must not depend on it."""
    data = bytearray(_srgb_profile().tobytes())
    data[24:36] = b"\x07\xd0\0\x01\0\x01\0\0\0\0\0\0"  # ICC.1, 7.2.8: 2000-01-01 00:00:00
    data[84:100] = bytes(16)  # 7.2.18: profile ID, zero where it was not computed
    return bytes(data)


def _encode(
    photo: Photo,
    kind: str,
    quality: int,
    metadata: Mapping[str, str],
    exif: bytes | None,
    name: str,
) -> bytes:
    text = _metadata_text(metadata)
    options = _options(kind, quality, text)
    if kind in _WITH_EXIF:
        block = _exif_with(exif, "" if kind == "PNG" else text)
        if len(block) or block.get_ifd(_Exif):
            options["exif"] = block.tobytes()
    buffer = io.BytesIO()
    try:
        _image_of(photo, kind).save(buffer, kind, **options)
    except Exception as error:  # each encoder has its own limits and its own exceptions
        raise ImageError(f"{name} cannot be encoded as {kind}: {_reason(error)}.") from error
    return buffer.getvalue()


def _options(kind: str, quality: int, text: str) -> dict[str, object]:
    options: dict[str, object] = {} if kind in ("BMP", "GIF") else {"icc_profile": _srgb_bytes()}
    if kind == "JPEG":
        options |= {"quality": quality, "subsampling": 0 if quality >= 90 else 2}
    elif kind == "WEBP":
        options |= {"quality": quality, "lossless": quality == 100}
    elif kind in ("AVIF", "HEIF"):
        options |= {"quality": quality}
    elif kind == "PNG" and text:
        info = PngImagePlugin.PngInfo()
        info.add_text(_METADATA_KEY, text)
        options |= {"pnginfo": info}
    elif kind == "GIF" and text:
        options |= {"comment": text.encode("ascii")}
    return options


def _image_of(photo: Photo, kind: str) -> Image.Image:
    if photo.alpha is None or kind not in _WITH_ALPHA:
        return Image.fromarray(np.ascontiguousarray(photo.rgb))
    straight = _off_white(photo.rgb, photo.alpha)
    return Image.fromarray(np.dstack([straight, photo.alpha]))


def _write_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise ImageError(f"Standard output cannot be written: {_reason(error)}.") from error


def _write_atomically(data: bytes, target: Path) -> None:
    with _writing_explained(target), _temporary(target) as (file, temporary):
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        temporary.replace(target)


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file beside the target, gone afterwards unless it was renamed."""
    temporary = target.parent / TEMPORARY_GLOB.replace("*", secrets.token_hex(8))
    try:
        with temporary.open("xb") as file:
            yield file, temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _writing_explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImageError(f"{target} cannot be written: {_reason(error)}.") from error
