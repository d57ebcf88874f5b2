"""Pixels to tensors and back."""

import numpy as np
import pytest
import torch

from hasnet_models.networks.tensors import to_pixels, to_signed, to_tensor


def test_every_level_comes_back():
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    x = to_tensor(levels)
    assert x.shape == (1, 3, 16, 16) and x.dtype == torch.float32
    assert (x.min(), x.max()) == (-1, 1)
    assert np.array_equal(to_pixels(x), levels)


def test_channels_and_rows_keep_their_places():
    picture = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 3), dtype=np.uint8)
    x = to_tensor(picture[:, ::-1])  # a view with negative strides, as a flipped picture is
    assert x.shape == (2, 3, 3, 5)
    assert torch.equal(x[1, 2], to_signed(picture[1, ::-1, :, 2]))


def test_palettes_keep_their_shape():
    palette = np.full((2, 20, 3), 255, np.uint8)
    assert torch.equal(to_signed(palette), torch.ones(2, 20, 3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_what_leaves_the_range_is_clamped_and_levels_are_rounded(dtype):
    x = torch.tensor([-7.0, -1, 0, 1, 9], dtype=dtype, requires_grad=True)
    pixels = to_pixels(x.view(1, 1, 1, 5).expand(1, 3, 1, 5))
    assert pixels[0, 0, :, 1].tolist() == [0, 0, 128, 255, 255]
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
