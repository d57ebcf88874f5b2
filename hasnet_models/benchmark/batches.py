"""Photos a second of a batch, read from the disk and written to it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.avatar.job import Job
from hasnet_models.batch import Engine, Plan, Result, Settings
from hasnet_models.benchmark.clock import seconds
from hasnet_models.errors import HasnetError


def rate(job: Job, rgb: np.ndarray, photos: int, faces: int = 1) -> float:
    """Photos a second, of copies of one photo in a temporary folder.

    Args:
        faces: in one call of the networks.

    Raises:
        HasnetError: an avatar cannot be made.
    """
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name:
        plan = Plan(Path(name) / "in", Path(name) / "out")
        for folder in (plan.folder, plan.out):
            folder.mkdir()
        for number in range(photos):
            image_io.write(rgb, plan.folder / f"{number:03}.png")
        engine = Engine(job, plan.out, {}, lambda _text: None, Settings(batch=faces))
        items = plan.items()
        took = seconds(lambda: engine.run(items, results.append))
    for failed in (result.error for result in results if result.error):
        raise HasnetError(failed)
    return photos / took
