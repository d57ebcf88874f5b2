"""From a checkpoint to weights that can be shipped: averaged, half precision, with their origin."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from torch import Tensor

from hasnet_models.config.build import to_dict
from hasnet_models.data.faces import FaceSet
from hasnet_models.networks.tt_net import head_tensors
from hasnet_models.training.rt_stage import RTStage
from hasnet_models.training.tt_stage import TTStage
from hasnet_models.version import __version__
from hasnet_models.weights import load

RT_FILE, TT_FILE = "rt_net.safetensors", "tt_net.safetensors"
D_FILE = "tt_discriminator.safetensors"
LICENCE = "non-commercial research use (derived from the training pictures)"

PACKAGE = Path(__file__).resolve().parents[1]


def export(stage: RTStage | TTStage, folder: Path, domain: str | None = None) -> list[Path]:
    """Write the averaged weights of a stage into a folder.

    Stage I gives RT-Net; stage II gives TT-Net and its discriminator, or with ``domain`` a head:
    the tensors that ``head_from`` chose.

    Returns:
        The files written.
    """
    state = stage.ema.net.state_dict()
    if isinstance(stage, RTStage):
        return [_write(stage, folder / RT_FILE, state, to_dict(stage.preset.rt))]
    config = to_dict(dataclasses.replace(stage.preset.tt, trained_size=stage.size))
    if domain:
        head = head_tensors(state, stage.preset.tt.resolutions, stage.config.head_from)
        path = folder / f"{domain}-head.safetensors"
        # the base's own configuration, word for word: a head is refused beside any other base
        load.save_state(path, head, {**origin(stage, config), "domain": domain, **stage.base})
        return [path]
    d = _write(stage, folder / D_FILE, stage.d.state_dict(), to_dict(stage.config))
    return [_write(stage, folder / TT_FILE, state, config), d]


def _write(
    stage: RTStage | TTStage, path: Path, state: dict[str, Tensor], config: dict[str, Any]
) -> Path:
    load.save_state(path, state, origin(stage, config))
    return path


def origin(stage: RTStage | TTStage, config: dict[str, Any]) -> dict[str, str]:
    """Metadata of a weight file: what it is, what it was trained on and under which terms."""
    return {
        "config": json.dumps(config),
        "stage": stage.name,
        "images": str(stage.images),
        "data": json.dumps(domain_sizes(stage.faces)),
        "licence": LICENCE,
        "version": __version__,
        "commit": commit(),
    }


def domain_sizes(faces: FaceSet) -> dict[str, int]:
    """How many training pictures each domain has."""
    return dict(sorted(Counter(r.domain for r in faces.records).items()))


def commit(package: Path = PACKAGE) -> str:
    """The git commit of hasnet's own source tree where it runs from one, else "".

    An installed package may lie in an environment inside somebody else's tree.

    Args:
        package: the folder of `hasnet_models`.
    """
    folder = package.resolve().parent
    command = ["git", "rev-parse", "--show-toplevel", "HEAD"]
    try:
        found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        top, head = found.stdout.splitlines()
    except (OSError, ValueError, subprocess.CalledProcessError):
        return ""
    return head if Path(top).resolve() == folder else ""
