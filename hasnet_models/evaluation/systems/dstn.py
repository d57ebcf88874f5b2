"""DSTN (Hong et al. 2021): how far the style goes depends on how artistic the reference is."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from hasnet_models.evaluation.systems.feature_space import FeatureSpace, normalised, statistics_of
from hasnet_models.evaluation.systems.wct import coloured


class DSTN(FeatureSpace):
    """The learned domainness is replaced by how unlike the textures of both pictures are."""

    name = "DSTN"
    note = (
        "DSTN: in place of the learned indicator, domainness is the distance of the two pictures' "
        "Gram matrices; it mixes whitening and colouring (far) with AdaIN (near); the "
        "skip connections of the published decoder are left out."
    )

    def transfer(self, content: Tensor, style: Tensor) -> Tensor:
        alpha = domainness(content, style)
        return alpha * coloured(content, style) + (1 - alpha) * statistics_of(content, style)


def domainness(content: Tensor, style: Tensor) -> float:
    """1 - cosine of the correlations of channels, 0 for the same texture to 1.

    Args:
        content, style: (1, C, H, W).
    """
    grams = [_correlations(features) for features in (content, style)]
    return float((1 - F.cosine_similarity(*grams, dim=0)).clamp(0, 1))


def _correlations(features: Tensor) -> Tensor:
    flat = normalised(features)[0].flatten(1)
    return (flat @ flat.T / flat.shape[1]).flatten()
