"""Continual training: what each strategy learns from, where it starts, and a memory that nothing comes back to."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

import stand_ins
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.training.fit import Rows
from redqueen.training.strategies.cumulative import Cumulative
from redqueen.training.strategies.last_window import LastWindow
from redqueen.training.strategies.lesson import Lesson
from redqueen.training.strategies.replay import Replay
from redqueen.training.strategies.warm_start import WarmStart

SEEN = ("2026-01", "2026-02", "2026-03")


class Shelf:
    """What a strategy reads of a corpus: rows in windows, of the training split, in a shuffled table."""

    def __init__(self, counts, seed=0):
        """`counts`: window -> {generator or kind: rows}. Human-made rows may be added to a second window as well."""
        rows = []
        for window, sizes in counts.items():
            for name, size in sizes.items():
                human = name in ("photo", "collage", "drawing")
                rows += [(window, name, human, number) for number in range(size)]
        random.Random(seed).shuffle(rows)
        self.windows = [window for window, *_ in rows]
        self.columns = {
            "label": np.asarray([0 if human else 1 for _, _, human, _ in rows], np.int8),
            "kind": np.asarray([name if human else "generated" for _, name, human, _ in rows], object),
            "generator": np.asarray([None if human else name for _, name, human, _ in rows], object),
            "group_id": np.asarray([f"{window}/{name}/{number // 3}" for window, name, _, number in rows], object),
            "image_id": np.asarray([f"{window}-{name}-{number}" for window, name, _, number in rows], object),
        }

    def column(self, name):
        return self.columns[name]

    def rows(self, split, windows):
        assert split == "train", "a memory of validation or test pictures would be a leak"
        return np.asarray([row for row, window in enumerate(self.windows) if window in windows], np.int64)


def ids(shelf, rows):
    return set(shelf.column("image_id")[rows])


def composition(shelf, rows):
    names = [g or k for g, k in zip(shelf.column("generator")[rows], shelf.column("kind")[rows], strict=True)]
    return {name: names.count(name) for name in sorted(set(names))}


FULL = {
    "2026-01": {"a": 30, "photo": 60, "collage": 4},
    "2026-02": {"b": 30, "c": 3, "photo": 40},
    "2026-03": {"d": 50, "photo": 50},
}


def built(name, **settings_):
    return instantiate(OmegaConf.load(configs() / "strategy" / f"{name}.yaml"), **settings_)


@pytest.mark.parametrize("name", stand_ins.names("strategy"))
def test_every_strategy_is_called_as_its_file_and_starts_afresh_at_the_first_cutoff(name):
    strategy = built(name)
    assert strategy.name == name
    assert tuple(strategy.windows(SEEN[:1])) == SEEN[:1]
    assert strategy.start(SEEN[:1]) is None
    assert len(strategy.replayed(Shelf(FULL), SEEN[:1], 0)) == 0
    assert Lesson(strategy, SEEN[:1], None, 0).inputs == {}, "the first checkpoint is the same under every strategy"


@pytest.mark.parametrize(
    ("strategy", "windows", "start"),
    [
        (Cumulative(), SEEN, None),
        (WarmStart(), SEEN, "2026-02"),
        (Replay(), SEEN[-1:], "2026-02"),
        (Replay(fresh=True), SEEN[-1:], None),
        (LastWindow(), SEEN[-1:], "2026-02"),
        (LastWindow(fresh=True), SEEN[-1:], None),
    ],
)
def test_what_is_learned_from_and_where_it_starts(strategy, windows, start):
    assert tuple(strategy.windows(SEEN)) == windows
    assert strategy.start(SEEN) == start


def test_the_memory_is_of_earlier_windows_half_human_made_and_balanced_over_generators():
    shelf = Shelf(FULL)
    rows = Replay(budget=24).replayed(shelf, SEEN, 0)
    assert {shelf.windows[row] for row in rows} == {"2026-01", "2026-02"}
    assert list(rows) == sorted(set(rows))
    found = composition(shelf, rows)
    assert (found["c"], found["collage"]) == (3, 4)  # all that there are, and the others fill up
    assert {found["a"], found["b"]} == {4, 5}
    assert found["photo"] == 8
    assert sum(found.values()) == 24


def test_groups_stay_together():
    shelf = Shelf({"2026-01": {"a": 60, "photo": 60}, "2026-02": {"b": 1, "photo": 1}})
    rows = Replay(budget=40).replayed(shelf, SEEN[:2], 0)
    groups = [shelf.column("group_id")[row] for row in rows]
    cut = [group for group in set(groups) if groups.count(group) != 3]
    assert len(cut) <= 2, "of each class at most the last group is not whole"


def test_a_memory_larger_than_what_was_seen_holds_all_of_it():
    shelf = Shelf(FULL)
    rows = Replay(budget=10_000).replayed(shelf, SEEN, 0)
    assert set(rows) == set(shelf.rows("train", SEEN[:-1]))


def test_the_memory_depends_on_the_seed_and_not_on_the_order_of_the_table():
    first, second = (Replay(24).replayed(shelf, SEEN, 0) for shelf in (Shelf(FULL), Shelf(FULL)))
    np.testing.assert_array_equal(first, second)
    other = Shelf(FULL, seed=5)
    assert ids(Shelf(FULL), first) == ids(other, Replay(24).replayed(other, SEEN, 0))
    assert ids(Shelf(FULL), first) != ids(Shelf(FULL), Replay(24).replayed(Shelf(FULL), SEEN, 1))


sizes = st.dictionaries(st.sampled_from(["a", "b", "c", "photo", "collage"]), st.integers(0, 12), min_size=1)


@settings(deadline=None, max_examples=60)
@given(first=sizes, second=sizes, third=sizes, half=st.integers(1, 15), seed=st.integers(0, 9))
def test_what_has_left_the_memory_never_comes_back(first, second, third, half, seed):
    windows = {"w1": first, "w2": second, "w3": third, "w4": {"z": 1}}
    shelf, strategy = Shelf(windows), Replay(budget=2 * half)
    memories = [ids(shelf, strategy.replayed(shelf, list(windows)[:end], seed)) for end in (2, 3, 4)]
    for number, (before, after) in enumerate(zip(memories, memories[1:], strict=False)):
        new = ids(shelf, shelf.rows("train", [list(windows)[number + 1]]))
        assert after <= before | new
        assert len(after) <= 2 * half


@pytest.mark.parametrize("budget", [0, 1, 3, -2])
def test_budgets_that_cannot_be_halved_are_refused(budget):
    with pytest.raises(UserError, match=rf"strategy.budget={budget}"):
        Replay(budget=budget)


def test_replayed_rows_join_the_training_rows_and_nothing_else(corpus):
    plain = Rows.choose(corpus, ("2026-02",), False, 0)
    memory = Replay(budget=8).replayed(corpus, ("2026-01", "2026-02"), 0)
    rows = Rows.choose(corpus, ("2026-02",), False, 0, memory)
    assert set(rows.train) == set(plain.train) | set(memory)
    assert len(set(rows.train)) == len(rows.train)
    np.testing.assert_array_equal(rows.val, plain.val)
    np.testing.assert_array_equal(rows.train_labels, corpus.column("label")[rows.train])
    assert "generator-2026-01" in set(corpus.column("generator")[rows.train])


def test_a_lesson_records_what_was_learned_and_all_generators_so_far(corpus):
    earlier = SimpleNamespace(digest="d" * 64, record={"generators": ["generator-2025-12"]})
    lesson = Lesson(Replay(budget=8), ("2026-01", "2026-02"), earlier, 3)
    memory = lesson.replayed(corpus)
    np.testing.assert_array_equal(memory, Replay(budget=8).replayed(corpus, ("2026-01", "2026-02"), 3))
    rows = Rows.choose(corpus, lesson.windows, False, 0, memory)
    assert lesson.record(corpus, rows.train, memory) == {
        "strategy": {"name": "replay", "budget": 8, "fresh": False},
        "start": "d" * 64,
        "windows": ("2026-02",),
        "replayed": 8,
        "generators": ["generator-2025-12", "generator-2026-01", "generator-2026-02"],
    }


def test_a_checkpoint_depends_on_all_that_its_strategy_uses():
    one, two = (SimpleNamespace(digest=digest) for digest in "ab")
    lessons = [
        Lesson(Cumulative(), SEEN, None, 0),
        Lesson(WarmStart(), SEEN, one, 0),
        Lesson(WarmStart(), SEEN, two, 0),
        Lesson(LastWindow(), SEEN, one, 0),
        Lesson(LastWindow(fresh=True), SEEN, None, 0),
        Lesson(Replay(), SEEN, one, 0),
        Lesson(Replay(4), SEEN, one, 0),
        Lesson(Replay(fresh=True), SEEN, None, 0),
        Lesson(Replay(fresh=True), SEEN[1:], None, 0),
    ]
    assert lessons[0].inputs == {}, "results measured before there were strategies keep their checkpoints"
    assert len({str((lesson.windows, lesson.inputs)) for lesson in lessons}) == len(lessons)
