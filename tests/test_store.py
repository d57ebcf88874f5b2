"""Weight files fetched from a server on this machine, through the command line."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hasnet_models.weights import files, store

DATA = bytes(range(256)) * 4000


class Mirror(BaseHTTPRequestHandler):
    """Serves `server.files`; ends after `server.limit` bytes, or ignores ranges, if it is to."""

    def do_GET(self) -> None:
        data = self.server.files.get(self.path)
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        self.server.asked.append((self.path, wanted and int(wanted[1])))
        if data is None:
            self.send_error(404)
            return
        start = int(wanted[1]) if wanted and self.server.ranges else 0
        if start and start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : start + self.server.limit])

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def mirror():
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.files, server.asked = {"/w/net.safetensors": DATA}, []
        server.limit, server.ranges = len(DATA), True
        server.url = f"http://127.0.0.1:{server.server_port}/w/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An installation whose manifest lists one file that is not there."""
    path = tmp_path / "package"
    path.mkdir()
    monkeypatch.setattr(files, "weights_folder", lambda: path)
    write_manifest(path)
    return path


def write_manifest(path, **more):
    entry = {"size": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest()}
    entry |= {"licence": "test licence", "origin": "a test", **more}
    (path / "manifest.json").write_text(json.dumps({"files": {"net.safetensors": entry}}))


def test_a_missing_file_is_fetched_and_found(run, folder, mirror):
    assert run("models", "verify").code == 5
    code, out, err = run("models", "pull", "--mirror", mirror.url)
    fetched = files.user_folder() / "net.safetensors"
    assert (code, out) == (0, f"{fetched}\n") and "licence test licence" in err
    assert fetched.read_bytes() == DATA and not list(fetched.parent.glob("*.part"))
    assert files.weight_path("net.safetensors") == fetched
    assert run("models", "verify") == (0, "ok       net.safetensors\n", "")
    assert "in order" in run("models", "pull").err and len(mirror.asked) == 1


def test_a_damaged_file_is_replaced_by_the_fetched_one(run, folder, mirror):
    (folder / "net.safetensors").write_bytes(b"x" * len(DATA))
    assert "damaged" in run("models").out
    assert run("models", "pull", "net", "--mirror", mirror.url).code == 0
    assert files.weight_path("net.safetensors").read_bytes() == DATA
    (files.user_folder() / "net.safetensors").write_bytes(b"y")
    assert run("models", "verify").code == 5


def test_what_was_begun_is_gone_on_with(run, folder, mirror):
    mirror.limit = 1000
    code, _, err = run("models", "pull", "--mirror", mirror.url)
    assert code == 5 and "net.safetensors could not be fetched" in err
    part = part_of(mirror)
    assert part.read_bytes() == DATA[:1000]
    mirror.limit = len(DATA)
    assert run("models", "pull", "--mirror", mirror.url).code == 0
    assert mirror.asked[-1] == ("/w/net.safetensors", 1000)


def part_of(mirror):
    """Where a file that was begun from the mirror lies."""
    mark = hashlib.sha256(f"{mirror.url}net.safetensors".encode()).hexdigest()[:8]
    return files.user_folder() / f"net.safetensors.{mark}.part"


def test_junk_of_one_mirror_is_not_gone_on_with_from_another(run, folder, mirror):
    mirror.files["/login/net.safetensors"] = b"<html>Please log in</html>"
    login = mirror.url.replace("/w/", "/login/")
    assert run("models", "pull", "--mirror", login).code == 5
    assert run("models", "pull", "--mirror", login, "--mirror", mirror.url).code == 0
    fetched = files.user_folder() / "net.safetensors"
    assert fetched.read_bytes() == DATA
    assert mirror.asked[-1] == ("/w/net.safetensors", None)
    assert not list(fetched.parent.glob("*.part"))


def test_a_server_without_ranges_begins_again(run, folder, mirror):
    mirror.ranges = False
    part = part_of(mirror)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"z" * 1000)
    assert run("models", "pull", "--mirror", mirror.url).code == 0


@pytest.mark.parametrize("size", [1000, len(DATA), len(DATA) + 9])
def test_a_wrong_part_does_not_stay_for_ever(run, folder, mirror, size):
    part = part_of(mirror)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"z" * size)
    assert run("models", "pull", "--mirror", mirror.url).code == 5
    assert not part.exists()
    assert run("models", "pull", "--mirror", mirror.url).code == 0


def test_a_wrong_file_is_refused_and_the_next_mirror_asked(run, folder, mirror, monkeypatch):
    mirror.files["/bad/net.safetensors"] = DATA[::-1]
    monkeypatch.setenv("HASNET_MIRRORS", f"{mirror.url}none, {mirror.url}../w/")
    bad = mirror.url.replace("/w/", "/bad")
    mirror.files["/w/../w/net.safetensors"] = DATA
    assert run("models", "pull", "--mirror", bad).code == 0
    assert [path for path, _ in mirror.asked] == [
        "/bad/net.safetensors", "/w/none/net.safetensors", "/w/../w/net.safetensors"
    ]  # fmt: skip


def test_an_answer_without_end_does_not_fill_the_disk(run, folder, mirror):
    mirror.files["/w/net.safetensors"] = DATA + b"more" * 100_000
    mirror.limit = len(mirror.files["/w/net.safetensors"])
    assert run("models", "pull", "--mirror", mirror.url).code == 0
    assert files.weight_path("net.safetensors").stat().st_size == len(DATA)


def test_the_manifest_s_own_mirrors(run, folder, mirror):
    write_manifest(folder, mirrors=[f"{mirror.url}gone", f"{mirror.url}net.safetensors"])
    assert run("models", "pull", "--to", "elsewhere").out == "elsewhere/net.safetensors\n"


@pytest.mark.parametrize("args", [(), ("--mirror", "http://127.0.0.1:9/x"), ("--mirror", "junk")])
def test_offline_says_how_to_place_the_file_by_hand(run, folder, args):
    code, out, err = run("models", "pull", *args)
    assert (code, out) == (5, "") and "Traceback" not in err
    assert hashlib.sha256(DATA).hexdigest() in err and str(files.user_folder()) in err


def test_a_mirror_may_be_a_folder(run, folder, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "net.safetensors").write_bytes(DATA)
    assert run("models", "pull", "--mirror", (tmp_path / "m").as_uri()).code == 0


def test_progress_counts_bytes(run, folder, mirror):
    err = run("models", "pull", "--mirror", mirror.url, "--progress", "jsonl").err
    last = json.loads(err.splitlines()[-1])
    assert last["done"] == last["total"] == len(DATA)


def test_an_unwritable_place_is_5(run, folder, mirror):
    files.user_folder().parent.mkdir(parents=True)
    files.user_folder().write_text("a file")
    assert run("models", "pull", "--mirror", mirror.url).code == 5


def test_the_list_as_json(run, folder):
    document = json.loads(run("models", "--json").out)
    (row,) = document["models"]
    assert document["schema"] == 1 and row["status"] == "missing"
    assert row["licence"] == "test licence" and row["size"] == len(DATA)
    assert json.loads(run("models", "list", "--json").out) == document
    verified = run("models", "verify", "--json")
    assert verified.code == 5 and json.loads(verified.out) == document


def test_an_unknown_name_is_2(run, folder):
    for command in ("verify", "pull"):
        assert run("models", command, "nte").code == 2


def test_free_bytes_of_a_folder_that_is_not_there_yet(tmp_path):
    assert store.free_bytes(tmp_path / "a" / "b") > 0
