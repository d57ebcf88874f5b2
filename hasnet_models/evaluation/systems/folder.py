"""Pictures that another program made: Toonify, FS-Ada, U-GAT-IT and anything else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.data.pictures import picture_files
from hasnet_models.errors import UsageError
from hasnet_models.evaluation.inputs import Sample


class Folder:
    """Takes the picture called after the pair, of any format.

    Args:
        folder: with a picture for each line of pairs.csv.
        name: of the row.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.note = folder, name, ""

    def open(self, samples: Sequence[Sample]) -> None:
        """Finds the pictures.

        Raises:
            UsageError: the folder is not there, or lacks some of them.
        """
        if not self.folder.is_dir():
            raise UsageError(f"There is no folder of outputs at {self.folder}.")
        self._files = {path.stem: path for path in picture_files(self.folder)}
        missing = [sample.name for sample in samples if sample.name not in self._files]
        if missing:
            raise UsageError(
                f"{self.folder} lacks {len(missing)} of the {len(samples)} outputs, the first "
                f"being {missing[0]}."
            )

    def make(self, sample: Sample) -> np.ndarray:
        return image_io.read(self._files[sample.name]).rgb
