"""From the measures of a system's pictures to its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hasnet_models.config.frozen import EMBEDDED_VGG
from hasnet_models.evaluation.bootstrap import mean_interval
from hasnet_models.evaluation.fid import fid, fid_interval
from hasnet_models.evaluation.ground import DomainJudge, column
from hasnet_models.evaluation.judge import ID, Judge
from hasnet_models.evaluation.kid import kid, kid_interval
from hasnet_models.evaluation.store import Measures
from hasnet_models.evaluation.table import Column, Row, Value


@dataclass(frozen=True, eq=False)
class Ground:
    """What a system's pictures are held against.

    Attributes:
        domain: of the references.
        own: measures of the domain's own pictures.
        judge: of domains; None where there is none.
    """

    domain: str
    own: Sequence[Measures]
    judge: DomainJudge | None
    seed: int


def columns_of(judge: Judge, *, domains: bool) -> tuple[Column, ...]:
    """The columns, in the paper's order and then what it lacks.

    Args:
        domains: whether there is a classifier of domains.
    """
    net = judge.features.name
    return (
        *(Column(f"{ID}/{name}", f"ID x10 ({name})", "lower") for name in judge.embedders),
        Column("colour", "Color x10", "lower"),
        Column("fid", f"FID ({net})", "lower"),
        Column("kid", f"KID x100 ({net})", "lower"),
        Column("overall", f"Overall ({judge.embedders[0]}, {net})", "lower"),
        Column("content", f"content ({EMBEDDED_VGG})", "lower", 3),
        Column("ssim", "SSIM outside the face", "higher", 3),
        Column("landmarks", "landmark error", "", 3),
        Column("mesh", "mesh found", "higher"),
        *([Column("domain", "in domain", "higher")] if domains else []),
        Column("sharpness", "sharpness", "one"),
    )


def row_of(system: str, measures: Sequence[Measures], ground: Ground, judge: Judge) -> Row:
    """The row of a system, the same for the same measures and seed.

    Args:
        measures: of each of its pictures, in the order of the pairs.
    """
    seed = ground.seed
    means = [f"{ID}/{name}" for name in judge.embedders]
    means += ["colour", "content", "ssim", "landmarks", "mesh"]
    values = {key: mean_of(column(measures, key), seed) for key in means}
    real, fake = column(ground.own, "features"), column(measures, "features")
    distance, kernel_distance = fid(real, fake), kid(real, fake, seed)
    values["fid"] = Value(distance, *fid_interval(real, fake, distance, seed))
    values["kid"] = Value(kernel_distance, *kid_interval(real, fake, kernel_distance, seed))
    parts = (means[0], "colour", "fid", "kid")
    values["overall"] = Value(sum(values[key].value for key in parts))
    usual = float(column(ground.own, "sharpness").mean())
    values["sharpness"] = mean_of(column(measures, "sharpness") / usual, seed)
    if ground.judge:
        found = ground.judge.classifier.domains(column(measures, "pooled"))
        hits = np.array([name == ground.domain for name in found], np.float64)
        values["domain"] = mean_of(hits, seed)
    return Row(system, {key: value for key, value in values.items() if value is not None})


def mean_of(values: NDArray, seed: int) -> Value | None:
    """The mean of what is a number, with its interval; None where nothing is."""
    known = values[~np.isnan(values)]
    return Value(float(known.mean()), *mean_interval(known, seed)) if len(known) else None
