"""AdaIN (Huang and Belongie 2017): the mean and deviation of each channel of relu4_1."""

from __future__ import annotations

from torch import Tensor

from hasnet_models.evaluation.systems.feature_space import FeatureSpace, statistics_of


class AdaIN(FeatureSpace):
    """As published, but for the encoder (VGG16) and the decoder, which is trained for
    reconstruction and not on its own results."""

    name = "AdaIN"
    note = "AdaIN: VGG16 in place of VGG19; the shared decoder learned reconstruction alone."

    def transfer(self, content: Tensor, style: Tensor) -> Tensor:
        return statistics_of(content, style)
