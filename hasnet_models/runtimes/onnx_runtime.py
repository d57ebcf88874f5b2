"""The operations in onnxruntime, on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from hasnet_models.errors import WeightsError
from hasnet_models.runtimes.contract import OPERATIONS, Pixels, Planes
from hasnet_models.runtimes.graph_files import index, is_for, read_graph
from hasnet_models.runtimes.sessions import open_bound
from hasnet_models.runtimes.window import lay_in_window
from hasnet_models.threads import thread_count
from hasnet_models.weights.files import weight_path
from hasnet_models.weights.state import (
    State,
    check_fit,
    read_metadata,
    read_state,
    tt_state,
)

_NETWORKS = {"identity": "MobileFaceNet", "rt": "RT-Net", "tt": "TT-Net", "vgg": "VGG16"}


class OnnxRuntime:
    """Opens its sessions on a thread of its own, while the caller looks for faces.

    Args:
        threads: of onnxruntime; None for the cores that this process may use.
        embeds: open the network of z_id too, which an avatar of a named reference never needs;
            else it is opened when it is first asked for.

    Raises:
        WeightsError: weights are missing, damaged, or of another network than the graphs.
    """

    name = "onnx"
    device = "cpu"

    def __init__(self, threads: int | None = None, embeds: bool = False) -> None:
        self._threads = threads or thread_count()
        if not graphs_fit():
            raise WeightsError(
                "The weights are those of another network than onnxruntime's graphs.",
                "Use runtime=torch.",
                parameters=("runtime",),
            )
        config = index()["configurations"]["tt"]
        self.domains, self.uses_rt = tuple(config["domains"]), config["use_rt"]
        for file in OPERATIONS["embed"].weights.values():
            weight_path(file)
        # one at a time: beside each other they need 20 MB more, and none is waited for anyway
        self._pool = ThreadPoolExecutor(1, "open")
        self._sessions: dict[tuple[str, Path | None], Future[Any]] = {}
        for name in OPERATIONS:
            if embeds or name != "embed":
                self._open(name)

    def close(self) -> None:
        """Open no more of the networks that nothing was asked of yet."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def embed(self, pictures: Pixels) -> Planes:
        return self._run("embed", pictures)[0]

    def recolour(
        self, pictures: Pixels, lift: Planes, palettes: Pixels, zones: Planes, shares: Planes
    ) -> tuple[Planes, Planes]:
        x_sg, x_rt = self._run("recolour", pictures, lift, palettes, zones, shares)
        return x_sg, x_rt

    def warp(self, planes: Planes, flow: Planes) -> Planes:
        return self._run("warp", planes, flow)[0]

    def lay(
        self, picture: Planes, colours: Pixels, mask: Planes, chroma: float, pattern: float
    ) -> Planes:
        return lay_in_window(
            lambda *inputs: self._run("lay", *inputs)[0], picture, colours, mask, chroma, pattern
        )

    def redraw(
        self, picture: Planes, z_id: Planes, code: Planes, person: Planes, oval: Planes,
        head: Path | None = None,
    ) -> Planes:  # fmt: skip
        features = self._run("content", picture)
        return self._run("redraw", picture, z_id, code, person, oval, *features, head=head)[0]

    def _run(self, name: str, *arguments: Any, head: Path | None = None) -> list[Any]:
        feed = dict(zip(OPERATIONS[name].inputs, map(np.asarray, arguments), strict=True))
        return self._open(name, head).result().run(None, feed)

    def _open(self, name: str, head: Path | None = None) -> Future[Any]:
        """The session of an operation, with a domain's head in place of the base's weights."""
        key = (name, head)
        if key not in self._sessions:
            self._sessions[key] = self._pool.submit(_session, name, head, self._threads)
        return self._sessions[key]


def graphs_fit() -> bool:
    """Whether the graphs of the package are those of the weights that are installed.

    Raises:
        WeightsError: weights are missing or damaged.
    """
    files = {"rt": "rt_net", "tt": "tt_net", "vgg": "vgg16"}
    return is_for({name: read_metadata(f"{file}.safetensors") for name, file in files.items()})


def _session(name: str, head: Path | None, threads: int) -> Any:
    """The session of an operation's graph with its weights."""
    graph = read_graph(name)
    arrays: State = {}
    for part, file in OPERATIONS[name].weights.items():
        arrays |= _weights(part, file, head, graph.weights)
    bound = {one: arrays[one] for one in graph.bound}
    return open_bound(graph.data, bound, threads, name, blocked=OPERATIONS[name].blocked)


def _weights(
    part: str, file: str, head: Path | None, shapes: Mapping[str, tuple[int, ...]]
) -> State:
    """The arrays of a network, with its place in the graph before their names."""
    wanted = {name: shape for name, shape in shapes.items() if name.startswith(f"{part}.")}
    if part == "tt":
        state, _ = tt_state(head=head)
    else:
        # VGG's file has layers beyond those that are used
        used = {name.removeprefix(f"{part}.") for name in wanted} if part == "vgg" else None
        state, _ = read_state(weight_path(file), used)
    state = {f"{part}.{name}": array for name, array in state.items()}
    what = _NETWORKS[part]
    check_fit(wanted, state, what if head is None else f"{what} with the head {head.name}")
    return state
