"""AdaIN (Huang and Belongie 2017): the mean and deviation of each channel of relu3_1."""

from __future__ import annotations

from torch import Tensor

from hasnet_models.evaluation.systems.feature_space import FeatureSpace, statistics_of


class AdaIN(FeatureSpace):
    """As published (at relu4_1), but for the layer and the decoder."""

    name = "AdaIN"
    note = (
        "AdaIN, WCT, SANet, DSTN: at relu3_1 of VGG16 in place of relu4_1 and more of VGG19, by "
        "one linear decoder that learned reconstruction alone."
    )

    def transfer(self, content: Tensor, style: Tensor) -> Tensor:
        return statistics_of(content, style)
