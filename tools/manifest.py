"""Refresh manifest.json of a weights folder: size, sha256, licence and origin of each file.

    python tools/manifest.py [FOLDER]

Each weight file NAME.safetensors or NAME.onnx has a note NAME.md beside it with a line
"Licence: ..." and a line "Origin: ...", and may have a line "Mirrors: URL URL ...".
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from hasnet_models.errors import WeightsError
from hasnet_models.weights.digests import sha256_of
from hasnet_models.weights.files import MANIFEST, weights_folder

SUFFIXES = (".safetensors", ".onnx")


def note_fields(path: Path) -> dict[str, str | list[str]]:
    """Licence, origin and, where there are any, mirrors from the note beside a weight file.

    Raises:
        WeightsError: there is no note, or it lacks one of the two lines.
    """
    note = path.with_suffix(".md")
    if not note.is_file():
        raise WeightsError(f"The weight file {path.name} has no note {note.name}.")
    pairs = (line.partition(":") for line in note.read_text(encoding="utf-8").splitlines())
    found = {key.strip().lower(): value.strip() for key, _, value in pairs}
    if missing := [key for key in ("licence", "origin") if not found.get(key)]:
        raise WeightsError(f"The note {note.name} has no line for: {', '.join(missing)}.")
    mirrors = found.get("mirrors", "").split()
    listed = {"mirrors": mirrors} if mirrors else {}
    return {"licence": found["licence"], "origin": found["origin"], **listed}


def build(folder: Path) -> dict[str, dict[str, dict[str, str | int | list[str]]]]:
    """The manifest of all weight files in a folder."""
    files = sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES)
    return {
        "files": {
            p.name: {"size": p.stat().st_size, "sha256": sha256_of(p), **note_fields(p)}
            for p in files
        }
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=weights_folder())
    folder = parser.parse_args().folder
    try:
        manifest = build(folder)
    except WeightsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    print(folder / MANIFEST)
    return 0


if __name__ == "__main__":
    sys.exit(main())
