"""Avatars by tiny networks: the whole way of a picture, but no picture worth a look."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from hasnet_models.avatar.job import Job
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.avatar.request import Request
from hasnet_models.face.choice import ALIGNED, FaceChoice
from hasnet_models.face.types import Face
from hasnet_models.image_io import Photo
from hasnet_models.networks.identity import MobileFaceNet
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tt_net import TTNet
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.plugins import Domain, Registry
from hasnet_models.runtimes.torch_runtime import TorchRuntime
from hasnet_models.testing.tiny import preset

SIDE = 128


class _Blind:
    """A detector that finds no face; an aligned picture needs none."""

    def detect(self, rgb: np.ndarray) -> list[Face]:
        return []


class Tiny:
    """Seeded networks of some thousand weights (their features and z_ids are of full size)."""

    @cached_property
    def pipeline(self) -> AvatarPipeline:
        """As `AvatarPipeline.load` gives it, on the CPU."""
        config = preset()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layers = VGGFeatures("vgg16", config.tt.content_layer)
            nets = (RTNet(config.rt), TTNet(config.tt), layers, MobileFaceNet())
        rt, tt, vgg, identity = (net.eval().requires_grad_(False) for net in nets)
        return AvatarPipeline(TorchRuntime(torch.device("cpu"), rt, tt, vgg, identity), _Blind())

    def avatar(self, domain: Domain, reference: str = "1") -> np.ndarray:
        """An avatar of a blurred picture: its colours, shape, zones and medium are all used.

        Args:
            domain: its head is checked, but tiny networks cannot take it.

        Returns:
            uint8 (512, 512, 3).

        Raises:
            HasnetError: as making any avatar of the domain would.
        """
        if domain.head is not None:
            runtime = self.pipeline.runtime
            assert isinstance(runtime, TorchRuntime)
            runtime.heads[domain.head] = runtime.tt
        request = Request(domain=domain.name, reference=reference, face=FaceChoice(ALIGNED))
        job = Job.start(request, Registry((domain,)), lambda *_: self.pipeline, lambda _: None)
        return job.make(Photo(_picture())).array


def _picture() -> np.ndarray:
    """Soft blobs, uint8 (128, 128, 3)."""
    from hasnet_models.opencv import cv2

    few = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(few, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
