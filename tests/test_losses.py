"""The losses against slow literal versions and by their meaning."""

import math

import pytest
import torch

from hasnet_models.training import losses
from hasnet_models.training.contextual import contextual_similarity


def literal_cx(x, y, h):
    """Mechrez et al. 2018, equations 2 to 5, one number at a time; x, y are lists of vectors."""
    mean = [sum(v[k] for v in y) / len(y) for k in range(len(y[0]))]

    def unit(v):
        centred = [a - m for a, m in zip(v, mean, strict=True)]
        length = math.sqrt(sum(a * a for a in centred))
        return [a / length for a in centred]

    x, y = [unit(v) for v in x], [unit(v) for v in y]
    table = []
    for u in x:
        d = [1 - sum(a * b for a, b in zip(u, v, strict=True)) for v in y]
        w = [math.exp((1 - v / (min(d) + 1e-5)) / h) for v in d]
        table.append([v / sum(w) for v in w])
    return sum(max(row[j] for row in table) for j in range(len(y))) / len(y)


def test_contextual_similarity_equals_the_literal_formula():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(2, 5, 3, 4, generator=g, dtype=torch.float64)
    y = torch.randn(2, 5, 4, 2, generator=g, dtype=torch.float64)
    found = contextual_similarity(x, y, 0.5)
    for i in range(2):
        rows = (x[i].flatten(1).t().tolist(), y[i].flatten(1).t().tolist())
        assert found[i].item() == pytest.approx(literal_cx(*rows, 0.5), abs=1e-9)


def test_contextual_similarity_of_equal_pictures_is_one_whatever_the_order():
    x = torch.randn(1, 16, 4, 4)
    shuffled = x.flatten(2)[:, :, torch.randperm(16)].view_as(x)
    assert contextual_similarity(x, x).item() == pytest.approx(1, abs=1e-3)
    assert contextual_similarity(shuffled, x).item() == pytest.approx(1, abs=1e-3)
    assert contextual_similarity(torch.randn_like(x), x).item() < 0.7


def test_contextual_loss_sums_the_layers():
    x = {n: torch.randn(2, 4, 3, 3) for n in "ab"}
    y = {n: torch.randn(2, 4, 3, 3) for n in "ab"}
    parts = [losses.contextual({n: x[n]}, y) for n in "ab"]
    torch.testing.assert_close(losses.contextual(x, y), parts[0] + parts[1])


def test_tone_counts_the_face_and_only_where_it_is_asked_for():
    x_rt = torch.zeros(2, 3, 32, 32)
    face, corner = x_rt.clone(), x_rt.clone()
    face[..., 14:22, 12:20] = 1
    corner[..., :8, :8] = 1
    mixed = torch.tensor([1.0, 0.0])
    assert losses.tone(face, x_rt, mixed) > 50 * losses.tone(corner, x_rt, mixed)
    assert losses.tone(face, x_rt, torch.zeros(2)) == 0
    # detail within a cell is free
    texture = torch.ones(2, 3, 32, 32)
    texture[..., ::2] = -1
    assert losses.tone(texture, x_rt, mixed).item() == pytest.approx(0, abs=1e-9)


def test_tone_lets_the_light_change_a_little_and_the_colour_not():
    x_rt, all_mixed = torch.zeros(1, 3, 32, 32), torch.ones(1)
    grey, tint = x_rt + 0.2, x_rt + torch.tensor([0.3, -0.15, 0.0])[:, None, None]
    assert losses.tone(grey, x_rt, all_mixed) == 0
    assert losses.tone(x_rt + 0.5, x_rt, all_mixed).item() == pytest.approx(0.0625, rel=1e-3)
    assert losses.tone(tint, x_rt, all_mixed) > 0.01
    half = x_rt.clone()
    half[..., 16:] = 0.4  # as bright on the whole as grey, but on one side only
    assert losses.tone(half, x_rt, all_mixed) > 0.005


def test_reconstruction_counts_only_the_same_image():
    x, y = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    assert losses.reconstruction(x, y, torch.tensor([1.0, 0.0])).item() == pytest.approx(0.25)
    assert losses.reconstruction(x, y, torch.zeros(2)).item() == 0


def test_huber_counts_only_own_palettes():
    x, y = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    y[1] = 9
    assert losses.huber(x, y, torch.tensor([True, False])).item() == pytest.approx(0.5)
    assert losses.huber(x, y, torch.tensor([False, False])).item() == 0


def test_identity_is_zero_for_the_same_and_two_for_opposite():
    z = torch.nn.functional.normalize(torch.randn(3, 8))
    assert losses.identity(z, z).item() == pytest.approx(0, abs=1e-6)
    assert losses.identity(z, -z).item() == pytest.approx(2, abs=1e-6)


def test_adversarial_losses_are_low_where_the_discriminator_is_right():
    good, bad = torch.full((2, 3, 3), 4.0), torch.full((2, 3, 3), -4.0)
    assert losses.logistic_d(good, bad) < 0.1 < losses.logistic_d(bad, good)
    assert losses.hinge_d(good, bad) == 0 < losses.hinge_d(bad, good)
    assert losses.logistic_g(good) < losses.logistic_g(bad)
    assert losses.hinge_g(good) < losses.hinge_g(bad)


def test_r1_is_half_the_squared_gradient():
    images = torch.randn(2, 3, 4, 4, requires_grad=True)
    logits = (3 * images.sum((1, 2, 3)))[:, None, None]
    assert losses.r1_penalty(logits, images).item() == pytest.approx(0.5 * 9 * 48)


def test_smoothness_is_zero_for_a_shift():
    assert losses.smoothness(torch.full((1, 2, 4, 4), 0.3)).item() == 0
    assert losses.smoothness(torch.randn(1, 2, 4, 4)).item() > 0.1


def test_paired_is_blind_to_what_half_resolution_hides():
    x = torch.zeros(1, 1, 4, 4)
    checker = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(2, 2)[None, None]
    assert losses.paired(x, checker, torch.ones(1)).item() == 0
    assert losses.paired(x, x + 1, torch.ones(1)).item() == 1
    assert losses.paired(x, x + 1, torch.zeros(1)).item() == 0
