"""Which test pictures a gate speaks of: a period, a view, and all of them or a slice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from redqueen.errors import UserError
from redqueen.evaluation.evaluate import Evaluation, Part
from redqueen.evaluation.measured import known
from redqueen.evaluation.measures import rows_of, slices
from redqueen.regression.policy import Period
from redqueen.types import Window

ALL = "all"
_CUT = {"generator": 1, "family": 1, "country": 1, "prompt": 1, "kind": 0, "style": 0}  # the label that is cut down


@dataclass(frozen=True)
class Slice:
    """Some of the test pictures.

    Attributes:
        by: what they are sliced by; "all" for none.
        name: which slice.
        rows: the test rows that stay, (n,) bool: those of the other label, and the chosen ones.
        label: of the pictures that are cut down; None where both are, or neither.
    """

    by: str
    name: str
    rows: NDArray[np.bool_] = field(repr=False)
    label: int | None = None

    @property
    def words(self) -> str:
        """As a policy names it."""
        return ALL if self.by == ALL else f"{self.by}={self.name}"


class Sliced:
    """The test rows of a benchmark, period by period and slice by slice.

    Args:
        evaluation: rows and draws.
        views: of the suite.
        styles: named lists of styles that human-made pictures may have.
    """

    def __init__(self, evaluation: Evaluation, views: Sequence[str], styles: Mapping[str, Sequence[str]]) -> None:
        self.evaluation, self.views = evaluation, tuple(views)
        self.all = Slice(ALL, ALL, np.ones(len(evaluation.ids), bool))
        found = [Slice(one.by, one.name, one.rows, _CUT.get(one.by)) for one in _every(evaluation, styles)]
        self._periods: dict[tuple[str, Period], NDArray[np.int64]] = {}
        self._slices = {one.words: one for one in found if one.rows.any()}

    def of(self, by: str) -> list[Slice]:
        """All slices of a sort, by name."""
        return sorted((one for one in self._slices.values() if one.by == by), key=lambda one: one.name)

    def named(self, words: str) -> Slice | None:
        """The slice of these words, such as "kind=photo"; None if there is none; UserError if they name none."""
        if words != ALL and "=" not in words:
            raise UserError(f"slice '{words}': give 'all' or SORT=NAME, such as kind=photo")
        return self.all if words == ALL else self._slices.get(words)

    def rows(self, cutoff: Window, period: Period, chosen: Slice) -> NDArray[np.int64] | None:
        """Test rows of a period after one cutoff; None unless each label has two groups, as a bootstrap needs."""
        rows = self._period(cutoff, period)
        rows = rows[chosen.rows[rows]]
        labels, groups = self.evaluation.labels[rows], self.evaluation.index[rows]
        return rows if all(len(np.unique(groups[labels == label])) > 1 for label in (0, 1)) else None

    def part(self, cutoff: Window, period: Period, chosen: Slice) -> Part | None:
        """The same with the draws of their groups."""
        rows = self.rows(cutoff, period, chosen)
        return None if rows is None else self.evaluation.part(rows)

    def _period(self, cutoff: Window, period: Period) -> NDArray[np.int64]:
        key = (cutoff.name, period)
        if key not in self._periods:
            alone = not self.evaluation.after and period in ("same", "whole")  # one window, which holds every date
            found = self.evaluation.cells[cutoff.name] if alone else rows_of(self.evaluation, cutoff, period)
            self._periods[key] = found
        return self._periods[key]


def _every(evaluation: Evaluation, styles: Mapping[str, Sequence[str]]) -> Iterator[Slice]:
    human = evaluation.labels == 0
    for name in sorted({str(one) for one in evaluation.makers[~human]}):
        yield Slice("generator", name, human | (evaluation.makers == name))
    for one in slices(evaluation, known(evaluation.makers), styles):
        yield Slice(one.by, one.name, one.rows)
