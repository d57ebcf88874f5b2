"""Write the sha256 of a plugin's data files into its `domain.toml`; run it after they change.

    python tools/seal_domain.py domains/hasnet-domain-sketch ...

`references.safetensors` must be there; `head.safetensors` gets its table where it is.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

TABLES = ("references", "head")


def seal(package: Path) -> str:
    """The manifest of the package folder, with fresh [references] and [head] tables."""
    manifest = (package / "domain.toml").read_text(encoding="utf-8")
    head_of_file = manifest.split("\n[", 1)[0].rstrip()
    tables = [_table(package, name) for name in TABLES if _file(package, name).exists()]
    return "\n\n".join([head_of_file, *tables]) + "\n"


def _file(package: Path, name: str) -> Path:
    return package / f"{name}.safetensors"


def _table(package: Path, name: str) -> str:
    file = _file(package, name)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return f'[{name}]\nfile = "{file.name}"\nsha256 = "{digest}"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plugins", nargs="+", type=Path)
    for plugin in parser.parse_args().plugins:
        for manifest in sorted(plugin.glob("*/domain.toml")):
            if not _file(manifest.parent, "references").exists():
                parser.error(f"{manifest.parent} has no references.safetensors")
            manifest.write_text(seal(manifest.parent), encoding="utf-8")
            print(manifest)


if __name__ == "__main__":
    main()
