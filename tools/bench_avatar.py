"""Time of one avatar: cold (a new process) and warm (networks loaded), and where it goes.

    python tools/bench_avatar.py [--photo examples/astronaut.png] [--runs 10] [--threads 2]

Prints medians in seconds; the last column is the share of the warm total.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from hasnet_models import image_io
from hasnet_models.avatar import shaping
from hasnet_models.avatar.look import APPEARANCE, Look
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.search import locate
from hasnet_models.networks import colour
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.networks.tt_net import content_features
from hasnet_models.plugins import discover
from hasnet_models.topology.zones import zone_maps


def median(run: Callable[[], object], runs: int) -> float:
    """Median seconds of a call, after one that does not count."""
    run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def cold(photo: Path, domain: str) -> float:
    """Seconds of `hasnet avatar` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hasnet_cli", "avatar", str(photo), "--domain", domain]
        start = time.perf_counter()
        subprocess.run([*command, "-o", f"{folder}/out.png"], check=True, capture_output=True)
        return time.perf_counter() - start


@torch.inference_mode()
def parts(pipeline: AvatarPipeline, photo: Path, domain_name: str, runs: int) -> dict[str, float]:
    """Median seconds of each step of a warm avatar."""
    domain = discover().get(domain_name)
    reference = domain.references[0]
    picture = image_io.read(photo)
    aligned, _ = locate(picture, FaceChoice(), pipeline.detector)
    face = pipeline.geometry.known(aligned)
    gray = colour.lightness(to_tensor(face.crop[None]))
    x_rt = pipeline.recoloured(gray, [face], [reference])
    guide = shaping.guide(face, reference, domain, Look())
    x_warp, person = shaping.shaped(x_rt, [guide])
    x_map = shaping.coloured(x_warp, [guide], APPEARANCE)
    content = content_features(pipeline.vgg, x_map, pipeline.tt.config)
    z_id = torch.from_numpy(reference.z_id)[None]
    steps = {
        "read": lambda: image_io.read(photo),
        "detect and align": lambda: locate(picture, FaceChoice(), pipeline.detector),
        "z_id of the source": lambda: pipeline.embed(face.crop),
        "geometry": lambda: pipeline.geometry.known(aligned),
        "  mesh": lambda: pipeline.geometry.meshes.find(face.crop),
        "  person": lambda: pipeline.geometry.persons.mask(face.crop),
        "  zones": lambda: zone_maps(face.mesh.points, face.person),
        "RT-Net": lambda: pipeline.recoloured(gray, [face], [reference]),
        "shape, flow, map": lambda: shaping.guide(face, reference, domain, Look()),
        "warp": lambda: shaping.shaped(x_rt, [guide]),
        "lay the map": lambda: shaping.coloured(x_warp, [guide], APPEARANCE),
        "VGG": lambda: content_features(pipeline.vgg, x_map, pipeline.tt.config),
        "TT-Net": lambda: pipeline.tt(x_map, content, z_id, person=person),
        "face to avatar": lambda: pipeline.render(face, reference, domain),
    }
    return {name: median(run, runs) for name, run in steps.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=Path("examples/astronaut.png"))
    parser.add_argument("--domain", default="sketch")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = parts(AvatarPipeline.load("cpu"), options.photo, options.domain, options.runs)
    total = sum(found[name] for name in list(found)[:4]) + found["face to avatar"]
    for name, seconds in found.items():
        print(f"{name:20} {seconds:7.3f}  {seconds / total:6.1%}")
    print(f"{'warm total':20} {total:7.3f}")
    print(f"{'cold process':20} {cold(options.photo, options.domain):7.3f}")


if __name__ == "__main__":
    main()
