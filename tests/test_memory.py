"""Memory that stays with the process."""

import ctypes
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from hasnet_models import memory

CHILD = """
import json, resource, sys
from hasnet_models.memory import keep_memory_mapped
kept = keep_memory_mapped() if sys.argv[1] == "with" else False
import numpy as np
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def fill():
    np.empty(48 << 20, np.uint8).fill(1)
for _ in range(3):
    fill()
before = faults()
for _ in range(10):
    fill()
print(json.dumps([kept, faults() - before, "torch" in sys.modules]))
"""


def child(how: str) -> list:
    command = [sys.executable, "-c", CHILD, how]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(found.stdout)


def test_pages_once_given_are_not_asked_for_again():
    kept, faults, torch = child("with")
    if not kept:
        pytest.skip("no glibc")
    usual = child("without")[1]
    assert faults < usual / 4  # ten times 48 MiB are 120,000 pages of 4 KiB, 240 of 2 MiB
    assert not torch


@pytest.mark.parametrize("platform", ["darwin", "win32", "linux"])
def test_elsewhere_nothing_is_changed(platform, monkeypatch):
    def refuse(*_):
        raise AssertionError("mallopt called")

    class Musl:
        mallopt = staticmethod(refuse)

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Musl())
    assert memory.keep_memory_mapped() is False


def test_the_settings_are_made_and_a_refusal_is_told(monkeypatch):
    made = {}

    def mallopt(name, value):
        made[name] = value
        return int(name != -2)

    glibc = SimpleNamespace(gnu_get_libc_version=None, mallopt=mallopt)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: glibc)
    assert memory.keep_memory_mapped() is False
    assert made[-4] == 0 and made[-1] == 2**31 - 1
