"""KID and CMMD against second implementations, against loops over pairs, and against distributions that are known."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from torchmetrics.image.kid import poly_mmd

from redqueen.errors import UserError
from redqueen.metrics import distances
from redqueen.metrics.distances import (
    Side,
    cmmd,
    cmmd_interval,
    gaussian_kernel,
    kid,
    kid_interval,
    mmd_interval,
    polynomial_kernel,
    seeds,
    squared_mmd,
)
from redqueen.types import Interval

METHODS = {"kid": (kid, kid_interval), "cmmd": (cmmd, cmmd_interval)}
points = pytest.mark.parametrize("distance", [kid, cmmd])
intervals = pytest.mark.parametrize("interval", [kid_interval, cmmd_interval])
both = pytest.mark.parametrize(("distance", "interval"), METHODS.values(), ids=METHODS)


def cubic(x, y):
    return (sum(x * y) / len(x) + 1) ** 3


def gaussian(x, y):
    u, v = x / math.sqrt(sum(x**2)), y / math.sqrt(sum(y**2))
    return 1000 * math.exp(-sum((u - v) ** 2) / (2 * 10**2))


KERNELS = {kid: cubic, cmmd: gaussian}


def clouds(seed=0, n=40, m=30, d=6, shift=0.5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 1, rng.normal(size=(m, d)) + 1 + shift * np.eye(d)[0]


class TestPoint:
    def test_kid_equals_torchmetrics(self):
        a, b = clouds(n=60, m=60, d=16)
        expected = poly_mmd(torch.from_numpy(a), torch.from_numpy(b)).item()
        assert kid(a, b) == pytest.approx(expected, rel=1e-10)

    @points
    def test_equals_loops_over_pairs(self, distance):  # of different sizes, which torchmetrics does not take
        a, b = clouds(1, n=7, m=4, d=3)
        kernel = KERNELS[distance]
        within = [np.mean([kernel(x, y) for x, y in itertools.permutations(rows, 2)]) for rows in (a, b)]
        between = np.mean([kernel(x, y) for x, y in itertools.product(a, b)])
        assert distance(a, b) == pytest.approx(sum(within) - 2 * between, rel=1e-9)

    def test_cmmd_differs_from_the_papers_code_as_its_docstring_says(self):
        """The code at google-research/cmmd, in other words: means over all pairs, those of a row with itself too."""
        a, b = clouds(2)
        u, v = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (a, b))
        k = {
            name: np.mean([[1000 * np.exp(-(np.linalg.norm(x - y) ** 2) / 200) for y in right] for x in left])
            for name, left, right in (("aa", u, u), ("bb", v, v), ("ab", u, v))
        }
        biased = k["aa"] + k["bb"] - 2 * k["ab"]
        within = [(k[name] * n - 1000) / (n - 1) for name, n in (("aa", 40), ("bb", 30))]
        assert biased - cmmd(a, b) == pytest.approx((1000 - within[0]) / 40 + (1000 - within[1]) / 30, rel=1e-6)

    def test_cmmd_looks_at_directions_alone(self):
        a, b = clouds(3)
        lengths = np.random.default_rng(0).uniform(0.1, 50, size=(40, 1))
        assert cmmd(a * lengths, b) == pytest.approx(cmmd(a, b), rel=1e-9)

    @points
    def test_is_unbiased(self, distance):
        rng = np.random.default_rng(4)
        same = [distance(rng.normal(size=(20, 4)), rng.normal(size=(30, 4))) for _ in range(400)]
        assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(len(same))

    @points
    @given(seed=st.integers(0, 10**6), n=st.integers(2, 12), m=st.integers(2, 12), d=st.integers(1, 5))
    def test_is_symmetric_and_blind_to_order(self, distance, seed, n, m, d):
        a, b = clouds(seed, n, m, d)
        rng = np.random.default_rng(seed)
        scale = max(1.0, *(abs(KERNELS[distance](x, y)) for x, y in itertools.product((*a, *b), repeat=2)))
        expected = pytest.approx(distance(a, b), rel=1e-9, abs=1e-12 * scale)
        assert distance(b, a) == expected
        assert distance(rng.permutation(a), rng.permutation(b)) == expected

    @points
    @given(seed=st.integers(0, 10**6))
    def test_grows_with_the_shift(self, distance, seed):
        a, b = clouds(seed, n=60, m=60, shift=0.0)
        found = [distance(a, b + shift * np.eye(6)[0]) for shift in (0.0, 2.0, 4.0, 8.0)]
        assert found == sorted(found)

    @points
    def test_the_block_size_leaves_no_trace(self, distance, monkeypatch):
        a, b = clouds(5)
        whole = distance(a, b)
        monkeypatch.setattr(distances, "BLOCK", 64)
        assert distance(a, b) == pytest.approx(whole, rel=1e-9)

    def test_takes_features_in_half_precision(self):
        a, b = np.full((3, 2), 200, dtype=np.float16), np.zeros((3, 2), dtype=np.float16)
        assert kid(a, b) == (200 * 200 + 1) ** 3 + 1 - 2

    @points
    @pytest.mark.parametrize(
        ("a", "b", "message"),
        [
            (np.ones((1, 2)), np.ones((5, 2)), "at least 2 rows"),
            (np.ones((5, 2)), np.ones((5, 3)), "same d"),
            (np.ones((5, 0)), np.ones((5, 0)), "same d"),
            (np.ones(5), np.ones(5), "same d"),
            (np.full((5, 2), np.nan), np.ones((5, 2)), "must be finite"),
        ],
    )
    def test_refuses_bad_input(self, distance, a, b, message):
        with pytest.raises(UserError, match=message):
            distance(a, b)

    def test_a_row_of_zeros_has_no_direction(self):
        with pytest.raises(UserError, match="all zero"):
            cmmd(np.zeros((3, 2)), np.ones((3, 2)))


class TestSide:
    @pytest.mark.parametrize("block", [1, 7, 4_000_000])
    def test_each_draw_equals_a_loop_over_the_pairs_of_its_rows(self, monkeypatch, block):
        """A row or a group is never paired with itself or with its own copy."""
        monkeypatch.setattr(distances, "BLOCK", block)
        rng = np.random.default_rng(6)
        a, b = rng.normal(size=(6, 3)), rng.normal(size=(5, 3))
        groups_a, groups_b = list("bacbca"), list("xyzzx")
        side_a, side_b = Side(a, groups_a, 4, 0), Side(b, groups_b, 4, 1)
        names_a, names_b = sorted(set(groups_a)), sorted(set(groups_b))
        for draw, found in enumerate(squared_mmd(polynomial_kernel, side_a, side_b)):
            weight_a = [side_a.weights[draw][names_a.index(group)] for group in groups_a]
            weight_b = [side_b.weights[draw][names_b.index(group)] for group in groups_b]

            def mean(rows, groups, weights):
                pairs = [
                    (float(weights[i]) * float(weights[j]), cubic(rows[i], rows[j]))
                    for i, j in itertools.product(range(len(rows)), repeat=2)
                    if groups[i] != groups[j]
                ]
                mass = sum(w for w, _ in pairs)
                return sum(w * k for w, k in pairs) / mass if mass else math.nan

            between = np.average(
                [[cubic(x, y) for y in b] for x in a], weights=np.outer(np.float64(weight_a), np.float64(weight_b))
            )
            expected = mean(a, groups_a, weight_a) + mean(b, groups_b, weight_b) - 2 * between
            assert found == pytest.approx(expected, nan_ok=True)

    def test_more_than_fifteen_copies_of_a_group_count_rightly(self):
        """Weights are whole numbers of one byte; their squares are not."""
        side = Side(np.arange(1.0, 4.0)[:, np.newaxis], None, 1, 0)
        side.weights[1] = [20, 200, 0]
        assert side.within(polynomial_kernel)[1] == pytest.approx(cubic(np.array([1.0]), np.array([2.0])))

    def test_its_own_part_is_computed_once(self):
        calls = []

        def kernel(x, y):
            calls.append((len(x), len(y)))
            return polynomial_kernel(x, y)

        a, b = clouds(7)
        real = Side(b, None, 5, 1)
        for _ in range(3):
            mmd_interval(kernel, Side(a, None, 5, 0), real)
        assert calls.count((30, 30)) == 1

    @pytest.mark.parametrize(
        ("one", "other"), [((9, 3, 5), (9, 4, 5)), ((9, 3, 5), (9, 3, 6))], ids=["another width", "other draws"]
    )
    def test_sides_must_fit(self, one, other):
        first, second = (Side(np.ones((n, d)), None, draws, 0) for n, d, draws in (one, other))
        with pytest.raises(UserError, match="same d and as many draws"):
            mmd_interval(polynomial_kernel, first, second)


class TestInterval:
    @both
    def test_without_groups_the_value_is_the_point(self, distance, interval):
        a, b = clouds(0)
        found = interval(a, b, draws=50)
        assert found.value == pytest.approx(distance(a, b), rel=1e-9)
        assert found.low < found.value < found.high
        assert (found.n, found.n_groups) == (70, 70)
        assert found == interval(a, b, draws=50)
        assert found != interval(a, b, draws=50, seed=1)

    @intervals
    def test_the_order_of_rows_changes_nothing(self, interval):
        a, b = clouds(1)
        groups_a, groups_b = [f"a{row // 3:02d}" for row in range(40)], [f"b{row // 2:02d}" for row in range(30)]
        order = np.random.default_rng(2).permutation(40)
        shuffled = interval(a[order], b, 50, 0, [groups_a[row] for row in order], groups_b)
        expected = interval(a, b, 50, 0, groups_a, groups_b)
        assert (shuffled.value, shuffled.low, shuffled.high) == pytest.approx(
            (expected.value, expected.low, expected.high)
        )

    @intervals
    def test_copies_of_a_row_in_its_group_change_nothing(self, interval):
        a, b = clouds(1, n=20, m=20)
        names = [f"{row:09d}" for row in range(20)]  # sorted as rows are, so that the draws are the same
        single = interval(a, b, 50)
        twice = np.repeat(names, 2).tolist()
        double = interval(np.repeat(a, 2, axis=0), np.repeat(b, 2, axis=0), 50, 0, twice, twice)
        assert (double.value, double.low, double.high) == pytest.approx((single.value, single.low, single.high))
        assert (double.n, double.n_groups) == (80, 40)

    @intervals
    def test_the_draws_are_centred_on_the_estimate(self, interval):
        """With pairs of equal rows counted, the centre of KID would lie about 0.6 too high here (at 1.4, not 0.8)."""
        rng = np.random.default_rng(2)
        found = interval(rng.normal(size=(40, 4)), rng.normal(size=(40, 4)) + 0.5, draws=1000)
        assert (found.low + found.high) / 2 == pytest.approx(found.value, abs=0.2 * (found.high - found.low))

    @intervals
    @pytest.mark.parametrize("rows", [0, 1])
    def test_a_side_with_fewer_than_two_groups_is_undefined(self, interval, rows):
        assert interval(np.ones((rows, 2)), np.ones((5, 2)), 10) == Interval(None, None, None, rows + 5, rows + 5)
        grouped = interval(np.ones((4, 2)), np.ones((5, 2)), 10, groups_a=["a"] * 4)
        assert grouped == Interval(None, None, None, 9, 6)

    @intervals
    def test_every_row_needs_a_group(self, interval):
        with pytest.raises(UserError, match="4 rows and 1 groups"):
            interval(np.ones((4, 2)), np.ones((5, 2)), 10, groups_a=["a"])

    @intervals
    def test_holds_zero_where_both_sides_have_one_distribution(self, interval):
        rng = np.random.default_rng(5)
        found = [interval(rng.normal(size=(60, 8)), rng.normal(size=(60, 8)), 100, seed) for seed in range(60)]
        assert sum(one.low <= 0 <= one.high for one in found) >= 57  # too wide there: all but 5 % at least

    def test_kid_covers_the_truth(self):
        """N(0, I) against N(m, I) in 8 dimensions; over 1,500 samples the coverage was 0.96."""
        rng, samples, covered, shift = np.random.default_rng(3), 100, 0, 0.3
        m2, d = 8 * shift**2, 8
        # Sum over k of C(3, k) / d^k times the squared distance of the k-th moments.
        truth = 3 * m2 / d + 3 * m2**2 / d**2 + (m2**3 + 6 * m2**2 + (3 * d + 6) * m2) / d**3
        for seed in range(samples):
            interval = kid_interval(rng.normal(size=(60, d)), rng.normal(size=(60, d)) + shift, 100, seed)
            covered += interval.low <= truth <= interval.high
        low, high = binom.interval(0.999, samples, 0.95)
        assert low <= covered <= high

    def test_cmmd_covers_the_truth(self):
        """Directions on a circle, angles on two arcs of 0.5, half a radian apart: the truth by quadrature."""
        steps = (np.arange(400) + 0.5) / 400 * 0.5
        arcs = [np.stack([np.cos(angles), np.sin(angles)], axis=1) for angles in (steps, steps + 0.5)]
        means = [[gaussian_kernel(x, y).mean() for y in arcs] for x in arcs]
        truth = means[0][0] + means[1][1] - 2 * means[0][1]
        rng, samples, covered = np.random.default_rng(4), 100, 0
        for seed in range(samples):
            angles = rng.uniform(0, 0.5, size=(2, 60)) + [[0.0], [0.5]]
            a, b = np.stack([np.cos(angles), np.sin(angles)], axis=2)
            interval = cmmd_interval(a, b, 100, seed)
            covered += interval.low <= truth <= interval.high
        low, high = binom.interval(0.999, samples, 0.95)
        assert low <= covered <= high


def test_two_sides_get_two_seeds():
    assert len({*seeds(0), *seeds(1)}) == 4
