"""Datasets as they lie on a disk, into a folder of aligned faces with an index.

What a picture of a dataset is by its place and name, its own module says. The walk, the detection
and alignment, the writing and the bookkeeping are the same for all. A picture is written as
``OUT/<domain>/<content hash>.jpg``; what the index already names is not made again, so that an
import that was stopped goes on. What was left out, and why, is ``OUT/skipped.tsv``.
"""

from __future__ import annotations

import functools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import numpy as np

from hasnet_models import image_io
from hasnet_models.data.importers.dataset import Dataset, Place
from hasnet_models.data.importers.datasets import DATASETS
from hasnet_models.data.importers.output import ImportIndex, save_skipped
from hasnet_models.data.index import INDEX
from hasnet_models.data.pictures import MIN_SIDE, content_hash, picture_files, square
from hasnet_models.errors import ImageError, NoFaceError, UsageError
from hasnet_models.face.align import warp
from hasnet_models.face.types import AlignedFace, Detector
from hasnet_models.frame import CROP_SIZE, scale_of, similarity
from hasnet_models.restoring.choice import OFF, check_restore
from hasnet_models.restoring.restorer import Restorer, restorer_of

# what datasets of faces come in besides, and image_io does not read
_UNREAD = {".ppm", ".pgm", ".pnm", ".bz2", ".gz", ".mat", ".tfrecords", ".lmdb"}

_DOMAIN = re.compile(r"\w[\w-]*")

Skipped = list[tuple[str, str]]


@dataclass(frozen=True)
class ImportJob:
    """What the user asked to be imported.

    Attributes:
        kind: name of the dataset.
        domain: a name in place of the dataset's own; its photos become ``NAME_photo``.
        limit: at most so many pictures of each domain.
        size: side in px that faces are written at.
        align: "auto" (what the dataset needs), or one of :class:`Place`'s ways for every picture.
        suffix: ".jpg" or ".png".
        restore: what makes weak faces better, see `restoring.choice`; the index says of which.
    """

    kind: str
    source: Path
    out: Path
    domain: str | None = None
    limit: int | None = None
    size: int = 256
    align: str = "auto"
    suffix: str = ".jpg"
    restore: str = OFF


@dataclass
class ImportReport:
    """What became of the pictures.

    Attributes:
        imported, known: how many by domain were written now, and were there before.
        skipped: (file, reason) of those left out.
        kept: how many have no face that the detector finds, and were kept as they are.
        names: of the faces that were written now, the picture that each was made of.
        restored: how many had a weak face that was restored.
    """

    imported: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    skipped: Skipped = field(default_factory=list)
    kept: int = 0
    names: dict[str, str] = field(default_factory=dict)
    restored: int = 0


@dataclass(frozen=True)
class DatasetPicture:
    """A picture of the dataset with all that the index says of it."""

    path: Path
    name: str
    place: Place
    source: str
    licence: str


@dataclass(frozen=True)
class ImportPlan:
    """The pictures to import, and (file, reason) of what is not one of them."""

    pictures: list[DatasetPicture]
    skipped: Skipped


def plan(job: ImportJob) -> ImportPlan:
    """What the dataset holds.

    Raises:
        UsageError: there is no such dataset or folder, nothing in it fits, the output lies inside
            it, or holds pictures without an index.
    """
    dataset = _require_sense(job)
    sources = dataset.sources(job.source)
    found = ImportPlan([], [])
    for path in _walk(job.source):
        inside = PurePath(path.relative_to(job.source))
        place, name = _place(job, dataset, inside), inside.as_posix()
        if isinstance(place, str):
            found.skipped.append((name, place))
        else:
            source = sources.get(path.stem, f"{dataset.title}: {name}")
            found.pictures.append(DatasetPicture(path, name, place, source, dataset.licence))
    if not found.pictures:
        why = f" ({found.skipped[0][0]}: {found.skipped[0][1]})" if found.skipped else ""
        raise UsageError(
            f"There are no pictures of {dataset.title} in {job.source}{why}.",
            f"Its layout is {dataset.layout}.",
        )
    return replace(found, pictures=_limited(found.pictures, job.limit))


def run(
    job: ImportJob,
    load_detector: Callable[[], Detector],
    progress: Callable[[], None] = lambda: None,
    planned: ImportPlan | None = None,
) -> ImportReport:
    """Import; the index is written now and then, and in the end whatever happens.

    Args:
        load_detector: called when the first face has to be found.
        progress: called once a picture.
        planned: what :func:`plan` gave, so that it is not done twice.

    Raises:
        UsageError: see :func:`plan`.
        HasnetError: the output cannot be written, or the detector's weights are missing.
    """
    planned = planned or plan(job)
    report = ImportReport(skipped=list(planned.skipped))
    restorer = restorer_of(job.restore)
    index = ImportIndex(job.out)
    finder = FaceFinder(functools.cache(load_detector), restorer)
    try:
        for picture in planned.pictures:
            _import_one(job, picture, index, report, finder)
            progress()
    finally:
        index.save()
        save_skipped(job.out, job.kind, report.skipped, [p.name for p in planned.pictures])
    return report


def _require_sense(job: ImportJob) -> Dataset:
    check_restore(job.restore)
    if job.kind not in DATASETS:
        raise UsageError(f"There is no dataset {job.kind!r}.", f"There are {', '.join(DATASETS)}.")
    if job.domain is not None and not _DOMAIN.fullmatch(job.domain):
        raise UsageError(
            f"The domain {job.domain!r} cannot name a folder: give letters, digits, _ and -.",
            parameters=("domain",),
        )
    if not job.source.is_dir():
        raise UsageError(f"There is no folder {job.source}.")
    out, source = job.out.resolve(), job.source.resolve()
    if out == source or source in out.parents:
        raise UsageError(f"The output {job.out} lies inside {job.source}.", "Give another folder.")
    if job.out.is_dir() and not (job.out / INDEX).is_file():
        inside = [p for p in job.out.iterdir() if p.is_dir() and picture_files(p)]
        if inside:
            raise UsageError(
                f"{job.out} holds pictures but no {INDEX}, and an index would hide them.",
                "Give a folder that is new or was imported into before.",
            )
    return DATASETS[job.kind]


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != ".")
        for name in sorted(f for f in files if f[0] != "."):
            if Path(name).suffix.lower() in {*image_io.SUFFIXES, *_UNREAD}:
                yield Path(root) / name


def _place(job: ImportJob, dataset: Dataset, inside: PurePath) -> Place | str:
    if inside.suffix.lower() in _UNREAD:
        return f"{inside.suffix} is not read here; convert it to PNG first"
    place = dataset.place(inside, job.source)
    if isinstance(place, str):
        return place
    own = job.domain or dataset.domain
    if "*" in place.domain and not own:
        raise UsageError(
            f"{inside} lies in no sub-folder that could name its domain.",
            "Name it with domain=NAME.",
            parameters=("domain",),
        )
    align = place.align if job.align == "auto" else job.align
    identity = f"{job.kind}:{place.identity}" if place.identity else ""
    return replace(place, domain=place.domain.replace("*", own), align=align, identity=identity)


def _limited(found: list[DatasetPicture], limit: int | None) -> list[DatasetPicture]:
    if limit is None:
        return found
    counts: Counter[str] = Counter()
    chosen = []
    for picture in found:
        counts[picture.place.domain] += 1
        if counts[picture.place.domain] <= limit:
            chosen.append(picture)
    return chosen


def _import_one(
    job: ImportJob,
    picture: DatasetPicture,
    index: ImportIndex,
    report: ImportReport,
    finder: FaceFinder,
) -> None:
    domain = picture.place.domain
    try:
        data = picture.path.read_bytes()
        file = f"{domain}/{content_hash(data)}{job.suffix}"
        if index.has(file):
            _count_known(report, index, file, picture)
            return
        face = finder.face(picture, job.size)
        (job.out / domain).mkdir(exist_ok=True)
    except OSError as error:
        report.skipped.append((picture.name, f"it cannot be read: {error.strerror}"))
        return
    except (ImageError, NoFaceError, UsageError) as error:
        report.skipped.append((picture.name, str(error)))
        return
    # outside: where nothing can be written, there is no use in going on
    image_io.write(face.rgb, job.out / file)
    report.kept += face.kept
    report.restored += face.restored
    report.imported[domain] += 1
    report.names[file] = picture.name
    source = f"{picture.source} (restored)" if face.restored else picture.source
    index.add(file, picture.name, picture.place, source, picture.licence)


def _count_known(
    report: ImportReport, index: ImportIndex, file: str, picture: DatasetPicture
) -> None:
    if file in index.new:
        report.skipped.append((picture.name, f"a copy of {index.new[file]}"))
    else:
        report.known[picture.place.domain] += 1


@dataclass(frozen=True, eq=False)
class ImportedFace:
    """A face as it is written, uint8 (size, size, 3).

    Attributes:
        kept: whether it is the picture as it is, for want of a face that could be found.
        restored: whether it was weak, and made better.
    """

    rgb: np.ndarray
    kept: bool = False
    restored: bool = False


@dataclass(frozen=True)
class FaceFinder:
    """Finds the faces of pictures, and restores those that are weak.

    Attributes:
        detector: called when the first face has to be found.
        restorer: None for none.
    """

    detector: Callable[[], Detector]
    restorer: Restorer | None = None

    def face(self, picture: DatasetPicture, size: int) -> ImportedFace:
        """The face of a picture.

        Raises:
            HasnetError: the picture cannot be read, is too small, or has no face where one is
                needed.
        """
        rgb = image_io.read(picture.path).rgb
        kept = square(rgb, size)
        if picture.place.align == "keep":
            return ImportedFace(kept)
        try:
            aligned = _aligned(rgb, self.detector())
        except NoFaceError:
            if picture.place.align == "try":
                return ImportedFace(kept, kept=True)
            raise
        found = aligned if self.restorer is None else self.restorer.restored(aligned)
        return ImportedFace(square(found.crop, size), restored=found is not aligned)


def _aligned(rgb: np.ndarray, detector: Detector) -> AlignedFace:
    """The largest face, aligned.

    Raises:
        NoFaceError: there is none, or its landmarks lie in one point.
        ImageError: it is smaller than ``MIN_SIDE`` px a side.
    """
    faces = detector.detect(rgb)
    if not faces:
        raise NoFaceError("no face was found")
    try:
        matrix = similarity(faces[0].landmarks)
    except ValueError as error:
        raise NoFaceError(f"its face cannot be aligned: {error}") from error
    if CROP_SIZE / scale_of(matrix) < MIN_SIDE:
        raise ImageError(f"its face is smaller than {MIN_SIDE} px a side")
    return AlignedFace(warp(rgb, matrix), matrix, faces[0])
