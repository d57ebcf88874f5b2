"""What plugins answered, kept between processes for as long as nothing that is installed changes.

Which commands and domains there are is known by importing every plugin; help, completion and
`hasnet domains` ask for nothing else. Their answers are kept in the user's cache folder, with what
they depend on: hasnet's version, the variables that choose plugins, all installed distributions,
and the files that were read. An answer is kept only where no plugin failed or was odd, and one that
cannot be read or written is as if there were none.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hasnet_models import __version__
from hasnet_models.folders import user_folder

VARIABLES = ("HASNET_PLUGINS", "HASNET_DISABLE_PLUGINS")
_METADATA = (".dist-info", ".egg-info", ".egg")
_ENTRY_POINTS = "entry_points.txt"


def read(name: str, environ: Mapping[str, str]) -> Any:
    """The answer kept under a name; None where there is none or something changed since."""
    import json

    try:
        document = json.loads(_file(name).read_text(encoding="utf-8"))
        same = document["state"] == _state(environ)
        same = same and all(_stamp(path) == stamp for path, stamp in document["files"].items())
        return document["answer"] if same else None
    # it may be missing, damaged, of another hasnet or of another shape
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(name: str, environ: Mapping[str, str], answer: Any, files: Iterable[Path]) -> None:
    """Keep an answer that JSON can hold, until one of the files changes or something else does."""
    import json

    from hasnet_models.atomic import replacing

    document = {
        "state": _state(environ),
        "files": {str(path): _stamp(path) for path in files},
        "answer": answer,
    }
    try:
        _file(name).parent.mkdir(parents=True, exist_ok=True)
        with replacing(_file(name)) as file:
            file.write(json.dumps(document).encode())
    except OSError:  # a folder that is full or cannot be written costs time, nothing else
        return


def manifests(sources: Iterable[Path]) -> set[Path]:
    """The manifests that lie, or may come to lie, beside source files of plugins."""
    from hasnet_models.plugins.domain import MANIFEST

    return {path.parent / MANIFEST for path in sources}


def _file(name: str) -> Path:
    """One of each environment, so that two of them do not take turns."""
    folder = user_folder("cache") / "plugins"
    return folder / f"{name}-{zlib.crc32(sys.prefix.encode()):08x}.json"


def _state(environ: Mapping[str, str]) -> list[Any]:
    """All that decides which plugins there are, as JSON gives it back."""
    chosen = [environ.get(variable) for variable in VARIABLES]
    return [__version__, sys.version, sys.prefix, chosen, _installed()]


def _installed() -> list[list[Any]]:
    """Every distribution on the import path, in its order, with the stamp of its entry points.

    `importlib.metadata` reads and parses each of them to say the same.
    """
    found: list[list[Any]] = []
    for place in dict.fromkeys(sys.path):
        try:
            with os.scandir(place or ".") as entries:
                paths = sorted(e.path for e in entries if e.name.endswith(_METADATA))
        except NotADirectoryError:  # a zip file
            found.append([place, _stamp(place)])
            continue
        except OSError:
            continue
        found += [[path, _stamp(path), _stamp(Path(path, _ENTRY_POINTS))] for path in paths]
    return found


def _stamp(path: str | Path) -> list[int]:
    """Changes when the file does; empty where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return []
    return [found.st_mtime_ns, found.st_ctime_ns, found.st_size]
