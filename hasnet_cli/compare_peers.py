"""The systems of `hasnet eval` beside those whose pictures the user has, for the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hasnet_models import image_io
from hasnet_models.errors import HasnetError
from hasnet_models.figures.cells import Maker
from hasnet_models.figures.plan import REFERENCE, SOURCE, Sample

if TYPE_CHECKING:
    from hasnet_models.evaluation.systems.base import System


class Peer:
    """A compared system where a figure has the outputs of others; see `figures.cells.Outputs`.

    Args:
        maker: of the faces that it is given, cut and aligned as hasnet's own.
        folder: for those faces, as systems read files.

    Raises:
        HasnetError: it cannot be loaded.
    """

    def __init__(self, system: System, maker: Maker, folder: Path) -> None:
        self.name, self._system, self._maker, self._folder = system.name, system, maker, folder
        system.open([])

    def cell(self, sample: Sample) -> NDArray[np.uint8] | None:
        """Its picture, uint8 (S, S, 3); None where the reference is no picture.

        Raises:
            HasnetError: it fails.
        """
        from hasnet_models.evaluation.inputs import Sample as Given
        from hasnet_models.evaluation.run import reason_of

        if isinstance(sample.reference, str):
            return None
        given = Given(sample.name, self._face(sample, SOURCE), self._face(sample, REFERENCE))
        try:
            return self._system.make(given)
        except Exception as error:  # whatever a peer raises is its own affair
            raise HasnetError(reason_of(error)) from error

    def missing(self, samples: Iterable[Sample]) -> list[str]:
        """The samples whose reference is no picture."""
        return [sample.name for sample in samples if isinstance(sample.reference, str)]

    def _face(self, sample: Sample, column: str) -> Path:
        path = self._folder / f"{sample.name}-{column}.png"
        if not path.is_file():
            image_io.write(self._maker.cell(sample, column), path)
        return path


@contextmanager
def universal(maker: Maker, say: Callable[[str], None]) -> Iterator[list[Peer]]:
    """All that are there but the source itself; who cannot be loaded is told and left out."""
    with TemporaryDirectory(prefix="hasnet-") as folder:
        yield list(_opened(maker, Path(folder), say))


def _opened(maker: Maker, folder: Path, say: Callable[[str], None]) -> Iterator[Peer]:
    try:
        from hasnet_models.evaluation.systems.catalogue import peers
        from hasnet_models.evaluation.systems.source import Source
    except ImportError as error:
        say(f"Figures are without universal style transfer: {error}.")
        return
    for system in (one for one in peers() if one.name != Source.name):
        try:
            yield Peer(system, maker, folder)
        except HasnetError as error:
            say(f"{system.name} is left out: {error}")
