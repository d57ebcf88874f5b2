"""The networks of one avatar beside the arithmetic that they cannot do without.

    python tools/bench_networks.py [--photo examples/astronaut.png] [--domain sketch] [--runs 9]

The calls of one avatar are made again in onnxruntime, turn by turn with a convolution of 64 to 64
channels, 3 x 3, 128 px, which shows what the processor reaches. An operation's limit is the
arithmetic of its convolutions and products of matrices, as `torch.utils.flop_counter` counts them
in the modules, at that rate. Medians; processor time beside the clock, as on a busy machine the
clock says little. "named" is what an avatar of a reference that is named needs: all but z_id.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from torch.utils.flop_counter import FlopCounterMode

from hasnet_models import image_io
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.benchmark.parts import limit_threads
from hasnet_models.plugins import discover
from hasnet_models.runtimes.sessions import open_bound
from hasnet_models.runtimes.torch_runtime import TorchRuntime

NETWORKS = ("embed", "recolour", "redraw")
CHANNELS, SIDE = 64, 128
CONVOLUTION_FLOPS = 2 * CHANNELS**2 * 9 * SIDE**2
PORTRAIT = Path(__file__).parents[1] / "examples" / "astronaut.png"


class Noted:
    """A runtime that keeps the arguments of its networks' calls."""

    def __init__(self, runtime: Any) -> None:
        self.runtime, self.calls = runtime, {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.runtime, name)
        if name not in NETWORKS:
            return method

        def noting(*arguments: Any) -> Any:
            self.calls[name] = arguments
            return method(*arguments)

        return noting


def calls_of(photo: Path, domain: str) -> tuple[Any, dict[str, tuple]]:
    """The runtime, and what an avatar asks of its networks."""
    pipeline = AvatarPipeline.load("cpu", runtime="onnx")
    noted = pipeline.runtime = Noted(pipeline.runtime)
    face, _ = pipeline.crop(image_io.read(photo))
    chosen = discover().get(domain)
    pipeline.embed(face.crop)
    pipeline.render(face, chosen.references[0], chosen)
    return noted.runtime, noted.calls


def flops_of(calls: dict[str, tuple]) -> dict[str, int]:
    """Multiplications and additions of each call, by torch's modules."""
    runtime = TorchRuntime.load("cpu")
    found = {}
    for name, arguments in calls.items():
        with FlopCounterMode(display=False) as counter:
            getattr(runtime, name)(*arguments)
        found[name] = counter.get_total_flops()
    return found


def convolution(threads: int) -> Callable[[], object]:
    """A call of onnxruntime with nothing in it but arithmetic."""
    shape = [1, CHANNELS, SIDE, SIDE]
    weights = np.ones((CHANNELS, CHANNELS, 3, 3), np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    constant = [onnx.numpy_helper.from_array(weights, "w")]
    graph = helper.make_graph([node], "convolution", value[:1], value[1:], constant)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = open_bound(model.SerializeToString(), {}, threads, "convolution")
    x = np.ones(shape, np.float32)
    return lambda: session.run(None, {"x": x})


def medians(runs: int, calls: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """Seconds of each call by the clock and of the processor, all of them in turn."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for number in range(runs + 1):
        for name, call in calls.items():
            start = time.perf_counter(), time.process_time()
            call()
            took = time.perf_counter() - start[0], time.process_time() - start[1]
            if number:  # the first one warms up
                samples[name].append(took)
    return {n: tuple(map(statistics.median, zip(*s, strict=True))) for n, s in samples.items()}


def main() -> None:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photo", type=Path, default=PORTRAIT)
    parser.add_argument("--domain", default="sketch")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    limit_threads(options.threads)
    runtime, calls = calls_of(options.photo, options.domain)
    flops = flops_of(calls)
    again = {name: lambda name=name: getattr(runtime, name)(*calls[name]) for name in calls}
    took = medians(options.runs, again | {"convolution": convolution(options.threads)})
    rate = [CONVOLUTION_FLOPS / seconds for seconds in took.pop("convolution")]
    print(f"a convolution: {rate[0] / 1e9:.0f} GFLOP/s by the clock, {rate[1] / 1e9:.0f} by the"
          f" processor, {options.threads} threads")  # fmt: skip
    print(f"{'':10} {'GFLOP':>6} {'limit ms':>8} {'ms':>6} {'times':>6} {'cpu ms':>7} {'times':>6}")
    for total, parts in {"named": NETWORKS[1:], "together": NETWORKS}.items():
        took[total] = tuple(map(sum, zip(*(took[name] for name in parts), strict=True)))
        flops[total] = sum(flops[name] for name in parts)
    for name, (clock, processor) in took.items():
        limit, limit_cpu = (flops[name] / one for one in rate)
        columns = 1000 * limit, 1000 * clock, clock / limit, 1000 * processor, processor / limit_cpu
        shown = "{:8.1f} {:6.1f} {:6.2f} {:7.1f} {:6.2f}".format(*columns)
        print(f"{name:10} {flops[name] / 1e9:6.2f} {shown}")


if __name__ == "__main__":
    main()
