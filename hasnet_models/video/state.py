"""What a clip's drawer knows after a frame, as arrays: enough to go on from there to the bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from hasnet_models.plugins.reference import Reference
from hasnet_models.video.drawing import Drawer, Sitter
from hasnet_models.video.one_euro import OneEuro
from hasnet_models.video.tracking import Track

Arrays = dict[str, NDArray]
Named = Callable[[str], Reference]

LAYOUT = 2  # of the arrays; work that was kept in another one is done anew
_NUMBERS = ("looked", "score", "weight", "lost", "frames", "wanted", "asleep", "fresh", "cut_in")


def arrays_of(drawer: Drawer) -> tuple[Arrays, dict[str, str]]:
    """The state as arrays, and the names of the references by track."""
    found: Arrays = {"time": np.float64([drawer.tracker.time])}
    _put(found, "cut", drawer.tracker.cuts.before)
    _put(found, "small", drawer.tracker.small)
    _put(found, "resting", drawer.resting)
    for track in drawer.tracker.tracks:
        at = f"track/{track.number}"
        found[f"{at}/numbers"] = np.float64([getattr(track, name) for name in _NUMBERS])
        found[f"{at}/box"], found[f"{at}/z_id"] = track.box, track.z_id
        found[f"{at}/landmarks"] = track.landmarks
        _put_filter(found, f"{at}/corners", track.corners)
    names = {}
    for number, sitter in drawer.sitters.items():
        at = f"sitter/{number}"
        found[at] = np.int64([number, -1 if sitter.seed is None else sitter.seed])
        _put_filter(found, f"{at}/mesh", sitter.mesh)
        _put_filter(found, f"{at}/person", sitter.person)
        _put_filter(found, f"{at}/zones", sitter.zones)
        _put(found, f"{at}/source", sitter.steadier.source)
        _put(found, f"{at}/avatar", sitter.steadier.avatar)
        if sitter.reference is not None:
            names[str(number)] = sitter.reference.name
    return {name: np.ascontiguousarray(array) for name, array in found.items()}, names


def restore(
    drawer: Drawer, found: Mapping[str, NDArray], names: Mapping[str, str], named: Named
) -> None:
    """Bring a new drawer to where another one was.

    Args:
        found, names: from `arrays_of`.
        named: the reference of a name.

    Raises:
        KeyError: the arrays are not those of a state.
    """
    tracker = drawer.tracker
    tracker.time = float(found["time"][0])
    tracker.cuts.before, tracker.small = found.get("cut"), found.get("small")
    drawer.resting = found.get("resting")
    count = sum(name.endswith("/numbers") for name in found)
    tracker.tracks = [_track(found, number) for number in range(count)]
    for at in [name for name in found if name.startswith("sitter/") and name.count("/") == 1]:
        sitter = Sitter()
        _get_filter(found, f"{at}/mesh", sitter.mesh)
        _get_filter(found, f"{at}/person", sitter.person)
        _get_filter(found, f"{at}/zones", sitter.zones)
        sitter.steadier.source = found.get(f"{at}/source")
        sitter.steadier.avatar = found.get(f"{at}/avatar")
        number, seed = found[at].tolist()
        sitter.seed = None if seed < 0 else seed
        sitter.reference = named(names[str(number)]) if str(number) in names else None
        drawer.sitters[number] = sitter


def _track(found: Mapping[str, NDArray], number: int) -> Track:
    at = f"track/{number}"
    track = Track(number, *(found[f"{at}/{one}"] for one in ("box", "landmarks", "z_id")), 0.0)
    for name, value in zip(_NUMBERS, found[f"{at}/numbers"], strict=True):
        setattr(track, name, type(getattr(track, name))(value))
    _get_filter(found, f"{at}/corners", track.corners)
    return track


def _put(found: Arrays, name: str, array: NDArray | None) -> None:
    if array is not None:
        found[name] = array


def _put_filter(found: Arrays, at: str, one: OneEuro) -> None:
    _put(found, f"{at}/value", one.value)
    _put(found, f"{at}/speed", one.speed)
    found[f"{at}/time"] = np.float64([one.time])


def _get_filter(found: Mapping[str, NDArray], at: str, one: OneEuro) -> None:
    one.value, one.speed = found.get(f"{at}/value"), found.get(f"{at}/speed")
    one.time = float(found[f"{at}/time"][0])
