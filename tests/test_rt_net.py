"""RT-Net: Eq. 1 to 3, palette attention, sizes."""

import dataclasses

import nano
import pytest
import torch

from hasnet_models.config.load import load_preset
from hasnet_models.config.schema import RTConfig
from hasnet_models.networks import colour
from hasnet_models.networks.rt_net import (
    RTNet,
    Whereabouts,
    bands,
    bring_to,
    colourfulness,
    matched_tones,
    palette_tones,
    picture_tones,
    to_luma,
    zone_prior,
)
from hasnet_models.networks.rtm import RTM, instance_norm
from hasnet_models.topology.zones import ZONES

PLAIN = dataclasses.replace(nano.preset().rt, zones=False)
ZONED = dataclasses.replace(PLAIN, zones=True)


def places(batch=2, side=8, seed=1):
    g = torch.Generator().manual_seed(seed)
    zones = torch.rand(batch, len(ZONES), side, side, generator=g)
    shares = torch.rand(batch, 20, len(ZONES), generator=g).square()
    return zones / zones.sum(1, keepdim=True), shares / shares.sum(1, keepdim=True)


def inputs(batch=2, side=32, seed=0):
    g = torch.Generator().manual_seed(seed)
    gray = torch.rand(batch, 1, side, side, generator=g) * 2 - 1
    return gray, torch.rand(batch, 20, 3, generator=g) * 2 - 1


@pytest.mark.parametrize("attention", [True, False])
def test_output_has_the_pictures_size_and_range(attention):
    config = dataclasses.replace(nano.preset().rt, palette_attention=attention)
    net = RTNet(config).eval()
    for side in (16, 48):
        x = net(*inputs(side=side))
        assert x.shape == (2, 3, side, side)
        assert x.abs().max() <= 1


def test_paper_network_has_seven_rtms():
    config = dataclasses.replace(load_preset("paper").rt, channels=(4,) * 7)
    assert len(RTNet(config).rtms) == 7


def test_rtm_mixes_gray_and_colour_with_weights_that_sum_to_one():
    torch.manual_seed(0)
    rtm = RTM(4, 3, 5)
    h, z_g, z_c = torch.randn(2, 4, 8, 8), torch.randn(2, 3, 8, 8), torch.randn(2, 5)
    with torch.no_grad():
        for p in (*rtm.gray.parameters(), *rtm.colour.parameters()):
            p.zero_()
    # without modulation both branches are the normalised input, so any convex mixture is too
    torch.testing.assert_close(rtm(h, z_g, z_c), instance_norm(h))


def test_instance_norm_gives_zero_mean_and_unit_deviation():
    h = instance_norm(torch.randn(2, 3, 16, 16) * 7 + 2)
    torch.testing.assert_close(h.mean((2, 3)), torch.zeros(2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(h.std((2, 3), unbiased=False), torch.ones(2, 3), atol=1e-3, rtol=0)


@pytest.mark.parametrize("least", [0.0, 0.7, 1.0])
def test_the_face_stays_where_the_network_gives_up_its_detail(least):
    torch.manual_seed(0)
    net = RTNet(dataclasses.replace(nano.preset().rt, detail_least=least)).eval()
    with torch.no_grad():
        net.head.residual.bias[3] = -30.0  # nothing more than the least
        net.head.sharpness.fill_(-30.0)  # and one flat mixture everywhere
        for tensor in (net.head.reach, net.head.query.weight, net.head.query.bias):
            tensor.zero_()
    gray, palette = inputs(batch=1)
    x = net(gray, palette)
    wanted = to_luma(matched_tones(gray, palette, net.config), palette)
    share = colour.luma(x).std() / wanted.std()
    assert share.item() == pytest.approx(least, abs=0.1)


def attended(net, h, target, palette, place=None):
    """Shares of the colours in each pixel."""
    logits = bring_to(net.head.logits(h, palette, place), target)
    weights = net.head.attend(logits, target, palette)
    assert (weights > 0).all()
    return weights / weights.sum(1, keepdim=True)


def test_palette_attention_follows_brightness():
    torch.manual_seed(0)
    net = RTNet(PLAIN)
    gray = torch.linspace(-1, 1, 32).expand(1, 1, 32, 32)
    ramp = torch.linspace(-1, 1, 20)[None, :, None].expand(1, 20, 3)
    weights = attended(net, net.features(gray, ramp), picture_tones(gray), ramp)
    mean = (weights * ramp[:, :, :1, None]).sum(1)[0]
    assert mean[:, 2].mean() < -0.6 and mean[:, -3].mean() > 0.6


def test_other_palette_gives_other_colours():
    torch.manual_seed(0)
    net = RTNet(nano.preset().rt).eval()
    gray, palette = inputs()
    assert (net(gray, palette) - net(gray, -palette)).abs().mean() > 0.1


def test_flat_picture_and_flat_palette_stay_finite():
    net = RTNet(nano.preset().rt).eval()
    gray, palette = torch.zeros(1, 1, 32, 32), torch.ones(1, 20, 3)
    assert net(gray, palette).isfinite().all()


def test_tones_are_stretched_to_the_same_range():
    gray, palette = inputs(side=64)
    tones = picture_tones(gray * 0.2 - 0.3)
    assert tones.amin() < -0.9 and tones.amax() > 0.9
    assert palette_tones(palette).amin() == -1 and palette_tones(palette).amax() == 1
    lumas = colour.luma(palette, 2)
    ends = to_luma(torch.tensor([-1.0, 1.0]).view(1, 1, 1, 2).expand(2, -1, -1, -1), palette)
    torch.testing.assert_close(ends.flatten(1)[:, 0], lumas.amin((1, 2)))
    torch.testing.assert_close(ends.flatten(1)[:, 1], lumas.amax((1, 2)))


def test_light_palette_lightens_a_dark_picture_and_keeps_its_order():
    gray = torch.linspace(-1, 1, 1024).pow(3).view(1, 1, 32, 32) * 0.5 - 0.5
    gray[..., 16:] = -0.95
    ramp = torch.linspace(-1, 1, 20)[None, :, None]
    light = (1 - (ramp - 1).abs() ** 3 / 4).expand(1, 20, 3)
    plain, matched = (matched_tones(gray, light, RTConfig(tone_match=s)) for s in (0.0, 1.0))
    assert matched.mean() > plain.mean() + 0.2
    order = plain.flatten().argsort()
    assert (matched.flatten()[order].diff() >= -1e-5).all()


def test_grey_palette_gives_a_grey_picture():
    torch.manual_seed(0)
    net = RTNet(nano.preset().rt).eval()
    gray, palette = inputs()
    x = net(gray, palette[:, :, :1].expand(-1, -1, 3).contiguous())
    assert (x - x.mean(1, keepdim=True)).abs().max() < 0.01
    assert colourfulness(palette).min() > 0.3


def test_batch_equals_singles():
    torch.manual_seed(0)
    net = RTNet(nano.preset().rt).eval()
    gray, palette = inputs(3)
    together = net(gray, palette)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], net(gray[i : i + 1], palette[i : i + 1]))


def test_zones_that_are_off_change_no_bit():
    torch.manual_seed(0)
    plain = RTNet(PLAIN).eval()
    torch.manual_seed(0)
    off = RTNet(dataclasses.replace(ZONED, zones=False)).eval()
    assert plain.state_dict().keys() == off.state_dict().keys()
    assert "head.zone_gain" not in plain.state_dict()
    assert torch.equal(plain(*inputs()), off(*inputs(), *places()))


def test_zones_widen_the_stem_and_the_keys_only():
    plain, zoned = (RTNet(c).state_dict() for c in (PLAIN, ZONED))
    assert zoned["stem.weight"].shape[1] == plain["stem.weight"].shape[1] + len(ZONES)
    assert zoned["head.key.0.weight"].shape[1] == plain["head.key.0.weight"].shape[1] + len(ZONES)
    assert zoned.keys() - plain.keys() == {"head.zone_gain"}


def test_even_zones_or_shares_prefer_no_colour():
    zones, shares = places()
    gray, palette = inputs()
    even = Whereabouts.of(gray, palette, None, None)
    for prior in (
        zone_prior(even.zones, even.shares),
        zone_prior(zones, even.shares),
    ):
        torch.testing.assert_close(prior, torch.full_like(prior, prior.flatten()[0].item()))
    # even zones are the same preference at every pixel
    prior = zone_prior(even.zones, shares)
    assert prior.shape == (2, 20, 1, 1) and prior.std(1).min() > 0
    torch.manual_seed(0)
    net = RTNet(ZONED).eval()
    torch.testing.assert_close(net(gray, palette), net(gray, palette, *even))


def test_an_even_prior_leaves_the_attention():
    torch.manual_seed(0)
    net = RTNet(ZONED).eval()
    gray, palette = inputs()
    even = Whereabouts.of(gray, palette, places()[0], None)
    h = net.features(gray, palette, even)
    with torch.no_grad():
        found = attended(net, h, gray, palette, even)
        net.head.zone_gain.fill_(-1e4)
        torch.testing.assert_close(attended(net, h, gray, palette, even), found)


def test_a_zone_takes_the_colours_that_the_reference_has_there():
    torch.manual_seed(0)
    net = RTNet(ZONED).eval()
    gray = torch.zeros(1, 1, 32, 32)
    palette = torch.zeros(1, 20, 3)
    palette[:, 0], palette[:, 1] = torch.tensor([0.5, -0.5, -0.5]), torch.tensor([-0.5, -0.5, 0.5])
    zones, shares = torch.zeros(1, len(ZONES), 32, 32), torch.zeros(1, 20, len(ZONES))
    zones[:, 0, :, :16] = zones[:, 3, :, 16:] = 1
    shares[:, 0, 0] = shares[:, 1, 3] = 1
    place = Whereabouts(zones, shares)
    weights = attended(net, net.features(gray, palette, place), gray, palette, place)
    assert weights[:, 0, :, :12].min() > 0.8 and weights[:, 1, :, 20:].min() > 0.8


def test_zones_and_shares_change_the_picture_and_learn():
    torch.manual_seed(0)
    net = RTNet(ZONED)
    gray, palette = inputs()
    zones, shares = places()
    x = net(gray, palette, zones, shares)
    assert (x - net(gray, palette, zones.flip(1), shares)).abs().mean() > 0.01
    x.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert net.head.zone_gain.grad != 0


def test_one_tone_curve_keeps_the_order_of_faces_before_other_grounds():
    curve = {"tone_match": 0.7, "tone_fixed": 1.0, "tone_mean": 0.45}
    _, palette = inputs(batch=1)
    faces = torch.linspace(-0.5, 0.5, 5).view(5, 1, 1, 1).expand(-1, 1, 32, 32).clone()
    faces[:, :, :, :12] = torch.tensor([0.9, -0.9, 0.2, 0.9, -0.9]).view(5, 1, 1, 1)

    def lit(**options):
        config = dataclasses.replace(nano.preset().rt, **options)
        return matched_tones(faces, palette.expand(5, -1, -1), config)[:, 0, 16, 20]

    assert (lit(**curve).diff() > 0.05).all()
    assert not (lit(tone_match=0.7).diff() > 0).all()


def test_a_tone_curve_does_not_depend_on_the_picture_beside():
    config = RTConfig(tone_match=0.7, tone_fixed=0.7, tone_mean=0.45)
    gray, palette = inputs(batch=3)
    together = matched_tones(gray, palette, config)
    for i in range(3):
        alone = matched_tones(gray[i : i + 1], palette[i : i + 1], config)
        torch.testing.assert_close(together[i : i + 1], alone)


@pytest.mark.parametrize(("side", "large"), [(16, 64), (8, 16), (16, 40), (12, 48), (16, 16)])
def test_bands_of_rows_are_the_whole(side, large):
    g = torch.Generator().manual_seed(0)
    planes = torch.rand(2, 5, side, side, generator=g)
    like = torch.rand(2, 1, large, large, generator=g)
    found, parts = zip(*bands(planes, like), strict=True)
    assert len(found) == (8 if side % 8 == 0 and large % side == 0 and large > side else 1)
    assert torch.equal(torch.cat(parts, 2), like)
    torch.testing.assert_close(torch.cat(found, 2), bring_to(planes, like), atol=1e-6, rtol=0)


def test_a_pixel_of_no_zone_and_a_colour_of_none_are_finite():
    assert zone_prior(torch.zeros(1, 6, 4, 4), torch.zeros(1, 20, 6)).isfinite().all()
