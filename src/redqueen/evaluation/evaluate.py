"""From predictions to a result: every figure with its interval, all from one set of bootstrap draws over groups."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from typing import Protocol as Shape

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from redqueen.errors import UserError
from redqueen.evaluation.protocols import Protocol
from redqueen.metrics.functional import auroc, weighted_auroc
from redqueen.metrics.statistics import auroc_from_draws, group_weights, mean_interval, rate_interval, unanimous
from redqueen.perturbations.suite import CLEAN
from redqueen.types import HUMAN_KINDS, Cell, Change, FalsePositives, GeneratorScore, Interval, PeriodMean, Window

Logits = NDArray[np.floating[Any]]
_Draws = NDArray[np.float64]
_Found = tuple[Interval, _Draws, str]  # a cell, its draws, the window it was tested on


class Matrix(NamedTuple):
    """Cells and period means of one detector; `draws` of each (view, trained up to, tested on)."""

    cells: tuple[Cell, ...]
    next_period: tuple[PeriodMean, ...]
    same_period: tuple[PeriodMean, ...]
    change: tuple[Change, ...]
    draws: Mapping[tuple[str, str, str], _Draws]


@dataclass(frozen=True)
class Part:
    """Some of the test rows, with the draws of their groups alone.

    Attributes:
        rows: places among the test rows, (n,).
        labels: (n,), 0 or 1.
        index: (n,), the column of `weights` of each row.
        weights: (draws, n_groups), how often each group is drawn.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    index: NDArray[np.intp]
    weights: NDArray[np.uint8]

    def auroc(self, scores: Logits) -> tuple[Interval, _Draws]:
        """AUROC of scores of all test rows on these alone, and its draws; None and NaN where a class is missing."""
        own = scores[self.rows]
        value = auroc(own, self.labels)
        draws = np.full(len(self.weights), np.nan)
        if value is not None:
            draws = weighted_auroc(own, self.labels, self.weights, self.index)
        return auroc_from_draws(value, draws, self.labels, self.index), draws


@dataclass(frozen=True)
class Scored:
    """Predictions of one detector at one cutoff: view -> logits in the order of the test rows.

    Threshold and temperature are those that validation fixed.
    """

    cutoff: Window
    logits: Mapping[str, Logits]
    threshold: float
    temperature: float = 1.0

    @classmethod
    def of(  # noqa: PLR0913, PLR0917  (what a checkpoint knows)
        cls,
        cutoff: Window,
        table: pa.Table,
        ids: Sequence[str],
        threshold: float,
        views: Iterable[str],
        temperature: float = 1.0,
    ) -> "Scored":
        """Align a prediction table with the test rows; raises UserError if a (picture, view) is missing or failed."""
        by_view: dict[str, dict[str, float]] = {}
        for row in table.to_pylist():
            by_view.setdefault(row["view"], {})[row["image_id"]] = np.nan if row["logit"] is None else row["logit"]
        found = {}
        for view in views:
            scores = by_view.get(view, {})
            missing = [one for one in ids if one not in scores]
            if missing:
                raise UserError(
                    f"view '{view}': {len(missing)} test pictures have no prediction, first {missing[0][:12]}"
                )
            values = np.asarray([scores[one] for one in ids], np.float32)
            if np.isnan(values).any():
                bad = ids[int(np.flatnonzero(np.isnan(values))[0])]
                raise UserError(f"view '{view}': {np.isnan(values).sum()} pictures have no score, first {bad[:12]}")
            found[view] = values
        return cls(cutoff, found, threshold, temperature)


class Newcomer(NamedTuple):
    """A generator as it comes out.

    Attributes:
        name: slug.
        rows: its test rows in its window.
        part: these and the human-made ones of the window.
        judge: the detector of the cutoff before.
        window: name.
    """

    name: str
    rows: NDArray[np.int64]
    part: Part
    judge: Scored
    window: str


class Pictures(Shape):
    """What evaluation asks of a corpus, or of a benchmark without pictures."""

    def column(self, name: str) -> NDArray[Any]:
        """One column of the table."""

    def rows(self, split: str, windows: Sequence[str]) -> NDArray[np.int64]:
        """Rows of a split that serve any of the windows."""


class Evaluation:
    """The test rows of a corpus and the bootstrap draws that all figures share.

    Args:
        corpus: gives labels, groups, windows: a corpus, or a benchmark.
        protocol: says which cells there are.
        draws: bootstrap draws.
        seed: of the draws.
    """

    def __init__(self, corpus: Pictures, protocol: Protocol, draws: int = 1000, seed: int = 0) -> None:
        self.protocol, self.draws, self.seed = protocol, draws, seed
        self.rows = np.flatnonzero(corpus.column("split") == "test")
        self.ids = [str(one) for one in corpus.column("image_id")[self.rows]]
        self.labels = corpus.column("label")[self.rows].astype(np.int64)
        self.kinds = corpus.column("kind")[self.rows]
        self.makers = corpus.column("generator")[self.rows]
        self.released = corpus.column("released")[self.rows]
        self.groups = corpus.column("group_id")[self.rows].astype(str)
        self.topics = corpus.column("topic")[self.rows]
        self.styles = np.asarray([json.loads(one).get("style", "") for one in corpus.column("provenance")[self.rows]])
        origin = np.where(self.labels == 1, self.makers, self.kinds)
        strata = [f"{label}/{name}" for label, name in zip(self.labels, origin, strict=True)]
        self.index, self.weights = group_weights(list(self.groups), strata, draws, seed)
        place = {row: i for i, row in enumerate(self.rows)}
        self.cells = {
            w.name: np.asarray([place[r] for r in corpus.rows("test", (w.name,))], int) for w in protocol.windows
        }

    def cell(self, scores: Logits, window: str) -> tuple[Interval, _Draws]:
        """AUROC on one window's matched test rows, and its draws; None where a class has no row or a single group."""
        return self.part(self.cells[window]).auroc(scores)

    def part(self, rows: NDArray[np.int64]) -> Part:
        """Some of the test rows by their places."""
        columns, index = np.unique(self.index[rows], return_inverse=True)
        return Part(rows, self.labels[rows], index, self.weights[:, columns])

    def shared(self, generators: int) -> NDArray[np.bool_]:
        """Which generated rows are of a group, that is a prompt, that at least so many generators have rendered."""
        made = self.labels == 1
        pairs = {(group, maker) for group, maker in zip(self.groups[made], self.makers[made], strict=True)}
        count = Counter(group for group, _ in pairs)
        return np.asarray(
            [bool(one) and count[group] >= generators for one, group in zip(made, self.groups, strict=True)]
        )

    @property
    def after(self) -> dict[str, str]:
        """Window -> the one that follows it."""
        names = [window.name for window in self.protocol.windows]
        return dict(zip(names, names[1:], strict=False))

    def matrix(self, scored: Sequence[Scored]) -> "Matrix":
        """Every (cutoff, window, view) cell; per view the means over next and over same windows, and their change."""
        after = self.after
        cells: list[Cell] = []
        following: dict[str, list[_Found]] = {}
        current: dict[str, list[_Found]] = {}
        all_draws: dict[tuple[str, str, str], _Draws] = {}
        for one in scored:
            for view, scores in one.logits.items():
                for window in self.protocol.windows:
                    interval, draws = self.cell(scores, window.name)
                    cells.append(Cell(one.cutoff.name, window.name, view, interval))
                    all_draws[view, one.cutoff.name, window.name] = draws
                    if after.get(one.cutoff.name) == window.name:
                        following.setdefault(view, []).append((interval, draws, window.name))
                    if window.name == one.cutoff.name and (window.name in after or not after):
                        current.setdefault(view, []).append((interval, draws, window.name))
        change = tuple(Change(view, self._change(current[view], found)) for view, found in following.items())
        return Matrix(tuple(cells), self._means(following), self._means(current), change, all_draws)

    def _means(self, by_view: Mapping[str, Sequence[_Found]]) -> tuple[PeriodMean, ...]:
        return tuple(PeriodMean(view, self._mean(found)) for view, found in by_view.items())

    def _change(self, before: Sequence[_Found], after: Sequence[_Found]) -> Interval:
        """Mean of the differences, of the cutoffs that have both."""
        pairs = list(zip(before, after, strict=True))
        values = [
            None if old.value is None or new.value is None else new.value - old.value for (old, *_), (new, *_) in pairs
        ]
        rows = np.unique(np.concatenate([self.cells[name] for *_, name in [*before, *after]]))
        draws = [new - old for (_, old, _), (_, new, _) in pairs]
        return self.mean(values, draws, rows, lowest=-1.0)

    def newcomers(self, scored: Sequence[Scored]) -> Iterator[Newcomer]:
        """Each generator with its window's human-made pictures, and the detector of the cutoff before."""
        for one in scored:
            window = self.after.get(one.cutoff.name)
            rows = self.cells[window] if window else np.zeros(0, np.int64)
            made = self.labels[rows] == 1
            for name in sorted(set(self.makers[rows[made]])):
                own = self.makers[rows] == name
                yield Newcomer(str(name), rows[own], self.part(rows[~made | own]), one, str(window))

    def generators(self, scored: Sequence[Scored]) -> tuple[GeneratorScore, ...]:
        """Each generator as it comes out: clean, against its window's human-made pictures, by the cutoff before."""
        found = []
        for new in self.newcomers(scored):
            interval, _ = new.part.auroc(new.judge.logits[CLEAN])
            place = (new.judge.cutoff.name, new.window, CLEAN)
            released = str(self.released[new.rows][0])
            found.append(GeneratorScore(new.name, released, *place, interval, len(new.rows)))
        return tuple(found)

    def _mean(self, found: Sequence[_Found]) -> Interval:
        rows = np.unique(np.concatenate([self.cells[name] for _, _, name in found]))
        return self.mean([i.value for i, _, _ in found], [d for _, d, _ in found], rows)

    def mean(
        self,
        values: Sequence[float | None],
        draws: Sequence[_Draws],
        rows: NDArray[np.int64],
        lowest: float | None = 0.0,
    ) -> Interval:
        """Mean over cells on these test rows; where it is 0 or 1 in every draw, its far end is that of such a share.

        `lowest` is what the figure can be: -1 for a difference of shares, and None for one that is neither: it has no
        ends then.
        """
        labels, groups = self.labels[rows], self.groups[rows]
        figure = mean_interval(values, draws, len(rows), len(set(groups)))
        if figure.value in (0.0, 1.0) and figure.low == figure.high and figure.low is not None:
            if lowest is None:
                return Interval(figure.value, None, None, figure.n, figure.n_groups)
            fewest = min(len(set(groups[labels == label])) for label in (0, 1))
            return unanimous(figure.value, len(rows), fewest, lowest)
        return figure

    def false_positives(self, scored: Sequence[Scored]) -> tuple[FalsePositives, ...]:
        """Share of each human-made kind over the validation threshold, all test pictures of that kind."""
        found = []
        for one in scored:
            for view, scores in one.logits.items():
                for kind in HUMAN_KINDS:
                    chosen = self.kinds == kind
                    hits = scores[chosen] >= one.threshold
                    rate = rate_interval(hits, self.groups[chosen], self.draws, self.seed)
                    found.append(FalsePositives(one.cutoff.name, kind, view, rate))
        return tuple(found)
