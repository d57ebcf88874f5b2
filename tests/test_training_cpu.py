"""The quicker ways of a training step on a CPU give what torch gives."""

import dataclasses

import nano
import pytest
import torch
from torch.nn import functional as F

from hasnet_models.training import cpu, loop, winograd
from hasnet_models.training.runtime import Runtime

QUICK = Runtime(quick=cpu.ALL)


def leaf(*shape, seed=0):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return values.requires_grad_()


def gradients(loss, *inputs):
    return torch.autograd.grad(loss, inputs, create_graph=True)


def close(found, wanted, tolerance=3e-5):
    """Within rounding of values of this size; Winograd's is about ten times that of float32."""
    size = wanted.abs().max()
    torch.testing.assert_close(found / size, (wanted / size).float(), atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    "shape, outputs",
    [((2, 5, 8, 12), 7), ((1, 3, 4, 4), 1), ((5, 96, 32, 32), 8), ((9, 130, 16, 16), 4)],
)
def test_winograd_is_the_convolution_with_its_gradients(shape, outputs):
    x, weight = leaf(*shape), leaf(outputs, shape[1], 3, 3, seed=1)
    slope = torch.randn(shape[0], outputs, *shape[2:], generator=torch.Generator().manual_seed(2))
    found, wanted = winograd.convolve(x, weight), F.conv2d(x.double(), weight.double(), padding=1)
    close(found, wanted)
    pairs = (torch.autograd.grad((y * slope).sum(), (x, weight)) for y in (found, wanted))
    for one, other in zip(*pairs, strict=True):
        close(one, other)


def test_only_the_gradient_that_is_wanted_is_found():
    x, weight = leaf(2, 3, 8, 8), leaf(4, 3, 3, 3)
    for one, other in ((x, weight.detach()), (x.detach(), weight)):
        winograd.convolve(one, other).sum().backward()
    wanted = torch.autograd.grad(F.conv2d(x, weight, padding=1).sum(), (x, weight))
    close(x.grad, wanted[0])
    close(weight.grad, wanted[1])


def test_a_frozen_weight_is_transformed_once_until_it_changes(monkeypatch):
    weight = torch.nn.Parameter(torch.randn(4, 3, 3, 3), requires_grad=False)
    x, calls, transform = torch.randn(1, 3, 8, 8), [], winograd.transformed_weight
    monkeypatch.setattr(winograd, "transformed_weight", lambda w: calls.append(1) or transform(w))
    for _ in range(3):
        close(winograd.convolve(x, weight), F.conv2d(x, weight, padding=1))
    assert len(calls) == 1
    weight.mul_(-2)
    close(winograd.convolve(x, weight), F.conv2d(x, weight, padding=1))
    trained = weight.detach().clone().requires_grad_()
    for _ in range(2):
        winograd.convolve(x, trained)
    assert len(calls) == 4


@pytest.mark.parametrize(
    "run",
    [
        lambda x, w: F.leaky_relu(F.conv2d(x, w, padding=1), 0.2).square(),
        lambda x, w: F.avg_pool2d(x * x * w.sum(), 3, 1).square(),
    ],
)
def test_a_penalty_on_the_gradient_has_the_same_gradient(run, monkeypatch):
    monkeypatch.setattr(cpu, "CHANNELS", 1)
    x, weight = leaf(2, 3, 8, 8), leaf(4, 3, 3, 3, seed=1)

    def penalty():
        return gradients(run(x, weight).mean(), x)[0].square().sum()

    with cpu.Quick(cpu.ALL):
        found = gradients(penalty(), x, weight)
    for one, other in zip(found, gradients(penalty(), x, weight), strict=True):
        close(one, other)


def test_window_means_are_torch_s():
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(cpu.WindowMean.apply(x), F.avg_pool2d(x, 3, 1))
    assert torch.autograd.gradcheck(cpu.WindowMean.apply, x)
    assert torch.autograd.gradgradcheck(cpu.WindowMean.apply, x)


def test_frozen_slopes_are_torch_s():
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64, requires_grad=True)
    slopes = torch.tensor([0.25, -0.5, 0.9], dtype=torch.float64)
    with cpu.Quick(cpu.ALL):
        found = F.prelu(x, slopes)
        slope = torch.autograd.grad(found.square().sum(), x)
    assert isinstance(found.grad_fn, torch.autograd.function.BackwardCFunction)
    torch.testing.assert_close(found, F.prelu(x, slopes))
    torch.testing.assert_close(slope, torch.autograd.grad(F.prelu(x, slopes).square().sum(), x))


def test_slopes_that_are_trained_are_torch_s_own():
    x, slopes = torch.randn(2, 3, 5, 7), torch.full((3,), 0.25, requires_grad=True)
    with cpu.Quick(cpu.ALL):
        (slope,) = torch.autograd.grad(F.prelu(x, slopes).sum(), slopes)
    torch.testing.assert_close(slope, x.clamp_max(0).sum((0, 2, 3)))


@pytest.mark.parametrize(
    "shape, outputs, options",
    [
        ((1, 96, 16, 16), 95, {"padding": 1}),
        ((1, 96, 64, 64), 96, {"padding": 1}),
        ((1, 96, 18, 16), 96, {"padding": 1}),
        ((1, 96, 16, 16), 96, {"padding": 0}),
        ((1, 96, 16, 16), 96, {"padding": "same"}),
        ((1, 96, 16, 16), 96, {"padding": 1, "stride": 2}),
        ((1, 96, 16, 16), 96, {"padding": (1, 1), "dilation": (2, 2)}),
        ((1, 192, 16, 16), 96, {"padding": 1, "groups": 2}),
    ],
)
def test_other_convolutions_are_torch_s_own(shape, outputs, options, monkeypatch):
    monkeypatch.setattr(winograd, "convolve", lambda *_: pytest.fail("went by Winograd"))
    x, weight = torch.randn(shape), torch.randn(outputs, 96, 3, 3)
    with cpu.Quick(cpu.ALL):
        found = F.conv2d(x, weight, **options)
    assert torch.equal(found, F.conv2d(x, weight, **options))


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_few_planes_of_many_are_the_convolution_with_its_gradients(outputs, bias, monkeypatch):
    spread, calls = cpu.spread, []
    monkeypatch.setattr(cpu, "spread", lambda *given: calls.append(1) or spread(*given))
    given = [leaf(2, cpu.MANY, 5, 7), leaf(outputs, cpu.MANY, 3, 3, seed=1)]
    given += [leaf(outputs, seed=2)] if bias else []
    with cpu.Quick(cpu.ALL):
        found = F.conv2d(*given, padding=1)
    assert calls
    wanted = F.conv2d(*(one.double() for one in given), padding=1)
    close(found, wanted)
    # the gradients' own gradients are those of a penalty on them
    pairs = (gradients(y.pow(3).sum(), *given) for y in (found, wanted))
    for one, other in zip(*pairs, strict=True):
        close(one, other)
        close(*(gradients(y.square().sum(), given[0])[0] for y in (one, other)))


@pytest.mark.parametrize(
    ("inputs", "outputs", "options"),
    [
        (cpu.MANY, cpu.FEW + 1, {"padding": 1}),
        (cpu.MANY - 1, 1, {"padding": 1}),
        (cpu.MANY, 1, {}),
        (cpu.MANY, 1, {"padding": 1, "stride": 2}),
        (cpu.MANY, 1, {"padding": 2, "dilation": 2}),
    ],
)
def test_other_convolutions_are_not_spread(inputs, outputs, options):
    weight = torch.zeros(outputs, inputs, 3, 3)
    assert cpu.convolution(torch.zeros(1, inputs, 8, 8), weight, **options) is None


def test_other_poolings_are_torch_s_own(monkeypatch):
    monkeypatch.setattr(cpu.WindowMean, "apply", lambda *_: pytest.fail("taken for windows of 3"))
    x = torch.randn(1, 2, 8, 8)
    with cpu.Quick(cpu.ALL):
        for options in ((2,), (3,), (3, 1, 1), (3, 2)):
            assert torch.equal(F.avg_pool2d(x, *options), x.new_tensor(0) + _pooled(x, options))


def _pooled(x, options):
    return torch._C._nn.avg_pool2d(x, *options)


def test_a_convolution_of_many_channels_goes_by_winograd_with_its_bias():
    conv = torch.nn.Conv2d(cpu.CHANNELS, cpu.CHANNELS, 3, padding=1)
    x = torch.randn(2, cpu.CHANNELS, 8, 8)
    with cpu.Quick(cpu.ALL):
        found = conv(x)
    assert type(found.grad_fn).__name__ != "ConvolutionBackward0"
    close(found, conv(x))


def test_a_quick_step_has_the_losses_of_a_plain_one(folder, monkeypatch):
    monkeypatch.setattr(cpu, "CHANNELS", 1)
    quick, plain = nano.tt_stage(folder, runtime=QUICK), nano.tt_stage(folder)
    for _ in range(3):  # with R1, and without
        found, wanted = quick.step(), plain.step()
        assert found == pytest.approx(wanted, rel=2e-3, abs=2e-4)


def test_stage_one_keeps_to_plain_torch(folder):
    stage = nano.rt_stage(folder, runtime=QUICK)
    assert not stage.runtime.quick and not isinstance(stage.runtime.arithmetic(), cpu.Quick)


def test_a_quick_run_resumes_to_the_bit(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cpu, "CHANNELS", 1)
    loop.train(nano.tt_stage(folder, runtime=QUICK), tmp_path / "a", loop.Budget(images=12), print)
    again = nano.tt_stage(folder, runtime=QUICK)
    loop.resume(again, tmp_path / "a", nano.CPU)
    whole = nano.tt_stage(folder, runtime=QUICK)
    while whole.images < again.images:
        whole.step()
    assert again.step() == whole.step()


def test_the_ways_are_gone_on_a_cpu_in_float32_alone():
    assert Runtime.choose(nano.CPU).quick == cpu.ALL
    assert not Runtime.choose(nano.CPU, "bf16").quick
    assert not Runtime.choose(torch.device("cuda"), "fp32").quick
    plain = dataclasses.replace(Runtime.choose(nano.CPU), quick=())
    weight = plain.place(torch.nn.Conv2d(8, 8, 3)).weight
    assert (
        weight.is_contiguous() and not QUICK.place(torch.nn.Conv2d(8, 8, 3)).weight.is_contiguous()
    )
