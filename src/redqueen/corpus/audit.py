"""The bias audit: can a probe that never sees a pixel tell human-made from generated, within one release window?

Pooled over windows a leak can cancel out (field: 0.52 pooled, 0.05 to 0.70 within windows), so it is asked per window.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from redqueen.metrics.functional import auroc
from redqueen.metrics.statistics import group_weights, mean_interval, percentile_interval, weighted_auroc
from redqueen.types import Audit, Interval, Window, WindowAudit

FORMATS = ("JPEG", "PNG", "WEBP")
LIMIT = 0.55  # DESIGN 4.1: the most that the upper end of the interval may be
DRAWS = 1000


def metadata_features(table: pa.Table) -> NDArray[np.float64]:
    """What metadata alone says of each row, (n, 7): log sides, codec flags, quality in [0, 1], log resample factor."""
    columns = [np.log(_numbers(table, "width")), np.log(_numbers(table, "height"))]
    codec = np.asarray(table.column("format").to_pylist())
    columns += [(codec == name).astype(float) for name in FORMATS]
    columns += [_numbers(table, "quality") / 100, np.log(_numbers(table, "resample_factor"))]
    return np.stack(columns, axis=1)


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


def audit(table: pa.Table, windows: Sequence[Window], matched: Mapping[str, Sequence[str]], seed: int = 0) -> Audit:
    """Probe every window before and after matching; the mean over windows decides whether the corpus is biased.

    Before matching a window's rows are its generated ones and all human-made ones. A single window is often too small
    to push an interval's upper end under 0.55 even where nothing leaks, hence the verdict "undetermined" there; the
    corpus is biased if any window leaks or the upper end of the mean over windows is above 0.55.
    """
    if not windows:
        nothing = Interval(None, None, None, 0, 0)
        return Audit((), nothing, nothing, False, "no release windows: nothing to compare")
    groups = np.asarray(table.column("group_id").to_pylist())
    splits = np.asarray(table.column("split").to_pylist())
    labels = table.column("label").to_numpy().astype(np.int64)
    index, weights = group_weights(list(groups), [str(label) for label in labels], DRAWS, seed)
    features = metadata_features(table)
    ids = table.column("image_id").to_pylist()
    released = table.column("released").to_pylist()
    before, after, verdicts = [], [], []
    for window in windows:
        chosen = set(matched[window.name])
        inside = np.asarray([window.holds(month) for month in released], dtype=bool) | (labels == 0)
        kept = np.asarray([one in chosen for one in ids], dtype=bool)
        pair = [
            _probe(np.flatnonzero(rows), (features, labels, splits), groups, (index, weights))
            for rows in (inside, kept)
        ]
        before.append(pair[0])
        after.append(pair[1])
        verdicts.append(WindowAudit(window.name, pair[0][0], pair[1][0], _verdict(pair[1][0])))
    mean_before, mean_after = (_mean(cells, labels, groups) for cells in (before, after))
    return Audit(tuple(verdicts), mean_before, mean_after, *_judge(verdicts, mean_after))


_Cell = tuple[Interval, NDArray[np.float64]]


def _probe(
    rows: NDArray[np.int64],
    seen: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]],
    groups: NDArray[np.str_],
    bootstrap: tuple[NDArray[np.intp], NDArray[np.uint8]],
) -> _Cell:
    """The probe's AUROC on these rows with its interval, and the draws behind it."""
    index, weights = bootstrap
    features, labels, splits = seen[0][rows], seen[1][rows], seen[2][rows]
    scores = probe_scores(features, labels, splits)
    draws = weighted_auroc(scores, labels, weights, index[rows])
    return percentile_interval(auroc(scores, labels), draws, len(rows), len(set(groups[rows]))), draws


def _mean(cells: Sequence[_Cell], labels: NDArray[np.int64], groups: NDArray[np.str_]) -> Interval:
    return mean_interval([c[0].value for c in cells], [c[1] for c in cells], len(labels), len(set(groups)))


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
