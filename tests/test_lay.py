"""A reference's appearance laid over X_RT."""

import pytest
import torch

from hasnet_models.networks.appearance import keep_tone, lay, mean_over
from hasnet_models.networks.colour import to_lab


def pictures(side=32, reach=0.5):
    """X_RT, a face at another size and a soft mask; no colour near the gamut's border."""
    g = torch.Generator().manual_seed(0)
    x = (torch.rand(2, 3, side, side, generator=g) - 0.5) * reach
    face = (torch.rand(2, 3, 16, 16, generator=g) - 0.5) * reach
    mask = torch.zeros(2, 1, 16, 16)
    mask[..., 4:12, 4:12] = torch.rand(2, 1, 8, 8, generator=g)
    return x, face, mask


def test_outside_the_mask_nothing_changes():
    x, face, mask = pictures()
    assert torch.equal(lay(x, face, mask * 0), x)
    out = lay(x, face, mask)
    assert torch.equal(out[..., :6, :], x[..., :6, :])
    torch.testing.assert_close(out[..., 6:8, :6], x[..., 6:8, :6], atol=1e-5, rtol=0)
    assert (out - x).abs().amax() > 0.05


def test_the_face_keeps_its_mean_lightness_and_takes_the_pattern():
    x, face, mask = pictures(16, 0.3)
    before, after = to_lab(x), to_lab(lay(x, face, mask, pattern=1.0))
    added = after[:, :1] - before[:, :1]
    torch.testing.assert_close(added.sum((2, 3)), torch.zeros(2, 1), atol=0.02, rtol=0)
    wanted = to_lab(face)[:, :1]
    wanted = mask * (wanted - mean_over(wanted, mask))
    torch.testing.assert_close(added, wanted, atol=0.01, rtol=0)


def test_dark_and_light_faces_get_the_same_pattern():
    _, face, mask = pictures()
    dark, light = (torch.full((2, 3, 16, 16), v) for v in (-0.4, 0.4))
    added = [to_lab(lay(x, face, mask))[:, 0] - to_lab(x)[:, 0] for x in (dark, light)]
    torch.testing.assert_close(*added, atol=0.02, rtol=0)


@pytest.mark.parametrize("chroma", [0.0, 0.5, 1.0])
def test_chroma_goes_as_far_as_asked(chroma):
    x, face, _ = pictures(16, 0.3)
    out = to_lab(lay(x, face, torch.ones(2, 1, 16, 16), chroma, 0.0))
    wanted = to_lab(x)[:, 1:].lerp(to_lab(face)[:, 1:], chroma)
    torch.testing.assert_close(out[:, 1:], wanted, atol=0.02, rtol=0)
    torch.testing.assert_close(out[:, :1], to_lab(x)[:, :1], atol=0.02, rtol=0)


def test_rows_of_a_batch_have_strengths_of_their_own():
    x, face, mask = pictures()
    strengths = torch.tensor([0.0, 0.8]).view(2, 1, 1, 1)
    out = lay(x, face, mask, strengths, strengths)
    torch.testing.assert_close(out[0], x[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(out[1:], lay(x[1:], face[1:], mask[1:], 0.8, 0.8))


def test_colours_beyond_the_screen_stay_in_range_and_finite():
    x, face, mask = pictures(reach=2.0)
    out = lay(x, face * 4, mask.ceil(), 1.0, 3.0)
    assert out.isfinite().all() and out.abs().max() <= 1
    raw = lay(x * 4, face, torch.ones_like(mask), 0.5)
    assert raw.isfinite().all() and raw.abs().max() <= 1


def test_broad_tone_comes_back_and_strokes_stay():
    stripes = (torch.arange(64) % 2 * 0.2 - 0.1).expand(1, 3, 64, 64)
    x_rt, x_tt = torch.full((1, 3, 64, 64), -0.5), 0.3 + stripes
    kept = keep_tone(x_tt, x_rt, torch.ones(1, 1, 8, 8), 0.75)
    assert kept.mean().item() == pytest.approx(0.25 * 0.3 + 0.75 * -0.5, abs=1e-4)
    assert kept.std().item() == pytest.approx(x_tt.std().item(), rel=1e-3)


def test_tone_outside_the_face_is_not_touched():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:6, 2:6] = 1
    x_rt, x_tt = torch.full((1, 3, 64, 64), -0.5), torch.full((1, 3, 64, 64), 0.5)
    kept = keep_tone(x_tt, x_rt, mask, 1.0)
    assert (kept[..., :8, :] == 0.5).all() and kept[..., 28:36, 28:36].mean() < -0.45
    assert (keep_tone(x_tt, x_rt, mask, 0.0) == x_tt).all()
