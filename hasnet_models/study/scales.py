"""The four questions of the study, each answered by a whole number from 1 to 10."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hasnet_models.errors import UsageError

LOWEST, HIGHEST = 1, 10


@dataclass(frozen=True)
class Scale:
    """One question.

    Attributes:
        name: its column in the file of answers.
        title: its column in Table 1.
        question: what a participant reads.
    """

    name: str
    title: str
    question: str


# The words follow the paper's Section 4.4, (a) to (d).
SCALES = (
    Scale("topology", "Topology", "Are eyes, nose, mouth and face line like the reference's?"),
    Scale("content", "Content", "Are pose, expression, hair and background still the source's?"),
    Scale("colour", "Colour", "Are the colours the reference's, all over the picture?"),
    Scale("preference", "Preference", "Do you like the result as a whole?"),
)


def checked(scores: Sequence[int]) -> tuple[int, ...]:
    """A score for each scale.

    Raises:
        UsageError: one is missing, too many, or out of range.
    """
    if len(scores) != len(SCALES) or any(not LOWEST <= score <= HIGHEST for score in scores):
        raise UsageError(f"An item has {len(SCALES)} scores of {LOWEST} to {HIGHEST} each.")
    return tuple(scores)
