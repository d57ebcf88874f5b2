"""An evaluation without networks: a judge that looks at pixels alone.

Run as a script it is `hasnet` with that judge, the domains of a folder and a pipeline without
networks: `python tests/eval_fakes.py DOMAINS eval ...`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from fakes import FakePipeline

from hasnet_cli import factory
from hasnet_models import palette
from hasnet_models.data.pictures import read_face
from hasnet_models.evaluation import content, features, inputs, judge
from hasnet_models.evaluation.systems import catalogue, reinhard, source
from hasnet_models.plugins import Domain, Registry
from hasnet_models.plugins.domain import DataFile
from hasnet_models.plugins.reference import Reference, save_references

SIDE = 32
NAMES = ("blue", "photo", "red")


@dataclass(frozen=True, eq=False)
class FakeView:
    judge: FakeJudge
    rgb: np.ndarray

    @cached_property
    def z_ids(self):
        return {name: self.rgb.reshape(-1)[:24] + 1.0 for name in self.judge.embedders}

    @cached_property
    def palette(self):
        return palette.extract(self.rgb)

    @cached_property
    def layers(self):
        x = torch.from_numpy(self.rgb.astype(np.float32)).permute(2, 0, 1)[None] + 1
        return {layer: x for layer in content.LAYERS}

    points = None


class FakeJudge:
    """The place of `judge.Judge`; a feature is the mean of a channel."""

    embedders = ("pixels",)

    def __init__(self, device=None, feature_file=None):
        self.features = features.FeatureModule("means", lambda rgb, _layers: rgb.mean((0, 1)))

    def view(self, rgb):
        return FakeView(self, rgb[:SIDE, :SIDE] if len(rgb) > SIDE else _grown(rgb))


class FakeAligner:
    def face(self, path: Path) -> np.ndarray:
        return read_face(path, SIDE)


class Slow(source.Source):
    """A peer that takes its time, so that it can be killed on the way."""

    name = "slow"

    def make(self, sample):
        time.sleep(0.05)
        return sample.source


def make_domains(folder: Path) -> tuple[Domain, ...]:
    """Installed domains of the names of `nano.make_folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for i, name in enumerate(NAMES):
        z_id = np.eye(192, dtype=np.float32)[i]
        colours = np.full((20, 3), 40 * i, np.uint8)
        path = folder / f"{name}.safetensors"
        save_references(path, [Reference(f"{name}-01", colours, z_id)])
        found.append(Domain(name, name, "test", DataFile(path)))
    return tuple(found)


def install(patch, domains: Path, peers) -> None:
    """Put the fakes into the command line.

    Args:
        patch: called with (object, name, value).
        domains: a folder for their files.
        peers: the systems beside hasnet.
    """
    registry = Registry(make_domains(domains))
    patch(judge, "Judge", FakeJudge)
    patch(inputs, "Aligner", FakeAligner)
    patch(catalogue, "peers", lambda: list(peers))
    patch(factory, "find_domains", lambda: registry)
    patch(factory, "load_pipeline", lambda *_args, **_options: FakePipeline())


def _grown(rgb: np.ndarray) -> np.ndarray:
    return np.kron(rgb, np.ones((SIDE // len(rgb), SIDE // len(rgb), 1), np.uint8))


if __name__ == "__main__":
    from hasnet_cli.main import main

    install(setattr, Path(sys.argv[1]), [source.Source(), Slow(), reinhard.Reinhard()])
    sys.exit(main(sys.argv[2:]))
