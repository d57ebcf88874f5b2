"""Draw what domains make of the example portrait: a sheet each, a gallery, all in one picture.

    python tools/make_gallery.py                  all of tools/domains.toml
    python tools/make_gallery.py night nir        the sheets of some

Sheets lie in the domains' folders; docs/gallery.md and docs/worlds.jpg are made of all domains.
`tools/make_domain.py --gallery` writes the packages first.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from hasnet_models import image_io
from hasnet_models.atomic import replacing
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import Request
from hasnet_models.errors import HasnetError
from hasnet_models.plugins import Domain, Registry
from hasnet_models.plugins.folder import open_domain
from hasnet_models.plugins.template import SHEET
from hasnet_models.sheet import caption_cell, sheet

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PORTRAIT = ROOT / "examples" / "astronaut.png"
FACTS = Path(__file__).with_name("domains.toml")
GALLERY, WORLDS = ROOT / "docs" / "gallery.md", ROOT / "docs" / "worlds.jpg"
LIKEST = "likest"
OTHERS = 4  # references beside the likest
SIDE, WORLDS_WIDTH = 224, 1400
QUALITY = 82
INTRODUCTION = """# Gallery

The example portrait (NASA, public domain) in every domain of this repository: first by the
reference that is most like it, which is what `hasnet avatar` takes, then by four others, evenly
spread over all; none is chosen by its look. `tools/make_gallery.py` draws this page.
"""

Draw = Callable[[str, str], Portrait]


def folder_of(name: str) -> Path:
    """Of a domain's plugin."""
    return ROOT / "domains" / f"hasnet-domain-{name}"


def facts() -> dict[str, dict]:
    """What `tools/domains.toml` says of each domain."""
    return tomllib.loads(FACTS.read_text(encoding="utf-8"))


def drawing() -> Draw:
    """What makes the portrait's avatar by a domain and one of its references.

    Raises when called:
        HasnetError: the domain or the reference is not there or broken.
    """
    load = functools.lru_cache(maxsize=1)(AvatarPipeline.load)
    photo = image_io.read(PORTRAIT)

    @functools.cache
    def draw(name: str, reference: str) -> Portrait:
        request = Request(domain=str(folder_of(name)), reference=reference, device="cpu")
        job = Job.start(request, Registry(), lambda *how: load(*how), print)
        return job.make(photo)

    return draw


def spread_names(domain: Domain, shown: str, count: int = OTHERS) -> list[str]:
    """Names of references, evenly over all but one that is shown already, if there are others."""
    names = [name for name in domain.reference_names if name != shown] or [shown]
    return [names[(2 * i + 1) * len(names) // (2 * count)] for i in range(count)]


def draw_sheet(name: str, draw: Draw) -> Path:
    """Write a domain's sheet: the face, and its avatars by the likest and some other references."""
    first = draw(name, LIKEST)
    others = spread_names(open_domain(folder_of(name)), first.metadata["reference"])
    made = [first, *(draw(name, reference) for reference in others)]
    cells = [made[0].steps.source, *(one.array for one in made)]
    return _write(sheet([cells], SIDE), folder_of(name) / SHEET)


def draw_worlds(names: Sequence[str], draw: Draw) -> Path:
    """Write one picture: the face and its avatar of each domain, two rows with titles."""
    known = facts()
    made = {name: draw(name, known[name].get("shown", LIKEST)) for name in names}
    cells = [("source", made[names[0]].steps.source)]
    cells += [(name, one.array) for name, one in made.items()]
    columns = -(-len(cells) // 2)
    side = WORLDS_WIDTH // columns - 2
    rows = [_titled(row, columns, side) for row in (cells[:columns], cells[columns:])]
    return _write(np.concatenate(rows), WORLDS)


def write_gallery(names: Sequence[str]) -> Path:
    """Write the page of all domains from what is known of them and lies in their folders."""
    known = facts()
    parts = [INTRODUCTION]
    for name in names:
        domain, folder = open_domain(folder_of(name)), f"../domains/{folder_of(name).name}"
        head = "a head of its own" if domain.head_file else "the base network"
        parts.append(
            f"## {name}: {domain.title}\n\n![{domain.title}]({folder}/{SHEET})\n\n"
            f"{known[name]['word'].strip()}\n\n{len(domain.reference_names)} references, {head}; "
            f"{domain.licence} ([origin]({folder}/ORIGIN.md)).\n"
        )
    with replacing(GALLERY) as file:
        file.write("\n".join(parts).encode())
    return GALLERY


def make_gallery(names: Sequence[str]) -> list[Path]:
    """The sheets of some domains; of all, the gallery and the picture of all too.

    Raises:
        HasnetError: a domain is not there or broken, or weights are missing.
    """
    draw = drawing()
    written = [draw_sheet(name, draw) for name in names]
    if set(names) == set(facts()):
        written += [draw_worlds(list(facts()), draw), write_gallery(list(facts()))]
    return written


def _titled(cells: Sequence[tuple[str, np.ndarray]], columns: int, side: int) -> np.ndarray:
    """A row of pictures over a row of their titles, white where there are fewer than columns."""
    none: list[np.ndarray | None] = [None] * (columns - len(cells))
    pictures = sheet([[picture for _, picture in cells] + none], side)
    titles = sheet([[caption_cell(title, side) for title, _ in cells] + none], side)
    return np.concatenate([pictures, titles[-side // 6 :]])


def _write(pixels: np.ndarray, path: Path) -> Path:
    data = BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=QUALITY, optimize=True)
    with replacing(path) as file:
        file.write(data.getvalue())
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("domains", nargs="*", help="all without")
    options = parser.parse_args()
    try:
        print(*make_gallery(options.domains or list(facts())), sep="\n")
    except HasnetError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
