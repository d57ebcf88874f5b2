"""Time of one avatar: cold (a new process) and warm (networks loaded), and where it goes.

    python tools/bench_avatar.py [--photo examples/astronaut.png] [--runs 10] [--threads 2]

Prints medians in seconds; the last column is the share of the warm total. The last line is the
medium's time as a share of the networks', the median of pairs taken one after the other, which
tells something on a busy machine too.
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
from hasnet_models.avatar import shaping, wishes
from hasnet_models.avatar.layer import layer_of
from hasnet_models.avatar.look import APPEARANCE, Look
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.face.align import resized
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.search import locate
from hasnet_models.networks import colour
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.networks.tt_net import content_features
from hasnet_models.opencv import cv2
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
    wish = wishes.wish(face, Look())
    x_rt = pipeline.recoloured(gray, [reference], [wish])
    guide = shaping.guide(face, reference, domain, Look())
    x_warp, person = shaping.shaped(x_rt, [guide])
    x_map = shaping.coloured(x_warp, [guide], APPEARANCE)
    content = content_features(pipeline.vgg, x_map, pipeline.tt.config)
    z_id = torch.from_numpy(reference.z_id)[None]
    drawn, layer = pipeline.render(face, reference, domain), layer_of(Look(), domain)
    steps = {
        "read": lambda: image_io.read(photo),
        "detect and align": lambda: locate(picture, FaceChoice(), pipeline.detector),
        "z_id of the source": lambda: pipeline.embed(face.crop),
        "geometry": lambda: pipeline.geometry.known(aligned),
        "  mesh": lambda: pipeline.geometry.meshes.find(face.crop),
        "  person": lambda: pipeline.geometry.persons.mask(face.crop),
        "  zones": lambda: zone_maps(face.mesh.points, face.person),
        "RT-Net": lambda: pipeline.recoloured(gray, [reference], [wish]),
        "shape, flow, map": lambda: shaping.guide(face, reference, domain, Look()),
        "warp": lambda: shaping.shaped(x_rt, [guide]),
        "lay the map": lambda: shaping.coloured(x_warp, [guide], APPEARANCE),
        "VGG": lambda: content_features(pipeline.vgg, x_map, pipeline.tt.config),
        "TT-Net": lambda: pipeline.tt(x_map, content, z_id, person=person),
        "face to avatar": lambda: pipeline.render(face, reference, domain),
        "medium": lambda: layer.on_face(drawn.x_tt, drawn) if layer else None,
    }
    return {name: median(run, runs) for name, run in steps.items()}


def ratio(pipeline: AvatarPipeline, photo: Path, domain_name: str, size: int, runs: int) -> float:
    """Median of the medium's time at `size` px over the networks' right before it."""
    domain = discover().get(domain_name)
    face, layer = pipeline.crop(image_io.read(photo))[0], layer_of(Look(), domain)
    if layer is None:
        return 0.0
    shares = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        steps = pipeline.render(face, domain.references[0], domain)
        between = time.perf_counter()
        layer.on_face(resized(steps.x_tt, size), steps)
        shares.append((time.perf_counter() - between) / (between - start))
    return statistics.median(shares[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=Path("examples/astronaut.png"))
    parser.add_argument("--domain", default="sketch")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    pipeline = AvatarPipeline.load("cpu")
    found = parts(pipeline, options.photo, options.domain, options.runs)
    whole = [*list(found)[:4], "face to avatar", "medium"]
    total = sum(found[name] for name in whole)
    for name, seconds in found.items():
        print(f"{name:20} {seconds:7.3f}  {seconds / total:6.1%}")
    print(f"{'warm total':20} {total:7.3f}")
    print(f"{'cold process':20} {cold(options.photo, options.domain):7.3f}")
    for size in (512, 1024, 2048):
        share = ratio(pipeline, options.photo, options.domain, size, options.runs)
        print(f"medium at {size:4} px: {share:.2f} of the networks' time")


if __name__ == "__main__":
    main()
