"""Weight files read into networks, and written from them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save
from torch import Tensor, nn

from hasnet_models.atomic import replacing
from hasnet_models.config.build import build
from hasnet_models.config.frozen import EMBEDDED_LAST, EMBEDDED_VGG, layer_names
from hasnet_models.config.schema import RTConfig, TTConfig
from hasnet_models.errors import WeightsError
from hasnet_models.networks.identity import MobileFaceNet
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tt_net import TTNet
from hasnet_models.networks.vgg import VGGFeatures, from_torchvision
from hasnet_models.weights.files import weight_path
from hasnet_models.weights.state import check_fit, read_state, tt_state

Net = TypeVar("Net", bound=nn.Module)

# the embedded VGG16 up to EMBEDDED_LAST, and the convolutions beyond
VGG_FILE, VGG_REST_FILE = "vgg16.safetensors", "vgg16_pool5.safetensors"


def load_state(path: Path | str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file.

    Returns:
        Tensors by name (floating ones as float32, on the CPU) and the file's metadata.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    state, metadata = read_state(path)
    return {name: torch.from_numpy(array) for name, array in state.items()}, metadata


def save_state(
    path: Path | str,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    *,
    half: bool = True,
) -> None:
    """Write a safetensors file, whole or not at all (temporary name, fsync, rename).

    Args:
        half: store floating tensors as float16.

    Raises:
        WeightsError: a value does not fit into float16, or the file cannot be written.
    """
    stored = {name: _stored(name, tensor, half) for name, tensor in tensors.items()}
    data = save(stored, metadata=dict(metadata))
    try:
        with replacing(Path(path)) as file:
            file.write(data)
    except OSError as error:
        raise WeightsError(f"Cannot write the weights to {path}: {error.strerror}.") from error


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    """A contiguous CPU copy; a copy because safetensors refuses tensors that share memory."""
    tensor = tensor.detach().cpu()
    if not (half and tensor.is_floating_point()):
        return tensor.contiguous().clone()
    if tensor.numel() and tensor.isfinite().all() and not tensor.half().isfinite().all():
        raise WeightsError(f"The tensor {name} has values too large for float16.")
    return tensor.half().contiguous()


def load_into(module: nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Load a state dict into a module, or say in one sentence how the two differ.

    Args:
        what: name of the weights for the message, such as "RT-Net".

    Raises:
        WeightsError: tensors are missing, unexpected or of another shape.
    """
    wanted = {name: tuple(own.shape) for name, own in module.state_dict().items()}
    check_fit(wanted, state, what)
    module.load_state_dict(state)


def load_identity() -> MobileFaceNet:
    """The embedded identity network, frozen, on the CPU.

    Raises:
        WeightsError: its weights are missing or damaged.
    """
    state, _ = load_state(weight_path("mobilefacenet.safetensors"))
    return _frozen(MobileFaceNet(), state, "MobileFaceNet")


def load_vgg(path: Path | str | None = None, last: str = EMBEDDED_LAST) -> VGGFeatures:
    """Perceptual features, frozen, on the CPU.

    Args:
        path: None for the embedded VGG16; else torchvision's vgg16 or vgg19 state dict
            (.pth, read with weights_only, or .safetensors).
        last: the last layer that is built. Beyond relu4_2 the embedded VGG16 needs a second file,
            which nothing but evaluation does.

    Raises:
        WeightsError: the file is missing, damaged, or of another network.
    """
    if path is None:
        state, metadata = _embedded_vgg(last)
    else:
        arch, state = _torchvision_vgg(Path(path))
        metadata = {"architecture": arch, "preprocessing": "torchvision"}
    try:
        arch, preprocessing = metadata["architecture"], metadata["preprocessing"]
        net = VGGFeatures(arch, last, preprocessing)
    except KeyError as error:
        raise WeightsError("The weights of VGG do not say which network they are of.") from error
    except ValueError as error:
        raise WeightsError(f"Cannot build the perceptual features: {error}.") from error
    wanted = {name: state[name] for name in net.state_dict() if name in state}
    return _frozen(net, wanted, f"{arch.upper()} up to {last}")


def load_rt(path: Path | None = None) -> RTNet:
    """The embedded RT-Net, or the one in ``path``, frozen, on the CPU.

    Raises:
        WeightsError: the file is missing, damaged or of another architecture.
    """
    state, metadata = load_state(path or weight_path("rt_net.safetensors"))
    net = RTNet(_config_of(RTConfig, metadata, "RT-Net"))
    return _frozen(net, state, "RT-Net")


def load_tt(path: Path | None = None, head: Path | None = None) -> TTNet:
    """The embedded TT-Net, or the one in ``path``, frozen, on the CPU.

    Args:
        head: file of a domain's tensors, which take the place of the base's of the same names.

    Raises:
        WeightsError: a file is missing, damaged or of another architecture.
    """
    arrays, metadata = tt_state(path, head)
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    net = TTNet(_config_of(TTConfig, metadata, "TT-Net"))
    return _frozen(net, state, "TT-Net" if head is None else f"TT-Net with the head {head.name}")


def _frozen(net: Net, state: Mapping[str, Tensor], what: str) -> Net:
    load_into(net, state, what)
    return net.eval().requires_grad_(False)


def _config_of(kind: type, metadata: Mapping[str, str], what: str) -> Any:
    """The configuration that a file's metadata hold.

    Args:
        kind: its class, such as ``RTConfig``.
        what: name of the weights for messages, such as "RT-Net".

    Raises:
        WeightsError: it is missing, or not for this version.
    """
    problems: list[str] = []
    try:
        config = build(kind, json.loads(metadata["config"]), what, problems)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"The weights of {what} do not say their configuration.") from error
    if problems:
        raise WeightsError(f"The weights of {what} are not for this version: {problems[0]}.")
    return config


def _embedded_vgg(last: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The embedded VGG16, with its last convolutions where `last` is one of them."""
    state, metadata = load_state(weight_path(VGG_FILE))
    if last in layer_names(EMBEDDED_VGG) and last not in layer_names(EMBEDDED_VGG, EMBEDDED_LAST):
        state |= load_state(weight_path(VGG_REST_FILE))[0]
    return state, metadata


def _torchvision_vgg(path: Path) -> tuple[str, dict[str, Tensor]]:
    state = load_state(path)[0] if path.suffix == ".safetensors" else _load_pickle(path)
    try:
        return from_torchvision(state)
    except (ValueError, KeyError) as error:
        raise WeightsError(
            f"Cannot use {path} for perceptual features: {error}.",
            "Give torchvision's vgg19 weights file (vgg19-dcbb9e9d.pth).",
        ) from error


def _load_pickle(path: Path) -> dict[str, Tensor]:
    """A .pth state dict; weights_only, so that no code in the file can run."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"Cannot read the weights in {path}: {error.strerror}.") from error
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        # torch's own message advises to switch weights_only off: not to be passed on.
        reason = "it is damaged or holds more than tensors"
        raise WeightsError(f"Cannot read the weights in {path}: {reason}.") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"Cannot read the weights in {path}: it holds no state dict.")
    return {name: tensor.float() for name, tensor in state.items()}
