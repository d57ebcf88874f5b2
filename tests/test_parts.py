"""Parts of faces that the mesh cannot find: read, checked, brought to the template, cached."""

import json

import nano
import numpy as np
import pytest

from hasnet_models.data.check import check
from hasnet_models.data.faces import load_faces
from hasnet_models.data.index import FaceRecord
from hasnet_models.data.parts import BOX_SCORE, FaceParts, find_parts
from hasnet_models.errors import UsageError
from hasnet_models.topology.anime import framed, points_from_boxes

BOXES = nano.boxes(np.random.default_rng(3))


@pytest.fixture
def folder(tmp_path):
    return nano.make_folder(tmp_path / "faces")


def load(folder, parts=None):
    cache = folder.parent / "cache"
    return load_faces(folder, "train", 32, cache, nano.vectors(), parts=parts)


def test_given_parts_are_the_mesh_and_what_lacks_them_has_none(folder):
    faces = load(folder)
    table = json.loads((folder / "parts.json").read_text())
    for i, record in enumerate(faces.records):
        points, score = faces.mesh(i)
        if record.file in table:
            np.testing.assert_array_equal(points, points_from_boxes(table[record.file]))
            assert score == pytest.approx(BOX_SCORE)
        else:
            assert score == 0
    lacking = [i for i, r in enumerate(faces.records) if r.file not in table]
    assert len(lacking) == 3 and not faces.vectors["maps"][lacking].any()
    zones = faces.vectors["zones"][lacking].astype(int)
    assert np.abs(zones.sum(1) - 255).max() <= 3, "the mean face's zones"


def test_a_reframed_domain_moves_with_its_parts_and_is_another_face(folder, tmp_path):
    plain = load(folder)
    table = {"reframe": ["red"], **nano.parts_of(folder)}
    (tmp_path / "other.json").write_text(json.dumps(table))
    moved = load(folder, tmp_path / "other.json")
    assert moved.fingerprint != plain.fingerprint
    for i, record in enumerate(plain.records):
        same = np.array_equal(plain.images[i], moved.images[i])
        assert same == (record.domain != "red")
        if record.file in table:
            points = points_from_boxes(table[record.file])
            expected = framed(points) if record.domain == "red" else points
            np.testing.assert_array_equal(moved.mesh(i)[0], expected)


def test_changed_parts_are_noticed_and_others_come_from_the_cache(folder):
    before = load(folder)
    table = json.loads((folder / "parts.json").read_text())
    table["red/0.png"] = nano.boxes(np.random.default_rng(9))
    (folder / "parts.json").write_text(json.dumps(table))
    after = load(folder)
    changed = [
        r.file
        for i, r in enumerate(after.records)
        if not np.array_equal(before.mesh(i)[0], after.mesh(i)[0])
    ]
    assert changed == ["red/0.png"]


def test_without_a_file_the_mesh_is_looked_for_everywhere(folder):
    (folder / "parts.json").unlink()
    records = [FaceRecord("red", "red/0.png", "")]
    assert find_parts(folder, None, records) == FaceParts()
    assert np.isnan(FaceParts().mesh(records[0])).all()
    assert FaceParts().key(records[0], "content") == "content"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is damaged"),
        ("[1]", "one object"),
        ('{"reframe": "red"}', "a list of domains"),
        ('{"red/0.png": 3}', "at red/0.png: its parts must be an object"),
        ('{"red/0.png": {"re": [0.1, 0.1, 0.1, 0.1]}}', "at red/0.png: the anime face has no box"),
        (json.dumps({"red/0.png": {**BOXES, "le": [0.1, 0.2]}}), "at red/0.png"),
        (json.dumps({"red/0.png": {**BOXES, "mouth": [0.1, 0.2, 0, 0.1]}}), "empty"),
        (json.dumps({"red/0.png": {**BOXES, "nose": [float("nan"), 0.5]}}), "not finite"),
        (json.dumps({"red/0.png": {**BOXES, "chin": ["low", 0.5]}}), "at red/0.png"),
        (json.dumps({"red/0.png": {**BOXES, "chin": []}}), "at red/0.png"),
    ],
)
def test_a_damaged_file_is_one_sentence(folder, text, said):
    (folder / "parts.json").write_text(text)
    with pytest.raises(UsageError, match=said) as error:
        load(folder)
    assert str(error.value).count("\n") == 0 and "parts.json" in str(error.value)


def test_a_file_that_was_named_must_be_there(folder, tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file") as error:
        load(folder, tmp_path / "nowhere.json")
    assert error.value.parameters == ("parts",)
    (folder / "parts.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is damaged"):
        load(folder)


def test_checking_a_folder_finds_damage_too(folder):
    assert not check(folder).skipped
    (folder / "parts.json").write_text('{"red/0.png": []}')
    with pytest.raises(UsageError, match="is damaged at red"):
        check(folder)
