"""The engine: photos are decoded and avatars encoded on a few threads around one device loop.

    read, hash, decode, find faces ──> the networks, some faces a call ──> paste, encode, write
       `decoders` threads, a bounded        this thread                     `encoders` threads,
       number of photos ahead                                               a bounded number behind

Memory is bounded by the two windows, whatever the length of the batch. One photo's failure is that
photo's alone; what would fail for every photo (a full disk) ends the run.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from hasnet_models import image_io
from hasnet_models.avatar.fingerprint import fingerprint_of
from hasnet_models.avatar.job import Job, PhotoFaces, Rendering
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import NO_DOMAIN, RANDOM
from hasnet_models.batch.plan import belongs_to_other, is_stranger
from hasnet_models.batch.result import DONE, FAILED, NEW, SKIPPED, Item, Result
from hasnet_models.errors import HasnetError, ImageError
from hasnet_models.filenames import numbered

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_OUT_OF_MEMORY = (
    "out of memory", "can't allocate memory", "not enough memory", "bad_alloc",
    "failed to allocate memory",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How a batch is worked on; nothing here changes what an avatar looks like.

    Attributes:
        batch: faces in one call of the networks.
        decoders, encoders: threads before and after the networks.
        stop: end the run at the first failure.
        retry_failed: try again what failed before in the same way.
        overwrite: do again what is done; also replace pictures that are no avatars.
    """

    batch: int = 1
    decoders: int = 2
    encoders: int = 2
    stop: bool = False
    retry_failed: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Prepared:
    """A photo on its way to the networks."""

    item: Item
    digest: str
    cut: PhotoFaces
    seconds: float


class Stopped(HasnetError):
    """A failure that every further photo would share."""


@dataclass
class Engine:
    """Works through items with one job.

    Attributes:
        out: the output folder.
        known: results of earlier runs by key.
        say: takes notes for the user.
    """

    job: Job
    out: Path
    known: Mapping[str, Result]
    say: Callable[[str], None]
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self._fingerprint = fingerprint_of(self.job)
        self._batch = self.settings.batch
        self._failed = False
        self._record: Callable[[Result], None]
        self._decoding: deque[Future[Prepared | Result]] = deque()
        self._encoding: deque[Future[Result]] = deque()

    def run(self, items: Iterable[Item], record: Callable[[Result], None]) -> None:
        """Work through the items; the photos that were begun are recorded however it ends.

        Args:
            record: takes each result as soon as it is there, on this thread. A result with the
                status "skipped", and one that is `known` already, is no news.

        Raises:
            Stopped: nothing more can be written.
        """
        self._record = record
        decode = ThreadPoolExecutor(self.settings.decoders, "decode")
        encode = ThreadPoolExecutor(self.settings.encoders, "encode")
        try:
            for group in self._groups(iter(items), decode):
                for prepared, renderings in self._render(group):
                    self._encoding.append(encode.submit(self._finish, prepared, renderings))
                self._collect(2 * self.settings.encoders)
            self._collect(0)
        finally:
            decode.shutdown(cancel_futures=True)
            self._decoding.clear()
            self._save_the_rest()
            encode.shutdown()

    def state(self, item: Item) -> str:
        """What `run` would find: "new", "done" or "failed"."""
        try:
            digest = hashlib.sha256(image_io.file_bytes(item.source)).hexdigest()
        except HasnetError:
            return NEW
        before = self._before(item, digest)
        if before is None:
            return NEW
        return DONE if before.status == SKIPPED else FAILED

    # ------------------------------------------------------------------------------- before

    def _groups(self, items: Iterator[Item], pool: ThreadPoolExecutor) -> Iterator[list[Prepared]]:
        """Photos with faces for one call; those that need no work are recorded on the way."""
        group: list[Prepared] = []
        while self._look_ahead(items, pool) and not self._ended():
            prepared = self._decoding.popleft().result()
            if isinstance(prepared, Result):
                self._note(prepared)
                continue
            group.append(prepared)
            if sum(len(one.cut.faces) for one in group) >= self._batch:
                yield group
                group = []
        if group and not self._ended():
            yield group

    def _look_ahead(self, items: Iterator[Item], pool: ThreadPoolExecutor) -> bool:
        window = self.settings.decoders + self._batch
        while len(self._decoding) < window and (item := next(items, None)) is not None:
            self._decoding.append(pool.submit(self._prepare, item))
        return bool(self._decoding)

    def _ended(self) -> bool:
        return self.settings.stop and self._failed

    def _prepare(self, item: Item) -> Prepared | Result:
        start = time.perf_counter()
        digest = ""
        try:
            if item.fault:
                raise ImageError(item.fault)
            data = image_io.file_bytes(item.source)
            digest = hashlib.sha256(data).hexdigest()
            if before := self._before(item, digest):
                return before
            self._check_free(item, digest)
            cut = self.job.cut(image_io.decode(data, item.source), item.key, digest)
        except Exception as error:  # photos by the thousand hold surprises
            return self._failure(item, digest, error, time.perf_counter() - start)
        return Prepared(item, digest, cut, time.perf_counter() - start)

    def _before(self, item: Item, digest: str) -> Result | None:
        """What an earlier run made of the same bytes in the same way, if that still holds."""
        result = self.known.get(item.key)
        wanted = (digest, self._fingerprint.parameters, self._fingerprint.weights)
        if result is None or self.settings.overwrite:
            return None
        if (result.input_sha256, result.parameters, result.weights) != wanted:
            return None
        if result.status == FAILED:
            return None if self.settings.retry_failed else result
        return replace(result, status=SKIPPED) if _intact(self.out, result.outputs) else None

    def _check_free(self, item: Item, digest: str) -> None:
        """What came after the plan was checked must not replace another folder's avatar either."""
        owner = self.known.get(item.key)
        if owner and not self.settings.overwrite and belongs_to_other(owner, item, digest):
            raise ImageError(
                f"{item.target} is the avatar of a photo of {owner.folder}; "
                "overwrite=True replaces it."
            )

    # -------------------------------------------------------------------------- the networks

    def _render(self, group: Sequence[Prepared]) -> Iterator[tuple[Prepared, list[Rendering]]]:
        """Each photo with what the networks made of it; where that fails, the failure is noted."""
        start = time.perf_counter()
        try:
            rendered = self._render_together(group)
        except Exception as error:
            if len(group) > 1:  # whose fault is it?
                for prepared in group:
                    yield from self._render([prepared])
                return
            self._note(self._failure(group[0].item, group[0].digest, error, group[0].seconds))
            return
        seconds = (time.perf_counter() - start) / len(group)
        for prepared, faces in zip(group, rendered, strict=True):
            yield replace(prepared, seconds=prepared.seconds + seconds), faces

    def _render_together(self, group: Sequence[Prepared]) -> list[list[Rendering]]:
        while True:
            try:
                return self.job.render([prepared.cut for prepared in group], self._batch)
            except Exception as error:
                if self._batch == 1 or not is_out_of_memory(error):
                    raise
            self._batch //= 2
            _free_memory()
            self.say(f"Out of memory: from now on {self._batch} faces at once.")

    # -------------------------------------------------------------------------------- after

    def _finish(self, prepared: Prepared, renderings: list[Rendering]) -> Result:
        start = time.perf_counter()
        item = prepared.item
        try:
            portraits = self.job.finish(prepared.cut, renderings)
            outputs = self._write(item, portraits)
        except Exception as error:
            if _is_full(error):
                raise Stopped(
                    str(error), "What is done is recorded; the same command goes on from there."
                ) from error
            seconds = prepared.seconds + time.perf_counter() - start
            return self._failure(item, prepared.digest, error, seconds)
        return replace(
            self._result(item, DONE, prepared.digest),
            output=str(self.out / next(iter(outputs))),
            outputs=outputs,
            reference=portraits[0].reference,
            notes=portraits[0].notes,
            faces=len(renderings),
            seconds=round(prepared.seconds + time.perf_counter() - start, 3),
        )

    def _write(self, item: Item, portraits: Sequence[Portrait]) -> dict[str, str]:
        """sha256 of each file written, by its path below the output folder."""
        _make_folder(item.target.parent)
        outputs = {}
        for number, portrait in enumerate(portraits, 1):
            path = numbered(item.target, number) if self.job.request.several else item.target
            if not self.settings.overwrite and is_stranger(path, damaged=False):
                raise ImageError(f"{path} is no avatar any more; overwrite=True replaces it.")
            portrait.save(path)
            outputs[path.relative_to(self.out).as_posix()] = _sha256(path)
        return outputs

    def _collect(self, limit: int) -> None:
        """Record what is finished, and wait until no more than `limit` photos are on their way."""
        while self._encoding and (len(self._encoding) > limit or self._encoding[0].done()):
            self._note(self._encoding.popleft().result())

    def _save_the_rest(self) -> None:
        """After an interruption: what is with the encoders still gets its line, if it can."""
        while self._encoding:
            with contextlib.suppress(Exception):
                self._note(self._encoding.popleft().result())

    def _note(self, result: Result) -> None:
        self._failed |= result.status == FAILED
        self._record(result)

    def _failure(self, item: Item, digest: str, error: Exception, seconds: float) -> Result:
        text = str(error)
        if not isinstance(error, HasnetError):
            text = f"{type(error).__name__}: {' '.join(text.split())}"
        result = self._result(item, FAILED, digest)
        return replace(result, error=text, seconds=round(seconds, 3))

    def _result(self, item: Item, status: str, digest: str) -> Result:
        job = self.job
        return Result(
            item.key,
            status,
            domain=job.domain.name if job.domain else NO_DOMAIN,
            input_sha256=digest,
            parameters=self._fingerprint.parameters,
            weights=self._fingerprint.weights,
            seed=job.seed if job.request.reference == RANDOM else None,
            folder=item.folder,
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the machine, had no room: each runtime has several exceptions for it."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(part in text for part in _OUT_OF_MEMORY)


def _free_memory() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"The folder {folder} cannot be made: {error.strerror}.") from error


def _intact(out: Path, outputs: Mapping[str, str]) -> bool:
    with contextlib.suppress(OSError):
        return all(_sha256(out / name) == digest for name, digest in outputs.items())
    return False


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_full(error: Exception) -> bool:
    """A full or read-only disk is no matter of one photo."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause = cause.__cause__
    return False
