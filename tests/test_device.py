import pytest
import torch

from hasnet_models.device import resolve_device
from hasnet_models.errors import EXIT_DEVICE, EXIT_USAGE, DeviceError, UsageError


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be a machine with so many CUDA devices, with or without mps."""

    def pretend(cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    pretend()
    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda:0"), (2, True, "cuda:0")],
)
def test_auto_prefers_cuda_then_mps_then_cpu(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert resolve_device("auto") == torch.device(expected)


@pytest.mark.parametrize("name", ["cpu", " CPU "])
def test_cpu_is_always_there(machine, name):
    machine(cuda=1)
    assert resolve_device(name) == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "expected"), [("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("mps", "mps")]
)
def test_a_named_device_is_taken(machine, name, expected):
    machine(cuda=2, mps=True)
    assert resolve_device(name) == torch.device(expected)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_named_device_that_is_missing_is_an_error_not_the_cpu(machine, name):
    with pytest.raises(DeviceError) as error:
        resolve_device(name)
    assert error.value.exit_code == EXIT_DEVICE
    assert "not available" in str(error.value)


def test_a_cuda_index_beyond_the_last_is_an_error(machine):
    machine(cuda=1)
    with pytest.raises(DeviceError, match=r"cuda:1 is not available: torch sees 1 CUDA device "):
        resolve_device("cuda:1")


@pytest.mark.parametrize(
    "name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:\u0661", "cpu:0", "\0"]
)
def test_a_bad_name_is_a_usage_error(machine, name):
    with pytest.raises(UsageError) as error:
        resolve_device(name)
    assert error.value.exit_code == EXIT_USAGE
