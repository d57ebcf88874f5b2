"""Which source meets which reference, and the pool."""

import collections
import collections.abc
import dataclasses

import nano
import numpy as np
import pytest
import torch

from hasnet_models.data.faces import FaceSet
from hasnet_models.data.index import FaceRecord
from hasnet_models.errors import UsageError
from hasnet_models.training import distributed
from hasnet_models.training.draws import one_of
from hasnet_models.training.entries import MIXED, PAIRED, SAME, EntryPool, Sampler


@pytest.fixture
def faces(tmp_path):
    return nano.faces(nano.make_folder(tmp_path / "faces"))


def config(**changes):
    return dataclasses.replace(nano.preset().tt_train, **changes)


def test_entry_is_a_function_of_seed_and_number(faces):
    a, b = Sampler(faces, config(), ()), Sampler(faces, config(), ())
    assert [a(n) for n in (5, 3, 5)] == [b(5), b(3), b(5)]
    other = Sampler(faces, config(seed=1), ())
    assert [a(n) for n in range(20)] != [other(n) for n in range(20)]


def test_kinds_have_their_shares_and_meaning(faces):
    draw = Sampler(faces, config(pair_share=0.2, same_image=0.3), ())
    entries = [draw(n) for n in range(1000)]
    counts = collections.Counter(e.kind for e in entries)
    assert counts[PAIRED] == pytest.approx(200, abs=45)
    assert counts[SAME] == pytest.approx(300, abs=50)
    for e in entries:
        source, reference = faces.records[e.source], faces.records[e.reference]
        if e.kind == SAME:
            assert e.source == e.reference and e.source_flip == e.reference_flip
        elif e.kind == PAIRED:
            assert source.identity == reference.identity
            assert (source.domain, e.source_flip) == ("photo", e.reference_flip)
            assert reference.domain != "photo"
        else:
            assert e.kind == MIXED and source.domain != reference.domain


def test_shares_are_kept(faces):
    draw = Sampler(faces, config(shares={"red": 0.7}, pair_share=0.0), ())
    domains = collections.Counter(faces.domain(draw(n).reference) for n in range(1000))
    assert domains["red"] == pytest.approx(700, abs=50)
    assert domains["blue"] == pytest.approx(150, abs=40)


@pytest.mark.parametrize("domains", [(), ("red",), ("red", "blue")])
def test_shares_of_nothing_leave_the_sizes(faces, domains):
    names = tuple(faces.by_domain)
    draw = Sampler(faces, config(shares=dict.fromkeys(names, 0.0), pair_share=0.5), domains)
    sizes = np.sqrt([len(faces.by_domain[d]) for d in draw.domains])
    np.testing.assert_allclose(draw.weights, sizes / sizes.sum())
    assert {faces.domain(draw(n).reference) for n in range(200)} == set(domains or names)


def test_pairs_of_a_domain_that_is_not_drawn_are_not_drawn(faces):
    shares = {"red": 0.0, "blue": 0.0, "photo": 1.0}
    draw = Sampler(faces, config(shares=shares, pair_share=1.0), ())
    assert {faces.domain(draw(n).reference) for n in range(100)} == {"photo"}


def test_one_domain_only(faces):
    draw = Sampler(faces, config(), ("blue",))
    assert {faces.domain(draw(n).reference) for n in range(50)} == {"blue"}


def test_unknown_domain_is_a_usage_error(faces):
    with pytest.raises(UsageError, match="green"):
        Sampler(faces, config(), ("green",))


def number_maker(entries, side):
    values = torch.tensor([float(e.source * 100 + e.reference) for e in entries])
    return values[:, None] * side, {"c": values[:, None] / 4}


def test_pool_keeps_entry_and_tensors_together(faces):
    pool = EntryPool(Sampler(faces, config(), ()), number_maker, 24, 2)
    rng = np.random.default_rng(0)
    for _ in range(20):
        batch = pool.draw(rng, 4, 1)
        expected, _ = number_maker(batch.entries, 1)
        torch.testing.assert_close(batch.x_rt, expected)
        torch.testing.assert_close(batch.content["c"], expected / 4)
    assert len(pool.numbers) == 12 and min(pool.numbers) > 0


def test_the_pool_keeps_the_layout_that_entries_are_made_in(faces):
    def make(entries, side):
        x_rt, content = number_maker(entries, side)
        deep = content["c"].repeat(1, 3, 4, 5).to(memory_format=torch.channels_last)
        return x_rt, {"c": deep}

    pool = EntryPool(Sampler(faces, config(), ()), make, 24, 2)
    layer = pool.draw(np.random.default_rng(0), 4, 1).content["c"]
    assert layer.is_contiguous(memory_format=torch.channels_last) and not layer.is_contiguous()


@pytest.mark.parametrize(("group", "each"), [(2, 1), (4, 2), (3, 3)])
def test_two_processes_make_half_of_a_group_each_where_it_can_be_halved(
    group, each, faces, monkeypatch
):
    made, other = [], []

    def make(entries, side):
        made.append(len(entries))
        return number_maker(entries, side)

    def gather(rows):
        return torch.cat([rows, other.pop()])

    pool = EntryPool(Sampler(faces, config(), ()), make, 2 * group, group)
    entries = [pool.sampler(n) for n in range(group)]
    whole = number_maker(entries, 1)[0].half()
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(distributed, "rank", lambda: 0)
    monkeypatch.setattr(distributed, "gather", gather)
    other += [whole[each:] / 4, whole[each:]]  # of "c" and of X_RT
    pool.restore({"numbers": [0], "next": 1, "side": 1})
    assert made == [each] and torch.equal(pool.store["x_rt"][:group], whole)


def test_restored_pool_draws_the_same(faces):
    sampler = Sampler(faces, config(), ())
    pool, again = (EntryPool(sampler, number_maker, 24, 2) for _ in range(2))
    for n in range(9):
        pool.draw(np.random.default_rng(n), 4, 1)
    again.restore(pool.state())
    for n in range(9):
        a, b = (p.draw(np.random.default_rng(n), 4, 1) for p in (pool, again))
        assert a.entries == b.entries and torch.equal(a.x_rt, b.x_rt)


def test_without_a_pool_entries_are_made_anew(faces):
    pool = EntryPool(Sampler(faces, config(), ()), number_maker, 0, 2)
    rng = np.random.default_rng(0)
    assert pool.draw(rng, 3, 1).entries == [pool.sampler(n) for n in range(3)]
    assert pool.draw(rng, 3, 1).entries == [pool.sampler(n) for n in range(3, 6)]


@pytest.mark.parametrize("capacity", [1, 4, 5, 7])
def test_a_pool_that_its_groups_do_not_fill_serves_a_batch(faces, capacity):
    pool = EntryPool(Sampler(faces, config(), ()), number_maker, capacity, 3)
    rng = np.random.default_rng(0)
    for _ in range(5):
        batch = pool.draw(rng, 5, 1)
        assert len({id(entry) for entry in batch.entries}) == 5
        torch.testing.assert_close(batch.x_rt, number_maker(batch.entries, 1)[0])
    again = EntryPool(pool.sampler, number_maker, capacity, 3)
    again.restore(pool.state())
    one, two = (p.draw(np.random.default_rng(5), 5, 1) for p in (pool, again))
    assert one.entries == two.entries


def test_pool_forgets_entries_of_another_side(faces):
    pool = EntryPool(Sampler(faces, config(), ()), number_maker, 24, 2)
    rng = np.random.default_rng(0)
    for side in (1, 1, 2, 2):
        batch = pool.draw(rng, 4, side)
        torch.testing.assert_close(batch.x_rt, number_maker(batch.entries, side)[0])
    again = EntryPool(pool.sampler, number_maker, 24, 2)
    again.restore(pool.state())
    one, two = (p.draw(np.random.default_rng(5), 4, 2) for p in (pool, again))
    assert one.entries == two.entries and torch.equal(one.x_rt, two.x_rt)


class CountedReads(collections.abc.Sequence):
    """A sequence that counts how many of its items are read."""

    def __init__(self, items):
        self.items, self.reads = items, 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        self.reads += 1
        return self.items[index]


def large_set(each):
    domains = ("photo", "nir_photo", "red")
    records = [FaceRecord(d, f"{d}/{i}", f"p{i}") for d in domains for i in range(each)]
    return FaceSet(records, np.zeros((3 * each, 1, 1, 3), np.uint8), {})


def test_an_entry_costs_the_same_however_many_faces_there_are():
    reads = []
    for each in (10, 1000):
        faces = large_set(each)
        changes = {"photo_domains": ("photo", "nir_photo"), "pair_share": 0.0}
        draw = Sampler(faces, config(**changes), ())
        for lists in (faces.by_domain, draw.photos):
            lists.update({d: CountedReads(members) for d, members in lists.items()})
        for n in range(200):
            draw(n)
        reads.append(sum(m.reads for m in (*faces.by_domain.values(), *draw.photos.values())))
    assert 200 < reads[0] <= 400 and 200 < reads[1] <= 400


def test_photos_of_a_photo_are_of_the_other_photo_domains():
    faces = large_set(20)
    config_ = config(photo_domains=("photo", "nir_photo"), photo_sources=1.0, pair_share=0.0)
    draw = Sampler(faces, config_, ())
    found = collections.defaultdict(set)
    for n in range(300):
        entry = draw(n)
        if entry.kind == MIXED:
            found[faces.domain(entry.reference)].add(faces.domain(entry.source))
    assert found["red"] == {"photo", "nir_photo"}
    assert found["photo"] == {"nir_photo"} and found["nir_photo"] == {"photo"}


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_one_of_draws_what_choice_draws(count):
    members = list(range(100, 100 + count))
    a, b = np.random.default_rng(count), np.random.default_rng(count)
    assert [one_of(a, members) for _ in range(50)] == [int(b.choice(members)) for _ in range(50)]
