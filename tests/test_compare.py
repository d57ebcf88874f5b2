"""The paper's figures: what is drawn for them, and `hasnet compare`."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hasnet_cli import factory
from hasnet_models import image_io
from hasnet_models.errors import UsageError
from hasnet_models.evaluation.systems import catalogue, source
from hasnet_models.figures.gallery import Face, Gallery, read_photos
from hasnet_models.figures.layout import figure_sheet
from hasnet_models.figures.plan import FIGURES, draw

WORLDS = ("photo", "nir", "sketch", "anime", "oil")


def gallery_of(*worlds: str, each: int = 6) -> Gallery:
    faces = {w: [Face(Path(f"{w}/{i}.png"), w, True) for i in range(each)] for w in worlds}
    return Gallery(faces, faces)


@pytest.mark.parametrize("number", FIGURES)
def test_the_same_seed_draws_the_same_and_another_other_samples(number):
    gallery = gallery_of(*WORLDS)
    first = draw(FIGURES[number], gallery, 0)
    assert first == draw(FIGURES[number], gallery, 0) != draw(FIGURES[number], gallery, 1)
    assert len({sample.name for sample in first}) == len(first)


def test_no_source_is_of_the_domain_it_is_brought_into():
    samples = draw(FIGURES[7], gallery_of(*WORLDS), 3, samples=20)
    assert all(sample.source.domain != sample.domain for sample in samples)
    assert len({sample.source.domain for sample in samples}) > 2


def test_sources_of_figure_8_are_photos():
    samples = draw(FIGURES[8], gallery_of(*WORLDS), 0)
    assert [sample.domain for sample in samples] == ["nir"] * 3 + ["sketch"] * 3 + ["anime"] * 3
    assert {sample.source.domain for sample in samples} == {"photo"}


def test_a_domain_more_does_not_change_the_samples_of_the_others():
    few = draw(FIGURES[8], gallery_of("photo", "nir", "sketch"), 5)
    assert few == draw(FIGURES[8], gallery_of(*WORLDS), 5)[: len(few)]


def test_the_grid_has_one_reference_a_domain():
    samples = draw(FIGURES[10], gallery_of(*WORLDS), 0, samples=2)
    assert len(samples) == 10 and samples[0].source.domain == "photo"
    assert len({(s.domain, s.reference) for s in samples}) == 5


def test_one_photo_is_brought_into_all_domains_again_and_again(tmp_path):
    photos = read_photos([image(tmp_path / "me.png")])
    gallery = Gallery(photos, {"nir": ["nir-01", "nir-02"]})
    samples = draw(FIGURES[7], gallery, 0, samples=3)
    assert [s.source.name for s in samples] == ["photo-me"] * 3
    assert samples[0].name in ("photo-me--nir-01", "photo-me--nir-02")


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(UsageError, match="no references of opera"):
        draw(FIGURES[7], gallery_of(*WORLDS), 0, ["opera"])
    with pytest.raises(UsageError, match="no source for nir"):
        draw(FIGURES[7], gallery_of("nir"), 0)


def image(path: Path, level: int = 200) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image_io.write(np.full((40, 40, 3), level, np.uint8), path)
    return path


def test_a_sheet_has_its_cells_in_place_and_captions_around_them():
    cell = np.zeros((8, 8, 3), np.uint8)
    out = figure_sheet("A title", ["one", "two"], ["row"], [[cell, None]], 64)
    black = (out.max(axis=2) == 0).sum(axis=0)
    columns = np.flatnonzero(black >= 64)
    assert len(columns) == 64 and columns[0] == 32 + 4
    head = out[: out.shape[0] - 72]
    assert (head[:, 40:90] < 128).any() and (head[:, 110:160] < 128).any()
    assert (out[-72:, :32] < 128).any()


@pytest.mark.parametrize("caption", ["", "a caption of many words " * 9, "x" * 300, "лицо"])
def test_any_caption_stays_in_its_place(caption):
    cell = np.full((8, 8, 3), 200, np.uint8)
    out = figure_sheet("t", [caption, ""], ["", ""], [[cell, cell], [cell, cell]], 64)
    assert out.shape[1] == 2 * 68 + 4
    assert (out[-136:, 4:68] < 128).sum() == 0
    assert (out[30:-140, 72:] == 255).all()


@pytest.fixture
def faces(run, site, pipeline):
    """A folder of faces of three installed domains, and how often the networks were loaded."""
    for name in ("photo", "nir", "sketch"):
        site.install(name)
    lines = ["domain\tsplit\tfile"]
    for shade, world in enumerate(("photo", "nir", "sketch", "unknown")):
        for i in range(4):
            image(Path("faces") / world / f"{i}.png", 60 * shade + 10 * i + 20)
            lines.append(f"{world}\tval\t{world}/{i}.png")
    (Path("faces") / "index.tsv").write_text("\n".join(lines) + "\n")
    return Path("faces")


class Peer(source.Source):
    """Takes the reference for its picture."""

    name = "peer"

    def make(self, sample):
        return sample.reference


class Absent(Peer):
    name = "absent"

    def open(self, samples):
        raise UsageError("it is not installed")


class Broken(Peer):
    name = "broken"

    def make(self, sample):
        raise RuntimeError("a fault\nof two lines")


@pytest.fixture(autouse=True)
def peers(monkeypatch):
    """No peers but those that a test adds to."""
    found = [source.Source()]
    monkeypatch.setattr(catalogue, "peers", lambda: found)
    return found


def names() -> list[dict[str, str]]:
    return list(csv.DictReader(Path("out/pairs.csv").open()))


def test_all_figures_by_one_command(run, faces, monkeypatch, pipeline):
    loads = []
    monkeypatch.setattr(factory, "load_pipeline", lambda *args: loads.append(args) or pipeline)
    code, out, err = run("compare", faces, "-o", "out", "--side", "64", "--samples", "1")
    assert (code, err) == (0, "")
    assert out.split() == [f"out/figure-{n}.png" for n in (5, 7, 8, 9, 10)]
    assert {row["figure"] for row in names()} == {"5", "7", "8", "9", "10"} and len(loads) == 1
    # figure 10: references above, sources before
    assert image_io.read("out/figure-10.png").rgb.shape[1] == 4 * 68 + 4 + 32


def test_the_same_command_gives_the_same_pixels(run, faces):
    for out in ("one", "two"):
        run("compare", faces, "-o", out, "--figure", "7", "--side", "64", "--seed", "4")
    assert Path("one/figure-7.png").read_bytes() == Path("two/figure-7.png").read_bytes()


def test_the_cells_are_a_study_and_another_systems_outputs(run, faces):
    args = ("compare", faces, "--figure", "7", "--side", "64")
    run(*args, "-o", "out", "--cells")
    folders = {path.name for path in Path("out/figure-7").iterdir()}
    assert folders == {"source", "reference", "HASNet"}
    wanted = {f"{row['name']}.png" for row in names()}
    assert {path.name for path in Path("out/figure-7/source").iterdir()} == wanted
    plain = image_io.read("out/figure-7.png").rgb.shape[1]

    gone, broken, *good = sorted(Path("out/figure-7/HASNet").iterdir())
    gone.unlink()
    broken.write_bytes(b"junk")
    for path in good:
        image(path)
    others = ("--outputs", "out/figure-7/HASNet", "--name", "Peer / 2")
    code, _, err = run(*args, "-o", "again", *others, "--cells")
    assert code == 0 and f"Peer / 2, {broken.stem}: " in err
    assert f"Peer / 2 lacks 1 of 4 pictures, such as {gone.name}" in err
    assert image_io.read("again/figure-7.png").rgb.shape[1] == plain + 68
    assert len(list(Path("again/figure-7/Peer - 2").iterdir())) == 2


def test_figure_7_has_the_universal_methods_and_no_other_does(run, faces, peers):
    peers += [Peer(), Absent(), Broken()]
    args = ("compare", faces, "--figure", "7", "--figure", "8", "--side", "64", "--cells")
    code, _, err = run(*args, "-o", "out")
    assert code == 0 and "absent is left out: it is not installed" in err
    assert err.count("a fault of two lines") == 4 and "Traceback" not in err
    folders = {n: {path.name for path in Path(f"out/figure-{n}").iterdir()} for n in (7, 8)}
    assert folders == {7: {"source", "reference", "HASNet", "peer"},
                       8: {"source", "reference", "HASNet"}}  # fmt: skip
    for path in Path("out/figure-7/peer").iterdir():
        same = image_io.read(Path("out/figure-7/reference") / path.name).rgb
        assert np.array_equal(image_io.read(path).rgb, same)
    run(*args, "-o", "bare", "--no-peers")
    assert not Path("bare/figure-7/peer").exists()


def test_peers_need_a_reference_that_is_a_picture(run, faces, peers):
    peers.append(Peer())
    image(Path("me.png"))
    code, _, err = run("compare", "me.png", "-o", "out", "--figure", "7", "--side", "64")
    assert code == 0 and "peer lacks 4 of 4 pictures" in err


def test_photos_of_ones_own_meet_the_domains_own_references(run, faces):
    image(Path("me.png"))
    assert run("compare", "me.png", "-o", "out", "--figure", "8", "--side", "64").code == 0
    assert {row["reference"][:-2] for row in names()} == {"nir-", "sketch-"}
    args = ("compare", "me.png", "-o", "out", "--figure", "8", "--references", faces)
    assert run(*args, "--side", "64").code == 0
    assert all(row["reference"].startswith("faces/") for row in names())


def test_a_sample_that_fails_is_left_out(run, faces):
    for name, level in (("me.png", 200), ("black.png", 0)):
        image(Path("photos") / name, level)
    args = ("compare", "photos", "-o", "out", "--figure", "8", "--side", "64", "--samples", "2")
    code, out, err = run(*args)
    assert (code, out) == (3, "out/figure-8.png\n") and err.count("No face was found") == 2
    (Path("photos") / "me.png").unlink()
    assert run(*args).code == 1


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["nowhere.png"], "no file nowhere.png"),
        (["empty"], "no photo"),
        (["faces", "--split", "test"], "no faces of the split"),
        (["faces", "--domain", "opera"], "no references of opera"),
        (["faces", "--outputs", "gone", "--name", "x"], "no folder gone"),
        (["faces", "--outputs", "empty", "--name", "x"], "holds no pictures"),
        (["faces", "--outputs", "empty"], "needs a --name"),
        (["faces", "--figure", "6"], "'6' is not one of"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_2(run, faces, args, sentence):
    Path("empty").mkdir()
    code, out, err = run("compare", *args, "-o", "out")
    assert code == 2 and not out and sentence in err


def test_a_folder_that_cannot_be_made_is_1(run, faces):
    Path("taken").write_text("")
    assert run("compare", faces, "-o", "taken").code == 1


@pytest.mark.slow
def test_without_rt_net_the_source_keeps_its_colours(networks):
    from hasnet_models.avatar.look import Look
    from hasnet_models.plugins import discover

    photo = image_io.read(Path(__file__).parents[1] / "examples" / "astronaut.png")
    face, domain = networks.crop(photo)[0], discover().get("sketch")
    look, reference = Look(appearance=0), domain.references[0]
    steps = networks.without_rt().render(face, reference, domain, look)
    assert np.array_equal(steps.x_rt, face.crop)
    assert np.ptp(steps.x_tt.astype(int), axis=2).mean() > 10
    assert networks.render(face, reference, domain, look).x_rt.std(axis=2).mean() < 5
