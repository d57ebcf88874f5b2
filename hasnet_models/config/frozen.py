"""What configurations have to fit: the layers of VGG and the length of z_id, which nobody trains.

The networks themselves are in `networks.vgg` and `networks.identity`; this module needs no torch.
"""

from __future__ import annotations

# convolutions and channels of each block; a 2 x 2 max pooling stands between blocks
VGG_CONVS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
VGG_CHANNELS = (64, 128, 256, 512, 512)
# the embedded perceptual features: an architecture and the last layer that its file holds
EMBEDDED_VGG, EMBEDDED_LAST = "vgg16", "relu4_2"
# what the contextual losses compare (Eq. 9, 10)
LOSS_LAYERS = ("relu3_2", "relu4_2")
# smallest side in px that the last of them leaves a cell of
VGG_LEAST = 8
# numbers of a z_id of the embedded identity network
EMBEDDING_SIZE = 192


def layer_names(arch: str, last: str | None = None) -> tuple[str, ...]:
    """Names 'relu1_1', 'relu1_2', ... of an architecture in order, up to and with `last`.

    Raises:
        ValueError: the architecture or the layer does not exist.
    """
    if arch not in VGG_CONVS:
        raise ValueError(f"unknown architecture {arch!r}, expected one of {sorted(VGG_CONVS)}")
    names = tuple(f"relu{b}_{c + 1}" for b, n in enumerate(VGG_CONVS[arch], 1) for c in range(n))
    if last is None:
        return names
    if last not in names:
        raise ValueError(f"{arch} has no layer {last!r}")
    return names[: names.index(last) + 1]


def layer_channels(layer: str) -> int:
    """Channels of a VGG layer."""
    return VGG_CHANNELS[_block(layer)]


def layer_stride(layer: str) -> int:
    """Pixels of the picture that one cell of a VGG layer stands for, along a side."""
    return 2 ** _block(layer)


def _block(layer: str) -> int:
    return int(layer[len("relu")]) - 1
