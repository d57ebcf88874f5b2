"""Write the packages of domains from what `tools/domains.toml` says of them, and their references.

    python tools/make_domain.py FACES_DIR night nir ...

With --keep-references only the text is written anew: the chosen references stay.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from hasnet_models.avatar.references import make_references, training_rows
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.medium import Medium, presets, to_table
from hasnet_models.plugins.reference import load_reference_set
from hasnet_models.plugins.seal import seal_plugin
from hasnet_models.plugins.selection import COUNT
from hasnet_models.plugins.template import Facts, source_rows, write_origin, write_package

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LICENCE = "non-commercial research use"
FACTS = Path(__file__).with_name("domains.toml")
DOMAINS = Path(__file__).parents[1] / "domains"


def make_domain(facts: Facts, faces: Path, count: int, boxes: Path | None, keep: bool) -> Path:
    """Write one plugin; gives its folder."""
    folder = DOMAINS / facts.distribution
    file = write_package(facts, folder) / "references.safetensors"
    if not (keep and file.exists()):
        make_references(
            faces,
            facts.name,
            file,
            count=count,
            licence=facts.licence,
            boxes=boxes,
            without=facts.without,
        )
    references = load_reference_set(file).references
    stated = {row["source"]: row["licence"] for row in training_rows(faces, facts.name)}
    numbers = {
        "count": len(references),
        "shapes": sum(one.shape is not None for one in references),
        "size": round(file.stat().st_size / 1000),
    }
    rows = source_rows((one.source for one in references), stated | facts.terms)
    write_origin(facts, folder, numbers, rows)
    seal_plugin(folder)
    return folder


def facts_of(name: str) -> Facts:
    """What is known of a domain; its medium is the preset of its name."""
    known = tomllib.loads(FACTS.read_text(encoding="utf-8"))
    if name not in known:
        raise UsageError(f"{FACTS} says nothing of {name}.")
    return Facts(name, licence=LICENCE, medium=medium_table(presets().get(name)), **known[name])


def medium_table(medium: Medium | None) -> dict[str, Any]:
    """A medium's kind and what it has otherwise than its kind."""
    if medium is None:
        return {}
    usual = to_table(type(medium)())
    table = to_table(medium)
    return {key: table[key] for key in table if key == "kind" or table[key] != usual[key]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("domains", nargs="+")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--boxes", type=Path, help="of anime faces' parts, a JSON file")
    parser.add_argument("--keep-references", action="store_true")
    options = parser.parse_args()
    for name in options.domains:
        try:
            facts = facts_of(name)
            print(
                make_domain(
                    facts, options.faces, options.count, options.boxes, options.keep_references
                )
            )
        except HasnetError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
