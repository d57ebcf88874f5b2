"""Photos that arrive while a batch waits for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hasnet_models.batch.plan import Plan
from hasnet_models.batch.result import Item

_Signature = tuple[int, int]


@dataclass
class Watcher:
    """Finds photos that are new or changed, and whole: unchanged from one look to the next.

    A photo whose avatar would be another photo's is passed over; `refused` names such pairs.
    """

    work: Plan
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._seen: dict[str, _Signature] = {}
        self._given: dict[str, _Signature] = {}
        self._taken: dict[str, str] = {}

    def look(self) -> list[Item]:
        """The photos that can be worked on now; each is given once for each of its states."""
        found = {item.key: (item, _signature(item)) for item in self.work.items()}
        settled = []
        for key, (item, signature) in found.items():
            whole = signature is not None and self._seen.get(key) == signature
            if whole and self._given.get(key) != signature and self._is_free(item):
                self._given[key] = signature
                settled.append(item)
        self._seen = {key: signature for key, (_, signature) in found.items() if signature}
        return settled

    def _is_free(self, item: Item) -> bool:
        owner = self._taken.setdefault(item.target.as_posix().casefold(), item.key)
        if owner != item.key:
            pair = f"{owner} and {item.key} would both become {item.target}."
            if pair not in self.refused:
                self.refused.append(pair)
        return owner == item.key


def _signature(item: Item) -> _Signature | None:
    """Size and time; None where there is nothing yet, or nothing any more."""
    try:
        status = item.source.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if status.st_size else None
