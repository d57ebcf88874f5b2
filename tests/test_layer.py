"""The medium of an avatar: from manifests and options to pixels, records and batches."""

from __future__ import annotations

import json
import shlex
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeSteps, picture
from test_face import turned

from hasnet_models import Avatar, image_io
from hasnet_models.avatar import api
from hasnet_models.avatar.fingerprint import fingerprint_of
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.layer import Layer, for_paste, layer_of, zones_in_photo
from hasnet_models.avatar.look import STRONGEST_MEDIUM, Look
from hasnet_models.avatar.provenance import is_other_medium
from hasnet_models.avatar.request import Request
from hasnet_models.controls.zone_choice import parse_colours
from hasnet_models.face.paste import paste
from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import invert, transform
from hasnet_models.medium import KINDS, presets
from hasnet_models.medium.laying import GREATEST_STRENGTH
from hasnet_models.plugins import discover, forget
from hasnet_models.topology import zone_names
from hasnet_models.topology.zones import ZONES, zone_maps

ROOT = Path(__file__).parents[1]
PENCIL = '[medium]\nkind = "pencil"\nline = 0.7\n'


def install(site, name: str = "drawn", table: str = PENCIL) -> None:
    """A domain with a medium."""
    manifest = site.install(name) / "domain.toml"
    manifest.write_text(manifest.read_text().replace("[references]", f"{table}\n[references]"))


@pytest.fixture
def face(tmp_path):
    return picture(tmp_path / "face.png", 200, 24, 20)


@pytest.fixture
def made(run, site, pipeline, face):
    """Pixels of `hasnet avatar` with a domain whose medium is pencil."""
    install(site)

    def call(*options: object, photo: Path = face) -> np.ndarray:
        name = f"{len(list(Path.cwd().iterdir()))}.png"
        result = run("avatar", photo, "--domain", "drawn", *options, "-o", name)
        assert result.code == 0, result.err
        return image_io.read(name).rgb

    return call


def job(**options: object) -> Job:
    from fakes import FakePipeline

    request = Request.of(**options)
    return Job.start(request, discover(), lambda *_: FakePipeline(), lambda _text: None)


# ------------------------------------------------------------------------------------- controls


def test_what_the_rooms_say_twice_is_the_same():
    assert STRONGEST_MEDIUM == GREATEST_STRENGTH
    assert zone_names.ZONES == ZONES


def test_a_manifest_without_a_medium_has_none(run, site, pipeline, face):
    site.install("old")
    run("avatar", face, "--domain", "old", "-o", "a.png")
    run("avatar", face, "--domain", "old", "--medium-kind", "none", "-o", "b.png")
    first, second = (image_io.read(name).rgb for name in ("a.png", "b.png"))
    assert (first == second).all() and len(np.unique(first.reshape(-1, 3), axis=0)) == 1
    assert "medium" not in image_io.read_metadata("a.png")


def test_strength_and_none(made):
    plain = made("--medium-kind", "none")
    assert len(np.unique(plain.reshape(-1, 3), axis=0)) == 1
    assert (made("--medium", "0") == plain).all()
    assert (made("--strength", "0") == made("--strength", "0", "--medium-kind", "none")).all()
    whole, more = made("--size", "256").astype(int), made("--size", "256", "--medium", "1.5")
    size = made("--size", "256", "--medium-kind", "none")
    assert 0 < np.abs(whole - size).mean() < np.abs(more - size.astype(int)).mean()


def test_the_same_photo_gives_the_same_bytes(made, face, tmp_path):
    first = made("--size", "300")
    assert (made("--size", "300") == first).all()
    assert (made("--size", "300", photo=picture(tmp_path / "other.png", 150)) != first).any()


def test_another_kind_than_the_domains(made):
    pictures = [made("--size", "200", "--medium-kind", kind) for kind in ("film", "pencil", "ink")]
    own = made("--size", "200")
    assert (pictures[1] == own).all()  # with the parameters of the manifest
    assert (pictures[0] != own).any() and (pictures[2] != own).any()


def test_parameters_of_the_manifest_count(site):
    install(site, "one")
    install(site, "two", '[medium]\nkind = "pencil"\n')
    lines = [job(domain=name).layer.medium.line for name in ("one", "two")]
    assert lines == [0.7, KINDS["pencil"]().line]
    assert job(domain="two", medium_kind="paint", medium=0.5).layer == Layer(KINDS["paint"](), 0.5)


def test_the_nearest_domain_lends_its_medium_and_that_is_said(run, site, pipeline, face):
    install(site)
    err = run("avatar", face, "--ref", face, "-o", "a.png").err
    assert "nearest to domain 'drawn', whose medium is pencil" in err
    assert "(--domain NAME or --medium-kind none choose)" in err
    medium = json.loads(image_io.read_metadata("a.png")["medium"])
    assert (medium["kind"], medium["line"]) == ("pencil", 0.7)
    err = run("avatar", face, "--ref", face, "--medium-kind", "none", "-o", "b.png").err
    assert "medium is" not in err and "medium" not in image_io.read_metadata("b.png")
    run("avatar", face, "--ref", face, "--medium-kind", "film", "-o", "c.png")
    assert json.loads(image_io.read_metadata("c.png")["medium"])["kind"] == "film"


def test_a_domain_with_a_wrong_medium_is_not_the_nearest(run, site, pipeline, face):
    install(site, table='[medium]\nkind = "pencl"\n')
    code, _, err = run("avatar", face, "--ref", face, "-o", "a.png")
    assert code == 0 and "Domain drawn is left out" in err and "There is no medium 'pencl'" in err
    assert "medium" not in image_io.read_metadata("a.png")
    code, _, err = run("avatar", face, "--ref", face, "--medium-kind", "none", "-o", "b.png")
    assert code == 0 and "nearest to domain 'drawn'" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--medium-kind", "pencl"), "There is no medium 'pencl'; 'pencil' is near."),
        (("--medium", "1.6"), "The medium must be 0 to 1.5, not 1.6."),
        (("--medium", "nan"), "The medium must be 0 to 1.5, not nan."),
        (("--medium-all",), "Give --paste beside --medium-all."),
    ],
)
def test_wrong_options_are_one_sentence(run, site, pipeline, face, options, said):
    install(site)
    code, out, err = run("avatar", face, "--domain", "drawn", *options, "-o", "a.png")
    assert (code, out) == (2, "") and said in err and pipeline.rendered == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('kind = "pencl"', "There is no medium 'pencl'; 'pencil' is near."),
        ('kind = "pencil"\nlin = 1', "has no parameter 'lin'; 'line' is near."),
        ('kind = "pencil"\nline = 7', "is a number from 0 to 1, not 7."),
        ('kind = "pencil"\nline = "dark"', "is a number from 0 to 1, not 'dark'."),
        ("line = 1", "needs 'kind' in [medium] as a string"),
    ],
)
def test_a_wrong_table_in_a_manifest_is_one_sentence(run, site, pipeline, face, table, said):
    install(site, table=f"[medium]\n{table}\n")
    code, out, err = run("avatar", face, "--domain", "drawn", "-o", "a.png")
    assert (code, out) == (6, "") and said in err and "Traceback" not in err
    assert said in run("doctor").out
    assert not Path("a.png").exists()


def test_a_table_that_is_none(run, site, pipeline, face):
    manifest = site.install("drawn") / "domain.toml"
    manifest.write_text(manifest.read_text().replace("[references]", "medium = 3\n[references]"))
    assert "'medium' as a table" in run("avatar", face, "--domain", "drawn").err
    manifest.write_text(manifest.read_text().replace("medium = 3", '[medium]\nkind = "none"\n'))
    assert run("avatar", face, "--domain", "drawn").code == 0


@pytest.mark.parametrize("given", ["3", "int", "KINDS['film']"])
def test_what_is_no_medium_is_a_broken_plugin(run, site, pipeline, face, given):
    install(site)
    code = (
        "from hasnet_models.plugins import MediumSpec, hookimpl\n"
        "from hasnet_models.medium import KINDS\n"
        f"@hookimpl\ndef hasnet_media():\n    yield MediumSpec('odd', lambda: {given})\n"
    )
    site.install("odd", code)
    code, _, err = run("avatar", face, "--domain", "drawn", "--medium-kind", "odd")
    assert code == 6 and "is no medium of that kind" in err


@pytest.mark.parametrize("name", sorted(presets()))
def test_our_own_domains_have_their_media(name, monkeypatch):
    from hasnet_models.plugins import Domain
    from hasnet_models.plugins.media import medium_of

    monkeypatch.syspath_prepend(str(ROOT / "domains" / f"hasnet-domain-{name}"))
    assert medium_of(Domain.from_package(f"hasnet_domain_{name}")) == presets()[name]


def test_from_python(monkeypatch, site, pipeline, face):
    monkeypatch.setattr(api, "_load", lambda *_: pipeline)
    install(site)
    drawn = Avatar(domain="drawn", size=64)(face)
    assert (drawn.array != Avatar(domain="drawn", size=64, medium_kind="none")(face).array).any()
    whole = Avatar(domain="drawn", paste=True, medium_all=True, medium=0.5)(face)
    assert whole.array.shape == (20, 24, 3)
    assert json.loads(whole.metadata["medium"])["strength"] == 0.5


# ------------------------------------------------------------------- records, batches and sheets


@pytest.mark.parametrize(
    "options",
    [
        ("--domain", "drawn", "--size", "90"),
        ("--domain", "drawn", "--medium", "0.5", "--medium-kind", "ink"),
        ("--domain", "drawn", "--medium-kind", "none"),
        ("--domain", "drawn", "--strength", "0"),
        ("--domain", "drawn", "--paste"),
        ("--domain", "drawn", "--paste", "--medium-all"),
        ("--ref", "face.png"),
        ("--ref", "face.png", "--medium-kind", "pencil"),
    ],
)
def test_the_printed_command_repeats_the_medium(run, site, pipeline, options):
    install(site)
    picture("face.png", 200, 40, 30)
    assert run("avatar", "face.png", *options, "-o", "first.png").code == 0
    command = shlex.split(json.loads(run("explain", "first.png", "--json").out)["command"])
    assert run(*command[1:]).out == "first-again.png\n"
    first, again = (image_io.read(name).rgb for name in ("first.png", "first-again.png"))
    assert (first == again).all()
    records = [image_io.read_metadata(name) for name in ("first.png", "first-again.png")]
    assert records[0].get("medium") == records[1].get("medium")


def test_a_record_of_before_there_were_media_is_repeated_without(run, site, pipeline):
    install(site)
    record = {"version": "0.1", "domain": "drawn", "input": "a.png", "options": "{}"}
    image_io.write(np.zeros((4, 4, 3), np.uint8), "old.png", metadata=record)
    assert "--medium-kind none" in json.loads(run("explain", "old.png", "--json").out)["command"]


def test_a_medium_that_changed_since_is_said(run, site, pipeline, face):
    install(site)
    run("avatar", face, "--domain", "drawn", "-o", "a.png")
    assert not json.loads(run("explain", "a.png", "--json").out)["changed_medium"]
    manifest = site.folder / "fake_domain_drawn" / "domain.toml"
    for before, after in (("0.7", "0.2"), ("pencil", "pencl")):
        manifest.write_text(manifest.read_text().replace(before, after))
        assert json.loads(run("explain", "a.png", "--json").out)["changed_medium"]
        assert "The medium has other parameters here." in run("explain", "a.png").err


def test_the_fingerprint_goes_by_the_medium(site):
    install(site)
    without = fingerprint_of(job(domain="drawn", medium_kind="none")).parameters
    one, two = (fingerprint_of(job(domain="drawn", medium=s)).parameters for s in (None, 0.5))
    manifest = site.folder / "fake_domain_drawn" / "domain.toml"
    manifest.write_text(manifest.read_text().replace("0.7", "0.2"))
    forget()
    assert len({without, one, two, fingerprint_of(job(domain="drawn")).parameters}) == 4


def test_a_batch_gives_the_same_pixels(run, site, pipeline, tmp_path):
    install(site)
    for level in (60, 110, 200):
        picture(tmp_path / "photos" / f"{level}.png", level)
    options = ("--domain", "drawn", "--reference", "1", "--size", "80")
    run("batch", tmp_path / "photos", *options, "-o", tmp_path / "out", "--batch", "3")
    for photo in (tmp_path / "photos").iterdir():
        run("avatar", photo, *options, "-o", "one.png")
        alone, batch = image_io.read("one.png"), image_io.read(tmp_path / "out" / photo.name)
        assert (alone.rgb == batch.rgb).all()


def test_the_medium_is_the_last_step_and_on_the_sheet(made, run, face):
    made("--size", "64", "--steps-out", "steps.png")
    steps = image_io.read("steps.png").rgb
    assert steps.shape == (16, 7 * 16, 3)
    assert (steps[:, -16:] != steps[:, -32:-16]).any()
    made("--medium-kind", "none", "--steps-out", "fewer.png")
    assert image_io.read("fewer.png").rgb.shape == (16, 6 * 16, 3)
    sheets = []
    for kind in ("pencil", "none"):
        args = ("--domain", "drawn", "--side", "64", "--medium-kind", kind, "-o", "s.png")
        assert run("sheet", face, *args).code == 0
        sheets.append(image_io.read("s.png").rgb)
    assert (sheets[0] != sheets[1]).any()
    args = ("--domain", "drawn", "--reference", "1", "--side", "32", "--stages", "-o", "t.png")
    assert run("sheet", face, *args).code == 0
    assert image_io.read("t.png").rgb.shape == (2 * 34 + 2, 8 * 34 + 2, 3)


# ----------------------------------------------------------------------------------- in a photo


def waves(height: int, width: int) -> np.ndarray:
    """A soft coloured picture."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    planes = [np.sin(x / 70 + shift) + np.cos(y / 50 - shift) for shift in (0, 1, 2)]
    return np.round(130 + 35 * np.dstack(planes)).astype(np.uint8)


def steps_of(crop: np.ndarray, avatar: np.ndarray) -> FakeSteps:
    zones = zone_maps(None)
    return FakeSteps(crop, crop, crop, crop, crop, avatar, zones=zones)


@pytest.mark.parametrize("matrix", [turned(0.3, 1.5, -100, -300), turned(-0.2, 0.4, 60, 30)])
def test_with_paste_it_ends_softly_where_the_avatar_does(matrix):
    photo = waves(700, 900)
    aligned = AlignedFace(waves(512, 512), matrix)
    avatar = waves(512, 512)[::-1].copy()
    layer = Layer(KINDS["pencil"](), 1.0)
    drawn = layer.on_face(for_paste(avatar, aligned), steps_of(aligned.crop, avatar))
    with_it, without = (paste(photo, a, aligned) for a in (drawn, avatar))
    change = np.abs(with_it.astype(int) - without).mean(-1)
    y, x = np.mgrid[:700, :900]
    at = transform(np.stack([x, y], -1).reshape(-1, 2), matrix).reshape(700, 900, 2)
    depth = np.minimum(at, 511 - at).min(-1)  # in px of the frame, from its rim
    assert change[depth < -8].max() == 0
    assert change[(depth > 0) & (depth < 6)].mean() < 0.1 * change[depth > 80].mean()


@pytest.mark.parametrize(("scale", "side"), [(2.0, 512), (0.25, 2048), (0.05, 4096)])
def test_a_pasted_avatar_has_the_photos_resolution(scale, side):
    aligned = AlignedFace(np.zeros((512, 512, 3), np.uint8), turned(0.1, scale, 0, 0))
    assert len(for_paste(np.zeros((512, 512, 3), np.uint8), aligned)) == side


def test_zones_lie_where_the_face_does_in_the_photo():
    matrix = turned(0.4, 0.9, -150, 60)
    aligned = AlignedFace(np.zeros((512, 512, 3), np.uint8), matrix)
    zones = zone_maps(None)
    found = zones_in_photo((800, 1000), [aligned], [zones])
    assert np.allclose(found.sum(0), 1, atol=1e-5) and found.min() >= 0
    lips = ZONES.index("lips")
    rows, columns = np.mgrid[:32, :32]
    weights = zones[lips] / zones[lips].sum()
    middle = np.array([(columns * weights).sum(), (rows * weights).sum()])
    expected = transform(((middle + 0.5) / 32 * 512 - 0.5)[None], invert(matrix))[0]
    height, width = found.shape[1:]
    y, x = np.mgrid[:height, :width]
    weights = found[lips] / found[lips].sum()
    seen = (np.array([(x * weights).sum(), (y * weights).sum()]) + 0.5) * 800 / height - 0.5
    assert np.linalg.norm(seen - expected) < 12
    assert found[ZONES.index("rest")][:, 0].min() > 0.95


def test_zones_of_several_faces_and_of_one_beyond_the_photo():
    crop = np.zeros((512, 512, 3), np.uint8)
    faces = [AlignedFace(crop, turned(0, 1.0, -x, 0)) for x in (0, 480, 5000)]
    found = zones_in_photo((512, 1000), faces, [zone_maps(None), zone_maps(None), None])
    assert np.allclose(found.sum(0), 1, atol=1e-5)
    eyes = found[ZONES.index("eyes")].sum(0)
    assert eyes[: len(eyes) // 2].sum() > 1 and eyes[len(eyes) // 2 :].sum() > 1


def test_over_the_whole_photo_nothing_repeats():
    photo = np.full((300, 1200, 3), 140, np.uint8)
    aligned = AlignedFace(np.full((512, 512, 3), 140, np.uint8), turned(0, 512 / 300, 0, 0))
    layer = Layer(KINDS["pencil"](), 1.0)
    drawn = layer.on_photo(photo, [aligned], [steps_of(aligned.crop, aligned.crop)])
    texture = drawn[..., 1].astype(float)[:, 400:]
    assert texture.std() > 1
    texture -= texture.mean()
    for shift in range(30, 700, 10):
        a, b = texture[:, shift:], texture[:, :-shift]
        assert abs((a * b).mean() / texture.var()) < 0.25, shift


@pytest.mark.parametrize("kind", ["cel", "ink", "soft-shading"])
def test_what_a_whole_photo_shows_around_a_face_stays_in_focus(kind):
    photo = np.full((300, 1000, 3), 90, np.uint8)
    photo[:, ::40] = photo[:, 1::40] = photo[:, 2::40] = photo[:, 3::40] = 200
    aligned = AlignedFace(np.full((512, 512, 3), 90, np.uint8), turned(0, 512 / 300, 0, 0))
    layer = Layer(KINDS[kind](), 1.0)
    drawn = layer.on_photo(photo, [aligned], [steps_of(aligned.crop, aligned.crop)])
    around = np.s_[:, 500:]
    assert drawn[around].std() > 0.6 * photo[around].std()
    on_face = layer.on_face(photo[:, 500:800], FakeSteps(*[photo] * 6, zones=only_rest()))
    assert on_face.std() < 0.9 * drawn[around].std()


def only_rest() -> np.ndarray:
    zones = np.zeros((len(ZONES), 32, 32), np.float32)
    zones[ZONES.index("rest")] = 1
    return zones


def test_a_photo_is_covered_to_its_corners(made, tmp_path):
    photo = picture(tmp_path / "wide.png", 200, 300, 200)
    face = made("--paste", photo=photo)
    plain = made("--paste", "--medium-kind", "none", photo=photo)
    assert (face[-40:, -40:] == plain[-40:, -40:]).all()
    whole = made("--paste", "--medium-all", photo=photo)
    assert (whole[-40:, -40:] != plain[-40:, -40:]).any()


# ------------------------------------------------------------------------------------ ugly input


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("size", [(1, 24), (24, 1), (1, 1), (3, 400)])
def test_photos_of_hardly_any_height(made, kind, size, tmp_path):
    photo = picture(tmp_path / "thin.png", 200, *size[::-1])
    options = ("--medium-kind", kind, "--face", "aligned")
    assert made("--paste", "--medium-all", *options, photo=photo).shape == (*size, 3)
    assert made("--paste", *options, photo=photo).shape == (*size, 3)


@pytest.mark.parametrize("level", [0, 255])
def test_all_black_and_all_white(made, level, tmp_path):
    even = picture(tmp_path / "even.png", level, 40, 40)
    assert made("--paste", "--medium-all", "--face", "aligned", photo=even).shape == (40, 40, 3)


def test_alpha_is_kept(run, site, pipeline, tmp_path):
    install(site)
    pixels = np.full((40, 40, 4), 200, np.uint8)
    pixels[:, :20, 3] = 0
    clear = tmp_path / "clear.png"
    image_io.write(image_io.Photo(pixels[..., :3].copy(), pixels[..., 3].copy()), clear)
    for more in ((), ("--medium-all",)):
        run("avatar", clear, "--domain", "drawn", "--paste", *more, "-o", "c.png")
        assert (image_io.read("c.png").alpha == pixels[..., 3]).all()


def test_memory_of_a_large_paste_is_bounded():
    photo = np.full((4000, 4000, 3), 120, np.uint8)
    aligned = AlignedFace(waves(512, 512), turned(0.0, 0.128, 0, 0))
    layer = Layer(KINDS["film"](), 1.0)
    tracemalloc.start()
    drawn = layer.on_face(for_paste(aligned.crop, aligned), steps_of(aligned.crop, aligned.crop))
    result = paste(photo, drawn, aligned)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (result != photo).any() and peak < 12 * photo.nbytes


@pytest.mark.parametrize("kind", ["pencil", "paint", "stone"])
def test_memory_of_a_large_covered_photo_is_bounded(kind):
    photo = np.full((4000, 4000, 3), 120, np.uint8)
    aligned = AlignedFace(waves(512, 512), turned(0.0, 0.128, 0, 0))
    layer = Layer(KINDS[kind](), 1.0)
    tracemalloc.start()
    drawn = layer.on_photo(photo, [aligned], [steps_of(aligned.crop, aligned.crop)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (drawn != photo).any() and peak < 8 * photo.nbytes


@pytest.mark.parametrize(
    "own", [{"keep": ("skin",)}, {"palette": "a.gpl"}, {"colour": parse_colours(["hair=red"])}]
)
def test_graphite_becomes_coloured_pencils_for_the_user_s_colours(own):
    plain = layer_of(Look(medium_kind="pencil"), None)
    coloured = layer_of(Look(medium_kind="pencil", **own), None)
    assert coloured.medium == replace(plain.medium, colour=1.0) != plain.medium
    assert layer_of(Look(medium_kind="cel", **own), None) == layer_of(Look(medium_kind="cel"), None)
    record = {"medium": json.dumps(coloured.table()), "options": '{"medium_kind": "pencil"}'}
    assert is_other_medium(record, None)
    record["options"] = '{"medium_kind": "pencil", "keep": ["skin"]}'
    assert not is_other_medium(record, None)
