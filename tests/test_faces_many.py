"""Several faces in one photo: which are chosen, how they are numbered, pasted and written."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from fakes import Finds, face_at

from hasnet_models import image_io
from hasnet_models.batch import read_results
from hasnet_models.errors import NoFaceError, UsageError
from hasnet_models.face.centerface import CenterFace
from hasnet_models.face.choice import SINGLE, FaceChoice
from hasnet_models.face.paste import meeting, paste, paste_all
from hasnet_models.face.search import Likeness, select
from hasnet_models.face.types import AlignedFace, Detector, Face
from hasnet_models.frame import invert, transform
from hasnet_models.image_io import Photo

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"
SCALE = 4.0


def matrix_at(x: float, y: float, scale: float = SCALE) -> np.ndarray:
    """Photo to crop, so that the middle of the crop lies at x, y."""
    return np.array([[scale, 0, 256 - scale * x], [0, scale, 256 - scale * y]])


def face_in(x: float, y: float, scale: float = SCALE) -> Face:
    return face_at(matrix_at(x, y, scale))


def chosen(
    photo: Photo, choice: str, detector: Detector, likeness: Likeness | None = None
) -> tuple[list[AlignedFace], list[str]]:
    return select(photo, FaceChoice.parse(choice), detector, likeness)


def middle(aligned: AlignedFace) -> np.ndarray:
    return transform(np.array([[256.0, 256.0]]), invert(aligned.matrix))[0]


PHOTO = Photo(np.full((200, 600, 3), 90, np.uint8), name="group.jpg")
LEFT, CENTRE, RIGHT = face_in(100, 100), face_in(300, 90, 2.0), face_in(500, 110)
GROUP = Finds(RIGHT, LEFT, CENTRE)


# ---------------------------------------------------------------------------------------- choosing


@pytest.mark.parametrize("choice", ["largest", "auto"])
def test_the_largest(choice):
    faces, notes = chosen(PHOTO, choice, GROUP)
    assert len(faces) == 1 and faces[0].face is CENTRE
    assert notes[0] == "3 faces found, took the largest."


def test_all_from_the_left_to_the_right():
    faces, _ = chosen(PHOTO, "all", GROUP)
    assert [face.face for face in faces] == [LEFT, CENTRE, RIGHT]
    assert np.abs(middle(faces[2]) - (500, 110)).max() < 3


@pytest.mark.parametrize(("number", "wanted"), [("1", LEFT), ("2", CENTRE), ("3", RIGHT)])
def test_a_number(number, wanted):
    assert [face.face for face in chosen(PHOTO, number, GROUP)[0]] == [wanted]


@pytest.mark.parametrize("number", ["4", "999999999999"])
def test_a_number_without_a_face(number):
    with pytest.raises(NoFaceError, match=r"no face \d+ in group\.jpg: it has 3 faces"):
        chosen(PHOTO, number, GROUP)


def test_the_face_that_is_like_another():
    photo = Photo(PHOTO.rgb.copy())
    photo.rgb[:, 400:] = 200
    faces, _ = chosen(photo, "like:me.jpg", GROUP, lambda crop: float(crop.mean()))
    assert [face.face for face in faces] == [RIGHT]


@pytest.mark.parametrize("choice", ["largest", "all", "2", "like:x.png"])
def test_no_face_at_all(choice):
    with pytest.raises(NoFaceError, match=r"group\.jpg"):
        chosen(PHOTO, choice, Finds(), lambda crop: 0.0)


@pytest.mark.parametrize(
    "text", ["auto", "largest", "all", "3", "like:me.jpg", "aligned", "1,2,30.5,40", "-20,0,1e9,9"]
)
def test_a_choice_is_read_once_and_written_as_it_was(text):
    choice = FaceChoice.parse(text)
    assert FaceChoice.parse(str(choice)) == choice
    assert str(choice) == text.replace("1e9", "1000000000")
    assert choice.compares is (text in ("all", "3", "like:me.jpg"))


@pytest.mark.parametrize(
    "text",
    ["", "everyone", "-1", "0", "1.5", "like", "like:", "1,2,3", "a,b,c,d", "1,2,0,4", "1,2,nan,4",
     "1,2,3,inf", "ALL"],
)  # fmt: skip
def test_choices_that_make_no_sense(text):
    with pytest.raises(UsageError) as caught:
        FaceChoice.parse(text)
    assert caught.value.parameters == ("face",) and "\n" not in str(caught.value)


def test_some_choices_make_no_sense_for_a_reference():
    assert FaceChoice.parse("1,2,3,4", SINGLE).box == (1, 2, 3, 4)
    for text in ("all", "2", "like:a.png"):
        with pytest.raises(UsageError, match="auto, aligned or x,y,w,h"):
            FaceChoice.parse(text, SINGLE)


def test_the_picture_of_a_choice_can_be_moved():
    choice = FaceChoice.parse("like:a/b.png")
    assert str(choice.without_folder()) == "like:b.png"
    assert choice.absolute().picture == str(Path("a/b.png").absolute())
    assert FaceChoice.parse("2").absolute() == FaceChoice.of_number(2).without_folder()


@pytest.mark.parametrize("value", [7.0, np.nan, np.inf])
@pytest.mark.parametrize("choice", ["auto", "all", "1"])
def test_a_find_without_extent_is_none(choice, value):
    point = Face(LEFT.box, np.full((5, 2), value, np.float32), 0.9)
    with pytest.raises(NoFaceError, match=r"group\.jpg"):
        chosen(PHOTO, choice, Finds(point))
    assert chosen(PHOTO, choice, Finds(point, RIGHT))[0][0].face is RIGHT
    boxed, notes = chosen(PHOTO, "50,50,100,100", Finds(point))
    assert boxed[0].face is None and "No landmarks" in notes[0]


def test_other_modes_still_work():
    assert chosen(PHOTO, "aligned", Finds())[0][0].face is None
    assert len(chosen(PHOTO, "450,60,100,100", GROUP)[0]) == 1


def test_soft_faces_are_said_once():
    _, notes = chosen(PHOTO, "all", Finds(face_in(100, 100, 8.0), face_in(300, 100, 8.0)))
    assert notes == ["The face is small (a crop of 64 px): the avatar will be soft."]


# ----------------------------------------------------------------------------------------- pasting


def test_faces_side_by_side_are_all_pasted():
    faces, _ = chosen(PHOTO, "all", GROUP)
    avatars = [np.full((512, 512, 3), colour, np.uint8) for colour in (10, 150, 250)]
    result = paste_all(PHOTO.rgb, avatars, faces)
    for face, colour in zip(faces, (10, 150, 250), strict=True):
        x, y = middle(face).round().astype(int)
        assert np.abs(result[y, x].astype(int) - colour).max() <= 1
    assert (result[:, :30] == 90).all() and (PHOTO.rgb == 90).all()


def test_a_neighbours_frame_does_not_cover_a_face():
    rgb = np.full((300, 400, 3), 90, np.uint8)
    faces = chosen(Photo(rgb), "all", Finds(face_in(150, 150, 2.0), face_in(240, 150, 2.0)))[0]
    dark, bright = (np.full((512, 512, 3), level, np.uint8) for level in (10, 250))
    for avatars, i in (((dark, bright), 0), ((bright, dark), 1)):
        result = paste_all(rgb, avatars, faces).astype(int)
        x, y = middle(faces[i]).round().astype(int)
        assert np.abs(result[y - 10 : y + 10, x - 10 : x + 10] - 10).max() <= 2
        seam = result[150, 190:200].mean()
        assert 100 < seam < 160  # half of each, and nothing of the photo between them
    row = paste_all(rgb, (dark, dark), faces)[150, 150:240].astype(int)
    assert row.max() <= 12


def test_one_face_is_pasted_as_before():
    aligned = chosen(PHOTO, "2", GROUP)[0][0]
    avatar = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    assert (paste(PHOTO.rgb, avatar, aligned) == paste_all(PHOTO.rgb, [avatar], [aligned])).all()


def test_colours_meet_at_the_rim_and_nowhere_else():
    crop, avatar = np.full((512, 512, 3), 40, np.uint8), np.full((512, 512, 3), 220, np.uint8)
    met = meeting(avatar, crop).astype(int)
    assert np.abs(met[0] - 40).max() <= 2 and np.abs(met[:, -1] - 40).max() <= 2
    assert (met[200:312, 200:312] == 220).all()
    assert (meeting(crop, crop) == crop).all()
    strokes = avatar.copy()
    strokes[:, ::8] = 120  # what is fine stays
    assert np.ptp(meeting(strokes, crop + 80)[4].astype(int)) >= 95


# ------------------------------------------------------------------------------------ command line


@pytest.fixture
def group(tmp_path):
    path = tmp_path / "photos" / "group.jpg"
    path.parent.mkdir()
    image_io.write(np.full((30, 24, 3), 200, np.uint8), path)
    return path


def test_all_writes_one_numbered_file_a_face(run, site, pipeline, group):
    site.install("pencil")
    code, out, _ = run("avatar", group, "--domain", "pencil", "--face", "all")
    assert (code, out.split()) == (0, [f"group-pencil-{i}.png" for i in (1, 2, 3)])
    for i in (1, 2, 3):
        assert '"face": "' + str(i) in image_io.read_metadata(f"group-pencil-{i}.png")["options"]


def test_one_face_of_all_is_numbered_too(run, site, pipeline, tmp_path):
    site.install("pencil")
    image_io.write(np.full((10, 24, 3), 200, np.uint8), tmp_path / "alone.png")
    out = run("avatar", tmp_path / "alone.png", "--domain", "pencil", "--face", "all").out
    assert out == "alone-pencil-1.png\n"


def test_all_pasted_is_one_picture(run, site, pipeline, group):
    site.install("pencil")
    args = ("--domain", "pencil", "--face", "all", "--paste", "-o", "whole.jpg")
    assert run("avatar", group, *args) == (0, "whole.jpg\n", "")
    assert image_io.read("whole.jpg").rgb.shape == (30, 24, 3)
    assert len(pipeline.rendered) == 3


def test_several_do_not_go_to_standard_output(run, site, pipeline, group):
    site.install("pencil")
    assert run("avatar", group, "--domain", "pencil", "--face", "all", "-o", "-").code == 2


def test_a_numbered_output_never_replaces_an_input(run, site, pipeline, group, tmp_path):
    ref = tmp_path / "here" / "a-2.png"
    image_io.write(np.full((20, 20, 3), 77, np.uint8), ref)
    before = ref.read_bytes()
    run("avatar", group, "--ref", ref, "--domain", "none", "--face", "all", "-o", "a.png")
    assert ref.read_bytes() == before


def test_the_side_of_the_avatar(run, site, pipeline, group):
    site.install("pencil")
    for side in (16, 40, 1024):
        run("avatar", group, "--domain", "pencil", "--size", side, "-o", "a.png")
        assert image_io.read("a.png").rgb.shape == (side, side, 3)


def test_a_batch_of_all_faces(run, site, pipeline, group, tmp_path):
    site.install("pencil")
    image_io.write(np.full((20, 24, 3), 180, np.uint8), group.with_name("group-1.png"))
    args = ("batch", group.parent, "--domain", "pencil", "--face", "all", "-o", tmp_path / "out")
    assert run(*args, "--batch", "2").code == 0
    records = read_results(tmp_path / "out" / "results.jsonl")
    assert list(records["group.jpg"].outputs) == ["group-1.png", "group-2.png", "group-3.png"]
    assert list(records["group-1.png"].outputs) == ["group-1-1.png", "group-1-2.png"]
    assert records["group.jpg"].faces == 3
    pipeline.rendered.clear()
    (tmp_path / "out" / "group-2.png").unlink()
    assert run(*args).code == 0 and len(pipeline.rendered) == 3


def test_like_compares_with_a_picture(run, site, pipeline, group, monkeypatch):
    site.install("pencil")
    seen = []
    crops = pipeline.crops
    monkeypatch.setattr(
        pipeline, "crops", lambda p, face, like: seen.append((face, like)) or crops(p)
    )
    assert run("avatar", group, "--domain", "pencil", "--face", f"like:{group}").code == 0
    assert str(seen[0][0]) == f"like:{group}" and seen[0][1].shape == (192,)


# ------------------------------------------------------------------------------------- real things


@pytest.fixture(scope="module")
def pair() -> Photo:
    """The astronaut beside herself, smaller and mirrored."""
    import cv2

    rgb = image_io.read(ASTRONAUT).rgb
    small = cv2.resize(rgb[:, ::-1], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    photo = np.full((512, 800, 3), 128, np.uint8)
    photo[200 : 200 + len(small), : small.shape[1]] = small
    photo[:, 320:] = rgb[:, :480]
    return Photo(photo, name="pair.png")


def test_real_faces_are_numbered(pair):
    faces, notes = chosen(pair, "all", CenterFace())
    assert len(faces) == 2 and len(notes) == 1 and "is small" in notes[0]
    assert middle(faces[0])[0] < 320 < middle(faces[1])[0]
    assert (chosen(pair, "1", CenterFace())[0][0].crop == faces[0].crop).all()
    largest = chosen(pair, "largest", CenterFace())[0][0]  # found in another look
    assert np.abs(middle(largest) - middle(faces[1])).max() < 4


@pytest.mark.slow
def test_like_finds_the_same_person(pair):
    from hasnet_models.networks.identity import embed as embed_frames
    from hasnet_models.weights import load

    torch = pytest.importorskip("torch")
    net = load.load_identity()

    def embed(crop):
        frame = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.inference_mode():
            return embed_frames(net, frame)[0].numpy()

    both, _ = chosen(pair, "all", CenterFace())
    for wanted in both:
        z_id = embed(wanted.crop)
        likeness = functools.partial(lambda z_id, crop: float(embed(crop) @ z_id), z_id)
        found, _ = chosen(pair, "like:x", CenterFace(), likeness)
        assert (found[0].crop == wanted.crop).all()


def test_like_says_that_its_picture_has_no_face(run, site, pipeline):
    site.install("pencil")
    for name in ("photo.png", "me.png"):
        image_io.write(np.full((20, 24, 3), 200, np.uint8), name)
    _, _, err = run("avatar", "photo.png", "--domain", "pencil", "--face", "like:me.png")
    assert "me.png: taken as an aligned crop." in err
