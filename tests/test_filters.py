"""Edge-preserving filters and warps."""

import pytest
import torch
from torch.nn import functional as F

from hasnet_models.networks.filters import flat, guided
from hasnet_models.networks.warp import warp


def test_planes_are_enlarged_along_the_edges_of_the_guide():
    guide = torch.zeros(1, 1, 64, 64)
    guide[..., 29:] = 1
    small = torch.nn.functional.adaptive_avg_pool2d(guide, 8)
    planes = torch.cat((3 * small - 1, 0 * small + 0.5), 1)
    out = guided(planes, guide)
    torch.testing.assert_close(out[:, :1], 3 * guide - 1, atol=0.25, rtol=0)
    torch.testing.assert_close(out[:, 1:], torch.full_like(guide, 0.5))
    plain = torch.nn.functional.interpolate(planes, size=64, mode="bilinear")
    assert (plain[:, :1] - (3 * guide - 1)).abs().max() > 1
    assert torch.equal(guided(planes, small), planes)


def step(side, noise=0.0):
    """A dark and a light half with an edge in the middle, and noise."""
    g = torch.Generator().manual_seed(0)
    x = torch.full((1, 3, side, side), -0.5)
    x[..., side // 2 :] = 0.5
    return x + noise * torch.randn(x.shape, generator=g)


def test_flat_evens_a_noisy_plane_and_keeps_an_edge():
    out, rough = flat(step(64, 0.03)), step(64, 0.03)
    assert out[..., 4:26].std() < 0.35 * rough[..., 4:26].std()
    rise = (out[..., 32] - out[..., 31]).mean()
    assert rise > 0.9
    coarse = F.interpolate(F.adaptive_avg_pool2d(rough, 16), size=64, mode="bilinear")
    assert rise > 3 * (coarse[..., 32] - coarse[..., 31]).mean()


@pytest.mark.parametrize("side", [128, 256, 512])
def test_flat_edges_are_as_sharp_at_any_size(side):
    out = flat(step(side))
    half = side // 2
    assert (out[..., half] - out[..., half - 1]).min() > 0.75


def test_flat_of_a_larger_picture_is_the_larger_flat_picture():
    g = torch.Generator().manual_seed(0)
    x = F.interpolate(torch.rand(1, 3, 12, 12, generator=g) * 2 - 1, size=512, mode="bicubic")
    smaller = F.adaptive_avg_pool2d(flat(x), 128)
    found = flat(F.adaptive_avg_pool2d(x, 128))
    assert (smaller - found).abs().mean() < 0.005
    assert (F.adaptive_avg_pool2d(x, 128) - found).abs().mean() > 0.01


def test_flat_leaves_a_constant_and_does_not_overshoot():
    plane = torch.full((2, 3, 32, 32), 0.3)
    torch.testing.assert_close(flat(plane), plane)
    assert flat(step(96)).abs().max() <= 0.5 + 1e-4


def test_no_flow_leaves_the_picture():
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(warp(x, torch.zeros(1, 2, 4, 4)), x, atol=1e-5, rtol=1e-4)


def test_flow_moves_by_fractions_of_the_frame():
    x = torch.rand(1, 1, 16, 16)
    flow = torch.zeros(1, 2, 4, 4)
    flow[:, 0] = 1 / 16
    torch.testing.assert_close(warp(x, flow)[..., :-1], x[..., 1:], atol=1e-5, rtol=1e-4)


def test_a_flow_serves_pictures_of_any_size():
    g = torch.Generator().manual_seed(0)
    flow = torch.randn(1, 2, 8, 8, generator=g) * 0.025
    x = F.interpolate(torch.rand(1, 3, 6, 6, generator=g), size=256, mode="bicubic")
    small = warp(F.adaptive_avg_pool2d(x, 64), flow)
    assert (F.adaptive_avg_pool2d(warp(x, flow), 64) - small).abs().mean() < 0.01
