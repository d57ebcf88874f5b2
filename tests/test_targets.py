"""Pictures of the face set as the losses see them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hasnet_models.training.targets import pictures

CPU = torch.device("cpu")
FACES = SimpleNamespace(
    images=np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
)


@pytest.mark.parametrize("size", [24, 12, 8, 1, 10, 16])
def test_pictures_are_means_of_areas(size):
    found = pictures(FACES, [(2, False), (0, True)], size, CPU)
    chosen = np.stack([FACES.images[2], FACES.images[0][:, ::-1]])
    planes = torch.from_numpy(chosen).permute(0, 3, 1, 2) / 127.5 - 1
    torch.testing.assert_close(found, F.interpolate(planes, size=(size, size), mode="area"))


def test_small_pictures_are_enlarged_between_pixels():
    found = pictures(FACES, [(1, False)], 48, CPU)
    planes = torch.from_numpy(FACES.images[1:2].copy()).permute(0, 3, 1, 2) / 127.5 - 1
    wanted = F.interpolate(planes, size=(48, 48), mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, wanted)
