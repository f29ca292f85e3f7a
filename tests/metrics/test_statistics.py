"""The bootstrap: what it may draw, that it counts as a plain loop does, and that its intervals cover the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, norm
from sklearn.metrics import roc_auc_score

from redqueen.errors import UserError
from redqueen.metrics import functional, statistics
from redqueen.metrics.functional import auroc
from redqueen.metrics.statistics import (
    MIN_GROUPS,
    auroc_from_draws,
    auroc_interval,
    group_weights,
    mean_interval,
    percentile_interval,
    rate_interval,
    weighted_auroc,
)
from redqueen.types import Interval

TABLES = st.lists(
    st.tuples(st.integers(0, 15), st.sampled_from(["0/web", "0/press", "1/sd", "1/flux"])), min_size=1, max_size=60
)


def clustered(rng, per_label=40, size=4, sources=2, shift=1.0):
    """Scores with a shared effect per group, so that rows of a group are alike: scores, labels, groups, strata."""
    effect = np.repeat(rng.normal(size=2 * per_label), size)
    labels = np.repeat([0, 1], per_label * size)
    scores = effect + rng.normal(size=len(effect)) + shift * labels
    numbers = np.repeat(np.arange(2 * per_label), size)
    strata = [f"{label}/s{number % sources}" for label, number in zip(labels, numbers, strict=True)]
    return scores, labels, [f"g{number:03d}" for number in numbers], strata


class TestGroupWeights:
    @given(TABLES, st.integers(0, 5))
    def test_every_draw_has_as_many_groups_of_a_label_as_the_sample(self, rows, seed):
        groups = [f"{stratum[0]}-{group}" for group, stratum in rows]  # each group has one label
        index, weights = group_weights(groups, [stratum for _, stratum in rows], 20, seed)
        names = sorted(set(groups))
        assert [names[column] for column in index] == groups
        for label in "01":
            columns = [column for column, name in enumerate(names) if name.startswith(label)]
            assert (weights[:, columns].sum(axis=1) == len(columns)).all()

    @given(TABLES, st.randoms(use_true_random=False))
    def test_the_order_of_rows_changes_nothing(self, rows, random):
        shuffled = random.sample(rows, len(rows))
        index, weights = group_weights([f"g{g}" for g, _ in rows], [s for _, s in rows], 5, 0)
        other_index, other_weights = group_weights([f"g{g}" for g, _ in shuffled], [s for _, s in shuffled], 5, 0)
        np.testing.assert_array_equal(weights, other_weights)
        assert dict(zip(rows, index, strict=True)) == dict(zip(shuffled, other_index, strict=True))

    def test_the_seed_decides(self):
        groups, strata = [f"{i}" for i in range(30)], ["0/web"] * 30
        first, again, other = (group_weights(groups, strata, 10, seed)[1] for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()

    def test_blocks_of_draws_are_filled(self, monkeypatch):
        monkeypatch.setattr("redqueen.metrics.statistics.BLOCK", 64)
        _, weights = group_weights([f"{i}" for i in range(30)], ["0/web"] * 30, 7, 0)
        assert (weights.sum(axis=1) == 30).all()

    def test_multiplicities_follow_the_binomial_law(self):
        _, weights = group_weights([f"{i:02d}" for i in range(20)], ["0/web"] * 20, 20_000, 0)
        seen = np.bincount(weights[:, 3], minlength=8)[:8] / 20_000
        np.testing.assert_allclose(seen, binom.pmf(np.arange(8), 20, 1 / 20), atol=0.015)

    @staticmethod
    def together(sizes):
        """Which strata are resampled as one, found from the sums of the draws: a stratum of its own never varies."""
        groups = [f"{stratum}#{i}" for stratum, size in sizes.items() for i in range(size)]
        strata = [group.split("#")[0] for group in groups]
        index, weights = group_weights(groups, strata, 300, 0)
        sums = {name: weights[:, index[np.equal(strata, name)]].sum(axis=1) for name in sizes}
        return {name for name, drawn in sums.items() if drawn.std() > 0}

    @pytest.mark.parametrize(
        ("sizes", "pooled"),
        [
            ({"1/a": 5, "1/b": 5, "0/c": 5}, set()),
            ({"1/a": 4, "1/b": 1, "1/c": 9, "0/c": 5}, {"1/a", "1/b"}),  # the small ones make one of five
            ({"1/a": 1, "1/b": 7, "1/c": 9, "0/c": 5}, {"1/a", "1/b"}),  # too few alone: the next larger one joins
            ({"1/a": 1, "1/b": 9, "0/c": 2, "0/d": 9}, {"1/a", "1/b", "0/c", "0/d"}),
            ({"1/a": 1, "0/c": 1}, set()),  # labels never mix
        ],
    )
    def test_small_strata_are_pooled_within_their_label(self, monkeypatch, sizes, pooled):
        monkeypatch.setattr(statistics, "MIN_GROUPS", 5)
        assert self.together(sizes) == pooled

    def test_a_stratum_of_its_own_has_enough_groups(self):
        assert self.together({"1/a": MIN_GROUPS, "1/b": MIN_GROUPS, "0/c": MIN_GROUPS}) == set()
        assert self.together({"1/a": MIN_GROUPS - 1, "1/b": MIN_GROUPS - 1, "0/c": 5}) == {"1/a", "1/b"}

    def test_a_group_of_several_sources_leaves_them_and_one_of_several_labels_is_apart(self, monkeypatch):
        monkeypatch.setattr(statistics, "MIN_GROUPS", 5)
        groups, strata = [], []
        for kind, own in {"a": ["1/a"], "b": ["1/b"], "ab": ["1/a", "1/b"], "x": ["0/x"], "ax": ["1/a", "0/x"]}.items():
            for i in range(6):
                groups += [f"{kind}{i}"] * len(own)
                strata += own
        index, weights = group_weights(groups, strata, 50, 0)
        for kind in ("a", "b", "ab", "x", "ax"):
            columns = sorted({c for c, g in zip(index, groups, strict=True) if g.rstrip("012345") == kind})
            assert (weights[:, columns].sum(axis=1) == 6).all(), kind

    def test_no_rows(self):
        index, weights = group_weights([], [], 3, 0)
        assert index.shape == (0,)
        assert weights.shape == (3, 0)

    @pytest.mark.parametrize(("groups", "draws", "message"), [(["a"], 5, "1 groups and 2"), (["a", "b"], 0, "got 0")])
    def test_refuses_bad_input(self, groups, draws, message):
        with pytest.raises(UserError, match=message):
            group_weights(groups, ["0/a", "0/a"], draws, 0)


class TestWeightedAuroc:
    @pytest.mark.parametrize("decimals", [0, 1, 9])
    @pytest.mark.parametrize("block", [1, 1000, 4_000_000])
    def test_equals_sklearn_in_every_draw(self, monkeypatch, decimals, block):
        monkeypatch.setattr(functional, "BLOCK", block)
        scores, labels, groups, strata = clustered(np.random.default_rng(0))
        scores = scores.round(decimals)
        index, weights = group_weights(groups, strata, 25, 0)
        expected = [roc_auc_score(labels, scores, sample_weight=drawn[index]) for drawn in weights]
        np.testing.assert_allclose(weighted_auroc(scores, labels, weights, index), expected, atol=1e-12)
        np.testing.assert_array_equal(
            weighted_auroc(scores, labels, weights[:, index]), weighted_auroc(scores, labels, weights, index)
        )

    def test_rows_may_be_a_part_of_the_groups(self):
        scores, labels, groups, strata = clustered(np.random.default_rng(1))
        index, weights = group_weights(groups, strata, 5, 0)
        part = np.arange(len(scores)) % 3 == 0
        expected = [auroc(scores[part], labels[part], drawn[index[part]]) for drawn in weights]
        np.testing.assert_array_equal(weighted_auroc(scores[part], labels[part], weights, index[part]), expected)

    def test_a_draw_without_a_class_is_nan(self):
        drawn = weighted_auroc([1.0, 2.0], [0, 1], [[1, 1], [0, 2], [2, 0], [0, 0]])
        np.testing.assert_array_equal(drawn, [1.0, np.nan, np.nan, np.nan])

    def test_a_draw_is_its_rows_repeated(self):
        scores, labels, groups, strata = clustered(np.random.default_rng(2), per_label=8)
        index, weights = group_weights(groups, strata, 10, 3)
        repeated = [auroc(np.repeat(scores, w[index]), np.repeat(labels, w[index])) for w in weights]
        np.testing.assert_array_equal(weighted_auroc(scores, labels, weights, index), repeated)


class TestPercentileInterval:
    def test_leaves_nan_draws_out(self):
        drawn = [*np.linspace(0, 1, 101), np.nan, np.nan]
        interval = percentile_interval(0.5, drawn, 10, 10)
        assert (interval.low, interval.high) == pytest.approx((0.025, 0.975))

    @pytest.mark.parametrize(
        ("value", "draws", "n_groups"), [(None, [0.5, 0.6], 9), (0.5, [0.5, 0.6], 1), (0.5, [np.nan], 9), (0.5, [], 9)]
    )
    def test_undefined_ends_are_none(self, value, draws, n_groups):
        assert percentile_interval(value, draws, 7, n_groups) == Interval(value, None, None, 7, n_groups)


class TestAurocInterval:
    def test_holds_the_point_and_counts_rows_and_groups(self):
        scores, labels, groups, strata = clustered(np.random.default_rng(0))
        interval = auroc_interval(scores, labels, groups, strata, 200)
        assert interval.value == auroc(scores, labels)
        assert interval.low < interval.value < interval.high
        assert (interval.n, interval.n_groups) == (320, 80)

    def test_the_order_of_rows_changes_nothing(self):
        rng = np.random.default_rng(1)
        scores, labels, groups, strata = clustered(rng)
        scores = scores.round(1)
        order = rng.permutation(len(scores))
        shuffled = auroc_interval(scores[order], labels[order], np.array(groups)[order], np.array(strata)[order], 100)
        assert shuffled == auroc_interval(scores, labels, groups, strata, 100)

    def test_groups_that_are_alike_widen_it(self):
        scores, labels, groups, strata = clustered(np.random.default_rng(2), size=8)
        grouped = auroc_interval(scores, labels, groups, strata, 200)
        naive = auroc_interval(scores, labels, [str(i) for i in range(len(scores))], strata, 200)
        assert grouped.high - grouped.low > 1.5 * (naive.high - naive.low)

    def test_a_missing_class_is_none(self):
        interval = auroc_interval([0.0, 1.0], [1, 1], ["a", "b"], ["1/x", "1/x"], 10)
        assert interval == Interval(None, None, None, 2, 2)

    def test_a_class_in_a_single_group_has_no_ends(self):
        interval = auroc_interval([0, 1, 2, 3], [0, 0, 1, 1], list("abcc"), ["0/x", "0/x", "1/y", "1/y"], 10)
        assert interval == Interval(1.0, None, None, 4, 3)

    def test_a_stratum_must_start_with_the_label(self):
        with pytest.raises(UserError, match="got 'web' for label 0"):
            auroc_interval([0.0, 1.0], [0, 1], ["a", "b"], ["web", "1/sd"], 10)

    def test_covers_the_truth(self):
        """Over 1,500 samples the coverage was 0.93 (0.77 without groups)."""
        rng, truth, samples = np.random.default_rng(0), norm.cdf(1 / 2), 200
        intervals = [auroc_interval(*clustered(rng, sources=1), draws=200, seed=seed) for seed in range(samples)]
        covered = sum(interval.low <= truth <= interval.high for interval in intervals)
        low, high = binom.interval(0.999, samples, 0.95)
        assert low <= covered <= high


class TestRateInterval:
    def test_equals_a_loop_over_the_same_draws(self):
        rng = np.random.default_rng(0)
        groups = [f"{i:02d}" for i in rng.integers(0, 20, 90)]
        hits = rng.random(90) < 0.3
        index, weights = group_weights(groups, ["all"] * 90, 100, 5)
        rates = [np.repeat(hits, drawn[index]).mean() for drawn in weights]
        assert rate_interval(hits, groups, 100, 5) == percentile_interval(hits.mean(), rates, 90, len(set(groups)))

    @pytest.mark.parametrize("n", [2, 10, 300])
    def test_no_hit_at_all_is_not_certainty(self, n):
        groups = [str(i) for i in range(n)]
        low, high = beta.ppf(0.025, n, 1), beta.ppf(0.975, 1, n)  # Clopper-Pearson
        none, every = rate_interval(np.zeros(n, bool), groups, 10), rate_interval(np.ones(n, bool), groups, 10)
        assert (none.value, none.low, none.high) == (0.0, 0.0, pytest.approx(high))
        assert (every.value, every.low, every.high) == (1.0, pytest.approx(low), 1.0)

    @pytest.mark.parametrize(
        ("hits", "expected"), [([], Interval(None, None, None, 0, 0)), ([True, False], Interval(0.5, None, None, 2, 1))]
    )
    def test_undefined_is_none(self, hits, expected):
        assert rate_interval(hits, ["a"] * len(hits), 10) == expected

    def test_lengths_must_agree(self):
        with pytest.raises(UserError, match="a hit and a group"):
            rate_interval([True], ["a", "b"])

    def test_covers_the_truth(self):
        """Groups of four with a rate of their own; over 1,500 samples the coverage was 0.94."""
        rng, samples, covered = np.random.default_rng(0), 200, 0
        groups = [str(i) for i in range(50) for _ in range(4)]
        for seed in range(samples):
            hits = rng.random((50, 4)) < rng.beta(0.4, 1.6, size=(50, 1))
            interval = rate_interval(hits.ravel(), groups, 200, seed)
            covered += interval.low <= 0.2 <= interval.high
        low, high = binom.interval(0.999, samples, 0.95)
        assert low <= covered <= high


class TestMeanInterval:
    def test_is_the_mean_of_values_and_of_draws(self):
        rng = np.random.default_rng(0)
        first, second = rng.random(500), rng.random(500)
        assert mean_interval([0.2, 0.6], [first, second], 9, 4) == percentile_interval(0.4, (first + second) / 2, 9, 4)

    def test_cells_that_move_together_keep_their_width(self):
        drawn = np.random.default_rng(1).random(500)
        assert mean_interval([0.5, 0.5], [drawn, drawn], 9, 4) == percentile_interval(0.5, drawn, 9, 4)

    def test_an_undefined_cell_is_left_out(self):
        drawn = np.random.default_rng(2).random(500)
        mean = mean_interval([None, 0.5], [np.full(500, np.nan), drawn], 9, 4)
        assert mean == percentile_interval(0.5, drawn, 9, 4)

    def test_a_draw_undefined_in_one_cell_is_left_out(self):
        interval = mean_interval([0.0, 1.0], [[np.nan, 0.0, 0.0], [1.0, 1.0, 1.0]], 9, 4)
        assert (interval.value, interval.low, interval.high) == (0.5, 0.5, 0.5)

    @pytest.mark.parametrize("values", [[], [None, None]])
    def test_no_defined_cell_is_none(self, values):
        assert mean_interval(values, [np.zeros(3)] * len(values), 9, 4) == Interval(None, None, None, 9, 4)

    def test_refuses_draws_that_do_not_fit(self):
        with pytest.raises(UserError, match="1 values and 2 draws"):
            mean_interval([0.5], [[0.5], [0.5]], 9, 4)
        with pytest.raises(UserError, match="share their draws"):
            mean_interval([0.5, 0.5], [[0.5, 0.5], [0.5]], 9, 4)


class TestAurocFromDraws:
    def test_classes_that_do_not_overlap_are_not_certain(self):
        labels, groups = np.repeat([0, 1], 12), [str(i) for i in range(24)]
        strata = [f"{label}/x" for label in labels]
        interval = auroc_interval(labels.astype(float), labels, groups, strata, draws=50)
        assert interval.value == interval.high == 1.0
        assert interval.low == pytest.approx(1 - beta.ppf(0.975, 1, 12))
        turned = auroc_interval(-labels.astype(float), labels, groups, strata, draws=50)
        assert (turned.value, turned.low) == (0.0, 0.0)
        assert turned.high == pytest.approx(1 - interval.low)

    def test_a_class_on_one_group_has_no_ends(self):
        interval = auroc_from_draws(0.7, np.full(9, 0.7), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]))
        assert (interval.value, interval.low, interval.high) == (0.7, None, None)
