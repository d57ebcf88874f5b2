"""Write the packages of domains from what `tools/domains.toml` says of them, and their references.

    python tools/make_domain.py FACES_DIR night nir ...

References whose numbers `unfit` has there were looked at and are left out: no vector shows what
networks make of them. With --keep-references only the text is written anew: the chosen references
stay. With --gallery the sheets are drawn too (`make_gallery.py`). So after a change of weights or
presets, all is made by

    python tools/make_domain.py FACES_DIR --keep-references --gallery
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from make_gallery import facts as all_facts
from make_gallery import make_gallery

from hasnet_models.authoring.fitting import medium_table
from hasnet_models.authoring.package import REFERENCES, write_domain
from hasnet_models.authoring.references import choose_references, training_rows
from hasnet_models.authoring.selection import COUNT
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.medium import presets
from hasnet_models.plugins.reference import ReferenceSet
from hasnet_models.plugins.template import Facts

NOT_WRITTEN = ("shown", "unfit")  # what only the tools go by
LICENCE = "non-commercial research use"
DOMAINS = Path(__file__).parents[1] / "domains"


def make_domain(facts: Facts, faces: Path, count: int, boxes: Path | None, keep: bool) -> Path:
    """Write one plugin; gives its folder."""
    folder = DOMAINS / facts.distribution
    rows = training_rows(faces, facts.name)
    found = None
    if not (keep and (folder / facts.package / REFERENCES).exists()):
        mine = [row for row in rows if row.get("source") not in facts.without]
        options = {"count": count, "licence": facts.licence, "boxes": boxes}
        found = choose_references(faces, mine, facts.name, evenly=facts.evenly, **options).found
        found = without(found, all_facts()[facts.name].get("unfit", ()))
    stated = {row["source"]: row["licence"] for row in rows}
    command = f"python tools/make_domain.py FACES_DIR {facts.name}"
    write_domain(facts, folder, found, stated, command)
    return folder


def facts_of(name: str) -> Facts:
    """What is known of a domain; its medium is the preset of its name, if it has no own."""
    if name not in (known := all_facts()):
        raise UsageError(f"tools/domains.toml says nothing of {name}.")
    own = {key: value for key, value in known[name].items() if key not in NOT_WRITTEN}
    medium = medium_table(presets().get(name))
    return Facts(name, licence=LICENCE, **{"medium": medium, **own})


def without(found: ReferenceSet, unfit: Collection[int]) -> ReferenceSet:
    """The references less those that are so numbered, from 1; the others are numbered anew."""
    kept = [one for number, one in enumerate(found.references, 1) if number not in unfit]
    named = [
        replace(one, name=f"{one.name.rpartition('-')[0]}-{number:02d}")
        for number, one in enumerate(kept, 1)
    ]
    return replace(found, references=tuple(named))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("domains", nargs="*", help="all without")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--boxes", type=Path, help="of anime faces' parts, a JSON file")
    parser.add_argument("--keep-references", action="store_true")
    parser.add_argument("--gallery", action="store_true", help="draw the sheets too")
    options = parser.parse_args()
    names = options.domains or list(all_facts())
    how = options.faces, options.count, options.boxes, options.keep_references
    try:
        for name in names:
            print(make_domain(facts_of(name), *how))
        if options.gallery:
            print(*make_gallery(names), sep="\n")
    except HasnetError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
