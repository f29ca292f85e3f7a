"""Generators measured against held-out photographs: which pictures are taken, the figures, the cache, the reasons."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

import stand_ins
from redqueen.errors import UserError
from redqueen.generation import quality
from redqueen.generation.quality import Comparison, embed, embedded, measure
from redqueen.metrics.distances import cmmd_interval, kid_interval

ONE, TWO = "generator-2026-01", "generator-2026-02"


@dataclass
class Colours:
    """An embedder without a network: means over the quarters of a picture; it counts the pictures that it saw."""

    name: str = "colours"
    digest: str = "c" * 64
    seen: list = field(default_factory=list)

    def features(self, pictures):
        self.seen += list(pictures)
        quarters = [
            [part.mean(axis=(0, 1)) for half in np.array_split(p, 2) for part in np.array_split(half, 2, axis=1)]
            for p in pictures
        ]
        return np.asarray(quarters, np.float32).reshape(len(quarters), -1) / 255


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"), stand_ins.Pictures(photos=60, generated=30))


@pytest.fixture
def small():
    return Comparison(least=10)


def ids(corpus, rows):
    return corpus.column("image_id")[rows].tolist()


class TestComparison:
    def test_photographs_are_those_of_the_test_split(self, corpus, small):
        rows = small.photographs(corpus)
        assert set(corpus.column("kind")[rows]) == {"photo"}
        assert set(corpus.column("split")[rows]) == {"test"}
        assert len(rows) == sum((corpus.column("kind") == "photo") & (corpus.column("split") == "test")) >= 10

    def test_generated_pictures_are_those_of_every_split(self, corpus, small):
        found = small.generators(corpus)
        assert list(found) == [ONE, TWO]
        for name, rows in found.items():
            assert set(corpus.column("generator")[rows]) == {name}
            assert set(corpus.column("split")[rows]) == {"train", "val", "test"}
            assert len(rows) == 30

    def test_of_more_than_most_the_first_hashes_are_taken(self, corpus, small):
        every = ids(corpus, small.generators(corpus)[ONE])
        rows = replace(small, most=12).generators(corpus)[ONE]
        assert sorted(ids(corpus, rows)) == sorted(every)[:12]
        assert rows.tolist() == sorted(rows)

    def test_matched_rows_are_in_some_window(self, corpus, monkeypatch):
        kept = set(corpus.column("image_id")[::2])
        monkeypatch.setattr(
            type(corpus),
            "rows",
            lambda self, split, windows: np.asarray(
                [i for i, one in enumerate(ids(self, slice(None))) if one in kept and self.column("split")[i] == split]
            ),
        )
        matched, every = Comparison(least=2, matched=True), Comparison(least=2)
        for method in (lambda c: c.generators(corpus)[TWO], lambda c: c.photographs(corpus)):
            assert ids(corpus, method(matched)) == [one for one in ids(corpus, method(every)) if one in kept]

    def test_matched_rows_are_those_of_the_corpus(self, corpus):
        windows = [window.name for window in corpus.periods]
        expected = {i for split in ("train", "val", "test") for i in corpus.rows(split, windows)}
        found = Comparison(least=2, matched=True).generators(corpus)
        assert (
            0
            < sum(len(rows) for rows in found.values())
            == len(expected & set(np.flatnonzero(corpus.column("label") == 1)))
        )

    @pytest.mark.parametrize("numbers", [{"least": 1}, {"least": 100, "most": 99}])
    def test_refuses_numbers_that_leave_nothing(self, numbers):
        with pytest.raises(UserError, match="2 <= least <= most"):
            Comparison(**numbers)


class TestMeasure:
    def test_figures_are_those_of_the_metrics(self, corpus, small, tmp_path):
        backbone = Colours()
        found = measure(corpus, backbone, small, tmp_path, draws=50, seed=3)
        assert (found.backbone, found.backbone_digest) == (backbone.name, backbone.digest)
        real = small.photographs(corpus)
        groups = corpus.column("group_id")
        assert (found.photographs, found.photograph_groups) == (len(real), len(set(groups[real])))
        for name, rows in small.generators(corpus).items():
            one = found.generators[name]
            sides = [backbone.features([corpus.pixels(row) for row in which]) for which in (rows, real)]
            names = list(groups[rows]), list(groups[real])
            for ours, interval in ((one.kid, kid_interval), (one.cmmd, cmmd_interval)):
                theirs = interval(*sides, 50, 3, *names)
                assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high))
                assert (ours.n, ours.n_groups) == (theirs.n, theirs.n_groups)
            assert (one.pictures, one.groups, one.reason) == (30, len(set(names[0])), None)

    def test_a_generator_with_too_few_pictures_has_no_figure_but_a_reason(self, corpus, tmp_path, monkeypatch):
        original = Comparison.generators
        monkeypatch.setattr(
            Comparison, "generators", lambda self, c: {**original(self, c), "rare": original(self, c)[ONE][:3]}
        )
        backbone = Colours()
        found = measure(corpus, backbone, Comparison(least=10), tmp_path, draws=10, seed=0)
        rare = found.generators["rare"]
        assert (rare.kid, rare.cmmd, rare.pictures, rare.groups) == (None, None, 3, 3)
        assert rare.reason == "3 pictures; at least 10 are needed"
        assert len(backbone.seen) == 60 + found.photographs  # its pictures were not looked at
        assert [name for name, _ in found.ranked()][-1] == "rare"

    def test_one_group_has_no_figure_but_a_reason(self):
        assert quality._too_few(["a"] * 60, 50) == "all pictures are of one group, whose variance cannot be seen"
        assert quality._too_few(["a"] * 59 + ["b"], 50) is None

    def test_ranks_the_nearest_first(self, corpus, small, tmp_path):
        found = measure(corpus, Colours(), small, tmp_path, draws=10, seed=0)
        values = [one.cmmd.value for _, one in found.ranked()]
        assert values == sorted(values)

    def test_too_few_photographs_are_an_error(self, corpus, tmp_path):
        with pytest.raises(UserError, match=r"photographs in the test split; at least 50 are needed \(comparison"):
            measure(corpus, Colours(), Comparison(), tmp_path, draws=10, seed=0)

    def test_a_corpus_without_generated_pictures_is_an_error(self, tmp_path):
        plain = stand_ins.corpus(tmp_path, stand_ins.Pictures(photos=40, others=2, generated=0), windows=())
        with pytest.raises(UserError, match="has no generated pictures"):
            measure(plain, Colours(), Comparison(least=5), tmp_path / "cache", draws=10, seed=0)


class TestCache:
    def test_nothing_is_computed_twice(self, corpus, small, tmp_path):
        first, second = Colours(), Colours()
        found = measure(corpus, first, small, tmp_path, draws=10, seed=0)
        assert measure(corpus, second, small, tmp_path, draws=10, seed=0) == found
        assert len(first.seen) == 60 + found.photographs
        assert second.seen == []

    def test_another_backbone_or_other_rows_are_computed(self, corpus, tmp_path):
        rows = np.arange(20)
        embedded(corpus, rows, Colours(), tmp_path, "x")
        for backbone, chosen in ((Colours(digest="d" * 64), rows), (Colours(), rows[:19])):
            embedded(corpus, chosen, backbone, tmp_path, "x")
            assert len(backbone.seen) == len(chosen)

    def test_a_killed_run_goes_on_and_ends_with_the_same_features(self, corpus, tmp_path, monkeypatch):
        monkeypatch.setattr(quality, "PART", 8)
        rows = np.arange(30)
        whole = embedded(corpus, rows, Colours(), tmp_path / "whole", "x")

        class Killed(Colours):
            def features(self, pictures):
                if len(self.seen) >= 16:
                    raise KeyboardInterrupt
                return super().features(pictures)

        with pytest.raises(KeyboardInterrupt):
            embedded(corpus, rows, Killed(), tmp_path / "killed", "x")
        again = Colours()
        np.testing.assert_array_equal(embedded(corpus, rows, again, tmp_path / "killed", "x"), whole)
        assert len(again.seen) == 14

    def test_batches_are_small_and_lose_nothing(self, monkeypatch):
        monkeypatch.setattr(quality, "BATCH", 4)
        pictures = [stand_ins.human_pixels(number) for number in range(10)]
        backbone = Colours()
        np.testing.assert_array_equal(embed(pictures, backbone), Colours().features(pictures))
        assert len(backbone.seen) == 10

    def test_a_damaged_picture_is_named(self, corpus, tmp_path, monkeypatch):
        from redqueen.errors import RejectedPictureError

        def broken(self, row):
            raise RejectedPictureError("cannot be decoded")

        monkeypatch.setattr(type(corpus), "pixels", broken)
        first = corpus.column("image_id")[0][:12]
        with pytest.raises(UserError, match=f"picture {first}: cannot be decoded; build the corpus again"):
            embedded(corpus, np.arange(3), Colours(), tmp_path, "x")
