"""Write the sha256 of a plugin's data files into its `domain.toml`; run it after they change.

    python tools/seal_domain.py domains/hasnet-domain-sketch ...

See `hasnet_models.plugins.seal`, which does it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hasnet_models.errors import HasnetError
from hasnet_models.plugins.seal import seal_plugin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plugins", nargs="+", type=Path)
    for plugin in parser.parse_args().plugins:
        try:
            print(*seal_plugin(plugin), sep="\n")
        except HasnetError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
