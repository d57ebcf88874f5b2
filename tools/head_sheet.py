"""Draw what a domain's head changes: photos before (the base network) and after (with the head).

    python tools/head_sheet.py me.jpg --domain sketch --head runs/tt-sketch/sketch-head.safetensors

Columns: source, X_RT, X_TT of the base with the domain's code, X_TT with the head. A row for each
photo and reference. Without --head it is the head of the installed domain.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from hasnet_models import image_io
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.plugins import DataFile, Domain, discover
from hasnet_models.sheet import caption_cell, sheet

COLUMNS = ("source", "X_RT", "base", "head")


def rows(
    pipeline: AvatarPipeline, photo: str, domain: Domain, headless: Domain, count: int
) -> list[list]:
    """One row a reference."""
    face = pipeline.crop(image_io.read(photo))[0]
    found = []
    for reference in domain.references[:count]:
        before = pipeline.render(face, reference, headless)
        after = pipeline.render(face, reference, domain)
        found.append([before.source, before.x_rt, before.x_tt, after.x_tt])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--domain", action="append", required=True)
    parser.add_argument("--head", type=Path, help="of the one domain")
    parser.add_argument("--references", type=int, default=2)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("-o", "--output", default="head-sheet.png")
    options = parser.parse_args()
    if options.head and len(options.domain) > 1:
        parser.error("--head is for one --domain")
    pipeline, installed = AvatarPipeline.load("cpu"), discover()
    cells = [[caption_cell(name, options.side) for name in COLUMNS]]
    for name in options.domain:
        domain = installed.get(name)
        headless = dataclasses.replace(domain, head_file=None)
        if options.head:
            domain = dataclasses.replace(domain, head_file=DataFile(options.head))
        for photo in options.photos:
            cells += rows(pipeline, photo, domain, headless, options.references)
    image_io.write(sheet(cells, options.side), Path(options.output))


if __name__ == "__main__":
    main()
