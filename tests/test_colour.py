"""Lab lightness and jitter."""

import math

import pytest
import torch

from hasnet_models.networks import colour


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [((0, 0, 0), 0), ((255, 255, 255), 100), ((119, 119, 119), 50.03), ((255, 0, 0), 53.24)],
)
def test_lightness_is_cie_l(rgb, expected):
    x = torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1) / 127.5 - 1
    assert ((colour.lightness(x) + 1) * 50).item() == pytest.approx(expected, abs=0.02)


def test_jitter_of_picture_and_palette_is_the_same_map():
    x = torch.rand(2, 3, 4, 4) * 2 - 1
    maps = (torch.tensor([0.7, -2.0]), torch.tensor([1.4, 0.2]), torch.tensor([0.8, 1.3]))
    picture = colour.jitter(x, *maps)
    palette = colour.jitter(x.flatten(2).transpose(1, 2), *maps, dim=2)
    torch.testing.assert_close(picture.flatten(2).transpose(1, 2), palette)


def test_hue_turn_keeps_grey_and_comes_round():
    grey = torch.full((1, 3, 1, 1), 0.3)
    one = torch.ones(1)
    torch.testing.assert_close(colour.jitter(grey, one, one, one), grey)
    third = colour.jitter(torch.tensor([0.4, 0.0, -0.1]).view(1, 3, 1, 1), one * 0, one, one)
    full = colour.jitter(third, one * 2 * math.pi, one, one)
    torch.testing.assert_close(full, third, atol=1e-5, rtol=0)


def test_no_saturation_is_grey():
    x = torch.rand(1, 3, 2, 2) * 2 - 1
    one = torch.ones(1)
    out = colour.jitter(x, one, one * 0, one)
    torch.testing.assert_close(out, out.mean(1, keepdim=True).expand_as(out))


# CIE Lab of sRGB's corners under D65, as published
CORNERS = {
    (255, 255, 255): (100, 0, 0),
    (0, 0, 0): (0, 0, 0),
    (255, 0, 0): (53.24, 80.09, 67.20),
    (0, 255, 0): (87.73, -86.18, 83.18),
    (0, 0, 255): (32.30, 79.19, -107.86),
    (119, 119, 119): (50.03, 0, 0),
}


@pytest.mark.parametrize(("rgb", "expected"), CORNERS.items())
def test_lab_of_known_colours(rgb, expected):
    x = torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1) / 127.5 - 1
    found = colour.to_lab(x)
    assert found.flatten().tolist() == pytest.approx(expected, abs=0.05)
    assert ((colour.lightness(x) + 1) * 50).item() == pytest.approx(found[0, 0].item(), abs=1e-9)


def test_lab_and_back_is_the_same_colour():
    steps = torch.linspace(-1, 1, 18)
    x = torch.cartesian_prod(steps, steps, steps).T.reshape(1, 3, 54, 108)
    torch.testing.assert_close(colour.from_lab(colour.to_lab(x)), x, atol=2e-5, rtol=0)


def test_colours_that_no_screen_has_are_clamped():
    lab = torch.tensor([50.0, 120.0, -120.0]).view(1, 3, 1, 1)
    assert colour.from_lab(lab).abs().max() <= 1
    assert colour.from_lab(lab * 10).isfinite().all()
