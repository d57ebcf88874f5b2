"""The same avatars in torch and in onnxruntime: how far apart, over all installed domains.

    python tools/compare_runtimes.py PHOTO ... [--domain NAME ...] [-o sheet.jpg]

Prints for each domain the greatest difference of X_RT and X_TT (in -1..1) and of the avatar before
its medium (in levels of 0..255), over all photos. With -o a sheet: a row a photo, torch's and
onnxruntime's avatar side by side for each domain.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.avatar.layer import layer_of
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.avatar.steps import Steps
from hasnet_models.plugins import Domain, discover
from hasnet_models.sheet import caption_cell, sheet

RUNTIMES = ("torch", "onnx")


class Watched:
    """A runtime that keeps what its networks gave last."""

    def __init__(self, runtime) -> None:
        self.runtime, self.x_rt, self.x_tt = runtime, None, None

    def __getattr__(self, name: str):
        return getattr(self.runtime, name)

    def recolour(self, *arguments):
        found = self.runtime.recolour(*arguments)
        self.x_rt = found[1]
        return found

    def redraw(self, *arguments):
        self.x_tt = self.runtime.redraw(*arguments)
        return self.x_tt


def watched(runtime: str) -> AvatarPipeline:
    """The pipeline of a runtime."""
    pipeline = AvatarPipeline.load("cpu", runtime=runtime)
    pipeline.runtime = Watched(pipeline.runtime)
    return pipeline


def apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(np.float64) - b).max())


def in_medium(steps: Steps, domain: Domain) -> np.ndarray:
    layer = layer_of(Look(), domain)
    return layer.on_face(steps.x_tt, steps) if layer else steps.x_tt


def main() -> None:
    """Print the differences, and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--domain", action="append", default=[])
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    domains = [d for d in discover().domains if not options.domain or d.name in options.domain]
    pipelines = {name: watched(name) for name in RUNTIMES}
    faces = [pipelines["onnx"].crop(image_io.read(photo))[0] for photo in options.photos]
    rows = [[face.crop] for face in faces]
    print(f"{'':12} {'X_RT':>9} {'X_TT':>9}  levels  share of values that differ")
    for domain in domains:
        found = []
        for face, row in zip(faces, rows, strict=True):
            reference = domain.references[0]
            steps = [pipelines[n].render(face, reference, domain) for n in RUNTIMES]
            torch, onnx = (pipelines[n].runtime for n in RUNTIMES)
            pictures = [one.x_tt for one in steps]
            found.append(
                (
                    apart(torch.x_rt, onnx.x_rt), apart(torch.x_tt, onnx.x_tt), apart(*pictures),
                    float((pictures[0] != pictures[1]).mean()),
                )
            )  # fmt: skip
            row += [in_medium(one, domain) for one in steps]
        x_rt, x_tt, levels, share = np.max(found, axis=0)
        print(f"{domain.name:12} {x_rt:9.2g} {x_tt:9.2g}  {levels:6.0f}  {share:.5f}", flush=True)
    if options.output:
        names = [f"{d.name} {runtime}" for d in domains for runtime in RUNTIMES]
        heads = [caption_cell(name, 192) for name in ("photo", *names)]
        image_io.write(sheet([heads, *rows], 192), options.output)


if __name__ == "__main__":
    main()
