"""A batch from its first photo to its last: engine and record together, whatever shows them."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from hasnet_models.avatar.request import RANDOM, Request
from hasnet_models.batch.arrivals import Arrivals
from hasnet_models.batch.engine import Settings
from hasnet_models.batch.ledger import Ledger, remove_leftovers
from hasnet_models.batch.lock import locked
from hasnet_models.batch.plan import Plan
from hasnet_models.batch.result import FAILED, Item, Result
from hasnet_models.errors import HasnetError

_OLD = 3600.0  # seconds after which a temporary file of another machine is surely nobody's

Record = Callable[[Result], None]
Tell = Callable[[Result, bool], None]


class AnyEngine(Protocol):
    """What works through items: `Engine`, or `RayEngine` on a cluster."""

    settings: Settings

    def run(self, items: Iterable[Item], record: Record) -> None:
        """Work through the items; `record` takes each result on the calling thread."""
        ...


@contextlib.contextmanager
def opened(plan: Plan, say: Callable[[str], None] = lambda note: None) -> Iterator[Ledger]:
    """The record of a plan's output folder, under its lock; what killed runs left is removed.

    Raises:
        UsageError: another run has the folder.
        ImageError: it cannot be read or written.
    """
    with locked(plan.out, plan.shard, say), Ledger(plan.out, plan.shard) as ledger:
        # Those of other machines' shards may still be at work.
        remove_leftovers(plan.out, time.time() - _OLD if plan.shard else None)
        yield ledger


def with_earlier_seed(request: Request, known: Mapping[str, Result]) -> Request:
    """A batch that goes on keeps the seed that chance gave it."""
    if request.reference != RANDOM or request.seed is not None:
        return request
    seeds = (result.seed for result in reversed(known.values()) if result.seed is not None)
    return replace(request, seed=next(seeds, None))


@dataclass
class Run:
    """One batch at work.

    Attributes:
        tell: takes each result, and whether it is news; an earlier run's result is none.
        say: takes notes for the user.
        counts: results so far, by status ("done", "skipped", "failed").
        total: photos so far.
    """

    plan: Plan
    ledger: Ledger
    engine: AnyEngine
    tell: Tell = lambda result, news: None
    say: Callable[[str], None] = lambda note: None
    counts: Counter[str] = field(default_factory=Counter)
    total: int = 0

    def work(self, items: Sequence[Item]) -> None:
        """Work through the items of the plan; afterwards each photo has one line in the record.

        Raises:
            Stopped: nothing more can be written.
        """
        self.total += len(items)
        with self._compacted(lambda: [*self._of_others(), *(item.key for item in items)]):
            self.engine.run(items, self.record)

    def watch(self, poll: float) -> None:
        """Work on photos as they arrive, until the first failure where that stops a run.

        Args:
            poll: seconds between two looks at the folder.

        Raises:
            Stopped: nothing more can be written.
        """
        arrivals = Arrivals(self.plan)
        with self._compacted(lambda: sorted(self.ledger.known)):
            while not (self.engine.settings.stop and self.counts[FAILED]):
                items = arrivals.look()
                self.total += len(items)
                self.engine.run(items, self.record)
                for pair in arrivals.new_refusals():
                    self.say(pair)
                time.sleep(poll)

    def record(self, result: Result) -> None:
        """Write down, count and tell one result."""
        news = self.ledger.add(result)
        self.counts[result.status] += 1
        self.tell(result, news)

    def _of_others(self) -> list[str]:
        """Photos of other folders, whose avatars lie in the output folder beside these."""
        known, own = self.ledger.known, self.plan.origin
        return [key for key, result in known.items() if result.folder not in ("", own)]

    @contextlib.contextmanager
    def _compacted(self, keys: Callable[[], Iterable[str]]) -> Iterator[None]:
        """However the work ends, each photo has one line then."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(HasnetError):  # the first fault is the one to tell
                self.ledger.compact(keys())
            raise
        self.ledger.compact(keys())
