"""Count how light the skin of each domain's references is; write the table into docs/domains.md.

    python tools/measure_balance.py
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from hasnet_models.atomic import replacing
from hasnet_models.authoring.balance import lightness_of_reference
from hasnet_models.plugins import Domain
from hasnet_models.plugins.folder import open_domain

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "domains.md"
BORDERS = (40, 50, 60, 70, 80)
LEVELS = ("below 40", *(f"{low}-{low + 9}" for low in BORDERS[:-1]), "80 and more")
HEAD = ("domain", *LEVELS, "median")


def row(domain: Domain) -> tuple[object, ...]:
    """Name, counts between the borders, median."""
    known = np.array([lightness_of_reference(one) for one in domain.references])
    known = known[np.isfinite(known)]
    counts = np.bincount(np.digitize(known, BORDERS), minlength=len(BORDERS) + 1)
    return (domain.name, *counts, round(float(np.median(known))))


def table() -> str:
    """Markdown, a row a domain of this repository."""
    folders = sorted((ROOT / "domains").glob("hasnet-domain-*"))
    rows = [HEAD, ("---",) * len(HEAD), *(row(open_domain(folder)) for folder in folders)]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in rows)


def main() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    start = re.escape(f"| {' | '.join(HEAD)} |")
    changed, count = re.subn(rf"{start}\n(\|.*\n)*", lambda _: table() + "\n", text)
    if not count:
        raise SystemExit(f"{DOCUMENT} has no table that begins with {HEAD}.")
    with replacing(DOCUMENT) as file:
        file.write(changed.encode())
    print(table())


if __name__ == "__main__":
    main()
