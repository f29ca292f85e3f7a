"""Which views are marked as costly: as one family of tests, not each for itself."""

import pytest

from redqueen.report.view_map import losing
from redqueen.types import Interval, Measure, PeriodMean

REACH = 0.02  # half of an interval: 1.96 standard errors


@pytest.fixture
def under(make):
    """A result with so much AUROC lost under some views, each with the same interval."""

    def made(*lost):
        figures = [Interval(value, value - REACH, value + REACH, 100, 50) for value in lost]
        measures = [Measure("auroc_lost", "next", f"v{at}", "all", "all", one) for at, one in enumerate(figures)]
        means = [PeriodMean(name, make.undefined) for name in ("clean", *(f"v{at}" for at in range(len(lost))))]
        return make.result(measures=tuple(measures), next_period=tuple(means), same_period=tuple(means))

    return made


@pytest.mark.parametrize(
    ("lost", "marked"),
    [
        ((), set()),
        ((0.0201,), {"v0"}),  # 1.97 standard errors: alone it is significant
        ((0.0201, 0.0), set()),  # beside another it is not: 2 x 0.0486
        ((0.0201, 0.05), {"v0", "v1"}),  # after a clear one, what is left is tested alone
        ((-0.05, 0.05), {"v1"}),  # a gain is no loss
        ((0.021,) * 12, set()),
        ((0.035,) * 12, {f"v{at}" for at in range(12)}),  # 3.43 standard errors, p = 0.0006 x 12
    ],
)
def test_views_are_marked_as_one_family(under, lost, marked):
    assert losing(under(*lost)) == marked


def test_what_has_no_interval_is_not_marked(make):
    measures = (Measure("auroc_lost", "next", "v0", "all", "all", Interval(0.5, None, None, 3, 1)),)
    means = (PeriodMean("clean", make.undefined), PeriodMean("v0", make.undefined))
    assert losing(make.result(measures=measures, next_period=means)) == frozenset()
