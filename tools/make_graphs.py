"""Derive the graphs of the ONNX runtime from the torch modules.

    python tools/make_graphs.py

To be run when `hasnet_models/networks` or the configuration of the embedded weights has changed;
a test says so. Needs the package `onnx`.
"""

from __future__ import annotations

from pathlib import Path

import hasnet_models
from hasnet_models.export.graphs import make_graphs
from hasnet_models.weights.load import load_rt, load_tt, load_vgg

FOLDER = Path(hasnet_models.__file__).parent / "runtimes" / "graphs"


def main() -> None:
    """Write the graphs and their index."""
    make_graphs(FOLDER, load_rt().config, load_tt().config, load_vgg())
    for file in sorted(FOLDER.iterdir()):
        print(f"{file.name:16}{file.stat().st_size:9,} bytes")


if __name__ == "__main__":
    main()
