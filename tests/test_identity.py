import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from hasnet_models.networks import identity
from hasnet_models.networks.identity import (
    ARCFACE_TEMPLATE_112,
    CROP_SIZE,
    EMBEDDING_SIZE,
    FFHQ_TEMPLATE_512,
    MobileFaceNet,
    arcface_crop,
    embed,
    fit_similarity,
)
from hasnet_models.weights.load import load_identity


@pytest.fixture(scope="module")
def net() -> MobileFaceNet:
    torch.manual_seed(0)
    return MobileFaceNet().eval()


def frame_of_coordinates(side: int) -> torch.Tensor:
    """A frame whose red is x and green is y, in -1..1 across the frame."""
    ramp = (2 * torch.arange(side) + 1) / side - 1
    x, y = ramp.expand(side, side), ramp[:, None].expand(side, side)
    return torch.stack([x, y, torch.zeros_like(x)])[None]


def test_fit_similarity_recovers_rotation_scale_and_shift():
    points = np.array([(0.0, 0.0), (4.0, 1.0), (2.0, 5.0)])
    angle, scale, shift = 0.3, 1.7, np.array([3.0, -2.0])
    linear = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    matrix = fit_similarity(points, points @ linear.T + shift)
    np.testing.assert_allclose(matrix, np.column_stack([linear, shift]), atol=1e-12)


@pytest.mark.parametrize("side", [64, 128, 225, 512])
def test_the_crop_puts_the_eyes_and_mouth_where_arcface_wants_them(side):
    """The frame holds its own coordinates, so the crop tells where each pixel came from."""
    crop = arcface_crop(frame_of_coordinates(side))[0, :2]
    assert crop.shape == (2, CROP_SIZE, CROP_SIZE)
    for point, expected in zip(ARCFACE_TEMPLATE_112, FFHQ_TEMPLATE_512, strict=True):
        x, y = point.round().astype(int)
        found = ((crop[:, y, x].numpy() + 1) * 512 - 1) / 2
        moved = (np.array([x, y]) - point) * 512 / 112 * 0.75
        # The two templates differ by up to two crop pixels (7 frame pixels).
        np.testing.assert_allclose(found, expected + moved, atol=9)


def test_the_crop_is_the_same_at_every_side():
    small, large = (arcface_crop(frame_of_coordinates(side)) for side in (128, 512))
    torch.testing.assert_close(small, large, atol=2e-3, rtol=0)


def test_shrinking_does_not_alias():
    """One-pixel stripes in a 512 px frame are grey in the crop, not a moire."""
    stripes = torch.ones(1, 3, 512, 512)
    stripes[..., ::2] = -1
    assert arcface_crop(stripes).abs().max() < 0.1


@pytest.mark.parametrize("side", [256, 512, 576])
def test_what_is_left_out_of_a_large_frame_is_not_in_the_crop(side, monkeypatch):
    frames = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(side))
    found = arcface_crop(frames)
    monkeypatch.setattr(identity, "_window", lambda side: slice(0, side))
    torch.testing.assert_close(found, arcface_crop(frames), atol=2e-5, rtol=0)


def test_the_crop_does_not_mix_pictures_of_a_batch():
    frames = torch.stack([torch.full((3, 64, 64), v) for v in (-1.0, 0.25)])
    crops = arcface_crop(frames)
    assert torch.allclose(crops[0], torch.tensor(-1.0))
    assert torch.allclose(crops[1], torch.tensor(0.25))


def test_the_net_is_the_published_graph(net):
    """52 convolutions and 33 PReLUs; 'SAME' padding halves 112 to 7 before the 7x7 layer."""
    assert sum(isinstance(m, nn.Conv2d) for m in net.modules()) == 52
    assert sum(isinstance(m, nn.PReLU) for m in net.modules()) == 33
    before_head = net.body(net.stem(torch.zeros(1, 3, CROP_SIZE, CROP_SIZE)))
    assert tuple(before_head.shape) == (1, 128, 7, 7)


def test_stride_two_pads_right_and_below_only(net):
    """TensorFlow's SAME: the first output sees the first three pixels, none before them."""
    first = net.stem[0]
    conv = next(m for m in first if isinstance(m, nn.Conv2d))
    x = torch.randn(1, 3, 8, 8)
    expected = (conv.weight * x[:, :, :3, :3]).sum((1, 2, 3)) + conv.bias
    prelu = next(m for m in first if isinstance(m, nn.PReLU))
    torch.testing.assert_close(first(x)[0, :, 0, 0], prelu(expected[None])[0])


@pytest.mark.parametrize("side", [64, 256])
def test_embed_gives_unit_vectors_and_a_gradient(net, side):
    frames = (torch.rand(2, 3, side, side) * 2 - 1).requires_grad_()
    vectors = embed(net, frames)
    assert tuple(vectors.shape) == (2, EMBEDDING_SIZE)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    vectors[:, 0].sum().backward()
    assert frames.grad.isfinite().all() and frames.grad.abs().sum() > 0


def test_embed_scales_to_the_range_the_net_was_trained_on():
    """White is 255, (255 - 127.5) / 128."""
    seen = []
    embed(lambda x: seen.append(x), torch.ones(1, 3, 64, 64))
    torch.testing.assert_close(seen[0], torch.full_like(seen[0], 127.5 / 128))


def deterministic_crops() -> torch.Tensor:
    """Two 112 px inputs made of hashed bytes, the same on every machine."""
    count = 2 * 3 * CROP_SIZE * CROP_SIZE
    data = hashlib.shake_256(b"hasnet").digest(count)
    x = np.frombuffer(data, np.uint8).reshape(2, CROP_SIZE, CROP_SIZE, 3)
    return (torch.from_numpy(x.astype(np.float32)).permute(0, 3, 1, 2) - 127.5) / 128


# First eight numbers of each unit vector as the TensorFlow Lite interpreter computes them from
# the published file (ai-edge-litert 2.3.0).
TFLITE_OUTPUT = [
    [-0.0093, 0.0358, 0.0139, -0.0045, -0.0691, 0.0842, -0.0545, 0.0121],
    [-0.0009, 0.0361, 0.0122, -0.0006, -0.0714, 0.0653, -0.0317, -0.0089],
]


@pytest.mark.slow
def test_the_embedded_weights_give_the_published_files_output():
    vectors = load_identity()(deterministic_crops())
    torch.testing.assert_close(vectors[:, :8], torch.tensor(TFLITE_OUTPUT), atol=1e-3, rtol=0)
