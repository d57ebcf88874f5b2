import hashlib
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from hasnet_cli.hints import hint_of
from hasnet_models.errors import EXIT_WEIGHTS, WeightsError
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.testing.offline import hide_the_user
from hasnet_models.weights import digests, files, load, store

ROOT = Path(__file__).parent.parent
MANIFEST_TOOL = ROOT / "tools" / "manifest.py"
NOTE = "# Net\n\nLicence: MIT\nOrigin: made in a test\n"


def write_net(folder: Path, name: str = "net.safetensors") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    load.save_state(path, {"a": torch.arange(4.0)}, {"architecture": "tiny"})
    path.with_suffix(".md").write_text(NOTE, encoding="utf-8")
    return path


def refresh(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, MANIFEST_TOOL, folder],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def embedded(tmp_path, monkeypatch) -> Path:
    """A stand-in for the package's weights folder with one listed file, net.safetensors."""
    monkeypatch.delenv(files.OVERRIDE_VARIABLE, raising=False)
    folder = tmp_path / "embedded"
    path = write_net(folder)
    entry = {"size": path.stat().st_size, "sha256": digests.sha256_of(path)}
    (folder / files.MANIFEST).write_text(json.dumps({"files": {path.name: entry}}))
    monkeypatch.setattr(files, "weights_folder", lambda: folder)
    return folder


# --- finding and checking


def test_a_listed_file_is_found(embedded):
    assert files.weight_path("net.safetensors") == embedded / "net.safetensors"


def test_a_missing_file_is_named(embedded):
    with pytest.raises(WeightsError, match=r"other\.onnx is missing from") as error:
        files.weight_path("other.onnx")
    assert error.value.exit_code == EXIT_WEIGHTS
    assert "hasnet models pull" in hint_of(error.value)


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_a_damaged_file_is_refused(embedded, damage):
    path = embedded / "net.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes({"truncate": data[:-3], "flip": data, "empty": b""}[damage])
    with pytest.raises(WeightsError, match=r"net\.safetensors is damaged"):
        files.weight_path("net.safetensors")


def test_an_unlisted_file_is_refused(embedded):
    write_net(embedded, "new.safetensors")
    with pytest.raises(WeightsError, match="not listed"):
        files.weight_path("new.safetensors")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": []}', '{"files": {"net.safetensors": {}}}', "\xff"]
)
def test_a_damaged_manifest_is_one_sentence(embedded, text):
    (embedded / files.MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(WeightsError, match="is damaged") as error:
        files.weight_path("net.safetensors")
    assert "\n" not in str(error.value)


def test_the_users_folder_comes_first_and_falls_back(embedded, tmp_path, monkeypatch):
    write_net(embedded, "mine.safetensors")
    own = write_net(tmp_path / "my ünicode", "mine.safetensors")
    monkeypatch.setenv(files.OVERRIDE_VARIABLE, str(own.parent))
    assert files.weight_path("mine.safetensors") == own
    assert files.weight_path("net.safetensors").parent == embedded


def test_a_users_folder_that_does_not_exist_is_said(embedded, tmp_path, monkeypatch):
    monkeypatch.setenv(files.OVERRIDE_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match=r"HASNET_WEIGHTS .*nowhere, which is no folder"):
        files.weight_path("net.safetensors")


def test_the_users_manifest_is_checked_too(embedded, tmp_path, monkeypatch):
    own = write_net(tmp_path / "own")
    assert refresh(own.parent).returncode == 0
    monkeypatch.setenv(files.OVERRIDE_VARIABLE, str(own.parent))
    assert files.weight_path(own.name) == own
    own.write_bytes(own.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="is damaged"):
        files.weight_path(own.name)


def test_every_embedded_file_is_listed_with_licence_and_origin():
    folder = files.weights_folder()
    manifest = files.read_manifest(folder)
    there = {p.name for p in folder.iterdir() if p.suffix in {".safetensors", ".onnx"}}
    assert set(manifest) == there
    for name, entry in manifest.items():
        assert entry["licence"] and entry["origin"]
        assert files.weight_path(name) == folder / name


def test_finding_a_file_imports_no_torch():
    code = (
        "import sys; from hasnet_models.weights.files import weight_path;"
        "weight_path('vgg16.safetensors'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# --- the manifest tool


def test_the_manifest_tool_lists_size_hash_licence_and_origin(tmp_path):
    path = write_net(tmp_path / "w")
    assert refresh(path.parent).returncode == 0
    assert files.read_manifest(path.parent) == {
        path.name: {
            "size": path.stat().st_size,
            "sha256": digests.sha256_of(path),
            "licence": "MIT",
            "origin": "made in a test",
        }
    }


@pytest.mark.parametrize(
    ("note", "message"), [(None, "has no note"), ("Licence: MIT\nOrigin:\n", "no line for: origin")]
)
def test_the_manifest_tool_wants_a_note_for_each_file(tmp_path, note, message):
    path = write_net(tmp_path / "w")
    path.with_suffix(".md").unlink()
    if note is not None:
        path.with_suffix(".md").write_text(note)
    run = refresh(path.parent)
    assert run.returncode == EXIT_WEIGHTS
    assert message in run.stderr and "Traceback" not in run.stderr
    assert not (path.parent / files.MANIFEST).exists()


# --- saving and loading


def test_save_and_load_give_the_same_tensors_as_float32(tmp_path):
    path = tmp_path / "net.safetensors"
    tensors = {"w": torch.tensor([0.5, -2.0]), "step": torch.tensor(7)}
    load.save_state(path, tensors, {"config": "{}"})
    with safe_open(str(path), "pt") as file:
        assert file.get_tensor("w").dtype == torch.float16
    state, metadata = load.load_state(path)
    assert state["w"].dtype == torch.float32 and state["step"].dtype == torch.int64
    torch.testing.assert_close(state, tensors)
    assert metadata == {"config": "{}"}


def test_full_precision_shared_and_transposed_tensors_can_be_saved(tmp_path):
    path = tmp_path / "net.safetensors"
    w = torch.rand(3, 2, requires_grad=True)
    load.save_state(path, {"w": w, "same": w, "t": w.T}, {}, half=False)
    state, metadata = load.load_state(path)
    torch.testing.assert_close(state, {"w": w.detach(), "same": w.detach(), "t": w.detach().T})
    assert metadata == {}


def test_a_value_beyond_float16_is_refused_and_the_old_file_stays(tmp_path):
    path = write_net(tmp_path)
    before = path.read_bytes()
    with pytest.raises(WeightsError, match="tensor big has values too large"):
        load.save_state(path, {"big": torch.tensor([1e6])}, {})
    assert path.read_bytes() == before


def test_saving_leaves_no_temporary_file_when_it_fails(tmp_path):
    target = tmp_path / "net.safetensors"
    target.mkdir()
    with pytest.raises(WeightsError, match="Cannot write the weights"):
        load.save_state(target, {"a": torch.zeros(1)}, {})
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("content", [None, b"", b"hello", b"\xff" * 64])
def test_loading_a_missing_or_damaged_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "net.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match="Cannot read the weights in") as error:
        load.load_state(path)
    assert "\n" not in str(error.value)


def test_loading_a_folder_is_one_sentence(tmp_path):
    for read in (load.load_state, load.load_vgg):
        with pytest.raises(WeightsError, match="Cannot read the weights in"):
            read(tmp_path)


def test_load_into_loads_what_fits():
    net = nn.Linear(2, 1)
    load.load_into(net, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, "Tiny")
    assert net(torch.ones(1, 2)).item() == 2


def test_load_into_names_every_difference_and_changes_nothing():
    net = nn.Linear(2, 1)
    before = net.weight.clone()
    state = {"weight": torch.ones(1, 3), **{f"x{i}": torch.zeros(1) for i in range(5)}}
    with pytest.raises(WeightsError) as error:
        load.load_into(net, state, "Tiny")
    assert str(error.value) == (
        "The weights of Tiny do not fit the network (missing: bias; "
        "unexpected: x0, x1, x2 and 2 more; of another shape: weight (1, 3) instead of (1, 2))."
    )
    assert torch.equal(net.weight, before)


# --- the user's VGG


def small_vgg19() -> dict[str, torch.Tensor]:
    """torchvision's names and shapes, memory of one number a tensor."""
    widths = [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4]
    state, inputs, index = {}, 3, 0
    for width in widths:
        if width == "M":
            index += 1
            continue
        state[f"features.{index}.weight"] = torch.rand(1).expand(width, inputs, 3, 3)
        state[f"features.{index}.bias"] = torch.rand(1).expand(width)
        inputs, index = width, index + 2
    return state


def test_a_users_vgg19_is_loaded_with_the_papers_layers(tmp_path):
    path = tmp_path / "vgg19-dcbb9e9d.pth"
    state = small_vgg19()
    torch.save(state, path)
    net = load.load_vgg(path)
    assert (net.arch, net.preprocessing, net.names[-1]) == ("vgg19", "torchvision", "relu4_2")
    assert {"relu3_2", "relu4_1"} < set(net.names)
    torch.testing.assert_close(net.get_submodule("conv4_1").weight, state["features.19.weight"])


def test_a_users_vgg19_as_safetensors(tmp_path):
    path = tmp_path / "vgg19.safetensors"
    load.save_state(path, small_vgg19(), {})
    assert load.load_vgg(path, last="relu1_2").names == ("relu1_1", "relu1_2")


class _Trap:
    def __reduce__(self):
        return (Path.touch, (Path("trapped"),))


@pytest.mark.parametrize(
    "content",
    [b"", b"no weights", pickle.dumps(_Trap(), 2), pickle.dumps({"a": 1}, 2), pickle.dumps([1], 2)],
    ids=["empty", "text", "code", "no tensors", "list"],
)
def test_a_users_file_that_is_no_state_dict_is_one_sentence(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "vgg19.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"Cannot read the weights in .*vgg19\.pth") as error:
        load.load_vgg(path)
    assert "\n" not in str(error.value) and "weights_only" not in str(error.value)
    assert not Path("trapped").exists()


def test_a_users_file_of_another_network_is_one_sentence(tmp_path):
    path = tmp_path / "resnet.pth"
    torch.save({"conv1.weight": torch.zeros(1), "version": torch.tensor(2)}, path)
    with pytest.raises(WeightsError, match="not the state dict of torchvision's vgg16 or vgg19"):
        load.load_vgg(path)


def test_a_missing_user_file_is_one_sentence(tmp_path):
    with pytest.raises(WeightsError, match="Cannot read the weights"):
        load.load_vgg(tmp_path / "vgg19.pth")


@pytest.mark.slow
def test_the_embedded_networks_load_frozen_on_the_cpu():
    for net in (load.load_identity(), load.load_vgg()):
        assert not net.training
        assert all(not p.requires_grad and p.device.type == "cpu" for p in net.parameters())
        assert all(p.dtype == torch.float32 for p in net.parameters())


@pytest.mark.slow
def test_only_what_lies_beyond_relu4_2_reads_the_second_file_of_vgg16(monkeypatch):
    read, path = [], load.weight_path
    monkeypatch.setattr(load, "weight_path", lambda name: read.append(name) or path(name))
    assert load.load_vgg().names[-1] == "relu4_2" and read == [load.VGG_FILE]
    read.clear()
    whole = load.load_vgg(last="relu5_3")
    assert isinstance(whole, VGGFeatures) and read == [load.VGG_FILE, load.VGG_REST_FILE]
    deep = whole(torch.zeros(1, 3, 32, 32), ("relu5_3",))["relu5_3"]
    assert deep.shape == (1, 512, 2, 2) and deep.isfinite().all() and deep.max() > 0


def test_a_vgg_file_that_does_not_say_what_it_is_is_named(embedded, monkeypatch, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv(files.OVERRIDE_VARIABLE, str(folder))
    for metadata, words in (
        ({}, "do not say"),
        ({"architecture": "vgg16", "preprocessing": "x"}, "'x'"),
    ):
        load.save_state(folder / "vgg16.safetensors", {"a": torch.zeros(1)}, metadata)
        with pytest.raises(WeightsError, match=words):
            load.load_vgg()


# --- hashing


@pytest.fixture
def reads(monkeypatch) -> list[Path]:
    """Every reading of a whole file for its sha256."""
    found, read = [], digests._read
    monkeypatch.setattr(digests, "_read", lambda path: found.append(path) or read(path))
    return found


def settle(path: Path, seconds: float = 60) -> Path:
    """Make a file look as if it had been written some time ago."""
    then = time.time_ns() - int(seconds * 1e9)
    os.utime(path, ns=(then, then))
    return path


def test_a_weight_file_is_read_for_its_hash_once_a_process(embedded, reads):
    path = settle(embedded / "net.safetensors")
    for _ in range(3):
        digest = digests.sha256_of(files.weight_path("net.safetensors"))
    assert reads == [path] and digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_is_read_anew_where_that_is_asked_for(embedded, reads):
    path = settle(embedded / "net.safetensors")
    files.weight_path(path.name)
    assert files.weight_path(path.name, anew=True) == path and reads == [path, path]
    assert [model.status for model in store.models()] == [store.PRESENT] and len(reads) == 3


def test_damage_that_reading_found_stays_known(embedded, monkeypatch, tmp_path):
    """As of a disk that fails: the file's state is what it was."""
    hide_the_user(monkeypatch, tmp_path / "home")
    monkeypatch.setattr(digests, "_state", lambda path: (1, 2, 0, 0))
    path = embedded / "net.safetensors"

    def again(**options):
        """In another process."""
        digests.flush()
        digests._settled_digest.cache_clear(), digests._kept.cache_clear()
        return files.weight_path(path.name, **options)

    again()
    path.write_bytes(path.read_bytes()[::-1])
    assert again() == path
    for options in ({"anew": True}, {}):
        with pytest.raises(WeightsError, match="damaged"):
            again(**options)
    digests._settled_digest.cache_clear(), digests._kept.cache_clear()


def test_a_changed_file_is_hashed_again(embedded, reads):
    path = settle(embedded / "net.safetensors")
    files.weight_path("net.safetensors")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    settle(path, 30)
    with pytest.raises(WeightsError, match="damaged"):
        files.weight_path("net.safetensors")
    assert len(reads) == 2


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_hashed_again(tmp_path, reads):
    path = settle(write_net(tmp_path))
    stat, data = path.stat(), path.read_bytes()
    first = digests.sha256_of(path)
    other = tmp_path / "other"
    other.write_bytes(data[::-1])
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)
    assert digests.sha256_of(path) != first and len(reads) == 2


def test_a_file_just_written_is_hashed_every_time(tmp_path, reads):
    path = write_net(tmp_path)
    assert digests.sha256_of(path) == digests.sha256_of(path) and len(reads) == 2
    settle(path, -3600)  # a clock that went back: the time is ahead, but far from now
    assert digests.sha256_of(path) == digests.sha256_of(path) and len(reads) == 3


@pytest.mark.slow
def test_loading_every_network_reads_every_file_once(reads, monkeypatch, tmp_path):
    hide_the_user(monkeypatch, tmp_path)  # other processes may have kept what they found
    digests._settled_digest.cache_clear()
    load.load_rt(), load.load_tt(), load.load_vgg(), load.load_identity()
    for name in files.NETWORKS:
        digests.sha256_of(files.weight_path(name))
    assert sorted(path.name for path in reads) == sorted(files.NETWORKS)
