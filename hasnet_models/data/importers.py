"""The paper's datasets, as they lie on a disk, into a folder of aligned faces with an index.

Each kind is one function that says what a picture of that dataset is by its place and name. The
walk, the detection and alignment, the writing and the bookkeeping are the same for all. A picture
is written as ``OUT/<domain>/<content hash>.jpg``; what the index already names is not made again,
so that an import that was stopped goes on. What was left out, and why, is ``OUT/skipped.tsv``.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import cv2
import numpy as np

from hasnet_models import image_io
from hasnet_models.data.index import (
    COLUMNS,
    INDEX,
    MIN_SIDE,
    content_hash,
    pictures,
    read_table,
    square,
    write_table,
)
from hasnet_models.errors import ImageError, NoFaceError, UsageError
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.search import locate
from hasnet_models.face.types import Detector

SKIPPED = "skipped.tsv"
ALIGN = ("auto", "detect", "keep", "try")
_SKIPPED_COLUMNS = ("kind", "file", "reason")
_SAVE_EVERY = 100
# what datasets of faces come in besides, and image_io does not read
_UNREAD = {".ppm", ".pgm", ".pnm", ".bz2", ".gz", ".mat", ".tfrecords", ".lmdb"}
_FFHQ_VALIDATION = 60_000


@dataclass(frozen=True)
class Place:
    """What a picture is by its place in the dataset.

    Attributes:
        domain: where it goes; "*" stands for the kind's own domain.
        identity: the person, within the dataset; "" where it is not known.
        align: "detect" (find the face, or leave the picture out), "keep" (it is an aligned crop),
            or "try" (find the face, or else keep the picture).
    """

    domain: str = "*"
    split: str = "train"
    identity: str = ""
    align: str = "detect"


Classify = Callable[[PurePath, Path], "Place | str"]


@dataclass(frozen=True)
class Kind:
    """A dataset that can be imported.

    Attributes:
        layout: one line on what it looks like on a disk.
        domain: the domain of its pictures, unless the user names another; "" where the folders
            name it.
        classify: (path inside the dataset, dataset) to what the picture is, or why it is not one.
    """

    title: str
    layout: str
    domain: str
    licence: str
    classify: Classify
    sources: Callable[[Path], dict[str, str]] = lambda folder: {}


def casia(path: PurePath, _folder: Path) -> Place | str:
    """s1/NIR/00001/001.bmp, or NIR/s1_NIR_00001_001.jpg."""
    words = re.split(r"[/\\_.\s-]+", path.as_posix())
    light = next((w.upper() for w in words if w.upper() in ("NIR", "VIS")), None)
    person = next((w for w in words if re.fullmatch(r"\d{5}", w)), None)
    if light is None or person is None:
        return "neither its folders nor its name say NIR or VIS and a person of five digits"
    return Place("*" if light == "NIR" else "*_photo", identity=person)


def cufsf(path: PurePath, folder: Path) -> Place | str:
    """original_sketch/00001ba010_960521.jpg and the FERET photos as photo/00001fb010_930831.tif."""
    places = [p.lower() for p in path.parts[:-1]]
    person = re.match(r"\d{5}", path.name)
    if person is None:
        return "its name does not begin with a person of five digits"
    if any("sketch" in p for p in places):
        if "cropped_sketch" in places and (folder / "original_sketch").is_dir():
            return "a smaller copy of the drawing in original_sketch"
        return Place("*", identity=person[0])
    if any("photo" in p or "feret" in p for p in places):
        return Place("*_photo", identity=person[0])
    return "no folder above it is called sketch, photo or FERET"


def selfie2anime(path: PurePath, _folder: Path) -> Place | str:
    """trainA (selfies), trainB (anime), testA, testB."""
    found = re.search(r"\b(train|test)([AB])\b", path.parent.as_posix())
    if found is None:
        return "it is in none of trainA, trainB, testA, testB"
    split = "train" if found[1] == "train" else "val"
    return Place("photo", split) if found[2] == "A" else Place("*", split, align="keep")


def iiit_cfw(path: PurePath, _folder: Path) -> Place | str:
    """cartoonFaces/AamirKhan0001.jpg and realFaces/AamirKhan0001.jpg."""
    places = [p.lower() for p in path.parts[:-1]]
    person = re.match(r"[^\W\d_]+(?:[-_. ][^\W\d_]+)*", path.stem)
    if person is None:
        return "its name does not begin with a person's name"
    name = re.sub(r"[^a-z]", "", person[0].lower())
    if "cartoonfaces" in places:
        return Place("*", identity=name)
    if "realfaces" in places:
        return Place("*_photo", identity=name)
    return "it is in neither cartoonFaces nor realFaces"


def metfaces(path: PurePath, folder: Path) -> Place | str:
    """images/10003-00.png beside metfaces.json; unprocessed/ holds the whole paintings."""
    if "unprocessed" in path.parts:
        return "a whole painting; its face is in images"
    if "images" not in path.parts and (folder / "images").is_dir():
        return "it is not in images"
    return Place(align="keep")


def ffhq(path: PurePath, _folder: Path) -> Place | str:
    """images1024x1024/00000/00000.png (or thumbnails128x128); 60000 and up are for validation."""
    if any("in-the-wild" in p for p in path.parts):
        return "an original; its aligned face is in images1024x1024"
    number = int(path.stem) if path.stem.isdecimal() else 0
    return Place(split="val" if number >= _FFHQ_VALIDATION else "train", align="keep")


def toonify(_path: PurePath, _folder: Path) -> Place | str:
    """Any folder of the aligned cartoon faces."""
    return Place(align="keep")


def by_folder(path: PurePath, _folder: Path) -> Place | str:
    """<domain>/picture.jpg, or pictures side by side with --domain."""
    return Place(path.parts[0] if len(path.parts) > 1 else "*")


def metfaces_sources(folder: Path) -> dict[str, str]:
    """Where each face of MetFaces comes from, by file stem, out of metfaces.json."""
    try:
        entries = json.loads((folder / "metfaces.json").read_text(encoding="utf-8"))
        return {
            f"{e['obj_id']}-{int(e['face_idx']):02d}": str(e.get("source_url") or e["meta_url"])
            for e in entries
            if e.get("source_url") or e.get("meta_url")
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


_TERMS = "see the dataset's terms"
KINDS = {
    "casia-nir-vis-2": Kind(
        "CASIA NIR-VIS 2.0", "s1..s4/{NIR,VIS}/PERSON/*.bmp", "nir", _TERMS, casia
    ),
    "cufsf": Kind("CUFSF", "original_sketch/*.jpg, photo/*", "sketch", _TERMS, cufsf),
    "selfie2anime": Kind("selfie2anime", "{train,test}{A,B}/*", "anime", _TERMS, selfie2anime),
    "iiit-cfw": Kind(
        "IIIT-CFW", "{cartoonFaces,realFaces}/NAME0001.jpg", "caricature", _TERMS, iiit_cfw
    ),
    "metfaces": Kind(
        "MetFaces", "images/*.png, metfaces.json", "oil",
        "set CC BY-NC 2.0 (NVIDIA), pictures of The Met", metfaces, metfaces_sources,
    ),
    "toonify": Kind("Toonify", "*.jpg", "cartoon3d", _TERMS, toonify),
    "ffhq": Kind(
        "FFHQ", "images1024x1024/00000/*.png", "photo",
        "each photo its own (ffhq-dataset-v2.json), the set CC BY-NC-SA 4.0", ffhq,
    ),
    "folder": Kind("own pictures", "DOMAIN/*.jpg, or *.jpg with --domain", "", "", by_folder),
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What the user asked to be imported.

    Attributes:
        domain: a name in place of the kind's own; its photos become ``NAME_photo``.
        limit: at most so many pictures of each domain.
        size: side in px that faces are written at.
        align: "auto" (what the dataset needs), or one of :class:`Place`'s ways for every picture.
        suffix: ".jpg" or ".png".
    """

    kind: str
    source: Path
    out: Path
    domain: str | None = None
    limit: int | None = None
    size: int = 256
    align: str = "auto"
    suffix: str = ".jpg"


@dataclass
class Report:
    """What became of the pictures.

    Attributes:
        imported, known: how many by domain were written now, and were there before.
        skipped: (file, reason) of those left out.
        kept: how many have no face that the detector finds, and were kept as they are.
    """

    imported: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    kept: int = 0


@dataclass(frozen=True)
class Found:
    """A picture of the dataset with all that the index says of it."""

    path: Path
    name: str
    place: Place
    source: str
    licence: str


def plan(job: Job) -> tuple[list[Found], list[tuple[str, str]]]:
    """The pictures to import, and (file, reason) of what is not one of them.

    Raises:
        UsageError: there is no such kind or folder, nothing in it fits, the output lies inside it,
            or holds pictures without an index.
    """
    kind = _check(job)
    sources = kind.sources(job.source)
    found: list[Found] = []
    skipped: list[tuple[str, str]] = []
    for path in _walk(job.source):
        inside = PurePath(path.relative_to(job.source))
        place = _place(job, kind, inside)
        if isinstance(place, str):
            skipped.append((inside.as_posix(), place))
        else:
            origin = sources.get(path.stem, f"{kind.title}: {inside.as_posix()}")
            found.append(Found(path, inside.as_posix(), place, origin, kind.licence))
    if not found:
        why = f" ({skipped[0][0]}: {skipped[0][1]})" if skipped else ""
        raise UsageError(
            f"There are no pictures of {kind.title} in {job.source}{why}.",
            f"Its layout is {kind.layout}.",
        )
    return _limited(found, job.limit), skipped


def run(
    job: Job,
    load_detector: Callable[[], Detector],
    progress: Callable[[], None] = lambda: None,
    planned: tuple[list[Found], list[tuple[str, str]]] | None = None,
) -> Report:
    """Import; the index is written now and then, and in the end whatever happens.

    Args:
        load_detector: called when the first face has to be found.
        progress: called once a picture.
        planned: what :func:`plan` gave, so that it is not done twice.

    Raises:
        UsageError: see :func:`plan`.
        HasnetError: the output cannot be written, or the detector's weights are missing.
    """
    found, left_out = planned or plan(job)
    report = Report(skipped=list(left_out))
    index = _Index(job.out)
    detector = functools.cache(load_detector)
    try:
        for item in found:
            _import_one(job, item, index, report, detector)
            progress()
    finally:
        index.save()
        _save_skipped(job, report, [f.name for f in found])
    return report


def _check(job: Job) -> Kind:
    if job.kind not in KINDS:
        raise UsageError(f"There is no dataset {job.kind!r}.", f"There are {', '.join(KINDS)}.")
    if not job.source.is_dir():
        raise UsageError(f"There is no folder {job.source}.")
    out, source = job.out.resolve(), job.source.resolve()
    if out == source or source in out.parents:
        raise UsageError(f"The output {job.out} lies inside {job.source}.", "Give another folder.")
    if job.out.is_dir() and not (job.out / INDEX).is_file():
        inside = [p for p in job.out.iterdir() if p.is_dir() and pictures(p)]
        if inside:
            raise UsageError(
                f"{job.out} holds pictures but no {INDEX}, and an index would hide them.",
                "Give a folder that is new or was imported into before.",
            )
    return KINDS[job.kind]


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != ".")
        for name in sorted(f for f in files if f[0] != "."):
            if Path(name).suffix.lower() in {*image_io.SUFFIXES, *_UNREAD}:
                yield Path(root) / name


def _place(job: Job, kind: Kind, inside: PurePath) -> Place | str:
    if inside.suffix.lower() in _UNREAD:
        return f"{inside.suffix} is not read here; convert it to PNG first"
    place = kind.classify(inside, job.source)
    if isinstance(place, str):
        return place
    own = job.domain or kind.domain
    if "*" in place.domain and not own:
        raise UsageError(
            f"{inside} lies in no sub-folder that could name its domain.", "Name it with --domain."
        )
    align = place.align if job.align == "auto" else job.align
    identity = f"{job.kind}:{place.identity}" if place.identity else ""
    return replace(place, domain=place.domain.replace("*", own), align=align, identity=identity)


def _limited(found: list[Found], limit: int | None) -> list[Found]:
    if limit is None:
        return found
    seen: Counter[str] = Counter()
    chosen = []
    for item in found:
        seen[item.place.domain] += 1
        if seen[item.place.domain] <= limit:
            chosen.append(item)
    return chosen


def _import_one(
    job: Job,
    item: Found,
    index: _Index,
    report: Report,
    detector: Callable[[], Detector],
) -> None:
    domain = item.place.domain
    try:
        data = item.path.read_bytes()
        file = f"{domain}/{content_hash(data)}{job.suffix}"
        if index.has(file):
            _count_known(report, index, file, item)
            return
        face, kept = _face(item, job.size, detector)
        (job.out / domain).mkdir(exist_ok=True)
    except OSError as error:
        report.skipped.append((item.name, f"it cannot be read: {error.strerror}"))
        return
    except (ImageError, NoFaceError, UsageError) as error:
        report.skipped.append((item.name, str(error)))
        return
    # outside: where nothing can be written, there is no use in going on
    image_io.write(face, job.out / file)
    report.kept += kept
    report.imported[domain] += 1
    index.add(file, item)


def _count_known(report: Report, index: _Index, file: str, item: Found) -> None:
    if index.is_new(file):
        report.skipped.append((item.name, f"a copy of {index.new[file]}"))
    else:
        report.known[item.place.domain] += 1


def _face(item: Found, size: int, detector: Callable[[], Detector]) -> tuple[np.ndarray, bool]:
    """The face of a picture, uint8 (size, size, 3), and whether it was kept for want of a find.

    Raises:
        HasnetError: the picture cannot be read, is too small, or has no face where one is needed.
    """
    photo = image_io.read(item.path)
    kept = square(photo.rgb, size)
    if item.place.align == "keep":
        return kept, False
    try:
        aligned, _ = locate(photo, FaceChoice(), detector())
    except NoFaceError:
        if item.place.align == "try":
            return kept, True
        raise NoFaceError("no face was found") from None
    scale = np.hypot(*aligned.matrix[:, 0])
    if aligned.crop.shape[0] / scale < MIN_SIDE:
        raise ImageError(f"its face is smaller than {MIN_SIDE} px a side")
    return cv2.resize(aligned.crop, (size, size), interpolation=cv2.INTER_AREA), False


class _Index:
    """index.tsv of the output: what is there, and what this import adds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageError(f"{folder} cannot be made: {error.strerror}.") from error
        self.new: dict[str, str] = {}
        self._rows: list[dict[str, str]] = []
        # from the start, so that pictures of a killed import are known as an import's
        self.save()
        self._known = {row.get("file", "") for row in read_table(folder / INDEX)[1]}

    def has(self, file: str) -> bool:
        """Whether a face is listed and there."""
        return (file in self._known or file in self.new) and (self.folder / file).is_file()

    def is_new(self, file: str) -> bool:
        """Whether this import has written it."""
        return file in self.new

    def add(self, file: str, item: Found) -> None:
        """List a face that has been written."""
        place = item.place
        values = (place.domain, place.split, file, item.source, item.licence, place.identity)
        self._rows.append(dict(zip(COLUMNS, values, strict=True)))
        self.new[file] = item.name
        if len(self._rows) >= _SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Add the new rows to what is in the file by now, which another import may have changed."""
        path = self.folder / INDEX
        columns, rows = read_table(path) if path.is_file() else ([], [])
        listed = {row.get("file") for row in rows}
        added = [row for row in self._rows if row["file"] not in listed]
        if added or not path.is_file():
            columns += [c for c in COLUMNS if c not in columns]
            write_table(path, columns, rows + added)
        self._rows = []


def _save_skipped(job: Job, report: Report, visited: Iterable[str]) -> None:
    """Replace what is known of the pictures of this import; other imports' lines stay."""
    path = job.out / SKIPPED
    seen = {*visited, *(name for name, _ in report.skipped)}
    old = []
    if path.is_file():
        rows = read_table(path, _SKIPPED_COLUMNS)[1]
        old = [r for r in rows if r.get("kind") != job.kind or r.get("file") not in seen]
    new = [dict(zip(_SKIPPED_COLUMNS, (job.kind, *s), strict=True)) for s in report.skipped]
    if old or new or path.is_file():
        write_table(path, _SKIPPED_COLUMNS, old + new)
