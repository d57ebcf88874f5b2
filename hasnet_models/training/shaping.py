"""X_RT as an entry wants it: in a shape, and with the colours of a face where they lie on it.

A source meets a reference of another domain in that domain's shape; one of a pair goes to its
target's own points; one that is its own reference, and a face without a mesh, stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hasnet_models.config.schema import TTConfig
from hasnet_models.data.faces import FaceSet
from hasnet_models.networks.appearance import lay
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.networks.warp import warp
from hasnet_models.topology import appearance, shape
from hasnet_models.topology.anime import anime_shape
from hasnet_models.topology.flow import TRAINING_GRID, flow
from hasnet_models.topology.mean_face import mirrored
from hasnet_models.training.augment import affine_points
from hasnet_models.training.entries import MIXED, PAIRED, SAME, Entry
from hasnet_models.training.vectors import usable

# domains whose shape was measured otherwise than by meshes
MEASURED: Mapping[str, Callable[[], shape.Shape]] = {"anime": anime_shape}
# (domain's, own) weights in the shape to aim at, where they are not the usual ones
WEIGHTS = {"caricature": (0.0, shape.CARICATURE_OWN_WEIGHT)}
# of the face that is laid on, before it is enlarged; the map itself has 48 px
LAID_SIDE = 64
LEAST_FACES = 3

Points = np.ndarray


@dataclass(frozen=True)
class Guide:
    """What is done to one X_RT; None where nothing is.

    Attributes:
        flow: float32 (2, 32, 32), see :func:`hasnet_models.topology.flow.flow`.
        face: float32 (64, 64, 3) in 0..255, the colours to lay on.
        mask: float32 (64, 64), where.
    """

    flow: np.ndarray | None = None
    face: np.ndarray | None = None
    mask: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class DomainMap:
    """The mean appearance of a domain's faces, uint8 (48, 48, 3), and their spread (48, 48)."""

    mean: np.ndarray
    spread: np.ndarray


class Shaping:
    """Warps X_RT and lays colours on it, where the configuration has them.

    Args:
        faces: those of which the domains' shapes and mean maps are taken.
    """

    def __init__(self, faces: FaceSet, config: TTConfig) -> None:
        self.config = config
        self.shapes = domain_shapes(faces) if config.shape else {}
        self.maps = domain_maps(faces) if config.appearance else {}

    def guide(self, faces: FaceSet, entry: Entry, seed: Sequence[int], strength: float) -> Guide:
        """What an entry wants; ``seed`` and ``strength`` are those of the source's affine map."""
        points = points_of(faces, entry.source, flip=entry.source_flip)
        if entry.kind == SAME or points is None:
            return Guide()
        if entry.kind == MIXED:
            points = affine_points(points, strength, seed)
        goal = self._goal(faces, entry, points) if self.config.shape else None
        found = None if goal is None else flow(points, goal, TRAINING_GRID)
        colours = self._map(faces, entry) if self.config.appearance else None
        if colours is None:
            return Guide(found)
        at = points if goal is None else goal
        face = appearance.placed(colours, at, LAID_SIDE)
        return Guide(found, face, appearance.face_mask(at, LAID_SIDE))

    def _goal(self, faces: FaceSet, entry: Entry, points: Points) -> Points | None:
        if entry.kind == PAIRED:
            return points_of(faces, entry.reference, flip=entry.reference_flip)
        aim, domain = self._aim(faces, entry), faces.domain(entry.reference)
        if aim is None:
            return None
        strength = entry.strength * shape.STRENGTHS.get(domain, shape.STRENGTH)
        return shape.target(points, aim, self.shapes.get(faces.domain(entry.source)), strength)

    def _aim(self, faces: FaceSet, entry: Entry) -> shape.Shape | None:
        domain = faces.domain(entry.reference)
        whole = self.shapes.get(domain)
        if not entry.own_shape or faces.mesh(entry.reference)[1] < shape.OWN_SCORE:
            return whole
        own = shape.face_shape(points_of(faces, entry.reference, flip=entry.reference_flip))
        weights = WEIGHTS.get(domain, (shape.DOMAIN_WEIGHT, shape.OWN_WEIGHT))
        return shape.mixed_shape(np.zeros_like(own) if whole is None else whole, own, *weights)

    def _map(self, faces: FaceSet, entry: Entry) -> np.ndarray | None:
        """The reference's map, without what is foreign to its domain, or the domain's."""
        if entry.kind != MIXED:
            return None
        whole = self.maps.get(faces.domain(entry.reference))
        if usable(faces.vectors["meshes"][entry.reference]) is None:
            found = whole and whole.mean
        else:
            found = faces.vectors["maps"][entry.reference]
            found = appearance.believed(found, whole.mean, whole.spread) if whole else found
        if found is None:
            return None
        found = appearance.evenly_lit(found)
        return found[:, ::-1] if entry.reference_flip else found


def apply(x_rt: Tensor, guides: Sequence[Guide], entries: Sequence[Entry]) -> Tensor:
    """X_RT (B, 3, S, S) warped, then with colours laid on; rows without a guide stay to the bit."""
    x = warped(x_rt, guides)
    if laid := [i for i, g in enumerate(guides) if g.face is not None]:
        x = x.clone()
        x[laid] = lay(x[laid], *_colours([guides[i] for i in laid], [entries[i] for i in laid], x))
    return x


def warped(x: Tensor, guides: Sequence[Guide]) -> Tensor:
    """(B, C, S, S), each by its flow, where there is one."""
    moved = [i for i, g in enumerate(guides) if g.flow is not None]
    if not moved:
        return x
    flows = torch.from_numpy(np.stack([guides[i].flow for i in moved])).to(x.device)
    x = x.clone()
    x[moved] = warp(x[moved], flows)
    return x


def _colours(
    guides: Sequence[Guide], entries: Sequence[Entry], like: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The faces and masks to lay on, with the strengths that the entries drew."""
    faces = to_tensor(np.stack([g.face for g in guides]), like.device)
    masks = torch.from_numpy(np.stack([g.mask for g in guides])[:, None]).to(like.device)
    draws = [[e.chroma for e in entries], [e.pattern for e in entries]]
    chroma, pattern = like.new_tensor(draws)[:, :, None, None, None]
    return faces, masks, chroma, pattern


def points_of(faces: FaceSet, index: int, *, flip: bool) -> Points | None:
    """The points (468, 3) of a face, of its mirrored picture with ``flip``; None: no mesh."""
    points = usable(faces.vectors["meshes"][index])
    return mirrored(points) if flip and points is not None else points


def domain_shapes(faces: FaceSet) -> dict[str, shape.Shape]:
    """The shape of each domain that has enough meshes, or that was measured."""
    found = {}
    for domain, members in faces.by_domain.items():
        meshes = [p for p in map(usable, faces.vectors["meshes"][members]) if p is not None]
        if domain in MEASURED:
            found[domain] = MEASURED[domain]()
        elif len(meshes) >= LEAST_FACES:
            found[domain] = shape.domain_shape([shape.face_shape(p) for p in meshes])
    return found


def domain_maps(faces: FaceSet) -> dict[str, DomainMap]:
    """The appearance of each domain that has enough meshes."""
    found = {}
    for domain, members in faces.by_domain.items():
        good = [i for i in members if usable(faces.vectors["meshes"][i]) is not None]
        if len(good) >= LEAST_FACES:
            maps = faces.vectors["maps"][good]
            mean = appearance.mean_map(maps)
            found[domain] = DomainMap(mean, appearance.spread(maps, mean))
    return found
