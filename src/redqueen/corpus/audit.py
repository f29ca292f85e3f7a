"""The bias audit: can a probe that never sees a pixel tell human-made from generated, within one release window?

Pooled over windows a leak can cancel out (field: 0.52 pooled, 0.05 to 0.70 within windows), so it is asked per window.
It is asked twice: of the rows as they are, which decides whether the corpus is biased, and of what the source's files
would have given away before treatment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from redqueen.corpus.match import Matched, inside
from redqueen.files import seed_from
from redqueen.metrics.functional import auroc
from redqueen.metrics.statistics import group_weights, mean_interval, percentile_interval, weighted_auroc
from redqueen.types import Audit, Interval, Window, WindowAudit

FORMATS = ("JPEG", "PNG", "WEBP")
CLASSES = ("human-made", "AI-generated")
LIMIT = 0.55  # DESIGN 4.1: the most that the upper end of the interval may be
DRAWS = 1000
PROBED = 10_000  # rows of a class that are looked at in one window: AUROC is then known to 0.01 either way

Features = Callable[[pa.Table], NDArray[np.float64]]
Rows = NDArray[np.int64]


def metadata_features(table: pa.Table) -> NDArray[np.float64]:
    """What metadata alone says of each row, (n, 7): log sides, codec flags, quality in [0, 1], log resample factor."""
    return np.column_stack([_file_features(table, ""), np.log(_numbers(table, "resample_factor"))])


def source_features(table: pa.Table) -> NDArray[np.float64]:
    """The same of the source's files before treatment, (n, 6): what a corpus of untreated pictures would leak."""
    return _file_features(table, "source_")


def _file_features(table: pa.Table, prefix: str) -> NDArray[np.float64]:
    columns = [np.log(np.maximum(_numbers(table, f"{prefix}{side}"), 1)) for side in ("width", "height")]
    codec = table.column(f"{prefix}format")
    columns += [_flags(codec, name) for name in FORMATS]
    return np.stack([*columns, _numbers(table, f"{prefix}quality") / 100], axis=1)


def _flags(column: pa.ChunkedArray, value: str) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(pc.equal(column, value), False).to_numpy(), dtype=np.float64)


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    values = np.asarray(table.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)
    return np.nan_to_num(values, nan=0.0)


def probe_scores(
    features: NDArray[np.float64], labels: NDArray[np.int64], splits: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Scores, (n,) in [0, 1], of a spline-logistic probe: each split is ranked by a probe fitted on the others.

    Splits serve as folds, since each is matched on its own: any other fold leaves a training part whose imbalance is
    the mirror image of the held-out one's, and a probe with nothing to learn would land below 0.5. Constant where the
    features are: a probe that has nothing to see must score every row the same.
    """
    varied = features[:, np.ptp(features, axis=0) > 0] if len(features) else features
    scores = np.full(len(labels), 0.5)
    for split in sorted(set(splits)):
        fit, held = splits != split, splits == split
        if varied.shape[1] and len(set(labels[fit])) == 2:
            spline = SplineTransformer(n_knots=4, degree=2, knots="uniform", extrapolation="linear")
            probe = make_pipeline(StandardScaler(), spline, LogisticRegression(C=1.0, max_iter=500))
            values = probe.fit(varied[fit], labels[fit]).decision_function(varied[held])
            scores[held] = (rankdata(values) - 0.5) / held.sum()
    return scores


def audit(
    table: pa.Table, windows: Sequence[Window], matched: Matched, seed: int = 0, see: Features = metadata_features
) -> Audit:
    """Probe every window before and after matching; the mean over windows decides whether the corpus is biased.

    Before matching a window's rows are its generated ones and all human-made ones. A single window is often too small
    to push an interval's upper end under 0.55 even where nothing leaks, hence the verdict "undetermined" there; the
    corpus is biased if any window leaks or the upper end of the mean over windows is above 0.55.

    A corpus of one class has nothing that could be told apart.

    Of more than `PROBED` rows of a class in a window as many are drawn by the seed: time and memory stay bounded.
    """
    if not windows:
        nothing = Interval(None, None, None, 0, 0)
        return Audit((), nothing, nothing, False, "no release windows: nothing to compare")
    labels = table.column("label").to_numpy().astype(np.int64)
    human = labels == 0
    if human.all() or not human.any():
        nothing = Interval(None, None, None, 0, 0)
        return Audit((), nothing, nothing, False, f"one class, all {CLASSES[int(not human.all())]}: nothing to audit")
    masks = [mask for window in windows for mask in (inside(table, window) | human, matched[window.name])]
    chosen = _drawn(masks, labels, seed)
    looked_at = _looked_at(chosen, masks)
    seen = _Seen.of(table.take(pa.array(looked_at)), see, seed)
    cells = [_probe(np.searchsorted(looked_at, rows), seen) for rows in chosen]
    before, after = cells[::2], cells[1::2]
    verdicts = [
        WindowAudit(window.name, a[0], b[0], _verdict(b[0]))
        for window, a, b in zip(windows, before, after, strict=True)
    ]
    mean_before, mean_after = (_mean(some, seen) for some in (before, after))
    biased, reason = _judge(verdicts, mean_after)
    if len(looked_at) < table.num_rows:
        reason += f"; {len(looked_at)} of {table.num_rows} rows were looked at"
    return Audit(tuple(verdicts), mean_before, mean_after, biased, reason)


def _drawn(masks: Sequence[NDArray[np.bool_]], labels: NDArray[np.int64], seed: int) -> list[Rows]:
    """The rows of each mask, of each class at most `PROBED`; masks that share rows share what is drawn of them."""
    lot = np.random.default_rng(seed_from("probe", seed)).permutation(len(labels))
    drawn = []
    for mask in masks:
        sides = (np.flatnonzero(mask & (labels == label)) for label in (0, 1))
        few = [rows if len(rows) <= PROBED else rows[np.argsort(lot[rows])[:PROBED]] for rows in sides]
        drawn.append(np.sort(np.concatenate(few)))
    return drawn


def _looked_at(chosen: Sequence[Rows], masks: Sequence[NDArray[np.bool_]]) -> Rows:
    """The rows behind the bootstrap: all of them, unless some were left out by lot."""
    if all(len(rows) == mask.sum() for rows, mask in zip(chosen, masks, strict=True)):
        return np.arange(len(masks[0]))
    return np.unique(np.concatenate(chosen))


@dataclass(frozen=True)
class _Seen:
    """What the probe sees of the rows that are looked at, and how often each group is drawn."""

    features: NDArray[np.float64]
    labels: NDArray[np.int64]
    splits: NDArray[np.str_]
    index: NDArray[np.intp]
    weights: NDArray[np.uint8]

    @classmethod
    def of(cls, table: pa.Table, see: Features, seed: int) -> "_Seen":
        labels = table.column("label").to_numpy().astype(np.int64)
        groups = table.column("group_id").to_pylist()
        index, weights = group_weights(groups, [str(label) for label in labels], DRAWS, seed)
        return cls(see(table), labels, np.asarray(table.column("split").to_pylist()), index, weights)


_Cell = tuple[Interval, NDArray[np.float64]]


def _probe(rows: Rows, seen: _Seen) -> _Cell:
    """The probe's AUROC on these rows with its interval, and the draws behind it."""
    labels, index = seen.labels[rows], seen.index[rows]
    scores = probe_scores(seen.features[rows], labels, seen.splits[rows])
    draws = weighted_auroc(scores, labels, seen.weights, index)
    return percentile_interval(auroc(scores, labels), draws, len(rows), len(np.unique(index))), draws


def _mean(cells: Sequence[_Cell], seen: _Seen) -> Interval:
    return mean_interval([c[0].value for c in cells], [c[1] for c in cells], len(seen.labels), seen.weights.shape[1])


def _verdict(after: Interval) -> Literal["leak", "clear", "undetermined"]:
    if after.low is None or after.high is None:
        return "undetermined"
    if after.low > 0.5:
        return "leak"
    return "clear" if after.high <= LIMIT else "undetermined"


def _judge(verdicts: Sequence[WindowAudit], mean: Interval) -> tuple[bool, str]:
    leaks = [verdict.window for verdict in verdicts if verdict.verdict == "leak"]
    if leaks:
        return True, f"metadata alone tells the classes apart in {', '.join(leaks)}"
    if mean.high is None:
        return True, "not audited: no window has matched rows of both classes, in groups enough for an interval"
    if mean.high > LIMIT:
        return True, f"a metadata probe's AUROC over windows may be as high as {mean.high:.2f} (limit {LIMIT})"
    return False, f"a metadata probe's AUROC over windows is at most {mean.high:.2f} (limit {LIMIT})"
