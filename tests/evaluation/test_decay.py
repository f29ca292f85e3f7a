"""How old a window is at a cutoff."""

import pytest

from redqueen.evaluation.decay import age
from redqueen.types import Window


def test_an_age_counts_days_where_dates_have_them():
    """AI-GenBench has two windows that meet in one month: the second must not be of age 0."""
    cutoff, later = Window("a", "2021-09-15", "2021-11-10"), Window("b", "2021-11-29", "2021-12-21")
    assert age(cutoff, later) == pytest.approx((28 / 31 + 1 + 21 / 31) / 2 - 10 / 31)
