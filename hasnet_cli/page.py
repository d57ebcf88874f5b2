"""A page that shows what became of a batch: one HTML file, nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

import numpy as np

from hasnet_models import image_io
from hasnet_models.atomic import replacing
from hasnet_models.avatar.provenance import matrix_of
from hasnet_models.batch import Ledger, Result
from hasnet_models.errors import HasnetError, ImageError, UsageError
from hasnet_models.face.align import warp
from hasnet_models.opencv import cv2

PAGE_NAME = "report.html"
# Two pictures of some 12 kB each: the page of a large batch stays one that a browser can open.
MOST_PICTURES = 500
_SIDE = 256
_QUALITY = 82


def write_batch_page(out_dir: Path, photos: Path | None = None) -> Path:
    """Write the page of a batch's output folder, from the results of all its shards.

    Args:
        photos: the batch's input folder; without it the page shows the avatars alone.

    Raises:
        UsageError: the folder has no results.
        ImageError: they cannot be read, or the page not be written.
    """
    results = list(Ledger(out_dir).known.values())
    if not results:
        raise UsageError(f"{out_dir} has no results.", "Give the output folder of a batch.")
    return _write_page(out_dir, results, photos)


def _write_page(out_dir: Path, results: Sequence[Result], photos: Path | None = None) -> Path:
    path = out_dir / PAGE_NAME
    try:
        with replacing(path) as file:
            for part in _page(out_dir, results, photos):
                file.write(part.encode(errors="backslashreplace"))
    except OSError as error:
        raise ImageError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def _page(out_dir: Path, results: Sequence[Result], photos: Path | None) -> Iterator[str]:
    failed = [result for result in results if result.error]
    made = [result for result in results if not result.error]
    yield _HEAD.substitute(title=_text(out_dir.resolve().name), summary=_summary(results))
    if failed:
        rows = "".join(_FAILURE.substitute(_texts(result)) for result in failed)
        yield f'<section><h2>Failures</h2><table class="failures">{rows}</table></section>'
    yield "<main>"
    for result in made[:MOST_PICTURES]:
        yield _card(out_dir, result, photos)
    yield "</main>"
    if more := made[MOST_PICTURES:]:
        rows = "".join(f"<li>{_text(result.input)}</li>" for result in more)
        yield f"<section><h2>{len(more)} more, without pictures</h2><ul>{rows}</ul></section>"
    yield _FOOT


def _summary(results: Sequence[Result]) -> str:
    counts = Counter(result.status for result in results)
    parts = [f"{count} {status}" for status, count in sorted(counts.items())]
    seconds = sum(result.seconds for result in results)
    return _text(", ".join([*parts, f"{seconds:.1f} s"]))


def _card(out_dir: Path, result: Result, photos: Path | None) -> str:
    pictures, palette = "", ""
    for name in result.outputs:
        try:
            slider, metadata = _slider(out_dir / name, result, photos)
        except HasnetError as error:
            pictures += f'<p class="gone">{_text(error)}</p>'
        else:
            pictures += slider
            palette = palette or metadata.get("palette", "")
    return _CARD.substitute(_texts(result), pictures=pictures, swatches=_swatches(palette))


def _slider(output: Path, result: Result, photos: Path | None) -> tuple[str, dict[str, str]]:
    """The picture before and after, one over the other, and the avatar's own record."""
    avatar, metadata = image_io.read(output), image_io.read_metadata(output)
    before = _before(photos / result.input, metadata) if photos else None
    after_uri = _data_uri(_small(avatar.rgb))
    if before is None:
        return _ALONE.substitute(after=after_uri), metadata
    uri = _data_uri(_small(before))
    return _SLIDER.substitute(before=uri, after=after_uri), metadata


def _before(path: Path, metadata: Mapping[str, str]) -> np.ndarray | None:
    """The photo as the avatar shows it: its aligned face, or the whole. None if it is gone."""
    try:
        photo = image_io.read(path)
    except HasnetError:
        return None
    matrix = matrix_of(metadata)
    return photo.rgb if matrix is None else warp(photo.rgb, matrix)


def _small(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _data_uri(rgb: np.ndarray) -> str:
    data = image_io.encode(rgb, ".jpg", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def _swatches(palette: str) -> str:
    codes = map(_text, palette.split())
    return "".join(f'<i style="background:{code}" title="{code}"></i>' for code in codes)


def _texts(result: Result) -> dict[str, str]:
    """What the templates want, as text that is safe in HTML."""
    values = {key: getattr(result, key) or "" for key in ("input", "domain", "reference", "error")}
    texts = {key: _text(value) for key, value in values.items()}
    return texts | {"seconds": f"{result.seconds:.2f} s"}


def _text(value: object) -> str:
    return html.escape(str(value))


_HEAD = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>hasnet: $title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 1.5rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; }
header p { margin: .2rem 0 1.2rem; opacity: .75; }
main { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fill, minmax(256px, 1fr)); }
article { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.facts { padding: .6rem .8rem .8rem; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.more { display: flex; justify-content: space-between; opacity: .75; font-size: .85rem; }
.swatches { display: flex; margin-top: .5rem; } .swatches i { flex: 1; height: 18px; }
.slider { position: relative; --x: 50%; display: block; }
.slider img, .alone { display: block; width: 100%; }
.slider .after { position: absolute; inset: 0; height: 100%; clip-path: inset(0 0 0 var(--x)); }
.slider::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--x); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 4px #000; pointer-events: none; }
.slider input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: ew-resize; }
.slider:focus-within { outline: 3px solid #48f; }
table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid var(--line); padding: .35rem .5rem; overflow-wrap: anywhere; }
.failures td:first-child { font-weight: 600; } .gone { padding: .8rem; }
section { margin: 0 0 1.5rem; }
</style></head><body>
<header><h1>$title</h1><p>$summary</p></header>
""")
_SLIDER = Template("""<label class="slider"><img src="$before" alt="before">
<img class="after" src="$after" alt="after">
<input type="range" min="0" max="100" value="50" aria-label="before and after"></label>
""")
_ALONE = Template('<img class="alone" src="$after" alt="avatar">')
_CARD = Template("""<article>$pictures<div class="facts"><div class="name">$input</div>
<div class="more"><span>$domain $reference</span><span>$seconds</span></div>
<div class="swatches">$swatches</div></div></article>
""")
_FAILURE = Template("<tr><td>$input</td><td>$error</td></tr>")
_FOOT = """<script>
addEventListener("input", event => {
  event.target.parentNode.style.setProperty("--x", event.target.value + "%");
});
</script></body></html>
"""
