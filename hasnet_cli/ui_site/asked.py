"""What the page asks for, as JSON, read into a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hasnet_models.avatar.request import Request
from hasnet_models.controls.background_choice import FILE, Background
from hasnet_models.controls.zone_choice import parse_colours, parse_keep
from hasnet_models.errors import UsageError
from hasnet_models.face.choice import ALIGNED, ALL, AUTO, BOX, LARGEST, NUMBER, FaceChoice
from hasnet_models.plugins.naming import is_path

# No file of this machine can be named from the page: no `ref`, no `palette`, no "like:PICTURE", no
# domain by its folder.
_FACES = (AUTO, LARGEST, ALL, NUMBER, ALIGNED, BOX)
_NUMBERS = ("strength", "shape", "appearance", "medium")
_TEXTS = ("domain", "reference", "medium_kind")


def request_of(asked: Mapping[str, Any], device: str = "auto") -> Request:
    """The request that a JSON object of the page stands for; what it lacks has its default.

    Raises:
        UsageError: a value is of another kind, out of range, or the parts contradict each other.
    """
    options: dict[str, Any] = {"device": device}
    options |= {name: _number(name, asked[name]) for name in _NUMBERS if _given(asked, name)}
    options |= {name: _text(name, asked[name]) for name in _TEXTS if _given(asked, name)}
    if _given(asked, "size"):
        options["size"] = round(_number("size", asked["size"]))
    options["paste"] = asked.get("paste") is True
    options["medium_all"] = options["paste"] and asked.get("medium_all") is True
    options["face"] = FaceChoice.parse(_text("face", asked.get("face") or AUTO), _FACES)
    options["colour"] = parse_colours(f"{zone}={code}" for zone, code in _colours(asked))
    options["keep"] = parse_keep(_listed(asked, "keep"))
    options["background"] = _background(asked)
    if is_path(options.get("domain", "")):
        raise UsageError("Here a domain is an installed one.", parameters=("domain",))
    request = Request.of(**options)
    request.check()
    return request


def _given(asked: Mapping[str, Any], name: str) -> bool:
    return asked.get(name) not in (None, "")


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"The {name} must be a number.", parameters=(name,))
    return float(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"The {name} must be a text.", parameters=(name,))
    return value


def _colours(asked: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = asked.get("colour") or {}
    if not isinstance(found, dict):
        raise UsageError("The colours must be an object of zones.", parameters=("colour",))
    return [(zone, _text("colour", code)) for zone, code in found.items() if code]


def _listed(asked: Mapping[str, Any], name: str) -> list[str]:
    found = asked.get(name) or []
    if not isinstance(found, list):
        raise UsageError(f"The {name} must be a list.", parameters=(name,))
    return [_text(name, one) for one in found]


def _background(asked: Mapping[str, Any]) -> Background:
    found = Background.parse(_text("background", asked.get("background") or "keep"))
    if found.kind == FILE:
        raise UsageError(
            "Here a background is keep, transparent, blur or a colour.", parameters=("background",)
        )
    return found
