"""Choose a domain's references and write their vectors (never a picture) to one file.

    python tools/make_references.py FACES_DIR sketch OUT/references.safetensors

See `hasnet_models.authoring.references`, which does it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hasnet_models.authoring.references import make_references
from hasnet_models.authoring.selection import COUNT
from hasnet_models.errors import HasnetError

LICENCE = "non-commercial research use"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("domain")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--licence", default=LICENCE)
    parser.add_argument("--boxes", type=Path, help="of anime faces' parts, a JSON file")
    options = parser.parse_args()
    try:
        references = make_references(**vars(options))
    except HasnetError as error:
        parser.error(str(error))
    print(f"{len(references)} references -> {options.out}")


if __name__ == "__main__":
    main()
