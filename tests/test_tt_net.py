"""TT-Net: Eq. 6, growth, gate, warp, heads."""

import dataclasses

import nano
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hasnet_models.config.load import load_preset
from hasnet_models.networks.colour import luma
from hasnet_models.networks.filters import flat
from hasnet_models.networks.tt_net import (
    TTNet,
    content_features,
    head_tensors,
    in_own_hue,
)
from hasnet_models.networks.ttm import TTM, fixed_noise


def inputs(config, batch=2, side=32):
    g = torch.Generator().manual_seed(1)
    x_rt = torch.rand(batch, 3, side, side, generator=g) * 2 - 1
    content = {
        config.content_layer: torch.rand(batch, 512, config.grid, config.grid, generator=g),
        config.skip_layer: torch.rand(batch, 256, 8, 8, generator=g),
    }
    z = torch.nn.functional.normalize(torch.randn(batch, config.z_dim, generator=g))
    return x_rt, content, z


@pytest.mark.parametrize("size", [4, 8, 16])
def test_output_has_the_size_of_x_rt_whatever_resolution_runs(size):
    config = nano.preset().tt
    net = TTNet(config)
    assert net(*inputs(config), size=size).shape == (2, 3, 32, 32)


def test_paper_network_has_ten_ttms_and_no_residual():
    config = dataclasses.replace(load_preset("paper").tt, widths=(4,) * 5, grid=4)
    net = TTNet(config)
    assert sum(isinstance(m, TTM) for m in net.modules()) == 10
    x_rt, content, z = inputs(config, side=64)
    assert net(x_rt, content, z).shape == (2, 3, 64, 64)
    zeros = torch.zeros_like(x_rt)
    torch.testing.assert_close(net(zeros, content, z), net(x_rt, content, z))


def test_residual_starts_near_x_rt():
    config = nano.preset().tt
    torch.manual_seed(0)
    net = TTNet(config)
    x_rt, content, z = inputs(config)
    smooth = torch.nn.functional.avg_pool2d(x_rt, 9, 1, 4)
    assert (net(smooth, content, z) - smooth).abs().mean() < 0.3


def test_own_hue_changes_luminance_and_saturation_only():
    torch.manual_seed(0)
    base, residual = torch.rand(2, 3, 8, 8) * 2 - 1, torch.randn(2, 3, 8, 8)
    out = in_own_hue(base, residual)
    torch.testing.assert_close(luma(out), luma(base + residual))
    chroma, before = out - luma(out), base - luma(base)
    assert torch.linalg.cross(chroma, before, dim=1).abs().max() < 1e-5
    assert (chroma * before).sum(1).min() > -1e-5
    grey = base[:, :1].expand(-1, 3, -1, -1)
    greyed = in_own_hue(grey, residual)
    assert (greyed - luma(greyed)).abs().max() < 1e-4


def test_identity_and_domain_code_change_the_result():
    config = nano.preset().tt
    torch.manual_seed(0)
    net = TTNet(config)
    x_rt, content, z = inputs(config)
    plain = net(x_rt, content, z)
    assert not torch.allclose(plain, net(x_rt, content, z.flip(1)))
    assert not torch.allclose(plain, net(x_rt, content, z, net.domain_code("red", 2)))
    torch.testing.assert_close(plain, net(x_rt, content, z, net.domain_code("unheard", 2)))


def modulated(h: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    return h * scale[..., None, None] + shift[..., None, None]


@pytest.mark.parametrize("norm", ["styled", "adain"])
@pytest.mark.parametrize("upsample", [False, True])
@pytest.mark.parametrize("noise", [False, True])
def test_a_ttm_is_its_formula(norm, upsample, noise):
    """Modulated, shifted by its bias, enlarged, given noise, and the leaky ReLU with its gain.

    The styled one is StyleGAN2's as published: weights of each sample's own, of unit power.
    """
    torch.manual_seed(0)
    ttm = TTM(6, 5, 8, norm=norm, noise=noise, upsample=upsample, number=3).eval()
    for parameter in ttm.parameters():
        nn.init.normal_(parameter, std=0.5)
    h, w = torch.randn(2, 6, 8, 8), torch.randn(2, 8)
    style, weight = ttm.style(w), ttm.weight * ttm.gain
    if norm == "styled":
        own = weight * (1 + style)[:, None, :, None, None]
        own = own / (own.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
        wanted = torch.cat([F.conv2d(h[i : i + 1], own[i], padding=1) for i in range(2)])
    else:
        scale, shift = style.chunk(2, 1)
        wanted = modulated(F.instance_norm(F.conv2d(h, weight, padding=1)), 1 + scale, shift)
    wanted = wanted + ttm.bias[:, None, None]
    if upsample:
        wanted = F.interpolate(wanted, scale_factor=2, mode="bilinear", align_corners=False)
    if noise:
        wanted = wanted + ttm.noise * torch.from_numpy(fixed_noise(3, *wanted.shape[2:]))
    wanted = torch.where(wanted > 0, wanted, 0.2 * wanted) * 2**0.5
    torch.testing.assert_close(ttm(h, w), wanted, atol=1e-5, rtol=1e-5)


def test_adain_output_has_the_statistics_it_was_given():
    torch.manual_seed(0)
    ttm = TTM(3, 4, 5, norm="adain", noise=False, upsample=False)
    h = modulated(*ttm._adain(torch.randn(2, 3, 16, 16), torch.randn(2, 5) * 3))
    scale, shift = ttm.style(torch.zeros(2, 5)).chunk(2, 1)
    assert h.std((2, 3)).min() > 0 and scale.shape == shift.shape == (2, 4)
    w = torch.randn(2, 5)
    out = modulated(*ttm._adain(torch.randn(2, 3, 16, 16), w))
    scale, shift = ttm.style(w).chunk(2, 1)
    torch.testing.assert_close(out.mean((2, 3)), shift, atol=1e-4, rtol=0)
    deviation = out.std((2, 3), unbiased=False)
    torch.testing.assert_close(deviation, (1 + scale).abs(), atol=1e-2, rtol=0)


def test_styled_output_keeps_about_unit_variance_for_any_style():
    torch.manual_seed(0)
    ttm = TTM(32, 32, 8, norm="styled", noise=False, upsample=False)
    out = modulated(*ttm._styled(torch.randn(4, 32, 32, 32), torch.randn(4, 8) * 20))
    assert out.std().item() == pytest.approx(1, abs=0.2)


def test_content_is_taken_at_the_content_size():
    class Spy(torch.nn.Module):
        def forward(self, x, layers):
            self.seen = x.shape
            return {n: x.new_ones(len(x), 1, 4, 4) for n in layers}

    config, spy = nano.preset().tt, Spy()
    found = content_features(spy, torch.zeros(1, 3, 128, 128), config)
    assert spy.seen == (1, 3, 32, 32)
    assert found[config.content_layer].unique().item() == 1 / config.content_scale


def test_head_holds_the_fine_blocks_only():
    config = nano.preset().tt
    state = TTNet(config).state_dict()
    head = head_tensors(state, config.resolutions, 8)
    assert head and all(n.startswith(("blocks.1.", "blocks.2.")) for n in head)
    assert head_tensors(state, config.resolutions, 0).keys() == state.keys()


def test_where_the_gate_is_open_the_flat_base_is_left():
    config = dataclasses.replace(nano.preset().tt, base="flat")
    net = TTNet(config)
    x_rt = inputs(config)[0]
    torch.testing.assert_close(net.base(x_rt, torch.ones(2, 1, 32, 32)), flat(x_rt))
    torch.testing.assert_close(net.base(x_rt, torch.zeros(2, 1, 32, 32)), x_rt)
    assert net.state_dict().keys() == TTNet(nano.preset().tt).state_dict().keys()


def test_the_ground_gets_a_share_of_what_the_person_gets():
    config = dataclasses.replace(nano.preset().tt, own_hue=False)
    torch.manual_seed(0)
    net = TTNet(config)
    x_rt, content, z = inputs(config)
    person = torch.zeros(2, 1, 8, 8)
    person[..., :4] = 1
    found, whole = (net.parts(x_rt, content, z, person=p) for p in (person, None))
    torch.testing.assert_close(found["x_tt"][..., :12], whole["x_tt"][..., :12])
    base = net.base(x_rt, whole["gate"])  # the flow starts at zero
    added, full = found["x_tt"] - base, whole["x_tt"] - base
    torch.testing.assert_close(added[..., 20:], 0.1 * full[..., 20:], atol=1e-5, rtol=1e-4)


def noisy_net(config=None):
    torch.manual_seed(0)
    net = TTNet(dataclasses.replace(config or nano.preset().tt, noise=True))
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(".noise"):
                parameter.fill_(0.5)
    return net


def test_noise_is_the_same_for_a_picture_whenever_and_beside_whatever_it_is_made():
    net = noisy_net().eval()
    x_rt, content, z = inputs(net.config)
    found = net(x_rt, content, z)
    torch.manual_seed(7)
    assert torch.equal(net(x_rt, content, z), found)
    alone = net(x_rt[1:], {n: f[1:] for n, f in content.items()}, z[1:])
    torch.testing.assert_close(alone, found[1:])
    quiet = TTNet(dataclasses.replace(net.config, noise=False)).eval()
    quiet.load_state_dict({n: t for n, t in net.state_dict().items() if not n.endswith(".noise")})
    assert not torch.allclose(quiet(x_rt, content, z), found, atol=1e-3)


def test_no_two_ttms_have_the_same_noise():
    net = noisy_net(load_preset("paper", ("tt.widths=[8,8,8,8,8]",)).tt)
    ttms = [m for m in net.modules() if isinstance(m, TTM)]
    numbers = [m.number for m in ttms]
    assert len(set(numbers)) == len(ttms) == 10
    planes = [fixed_noise(n, 64, 64).ravel() for n in numbers]
    assert np.abs(np.corrcoef(planes) - np.eye(10)).max() < 0.08
    assert all(abs(p.std() - 1) < 0.06 for p in planes)


def test_a_training_network_draws_its_noise_from_torch():
    net = noisy_net()
    asked = inputs(net.config)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(net(*asked))
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
