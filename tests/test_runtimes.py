"""Torch and onnxruntime compute the same, and only one of them is imported."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch
from nano import preset

from hasnet_models.avatar.opening import open_ahead
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.avatar.request import Request
from hasnet_models.config.frozen import layer_channels, layer_stride
from hasnet_models.config.schema import RTConfig, TTConfig
from hasnet_models.controls.mix_choice import MixChoice
from hasnet_models.errors import HasnetError, UsageError, WeightsError
from hasnet_models.face import session
from hasnet_models.face.choice import FaceChoice
from hasnet_models.networks import tensors
from hasnet_models.networks.appearance import extent
from hasnet_models.networks.rt_net import bring_to
from hasnet_models.networks.tt_net import content_layers
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.runtimes import arrays, choice, graph_files, onnx_runtime, sessions
from hasnet_models.runtimes.contract import OPERATIONS
from hasnet_models.runtimes.onnx_runtime import OnnxRuntime
from hasnet_models.runtimes.torch_runtime import TorchRuntime
from hasnet_models.runtimes.window import window_of
from hasnet_models.weights.files import NETWORKS, weight_path
from hasnet_models.weights.load import load_state, load_tt, save_state
from hasnet_models.weights.state import read_metadata

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"
onnx = pytest.importorskip("onnx")


# ------------------------------------------------------------------ the graphs and their sources


def test_the_graphs_follow_from_the_code_as_it_is():
    from hasnet_models.export.graphs import sources_digest

    message = "networks/ has changed: run tools/make_graphs.py"
    assert graph_files.index()["sources"] == sources_digest(), message


def test_the_index_names_the_graphs_that_are_there():
    graphs = graph_files.index()["graphs"]
    assert graphs.keys() == OPERATIONS.keys()
    for name, entry in graphs.items():
        graph = graph_files.read_graph(name)
        assert hashlib.sha256(graph.data).hexdigest() == entry["sha256"]
        model = onnx.load_from_string(graph.data)
        about = {one.key: one.value for one in model.metadata_props}
        assert about["operation"] == name and about["licence"].startswith("MIT")
        assert model.opset_import[0].version == graph_files.index()["opset"]
        assert tuple(one.name for one in model.graph.input) == OPERATIONS[name].inputs
        assert tuple(one.name for one in model.graph.output) == OPERATIONS[name].outputs


def test_no_weight_is_in_a_graph():
    for name, entry in graph_files.index()["graphs"].items():
        model = onnx.load_from_string(graph_files.read_graph(name).data)
        outside = {one.name for one in model.graph.initializer if one.data_location == 1}
        inside = {one.name for one in model.graph.initializer} - outside
        assert outside == set(entry["bound"]) and not inside & entry["weights"].keys()
    assert sum(file.stat().st_size for file in graph_files.FOLDER.iterdir()) < 600_000


def test_a_power_is_an_exponential_but_for_squares_and_cubes():
    from hasnet_models.export.tracing import trace

    class Powers(torch.nn.Module):
        def forward(self, x, exponent):
            return x**exponent + x**0.4 + x**3

    example = torch.rand(2, 4) + 0.1, torch.tensor(1.7)
    model = trace(Powers(), example, ("x", "exponent"), ("y",), {})
    assert [node.op_type for node in model.graph.node].count("Pow") == 1
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(None, {"x": example[0].numpy(), "exponent": example[1].numpy()})
    np.testing.assert_allclose(found, Powers()(*example), rtol=1e-6)


def test_comments_and_docstrings_are_no_change_of_the_sources(tmp_path):
    from hasnet_models.export.graphs import digest_of

    texts = {
        "plain": "def f(x):\n    return x + 1\n",
        "told": '"""About."""\n\n\ndef f(x):\n    """Adds."""\n    return x + 1  # one\n',
        "other": "def f(x):\n    return x + 2\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    plain, told, other = (digest_of([tmp_path / f"{name}.py"]) for name in texts)
    assert plain == told != other


def test_the_graphs_are_those_of_the_embedded_weights_and_of_no_others():
    assert onnx_runtime.graphs_fit()
    files = {"rt": "rt_net", "tt": "tt_net", "vgg": "vgg16"}
    found = {name: read_metadata(f"{file}.safetensors") for name, file in files.items()}
    assert graph_files.is_for(found)
    tt = json.loads(found["tt"]["config"])
    for network, metadata in (
        ("tt", {"config": json.dumps({**tt, "trained_size": 64})}),
        ("tt", {"config": json.dumps({**tt, "of tomorrow": 1})}),
        ("tt", {"config": "[1]"}),
        ("rt", {}),
        ("vgg", {**found["vgg"], "preprocessing": "torchvision"}),
    ):
        assert not graph_files.is_for({**found, network: metadata})
    del tt["use_rt"]  # a default may be left out
    assert graph_files.is_for({**found, "tt": {"config": json.dumps(tt)}})


# -------------------------------------------------------------------------------- tiny networks


@pytest.fixture(scope="module")
def tiny() -> tuple[RTConfig, TTConfig, VGGFeatures]:
    torch.manual_seed(0)
    config = preset()
    return config.rt, config.tt, VGGFeatures("vgg16", "relu4_1")


def arguments(name: str, tt: TTConfig, side: int, batch: int) -> list[np.ndarray]:
    """Such as an operation gets, drawn from its name."""
    rng = np.random.default_rng(len(name))
    coarse = rng.integers(0, 256, (batch, 8, 8, 3), dtype=np.uint8)
    pictures = coarse.repeat(side // 8, 1).repeat(side // 8, 2)
    planes = arrays.from_pixels(pictures)
    sides = {"m": 128, "l": 1 if batch == 1 else side}  # nobody wishes to be lighter, or some do
    part = {n: rng.random((batch, 1, s, s), np.float32) for n, s in sides.items()}
    zones = rng.dirichlet(np.ones(6), (batch, 32, 32)).transpose(0, 3, 1, 2).astype(np.float32)
    shares = rng.dirichlet(np.ones(20), (batch, 6)).transpose(0, 2, 1).astype(np.float32)
    z_ids = rng.normal(size=(batch, tt.z_dim)).astype(np.float32)
    z_ids /= np.linalg.norm(z_ids, axis=1, keepdims=True)
    code = np.eye(len(tt.domains), dtype=np.float32)[rng.integers(0, len(tt.domains), batch)]
    return {
        "embed": [pictures],
        "recolour": [
            pictures, part["l"] / 10, rng.integers(0, 256, (batch, 20, 3), dtype=np.uint8),
            zones, shares,
        ],
        "warp": [planes, rng.normal(0, 0.02, (batch, 2, 64, 64)).astype(np.float32)],
        "lay": [planes, pictures[:, ::2, ::2], part["m"] * (part["m"] > 0.5), 0.8, 0.6],
        "content": [planes],
        "redraw": [planes, z_ids, code, part["m"], zones[:, :1]],
    }[name]  # fmt: skip


def features(tt: TTConfig, batch: int) -> list[np.ndarray]:
    """Such as the graph of `redraw` takes behind what `Runtime.redraw` does."""
    rng = np.random.default_rng(7)
    layers = ((name, tt.content_size // layer_stride(name)) for name in content_layers(tt))
    return [rng.random((batch, layer_channels(n), s, s), np.float32) for n, s in layers]


@pytest.mark.parametrize("name", ["recolour", "warp", "content", "redraw"])
def test_a_graph_with_weights_from_elsewhere_is_the_module(tiny, name):
    from hasnet_models.export.graphs import graph, modules

    rt, tt, vgg = tiny
    module = modules(rt, tt, vgg)[name]
    model = graph(name, module, side=64)
    bound = {one.name for one in model.graph.initializer if one.data_location == 1}
    for seed in (1, 2):  # two heads on one graph
        generator = torch.Generator().manual_seed(seed)
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.03)
        weights = {n: p.numpy() for n, p in module.named_parameters() if n in bound}
        blocked = OPERATIONS[name].blocked
        session = sessions.open_bound(model.SerializeToString(), weights, 1, name, blocked=blocked)
        for batch in (1, 3):
            given = arguments(name, tt, 64, batch)
            given += features(tt, batch) if name == "redraw" else []
            with torch.inference_mode():
                wanted = module(*map(torch.from_numpy, given))
            wanted = wanted if isinstance(wanted, tuple) else (wanted,)
            found = session.run(None, dict(zip(OPERATIONS[name].inputs, given, strict=True)))
            for a, b in zip(wanted, found, strict=True):
                np.testing.assert_allclose(b, a.numpy(), atol=1e-4, rtol=1e-4)


def test_weights_that_do_not_fit_are_one_sentence():
    graph = graph_files.read_graph("recolour")
    wrong = {name: np.zeros(3, np.float32) for name in graph.bound}
    with pytest.raises(WeightsError, match="The network RT-Net cannot be loaded: "):
        sessions.open_bound(graph.data, wrong, 1, "RT-Net")


def test_sessions_share_one_arena_and_nothing_else():
    names = ["person_mask.onnx", "face_mesh.onnx"] * 2
    opened = [session.open_session(name) for name in names]
    for one in opened:
        options = one.get_session_options()
        assert options.get_session_config_entry("session.use_env_allocators") == "1"
    rng = np.random.default_rng(0)
    feeds = [
        {i.name: rng.random([d if isinstance(d, int) else 1 for d in i.shape], dtype=np.float32)
         for i in one.get_inputs()}
        for one in opened
    ]  # fmt: skip
    alone = [one.run(None, feed) for one, feed in zip(opened, feeds, strict=True)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            beside = list(pool.map(lambda one, feed: one.run(None, feed), opened, feeds))
            for a, b in zip(alone, beside, strict=True):
                for left, right in zip(a, b, strict=True):
                    np.testing.assert_array_equal(left, right)


def test_an_arena_that_is_there_already_is_used():
    sessions._make_arena.cache_clear()
    sessions._make_arena()
    assert session.open_session("face_mesh.onnx").get_inputs()


def test_networks_begun_ahead_are_those_that_are_asked_for(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(session, "_opened", lambda name, _threads: asked.append(name) or name)
    session.open_ahead()
    for name in (name for name in NETWORKS if name.endswith(".onnx")):
        assert session.open_session(name) == name
    assert sorted(asked) == sorted(name for name in NETWORKS if name.endswith(".onnx"))
    monkeypatch.setattr(
        choice, "OnnxRuntime", lambda **_: asked.append("onnx") or "the runtime"
    )  # fmt: skip
    choice.open_ahead("onnx", "cpu")
    assert choice.load_runtime("onnx", "cpu") == "the runtime" and asked.count("onnx") == 1
    choice.open_ahead("torch", "cpu")
    assert asked.count("onnx") == 1


@pytest.mark.parametrize(
    ("wanted", "embeds"),
    [
        ({"domain": "sketch"}, True),  # the likest reference
        ({"domain": "sketch", "reference": "likest"}, True),
        ({"domain": "sketch", "ref": "her.png"}, True),
        ({"ref": "-"}, True),
        ({"domain": "sketch", "reference": "3", "face": FaceChoice.parse("like:a.png")}, True),
        ({"domain": "sketch", "reference": "3"}, False),
        ({"domain": "sketch", "reference": "random", "face": FaceChoice.parse("2")}, False),
        ({"domain": "sketch", "mix": MixChoice.parse("1:1,2:1")}, False),
    ],
)
def test_a_request_knows_whether_a_face_is_embedded(wanted, embeds):
    request = Request(**wanted)
    request.check()
    assert request.embeds == embeds


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Names of the operations whose sessions have been opened."""
    names: list[str] = []
    session_of = onnx_runtime._session
    monkeypatch.setattr(
        onnx_runtime, "_session", lambda name, *rest: names.append(name) or session_of(name, *rest)
    )
    return names


@pytest.mark.parametrize("embeds", [True, False])
def test_the_network_of_z_id_is_opened_once_ahead_or_when_it_is_asked_for(opened, embeds):
    runtime = OnnxRuntime(1, embeds)
    wait(list(runtime._sessions.values()))
    assert sorted(opened) == sorted(name for name in OPERATIONS if embeds or name != "embed")
    pictures = np.zeros((1, 512, 512, 3), np.uint8)
    assert runtime.embed(pictures).shape == runtime.embed(pictures).shape == (1, 192)
    assert sorted(opened) == sorted(OPERATIONS)


@pytest.mark.parametrize("embeds", [True, False])
def test_damaged_weights_of_z_id_are_said_whether_it_is_opened_or_not(
    tmp_path, monkeypatch, embeds
):
    name = "mobilefacenet.safetensors"
    (tmp_path / name).write_bytes(b"damaged")
    entry = {"size": 7, "sha256": "0" * 64, "licence": "", "origin": ""}
    (tmp_path / "manifest.json").write_text(json.dumps({"files": {name: entry}}))
    monkeypatch.setenv("HASNET_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=f"{name} is damaged"):
        OnnxRuntime(embeds=embeds)


@pytest.mark.parametrize("device", ["nowhere", "cuda:99"])
def test_what_cannot_be_opened_ahead_is_said_when_it_is_asked_for(device):
    open_ahead(device)
    with pytest.raises(HasnetError):
        AvatarPipeline.load(device)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["libtorch_cpu.so", "libtorch_python.so"], False),
        (["libtorch_cpu.so", "libtorch_cuda.so"], True),
        (["torch_cuda.dll"], True),
        (["libtorch_hip.so"], True),
        ([], False),
    ],
)
def test_what_torch_is_built_for_is_seen_without_its_metadata(monkeypatch, tmp_path, files, found):
    (tmp_path / "lib").mkdir()
    for name in files:
        (tmp_path / "lib" / name).touch()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: spec)
    assert choice._torch_for_gpu() == found


# ------------------------------------------------------------------------------------ the parts


def test_the_window_holds_all_of_an_enlarged_mask():
    rng = np.random.default_rng(0)
    for _ in range(30):
        mask = np.zeros((2, 1, 16, 16), np.float32)
        top, left = rng.integers(0, 14, 2)
        mask[rng.integers(0, 2), 0, top : top + 3, left : left + 2] = rng.random()
        rows, columns = extent(bring_to(torch.from_numpy(mask), torch.zeros(1, 1, 64, 64)))
        first, last, start, end = window_of(mask, 64)
        assert first <= rows.start and rows.stop <= last
        assert start <= columns.start and columns.stop <= end
    assert window_of(np.zeros((1, 1, 4, 4)), 64) == (0, 0, 0, 0)


def test_nothing_is_laid_where_the_mask_is_empty():
    runtime = TorchRuntime.__new__(TorchRuntime)
    picture = np.zeros((1, 3, 8, 8), np.float32)
    laid = runtime.lay(picture, np.zeros((1, 4, 4, 3), np.uint8), picture[:, :1, :4, :4], 1.0, 1.0)
    assert np.array_equal(laid, picture) and laid is not picture


def test_arrays_and_tensors_are_rounded_alike():
    rng = np.random.default_rng(0)
    planes = rng.uniform(-1.2, 1.2, (2, 3, 9, 7)).astype(np.float32)
    assert np.array_equal(arrays.to_pixels(planes), tensors.to_pixels(torch.from_numpy(planes)))
    levels = rng.integers(0, 256, (2, 5, 6, 3), dtype=np.uint8)
    assert np.array_equal(arrays.to_pixels(arrays.from_pixels(levels)), levels)
    np.testing.assert_array_equal(arrays.from_pixels(levels), tensors.to_tensor(levels).numpy())


@pytest.mark.parametrize(("small", "large"), [(8, 32), (32, 8), (32, 128)])
def test_planes_are_resized_as_the_networks_do(small, large):
    planes = np.random.default_rng(0).random((2, 1, small, small), np.float32)
    wanted = bring_to(torch.from_numpy(planes), torch.zeros(1, 1, large, large))
    np.testing.assert_allclose(arrays.brought_to(planes, large), wanted.numpy(), atol=1e-6)


# ------------------------------------------------------------------------------------ the choice


def test_a_runtime_that_does_not_exist_or_not_there_is_refused():
    with pytest.raises(UsageError, match="no runtime called 'jax'"):
        Request(domain="sketch", runtime="jax").check()
    with pytest.raises(UsageError, match="computes on the CPU, not on cuda:1"):
        Request(domain="sketch", runtime="onnx", device="cuda:1").check()
    for device in ("auto", "cpu", "CPU"):
        Request(domain="sketch", runtime="onnx", device=device).check()


@pytest.mark.parametrize(
    ("device", "accelerated", "fits", "wanted"),
    [
        ("cpu", True, True, "onnx"),
        ("auto", False, True, "onnx"),
        ("auto", True, True, "onnx"),  # torch is asked, and has only a processor here
        ("cuda", False, True, "torch"),
        ("mps", True, True, "torch"),
        ("cpu", False, False, "torch"),
    ],
)
def test_auto_is_onnx_on_a_processor(monkeypatch, device, accelerated, fits, wanted):
    monkeypatch.setattr(choice, "maybe_accelerated", lambda: accelerated)
    monkeypatch.setattr(choice, "graphs_fit", lambda: fits)
    monkeypatch.setattr("hasnet_models.device._best_device", lambda: "cpu")
    assert choice.chosen("auto", device) == wanted


@pytest.fixture
def other_weights(tmp_path, monkeypatch, tiny) -> Path:
    """A weights folder whose RT-Net is of another configuration."""
    rt = tiny[0]
    from hasnet_models.networks.rt_net import RTNet

    state = RTNet(rt).state_dict()
    config = json.dumps(json.loads(json.dumps(rt, default=vars)))
    save_state(tmp_path / "rt_net.safetensors", state, {"config": config})
    monkeypatch.setenv("HASNET_WEIGHTS", str(tmp_path))
    return tmp_path


def test_other_networks_than_the_graphs_run_in_torch(other_weights):
    assert choice.chosen("auto", "cpu") == "torch"
    with pytest.raises(WeightsError, match="another network than onnxruntime's graphs") as caught:
        OnnxRuntime()
    assert "torch" in caught.value.hint


LOADED = """
import sys
{code}
sys.exit(3 if "torch" in sys.modules else 0)
"""


def process(code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", LOADED.format(code=code), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize(
    "module",
    ["avatar.pipeline", "avatar.api", "figures.cells", "batch.run", "batch.ray",
     "runtimes.choice", "weights.state"],
)  # fmt: skip
def test_a_module_on_the_way_to_an_avatar_imports_no_torch(module):
    assert process(f"import hasnet_models.{module}").returncode == 0


# ------------------------------------------------------------------------- the embedded weights


@pytest.fixture(scope="module")
def both() -> tuple[TorchRuntime, OnnxRuntime]:
    return TorchRuntime.load("cpu"), OnnxRuntime()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "content"])
def test_both_runtimes_compute_the_same(both, name):
    given = arguments(name, load_tt().config, 512, 2)
    found = [getattr(runtime, name)(*given) for runtime in both]
    for a, b in zip(*(one if isinstance(one, tuple) else (one,) for one in found), strict=True):
        assert a.dtype == b.dtype == np.float32 and a.shape == b.shape
        # a picture of squares of noise is the worst there is for samplers
        assert np.abs(a - b).max() <= (3e-4 if name == "redraw" else 1e-4)


@pytest.mark.slow
def test_a_head_takes_the_place_of_the_base(both, tmp_path):
    state, metadata = load_state(weight_path("tt_net.safetensors"))
    gain = 1.5
    head = tmp_path / "head.safetensors"
    part = {n: t * gain for n, t in state.items() if n.startswith("blocks.1.")}
    save_state(head, part, {"config": metadata["config"]})
    given = arguments("redraw", load_tt().config, 512, 1)
    headed, plain = ([r.redraw(*given, head=h) for r in both] for h in (head, None))
    assert np.abs(headed[0] - headed[1]).max() < 1e-3
    assert np.abs(headed[1] - plain[1]).max() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", ["recolour", "redraw"])
def test_threads_and_repetition_change_no_bit(name):
    given = arguments(name, load_tt().config, 512, 1)
    one, two = OnnxRuntime(threads=1), OnnxRuntime(threads=2)
    first, *others = (getattr(runtime, name)(*given)[-1] for runtime in (one, one, two))
    for again in others:
        assert np.array_equal(first, again)


@pytest.mark.slow
def test_heads_share_the_network_that_none_of_them_changes(opened, tmp_path):
    runtime, given = OnnxRuntime(threads=1), arguments("redraw", load_tt().config, 512, 1)
    heads = [tmp_path / f"{number}.safetensors" for number in range(2)]
    for head in heads:
        shutil.copy(weight_path("tt_net.safetensors"), head)
        runtime.redraw(*given, head=head)
    assert opened.count("redraw") == 3 and opened.count("content") == 1


@pytest.mark.slow
def test_a_whole_avatar_without_torch(tmp_path):
    code = "from hasnet_cli.main import main\nif main(sys.argv[1:]): sys.exit(4)"
    words = ("avatar", str(ASTRONAUT), "--ref", str(ASTRONAUT), "--domain", "none")
    done = process(code, *words, "-o", "out.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").stat().st_size > 10_000
    other = process(code, *words, "--runtime", "torch", "-o", "torch.png", cwd=tmp_path)
    assert other.returncode == 3, other.stderr
    from hasnet_models import image_io

    pictures = [image_io.read(tmp_path / f"{n}.png").rgb.astype(int) for n in ("out", "torch")]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1
    found = [image_io.read_metadata(tmp_path / f"{n}.png")["runtime"] for n in ("out", "torch")]
    assert found == ["onnx", "torch"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "from hasnet_models.face.session import open_session; open_session('face_mesh.onnx')",
        "from hasnet_models.runtimes.onnx_runtime import OnnxRuntime; OnnxRuntime().close()",
        "import hasnet_models.export.graphs, onnxruntime; onnxruntime.SessionOptions()",
    ],
)
def test_nothing_is_kept_about_the_user(tmp_path, code):
    """onnxruntime's telemetry, which keeps an id of the device, is off."""
    environment = {n: v for n, v in os.environ.items() if n != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    script = f"{code}; import os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    run = [sys.executable, "-c", script]
    found = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "1\n"
    kept = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert kept <= {"digests.json"}


@pytest.mark.slow
def test_an_exported_file_is_the_avatar(both, tmp_path, site):
    import onnxruntime
    from conftest import Site

    from hasnet_models.export.whole import defaults, export
    from hasnet_models.plugins import discover

    assert isinstance(site, Site)
    site.install("pencil")
    domain = discover().get("pencil")
    reference, file = domain.references[0], tmp_path / "pencil.onnx"
    export(domain, reference, file)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, ["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["image"]
    about = session.get_modelmeta().custom_metadata_map
    assert about["domain"] == "pencil" and "tt_net.safetensors" in about["weights"]
    image = arguments("embed", load_tt().config, 512, 2)[0]
    (avatar,) = session.run(["avatar"], {"image": image})
    given = {n: a.repeat(2, 0) for n, a in defaults(domain, reference, both[0].domains).items()}
    lift = np.zeros((2, 1, 1, 1), np.float32)
    _, x_rt = both[0].recolour(image, lift, given["palette"], given["zones"], given["shares"])
    x_tt = both[0].redraw(
        x_rt, given["z_id"], given["code"], given["person"], given["oval"]
    )  # fmt: skip
    apart = np.abs(avatar.astype(int) - arrays.to_pixels(x_tt))
    assert avatar.shape == image.shape and apart.max() <= 2 and apart.mean() < 0.05
    assert {one.name for one in session.get_overridable_initializers()} == given.keys()
