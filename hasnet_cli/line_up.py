"""Who is compared in each table of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hasnet_cli import ablations, factory
from hasnet_cli.ablations import AblationBudget
from hasnet_cli.console import Terminal
from hasnet_models.errors import UsageError

if TYPE_CHECKING:
    from hasnet_models.evaluation.inputs import Sample
    from hasnet_models.evaluation.run import Evaluation
    from hasnet_models.evaluation.systems.base import System
    from hasnet_models.evaluation.systems.folder import Folder
    from hasnet_models.evaluation.systems.hasnet import Hasnet


@dataclass
class LineUp:
    """The systems of all tables; networks are loaded at the first picture, and kept.

    Attributes:
        paper: whether these are the paper's tables: a folder of outputs has one folder a table
            then, and Table 3 has none of the universal methods.
        wanted: names of rows; none for all.
        others: folders of outputs with their names.
    """

    faces: Path
    out: Path
    paper: bool
    wanted: Sequence[str]
    others: Sequence[tuple[Path, str]]
    budget: AblationBudget
    terminal: Terminal

    def systems(self, evaluation: Evaluation, samples: Sequence[Sample]) -> list[System]:
        """Those of one table, in its order.

        Raises:
            UsageError: a folder of outputs lacks some, there is no system of a name that is
                wanted, or two have the same.
        """
        folders = self._folders(evaluation)
        found = [*self._own(evaluation), *folders]
        _require_distinct(found)
        for folder in folders:
            folder.open(samples)
        names = [system.name for system in found]
        if not self.paper and (unknown := [name for name in self.wanted if name not in names]):
            known = f"There are {', '.join(names)}."
            raise UsageError(f"There is no system {unknown[0]!r}.", known)
        return [system for system in found if self._is_wanted(system.name)]

    @cached_property
    def _pipeline(self) -> Any:
        return factory.load_pipeline(self.budget.device)

    def _is_wanted(self, name: str) -> bool:
        return not self.wanted or name in self.wanted

    def _own(self, evaluation: Evaluation) -> list[System]:
        """All that run here."""
        from hasnet_models.evaluation.protocol import PHOTOS
        from hasnet_models.evaluation.systems.catalogue import peers
        from hasnet_models.evaluation.systems.hasnet import variants
        from hasnet_models.evaluation.systems.source import Source

        domain, registry = evaluation.protocol.domain, factory.find_domains()
        whole, *parts = variants(domain, registry, lambda: self._pipeline)
        if self.paper and evaluation.protocol.kind == PHOTOS:
            return [Source(), whole]
        return [*peers(), whole, *parts, *self._ablated(whole)]

    def _ablated(self, whole: Hasnet) -> Iterator[System]:
        """The paper's ablations, each trained when its first picture is made."""
        from hasnet_models.evaluation.paper import ABLATIONS

        budget = self.budget
        for row, changes in ABLATIONS.items() if budget.images else ():
            name = f"{row} ({budget.images})"
            note = f"{name}: trained on from the base for {budget.images} images, without heads."
            weights = partial(
                ablations.train, name, changes, self.faces, self.out, budget, self.terminal
            )
            # onnxruntime's sessions read weights later, when others have come first again
            load = partial(factory.load_pipeline, budget.device, runtime="torch")
            yield replace(whole, name=name, note=note, weights=weights, load=load)

    def _folders(self, evaluation: Evaluation) -> list[Folder]:
        """The outputs of other programs for this table."""
        from hasnet_models.evaluation.paper import of_table
        from hasnet_models.evaluation.systems.folder import Folder

        found = [Folder(path, name) for path, name in self.others]
        return of_table(found, evaluation) if self.paper else found


def _require_distinct(systems: Sequence[System]) -> None:
    """Refuse two systems whose pictures would lie in one folder.

    Raises:
        UsageError: there are such.
    """
    from hasnet_models.evaluation.run import slug

    seen: set[str] = set()
    for system in systems:
        if slug(system.name) in seen:
            raise UsageError(f"The name {system.name!r} is another system's.", parameters=("name",))
        seen.add(slug(system.name))
