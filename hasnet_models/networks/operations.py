"""What an avatar is made by: six operations on tensors, each a module with its weights.

They are all that the networks do between a picture and an avatar. The torch runtime calls them as
they stand; the graphs of the ONNX runtime are traced from them (``tools/make_graphs.py``), so that
there is one source of every formula. Arguments come in the order of ``INPUTS`` of
:mod:`hasnet_models.runtimes.contract`.
"""

from __future__ import annotations

from torch import Tensor, nn

from hasnet_models.config.schema import TTConfig
from hasnet_models.networks.appearance import keep_tone, laid
from hasnet_models.networks.colour import lightness_of_pixels
from hasnet_models.networks.identity import embed_pixels
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tensors import from_pixels, signed
from hasnet_models.networks.tt_net import TTNet, content_features, content_layers
from hasnet_models.networks.warp import warp

TONE_KEPT = 0.7  # of a face's broad luminance that TT-Net changed


class Recolour(nn.Module):
    """X_Sg and X_RT of pictures."""

    def __init__(self, rt: RTNet) -> None:
        super().__init__()
        self.rt = rt

    def forward(
        self, pictures: Tensor, lift: Tensor, palette: Tensor, zones: Tensor, shares: Tensor
    ) -> tuple[Tensor, Tensor]:
        """uint8 (B, S, S, 3), (B, 1, S, S) or (B, 1, 1, 1), uint8 (B, 20, 3), (B, 6, h, w),
        (B, 20, 6).

        Returns:
            X_Sg (B, 1, S, S) and X_RT (B, 3, S, S), -1..1 both.
        """
        gray = lightness_of_pixels(pictures)
        gray = (gray + lift).clamp(-1, 1)
        return gray, self.rt(gray, signed(palette), zones, shares)


class Warp(nn.Module):
    """:func:`hasnet_models.networks.warp.warp`."""

    def forward(self, planes: Tensor, flow: Tensor) -> Tensor:
        """(B, C, S, S), (B, 2, h, w) -> (B, C, S, S)."""
        return warp(planes, flow)


class Lay(nn.Module):
    """:func:`hasnet_models.networks.appearance.laid` in a window."""

    def forward(
        self,
        picture: Tensor,
        colours: Tensor,
        mask: Tensor,
        chroma: Tensor,
        pattern: Tensor,
        window: Tensor,
    ) -> Tensor:
        """(B, 3, S, S), uint8 (B, h, w, 3), (B, 1, h, w), (), (), top, bottom, left, right.

        Returns:
            (B, 3, bottom - top, right - left): the picture in that window.
        """
        top, bottom, left, right = window.unbind(0)
        here = (..., slice(top, bottom), slice(left, right))
        return laid(picture, from_pixels(colours), mask, chroma, pattern, here)


class Content(nn.Module):
    """The VGG layers of pictures that TT-Net starts from.

    An operation of its own, as no domain's head changes it.

    Args:
        config: of that TT-Net.
    """

    def __init__(self, vgg: nn.Module, config: TTConfig) -> None:
        super().__init__()
        self.vgg, self.config = vgg, config

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, S, S) -> (B, C, h, w) of each of `content_layers`."""
        found = content_features(self.vgg, picture, self.config)
        return tuple(found[name] for name in content_layers(self.config))


class Redraw(nn.Module):
    """X_TT, with the face as dark as it was."""

    def __init__(self, tt: TTNet) -> None:
        super().__init__()
        self.tt = tt

    def forward(
        self,
        picture: Tensor,
        z_id: Tensor,
        code: Tensor,
        person: Tensor,
        oval: Tensor,
        *features: Tensor,
    ) -> Tensor:
        """(B, 3, S, S), (B, z_dim), (B, domains), (B, 1, h, w), (B, 1, h, w) -> (B, 3, S, S).

        Args:
            features: of the picture, as `Content` gives them.
        """
        content = dict(zip(content_layers(self.tt.config), features, strict=True))
        x_tt = self.tt(picture, content, z_id, code, person=person)
        return keep_tone(x_tt, picture, oval, TONE_KEPT)


class Embed(nn.Module):
    """z_id of aligned faces."""

    def __init__(self, identity: nn.Module) -> None:
        super().__init__()
        self.identity = identity

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 (B, S, S, 3) -> (B, 192) of unit length."""
        return embed_pixels(self.identity, pictures)
