"""All compared systems, in the order of the table."""

from __future__ import annotations

from hasnet_models.evaluation.systems.adain import AdaIN
from hasnet_models.evaluation.systems.base import System
from hasnet_models.evaluation.systems.deep_analogy import DeepAnalogy
from hasnet_models.evaluation.systems.dstn import DSTN
from hasnet_models.evaluation.systems.magenta import StyleTransferLite
from hasnet_models.evaluation.systems.reinhard import Reinhard
from hasnet_models.evaluation.systems.sanet import SANet
from hasnet_models.evaluation.systems.source import Source
from hasnet_models.evaluation.systems.wct import WCT


def peers() -> list[System]:
    """Those that are not hasnet."""
    return [
        Source(), Reinhard(), StyleTransferLite(), DSTN(), AdaIN(), WCT(), SANet(), DeepAnalogy(),
    ]  # fmt: skip
