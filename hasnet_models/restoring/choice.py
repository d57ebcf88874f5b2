"""What restores weak faces, as the user names it; without numpy."""

from __future__ import annotations

from pathlib import Path

from hasnet_models.errors import UsageError
from hasnet_models.filenames import is_file

AUTO, OFF = "auto", "off"
DEFAULT = OFF
_SUFFIX = ".onnx"


def check_restore(text: str) -> None:
    """Raises UsageError unless it is "auto", "off" or the path of an ONNX file that is there."""
    if text in (AUTO, OFF):
        return
    if Path(text).suffix.lower() != _SUFFIX:
        raise UsageError(
            f"Faces are restored by {AUTO}, {OFF} or an ONNX file, not by {text!r}.",
            parameters=("restore",),
        )
    if not is_file(Path(text)):
        raise UsageError(f"There is no restorer {text}.", parameters=("restore",))


def file_of(text: str) -> str | None:
    """The file that a choice names, or None."""
    return None if text in (AUTO, OFF) else text
