"""Pictures of one domain of one's own, in whatever folders they lie."""

from __future__ import annotations

from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import Dataset, Place


def place(_path: PurePath, _folder: Path) -> Place | str:
    """Every picture is of the domain that the user names."""
    return Place()


DATASET = Dataset(
    "pictures", "a domain of your own", "*.jpg in any folders, of a domain that is named", "", "",
    place,
)  # fmt: skip
