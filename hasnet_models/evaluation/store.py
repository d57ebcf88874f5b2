"""What was measured of each picture, kept in a file each, so that a killed run goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hasnet_models.atomic import replacing
from hasnet_models.errors import HasnetError
from hasnet_models.evaluation.inputs import make_folder

Measures = dict[str, NDArray]


def kept(path: Path, measure: Callable[[], Measures]) -> Measures:
    """What lies in a file; where there is none, or a damaged one, it is measured and written.

    Returns:
        The arrays as the file has them, single numbers as arrays (1,).

    Raises:
        HasnetError: it cannot be written.
    """
    found = read(path)
    if found is None:
        found = {name: np.ascontiguousarray(array) for name, array in measure().items()}
        make_folder(path.parent)
        try:
            with replacing(path) as file:
                file.write(save(found))
        except OSError as error:
            raise HasnetError(f"{path} cannot be written: {error.strerror}.") from error
    return found


def read(path: Path) -> Measures | None:
    """What lies in a file, or None."""
    try:
        return dict(load(path.read_bytes()))
    except (OSError, SafetensorError, ValueError):
        return None
