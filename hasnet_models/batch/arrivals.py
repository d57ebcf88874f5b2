"""Photos that arrive while a batch waits for them."""

from __future__ import annotations

from dataclasses import dataclass

from hasnet_models.batch.plan import Plan
from hasnet_models.batch.result import Item

_Signature = tuple[int, int]


@dataclass
class Arrivals:
    """Finds photos that are new or changed, and whole: unchanged from one look to the next.

    A photo whose avatar would be another photo's is passed over; `new_refusals` names such pairs.
    """

    plan: Plan

    def __post_init__(self) -> None:
        self._last: dict[str, _Signature] = {}
        self._given: dict[str, _Signature] = {}
        self._owners: dict[str, str] = {}
        self._refusals: dict[str, bool] = {}  # sentence -> whether it was given

    def look(self) -> list[Item]:
        """The photos that can be worked on now; each is given once for each of its states."""
        present = {item.key: (item, _signature(item)) for item in self.plan.items()}
        settled = []
        for key, (item, signature) in present.items():
            whole = signature is not None and self._last.get(key) == signature
            if whole and self._given.get(key) != signature and self._is_free(item):
                self._given[key] = signature
                settled += [item] if self.plan.is_photo(item) else []
        self._last = {key: signature for key, (_, signature) in present.items() if signature}
        return settled

    def new_refusals(self) -> list[str]:
        """A sentence for each pair of photos with one target, once."""
        new = [sentence for sentence, given in self._refusals.items() if not given]
        self._refusals |= dict.fromkeys(new, True)
        return new

    def _is_free(self, item: Item) -> bool:
        owner = self._owners.setdefault(item.target.as_posix().casefold(), item.key)
        if owner != item.key:
            pair = f"{owner} and {item.key} would both become {item.target}."
            self._refusals.setdefault(pair, False)
        return owner == item.key


def _signature(item: Item) -> _Signature | None:
    """Size and time; None where there is nothing yet, or nothing any more."""
    try:
        status = item.source.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if status.st_size else None
