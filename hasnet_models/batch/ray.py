"""The same batch over a Ray cluster: every actor holds the networks and runs the engine.

The driver keeps the plan, the lock and the record; the actors need the photos and the output
folder under the same paths. Needs the extra `hasnet[ray]`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from hasnet_models.avatar.job import Job
from hasnet_models.batch.engine import Engine, Settings, Stopped
from hasnet_models.batch.result import FAILED, Item, Result
from hasnet_models.errors import UsageError

_CHUNKS_AHEAD = 2
_CHUNK = 8
_ADDRESS = "RAY_ADDRESS"


@dataclass
class RayEngine:
    """As `Engine`, with actors in place of the one device.

    Attributes:
        start: makes the job in an actor; must be picklable.
        workers: number of actors; 0 for one a GPU of the cluster, or one a CPU without any.
    """

    start: Callable[[], Job]
    out: Path
    known: Mapping[str, Result]
    say: Callable[[str], None]
    settings: Settings = field(default_factory=Settings)
    workers: int = 0

    def run(self, items: Iterable[Item], record: Callable[[Result], None]) -> None:
        """Work through the items; `record` as that of `Engine.run`.

        Raises:
            UsageError: ray is not installed, or its cluster cannot be reached.
            Stopped: nothing more can be written, or an actor is lost for good.
        """
        ray = connected()
        actors = self._actors(ray)
        chunks = _chunks(items, max(_CHUNK, self.settings.batch))
        waiting: dict[Any, Any] = {}
        try:
            for actor in actors * _CHUNKS_AHEAD:
                self._feed(actor, chunks, waiting)
            while waiting:
                done, _ = ray.wait(list(waiting), num_returns=1)
                actor = waiting.pop(done[0])
                if self._take(ray, done[0], record) or not self.settings.stop:
                    self._feed(actor, chunks, waiting)
        finally:
            for actor in actors:
                ray.kill(actor)

    def _actors(self, ray: ModuleType) -> list[Any]:
        cluster = ray.cluster_resources()
        gpus = int(cluster.get("GPU", 0))
        count = self.workers or gpus or int(cluster.get("CPU", 1))
        # An actor that dies is started again and its chunk repeated: files appear whole or not.
        options = {"num_gpus": min(1, gpus / count), "max_restarts": 2, "max_task_retries": 2}
        kind = ray.remote(**options)(Worker)
        return [kind.remote(self.start, self.out.absolute(), self.settings) for _ in range(count)]

    def _feed(self, actor: Any, chunks: Iterator[list[Item]], waiting: dict[Any, Any]) -> None:
        chunk = next(chunks, None)
        if chunk is not None:
            known = {item.key: self.known[item.key] for item in chunk if item.key in self.known}
            waiting[actor.work.remote(chunk, known)] = actor

    def _take(self, ray: ModuleType, done: Any, record: Callable[[Result], None]) -> bool:
        """Record a chunk; False where something in it failed."""
        try:
            results, notes = ray.get(done)
        except ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", error)
            parameters = getattr(cause, "parameters", ())
            hint = getattr(cause, "hint", None)
            raise Stopped(str(cause), hint, parameters=parameters) from None
        except ray.exceptions.RayError as error:
            raise Stopped(f"A Ray worker was lost: {str(error).splitlines()[0]}") from None
        for note in notes:
            self.say(note)
        for result in results:
            first = next(iter(result.outputs), None)
            known = self.known.get(result.input)
            named = replace(result, output=str(self.out / first) if first else None)
            record(known if known == named else named)
        return all(result.status != FAILED for result in results)


class Worker:
    """What runs in an actor."""

    def __init__(self, start: Callable[[], Job], out: Path, settings: Settings) -> None:
        self.job, self.out, self.settings = start(), out, settings

    def work(
        self, items: list[Item], known: Mapping[str, Result]
    ) -> tuple[list[Result], list[str]]:
        """Results of some photos, and notes for the user."""
        results: list[Result] = []
        notes: list[str] = []
        engine = Engine(self.job, self.out, known, notes.append, self.settings)
        engine.run(items, results.append)
        return results, notes


def connected() -> ModuleType:
    """Ray, connected to the cluster of RAY_ADDRESS or to one on this machine.

    Raises:
        UsageError: ray is not installed, or its cluster cannot be reached.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "The engine ray needs Ray, which is not installed.",
            "Run: pip install 'hasnet[ray]'",
        ) from error
    if not ray.is_initialized():
        try:
            ray.init(
                address=os.environ.get(_ADDRESS), include_dashboard=False, log_to_driver=False,
                logging_level="ERROR",
            )  # fmt: skip
        except Exception as error:  # ray's errors here have no common class
            reason = str(error).splitlines()[0]
            raise UsageError(f"The Ray cluster cannot be reached: {reason}") from error
    return ray


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    absolute = (
        replace(item, source=item.source.absolute(), target=item.target.absolute())
        for item in items
    )
    while chunk := list(itertools.islice(absolute, size)):
        yield chunk
