"""Which of the mesh's 468 points are what. Left and right are the viewer's.

The numbers are MediaPipe's; each outline runs once around.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
EYES = (LEFT_EYE, RIGHT_EYE)

LEFT_BROW = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
RIGHT_BROW = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)
BROWS = (LEFT_BROW, RIGHT_BROW)

OUTER_LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
INNER_LIPS = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324),
    *(308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)
LIPS = OUTER_LIPS + INNER_LIPS
MOUTH_CORNERS = (61, 291)

NOSE_TIP = 4
NOSE = (
    *(195, 5, NOSE_TIP, 1, 19, 94, 2),
    *(98, 97, 326, 327, 64, 294, 129, 358, 48, 278, 115, 344),
)
BRIDGE = (168, 6, 197)
CHEEKS = (50, 280, 117, 346, 205, 425, 187, 411)

CHIN = 152
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, CHIN, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)

FOREHEAD = (151, 9, 8, 108, 337, 69, 299)

# Points that no expression moves: forehead, bridge, corners of the eyes, temples and cheekbones.
RIGID = (
    *FOREHEAD,
    *(168, 6, 197, 195, 5, NOSE_TIP),
    *(33, 133, 263, 362),
    *(234, 454, 127, 356, 93, 323, 132, 361, 50, 280, 117, 346),
)

# Those that a warp holds on to.
CONTROL = np.array(
    [*FACE_OVAL, *LIPS, *LEFT_EYE, *RIGHT_EYE, *LEFT_BROW, *RIGHT_BROW, *NOSE, *BRIDGE, *CHEEKS]
)


def flat(points: ArrayLike) -> NDArray[np.float64]:
    """x and y (468, 2) of a mesh, no further from the frame than the frame is wide.

    Raises:
        ValueError: they are not finite.
    """
    outline = np.asarray(points, np.float64)[:, :2]
    if not np.isfinite(outline).all():
        raise ValueError("the points of the face are not finite")
    return outline.clip(-1, 2)
