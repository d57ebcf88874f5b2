"""The kinds of animation: a loop's values, and the frame of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from hasnet_models.animation import blinking, morphing, turning
from hasnet_models.animation.names import BLINK, MORPH, TURN
from hasnet_models.animation.scene import Pixels, Scene

# Each has `values()`, one a frame, and `frame(scene, value)`.
KINDS: Mapping[str, ModuleType] = {BLINK: blinking, TURN: turning, MORPH: morphing}


def frames_of(scene: Scene, kind: str) -> list[Pixels]:
    """The frames of a loop, uint8 (S, S, 3) each, `timing.DELAY_MS` apart; equal ones are one."""
    module, drawn = KINDS[kind], {}
    for value in (values := module.values()):
        if value not in drawn:
            drawn[value] = module.frame(scene, value)
    return [drawn[value] for value in values]
