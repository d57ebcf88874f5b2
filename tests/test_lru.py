"""What was asked for last is kept."""

from __future__ import annotations

from hasnet_models.lru import Lru


def test_what_is_used_last_is_kept_longest():
    kept = Lru(2)
    assert [kept.get_or(key, lambda key=key: key) for key in "abacb"] == list("abacb")
    assert [kept.get(key) for key in "abc"] == [None, "b", "c"]


def test_sizes_count_and_what_is_too_large_moves_nothing_out():
    kept = Lru(5, len)
    for text in ("aa", "bb", "cccccc"):
        assert kept.get_or(text[0], lambda text=text: text) == text
    assert [kept.get(key) for key in "abc"] == ["aa", "bb", None] and kept.used == 4
    kept.get("a")
    kept.get_or("d", lambda: "dd")
    assert [kept.get(key) for key in "abd"] == ["aa", None, "dd"] and kept.used == 4
