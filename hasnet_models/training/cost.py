"""What a training step costs, known before it runs: parameters, arithmetic, memory.

One step is run on torch's "meta" device, where tensors have shapes but no numbers. The arithmetic
is what torch's flop registry knows: convolutions and matrix products, forward and backward, a
multiply-add counting as two; everything else (resampling, activations, Adam) is left out. The
memory is what a run holds for long plus the most that autograd keeps at once; the allocator's
slack and the convolutions' own buffers come on top.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from hasnet_models.config.frozen import EMBEDDING_SIZE
from hasnet_models.config.schema import Preset
from hasnet_models.data.faces import FaceSet
from hasnet_models.data.index import FaceRecord
from hasnet_models.networks.identity import MobileFaceNet
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.palette import COLOURS
from hasnet_models.training.rt_stage import RTStage
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.targets import row_bytes
from hasnet_models.training.tt_stage import TTStage
from hasnet_models.training.vectors import FROM_MESHES, MESH_SHAPE, PERSON_SHAPE

META = torch.device("meta")
FACES_A_DOMAIN = 1


@dataclass(frozen=True)
class SizeCost:
    """Cost of an average step at one output size; ``activations`` in bytes."""

    size: int
    flops: float
    activations: int


@dataclass(frozen=True)
class Cost:
    """What training takes, for one process.

    Attributes:
        parameters: count by network; ``trained`` of G's.
        held: bytes that stay allocated, by what they are for.
        steps: one entry an output size.
    """

    parameters: dict[str, int]
    batch: int
    held: dict[str, int]
    steps: tuple[SizeCost, ...]

    @property
    def memory(self) -> int:
        """Estimated bytes at the most expensive size."""
        return sum(self.held.values()) + max(s.activations for s in self.steps)


def estimate(
    stage: str, preset: Preset, faces: int, domain: str | None = None, on_gpu: bool = False
) -> Cost:
    """The cost of a stage ("rt" or "tt"), without data and without weights.

    Args:
        faces: how many there are to train on.
        domain: as for a head, which is trained at one size.
        on_gpu: entries are then made for every step, as the trainer does there.
    """
    if stage == "rt":
        return _rendering(preset)
    c = preset.tt_train
    pool = 0 if on_gpu else c.pool
    if domain:
        size = c.head_size or preset.tt.finest
        c = dataclasses.replace(c, domain=domain, head_size=size)
    sizes = (c.head_size,) if domain else c.sizes
    # the pool's steady state is put together from its parts: filling it would take minutes
    made = dataclasses.replace(preset, tt_train=dataclasses.replace(c, pool=0, warmup_images=0))
    blank = _blank_faces(preset, max(preset.tt.content_size, *c.sizes))
    stages = [topology_at(size, made, blank, Runtime(META)) for size in sizes]
    saved = (c.batch - min(c.pool_renew, c.batch)) if pool else 0
    steps = [_size_cost(s, size, saved) for s, size in zip(stages, sizes, strict=True)]
    held = _held(stages[-1]) | {"feature cache, at most": _cache_bytes(stages[-1], faces)}
    if pool:
        held["pool"] = pool * _entry_bytes(stages[-1])
    return Cost(_parameters(stages[-1]), c.batch, held, tuple(steps))


def _rendering(preset: Preset) -> Cost:
    blank = _blank_faces(preset, preset.rt_train.size)
    stage = RTStage(preset, blank, blank, Runtime(META))
    with _activations(stage.net, stage.d) as peak:
        flops = _count(stage.advance)
    step = SizeCost(preset.rt_train.size, flops, peak.most)
    return Cost(_parameters(stage), preset.rt_train.batch, _held(stage), (step,))


def topology_at(size: int, preset: Preset, faces: FaceSet, runtime: Runtime) -> TTStage:
    """Stage II with random networks, as it is when it has grown to ``size`` px.

    The features of all targets are in the cache, as in a long run.
    """
    with runtime.device:
        frozen = (RTNet(preset.rt), VGGFeatures(), MobileFaceNet())
    frozen = tuple(n.eval().requires_grad_(False) for n in frozen)
    stage = TTStage(preset, faces, faces, runtime, frozen)
    c = preset.tt_train
    stage.images = (0, *c.size_images)[c.sizes.index(size)] + c.warmup_images
    if c.feature_cache_mb:
        stage.targets([(i, flip) for i in range(len(faces)) for flip in (False, True)], size)
    return stage


def _blank_faces(preset: Preset, side: int) -> FaceSet:
    domains = preset.tt.domains or ("photo", "other")
    records = [FaceRecord(d, f"{d}/{i}.png", "") for d in domains for i in range(FACES_A_DOMAIN)]
    images = np.broadcast_to(np.zeros((), np.uint8), (len(records), side, side, 3))
    return FaceSet(records, images, blank_vectors(len(records)))


def blank_vectors(count: int) -> dict[str, np.ndarray]:
    """Vectors of all kinds, all zero: faces without a mesh."""
    kinds = {
        "palettes": ("uint8", (COLOURS, 3)),
        "z_ids": ("float32", (EMBEDDING_SIZE,)),
        "meshes": ("float32", MESH_SHAPE),
        "persons": ("uint8", PERSON_SHAPE),
        **{name: (kind.dtype, kind.shape) for name, kind in FROM_MESHES.items()},
    }
    return {name: np.zeros((count, *shape), dtype) for name, (dtype, shape) in kinds.items()}


def _size_cost(stage: TTStage, size: int, saved: int) -> SizeCost:
    """Mean over the steps of one period of the lazy losses; each kind of step is counted once."""
    c = stage.config
    entry = _count(lambda: _entry(stage))
    every = (c.r1_every, c.contextual_every, c.identity_every)
    kinds = Counter(tuple(n % e == 0 for e in every) for n in range(math.lcm(*every)))
    most, total = 0, 0.0
    for kind, count in kinds.items():
        stage.step_number = _number_of(kind, every)
        with _activations(stage.net, stage.d) as peak:
            total += count * _count(stage.advance)
        most = max(most, peak.most)
    return SizeCost(size, total / sum(kinds.values()) - saved * entry, most)


def _number_of(kind: tuple[bool, ...], every: tuple[int, ...]) -> int:
    """The first step of that kind."""
    return next(n for n in itertools.count() if tuple(n % e == 0 for e in every) == kind)


class _Flops(TorchDispatchMode):
    """Adds up the arithmetic. torch's own counter cannot follow R1's second differentiation."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        flops = flop_registry.get(func._overloadpacket)
        if flops:
            self.total += flops(*args, **(kwargs or {}), out_val=out)
        return out


def _count(run: Callable[[], object]) -> float:
    with _Flops() as counter:
        run()
    return float(counter.total)


def _parameters(stage: RTStage | TTStage) -> dict[str, int]:
    found = {"generator": _size(stage.net), "discriminator": _size(stage.d)}
    found["trained of the generator"] = sum(p.numel() for p in stage.opt.parameters)
    return found


def _size(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def _held(stage: RTStage | TTStage) -> dict[str, int]:
    """float32 bytes: weights, averaged weights, and gradient and Adam's two for the trained."""
    trained = sum(p.numel() for p in stage.opt.parameters)
    networks = 2 * _size(stage.net) + 3 * trained + 4 * _size(stage.d)
    return {"networks and optimisers": 4 * networks}


def _cache_bytes(stage: TTStage, faces: int) -> int:
    each = [row_bytes(row) for row in stage.targets.kept.values()][:1]
    return min(stage.targets.limit, 2 * faces * sum(each))


def _entry(stage: TTStage) -> tuple[Tensor, dict[str, Tensor]]:
    return stage.make_entries([stage.pool.sampler(0)], stage.entry_side)


def _entry_bytes(stage: TTStage) -> int:
    x_rt, content = _entry(stage)
    return row_bytes({name: t.half() for name, t in {"x_rt": x_rt, **content}.items()})


class _Peak:
    """The most bytes that were kept at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.uses: Counter[int] = Counter()


class _Kept:
    """A tensor that autograd saved; what shares its memory is counted once."""

    def __init__(self, tensor: Tensor, peak: _Peak) -> None:
        self.tensor, self.peak = tensor, peak
        self.key = tensor.untyped_storage()._cdata
        self.bytes = tensor.untyped_storage().nbytes()
        peak.uses[self.key] += 1
        if peak.uses[self.key] == 1:
            peak.now += self.bytes
            peak.most = max(peak.most, peak.now)

    def __del__(self) -> None:
        self.peak.uses[self.key] -= 1
        if not self.peak.uses[self.key]:
            self.peak.now -= self.bytes


@contextmanager
def _activations(*nets: nn.Module) -> Iterator[_Peak]:
    """Follows what autograd saves for the backward pass, the weights of ``nets`` apart."""
    peak = _Peak()
    own = {p.untyped_storage()._cdata for net in nets for p in net.parameters()}

    def pack(tensor: Tensor) -> object:
        weight = tensor.untyped_storage()._cdata in own
        return tensor if weight else _Kept(tensor, peak)

    def unpack(kept: object) -> Tensor:
        return kept.tensor if isinstance(kept, _Kept) else kept

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield peak
