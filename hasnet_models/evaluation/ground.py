"""What results are held against: a domain's own pictures, and a classifier of domains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hasnet_models.data.index import FaceRecord, has_split, list_faces
from hasnet_models.evaluation import classifier
from hasnet_models.evaluation.inputs import Aligner
from hasnet_models.evaluation.judge import Judge, alone
from hasnet_models.evaluation.protocol import input_name
from hasnet_models.evaluation.store import Measures, kept

TRAIN = "train"
# pictures of each domain that the classifier is fitted to, and that it is tried on
FITTED, TRIED = 12, 5


@dataclass(frozen=True)
class Bank:
    """The measures of pictures that are no results, each taken once for all tables.

    Attributes:
        faces: the folder that records belong to.
        folder: where they are kept.
    """

    faces: Path
    folder: Path
    judge: Judge
    aligner: Aligner

    def read(
        self, records: Sequence[FaceRecord], advance: Callable[[], None] = lambda: None
    ) -> list[Measures]:
        """The measures of each picture."""
        found = []
        for record in records:
            path = self.folder / self.judge.features.name / f"{input_name(record)}.safetensors"
            found.append(kept(path, lambda record=record: self._measure(record)))
            advance()
        return found

    def _measure(self, record: FaceRecord) -> Measures:
        return alone(self.judge.view(self.aligner.face(self.faces / record.file)))


def column(measures: Sequence[Measures], name: str) -> NDArray:
    """One measure of many pictures, (N, D), or (N,) of single numbers."""
    found = np.stack([one[name] for one in measures])
    return found[:, 0] if found.shape[1] == 1 else found


@dataclass(frozen=True, eq=False)
class DomainJudge:
    """The classifier, and how often it is right on pictures that it was not fitted to."""

    classifier: classifier.DomainClassifier
    accuracy: dict[str, float]


def domain_judge(bank: Bank, domains: Sequence[str], split: str) -> DomainJudge | None:
    """A classifier fitted to training faces; None where there are none beside the split.

    Args:
        domains: that it tells apart; those without training faces are left out.
        split: that it is tried on, never "train".
    """
    if split == TRAIN or not has_split(bank.faces, TRAIN):
        return None
    fitted = {name: bank.read(own) for name, own in _spread(bank, domains, TRAIN, FITTED)}
    if len(fitted) < 2:
        return None
    found = classifier.fit({name: column(own, "pooled") for name, own in fitted.items()})
    tried = {name: bank.read(own) for name, own in _spread(bank, tuple(fitted), split, TRIED)}
    tried_features = {name: column(own, "pooled") for name, own in tried.items()}
    return DomainJudge(found, classifier.accuracy(found, tried_features))


def _spread(
    bank: Bank, domains: Sequence[str], split: str, most: int
) -> list[tuple[str, list[FaceRecord]]]:
    """Some pictures of each domain, spread evenly over the index."""
    records = list_faces(bank.faces, split).records
    found = []
    for name in domains:
        own = [record for record in records if record.domain == name]
        places = np.unique(np.linspace(0, len(own) - 1, min(most, len(own))).round().astype(int))
        if len(own):
            found.append((name, [own[i] for i in places]))
    return found
