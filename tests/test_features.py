import pytest
import torch
from torch import nn

from hasnet_models.config.frozen import layer_names
from hasnet_models.networks.vgg import VGGFeatures, from_torchvision
from hasnet_models.weights.load import load_vgg

# torchvision's own layout: a number is a convolution's width, "M" a pooling.
PLANS = {
    "vgg16": [64, 64, "M", 128, 128, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"],
    "vgg19": [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}


def torchvision_vgg(arch: str, *, batch_norm: bool = False) -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = 3
    for step in PLANS[arch]:
        if step == "M":
            layers.append(nn.MaxPool2d(2))
            continue
        layers.append(nn.Conv2d(inputs, step, 3, padding=1))
        layers += [nn.BatchNorm2d(step)] if batch_norm else []
        layers.append(nn.ReLU())
        inputs = step
    return nn.Sequential(*layers)


def state_of(arch: str, **options) -> dict[str, torch.Tensor]:
    state = torchvision_vgg(arch, **options).state_dict()
    return {f"features.{name}": tensor for name, tensor in state.items()}


@pytest.fixture(scope="module")
def small() -> VGGFeatures:
    return VGGFeatures("vgg16", "relu2_1")


def test_layer_names_follow_the_architecture():
    assert layer_names("vgg16", "relu2_1") == ("relu1_1", "relu1_2", "relu2_1")
    assert "relu3_4" in layer_names("vgg19") and "relu3_4" not in layer_names("vgg16")
    assert len(layer_names("vgg16")) == 13 and len(layer_names("vgg19")) == 16


@pytest.mark.parametrize(("arch", "last"), [("vgg11", None), ("vgg16", "relu3_4"), ("vgg16", "")])
def test_layer_names_refuse_what_does_not_exist(arch, last):
    with pytest.raises(ValueError, match=r"unknown architecture|has no layer"):
        layer_names(arch, last)


def test_forward_gives_the_named_layers_with_their_sizes(small):
    found = small(torch.zeros(2, 3, 16, 24), ("relu2_1", "relu1_1"))
    assert {name: tuple(f.shape) for name, f in found.items()} == {
        "relu1_1": (2, 64, 16, 24),
        "relu2_1": (2, 128, 8, 12),
    }


def test_forward_computes_no_further_than_needed(small):
    deepest = small.get_submodule("conv2_1")
    ran = []
    handle = deepest.register_forward_hook(lambda *_: ran.append(1))
    small(torch.zeros(1, 3, 8, 8), ("relu1_2", "relu1_2"))
    handle.remove()
    assert not ran


@pytest.mark.parametrize("layers", [("relu3_1",), ("relu1_1", "pool1")])
def test_forward_refuses_layers_it_does_not_have(small, layers):
    with pytest.raises(ValueError, match=layers[-1]):
        small(torch.zeros(1, 3, 8, 8), layers)


def test_features_are_frozen_but_pass_the_gradient_to_the_picture(small):
    x = torch.rand(1, 3, 8, 8, requires_grad=True)
    sum(f.sum() for f in small(x, ("relu1_1", "relu2_1")).values()).backward()
    assert x.grad.abs().sum() > 0
    assert not small.training
    assert not any(p.requires_grad for p in small.parameters())


@pytest.mark.parametrize(
    ("preprocessing", "expected"),
    [
        ("caffe", (255 - 103.939, 127.5 - 116.779, 0 - 123.68)),
        ("torchvision", ((0 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225)),
    ],
)
def test_preprocessing_inside_the_module(preprocessing, expected):
    net = VGGFeatures("vgg16", "relu1_1", preprocessing)
    seen = []
    net.get_submodule("conv1_1").register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    red_green_blue = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)
    net(red_green_blue.expand(1, 3, 4, 4), ("relu1_1",))
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor(expected), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("arch", ["vgg16", "vgg19"])
def test_torchvision_state_dict_gives_torchvisions_features(arch):
    reference = torchvision_vgg(arch)
    named, state = from_torchvision(
        {f"features.{k}": v for k, v in reference.state_dict().items()}
        | {"classifier.0.weight": torch.zeros(1)}
    )
    net = VGGFeatures(arch, "relu3_2", "torchvision")
    net.load_state_dict({name: state[name] for name in net.state_dict()})
    x = torch.rand(1, 3, 16, 16)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    through_relu3_2 = reference[:14]
    assert named == arch
    torch.testing.assert_close(
        net(x * 2 - 1, ("relu3_2",))["relu3_2"], through_relu3_2((x - mean) / std)
    )


@pytest.mark.parametrize(
    "state",
    [{}, {"features.0.weight": torch.zeros(64, 3, 3, 3)}, {"conv.weight": torch.zeros(1)}],
)
def test_from_torchvision_refuses_other_networks(state):
    with pytest.raises(ValueError, match="not the state dict"):
        from_torchvision(state)


def test_from_torchvision_refuses_batch_norm():
    with pytest.raises(ValueError, match="without batch norm"):
        from_torchvision(state_of("vgg19", batch_norm=True))


@pytest.mark.slow
def test_embedded_vgg16_has_sane_features():
    net = load_vgg()
    x = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)
    found = net(x, ("relu3_2", "relu4_1", "relu4_2"))
    assert tuple(found["relu4_1"].shape) == (1, 512, 8, 8)
    zeros = (found["relu4_2"] == 0).float().mean()
    assert 0.4 < zeros < 0.95
    assert all(f.isfinite().all() and f.dtype == torch.float32 for f in found.values())
