"""What changed between two corpora, or two versions of one: settings, counts, rows, splits, matching, audit.

Rows are the same if their pictures are, byte by byte (`image_id`). Columns are compared one at a time, so that memory
stays within a few hundred bytes a row.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from redqueen.corpus.schema import COLUMNS
from redqueen.corpus.shards import shards
from redqueen.corpus.store import Corpus
from redqueen.corpus.treat import read_columns
from redqueen.types import Audit, Interval

CLOSE = 1e-6  # AUROC that differs by less is the same: another machine sums in another order
EXAMPLES = 5
_COLUMNS = tuple(name for name in COLUMNS.names if name not in ("image", "image_id"))
_NO_SETTING = ("digest", "counts", "cells", "licences", "audit", "source_audit", "quality")  # follow from the rows
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Change:
    """One setting or count: None on the side that does not have it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class ColumnChange:
    """Rows of both corpora whose value in one column differs, with a few of them: (image_id, before, after)."""

    column: str
    rows: int
    examples: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True)
class Move:
    """Groups and rows, of those in both corpora, that went from one split to another; groups as `before` has them."""

    before: str
    after: str
    groups: int
    rows: int


@dataclass(frozen=True)
class WindowChange:
    """Matched rows of one window; None for a window that one of the corpora does not have."""

    window: str
    before: int | None
    after: int | None
    shared: int


@dataclass(frozen=True)
class Comparison:
    """What changed; `same` means the same digest and no difference in anything that is compared."""

    digests: tuple[str, str]
    same: bool
    settings: tuple[Change, ...]
    counts: tuple[Change, ...]
    added: int
    removed: int
    shared: int
    added_ids: tuple[str, ...]
    removed_ids: tuple[str, ...]
    columns: tuple[ColumnChange, ...]
    moves: tuple[Move, ...]
    windows: tuple[WindowChange, ...]
    audit: tuple[str, ...]


def compare(before: Corpus, after: Corpus) -> Comparison:
    """Everything that differs; the order of rows and shards does not count."""
    old, new = _sorted(before), _sorted(after)
    a, b, only_old, only_new = _joined(old, new)
    columns = tuple(_column_changes(before, after, a, b))
    settings, counts = tuple(_settings(before, after)), tuple(_counts(before, after))
    moves, windows = tuple(_moves(before, after, a, b)), tuple(_windows(before, after, a, b))
    audit = tuple(audit_changes(before.audit, after.audit))
    moved = any(one.before != one.after or one.before != one.shared for one in windows)
    differs = bool(settings or counts or len(only_old) or len(only_new) or columns or moved or audit)
    return Comparison(
        digests=(before.digest, after.digest),
        same=before.digest == after.digest and not differs,
        settings=settings,
        counts=counts,
        added=len(only_new),
        removed=len(only_old),
        shared=len(a),
        added_ids=_ids(after, only_new[:EXAMPLES]),
        removed_ids=_ids(before, only_old[:EXAMPLES]),
        columns=columns,
        moves=moves,
        windows=windows,
        audit=audit,
    )


@dataclass(frozen=True)
class _Ids:
    """The ids in their alphabetic order, and the row of each."""

    values: NDArray[np.bytes_]
    rows: Rows


def _sorted(corpus: Corpus) -> _Ids:
    values = np.asarray(corpus.column("image_id")).astype("S64")
    order = np.argsort(values, kind="stable")
    return _Ids(values[order], order.astype(np.int64))


def _joined(old: _Ids, new: _Ids) -> tuple[Rows, Rows, Rows, Rows]:
    """Rows of both that show the same picture, pair by pair; rows of the old one alone, and of the new one alone."""
    at = np.searchsorted(new.values, old.values)
    found = at < len(new.values)
    found[found] = new.values[at[found]] == old.values[found]
    unmet = np.ones(len(new.values), bool)
    unmet[at[found]] = False
    return old.rows[found], new.rows[at[found]], old.rows[~found], new.rows[unmet]


def _ids(corpus: Corpus, rows: Rows) -> tuple[str, ...]:
    return tuple(corpus.column("image_id")[rows].tolist())


def _settings(before: Corpus, after: Corpus) -> Iterator[Change]:
    old, new = (
        dict(_flat({key: value for key, value in corpus.card.items() if key not in _NO_SETTING}))
        for corpus in (before, after)
    )
    matching = "matching.windows."  # counts, not settings
    yield from _changed(*({k: v for k, v in side.items() if not k.startswith(matching)} for side in (old, new)))


def _counts(before: Corpus, after: Corpus) -> Iterator[Change]:
    old, new = (
        dict(_flat({**corpus.card["counts"], "licence": corpus.card["licences"]})) for corpus in (before, after)
    )
    yield from _changed(*({k: v for k, v in side.items() if not k.startswith("matched.")} for side in (old, new)))


def _flat(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its dotted name."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _flat(below, f"{where}.{key}".strip("."))
    else:
        yield where, value


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Change(name, old.get(name), new.get(name))


def _column_changes(before: Corpus, after: Corpus, a: Rows, b: Rows) -> Iterator[ColumnChange]:
    for name in _COLUMNS:
        old, new = _values(before, name).take(pa.array(a)), _values(after, name).take(pa.array(b))
        equal = pc.fill_null(pc.equal(old, new), False).to_numpy()
        neither = pc.and_(pc.is_null(old), pc.is_null(new)).to_numpy()
        differ = np.flatnonzero(~equal & ~neither)
        if len(differ):
            examples = [(_ids(before, a[i : i + 1])[0], old[i].as_py(), new[i].as_py()) for i in differ[:EXAMPLES]]
            yield ColumnChange(name, len(differ), tuple(examples))


def _values(corpus: Corpus, name: str) -> pa.ChunkedArray:
    """One column, which nothing keeps in memory."""
    return pa.concat_tables([read_columns(path, [name]) for path in shards(corpus.folder)]).column(0)


def _moves(before: Corpus, after: Corpus, a: Rows, b: Rows) -> Iterator[Move]:
    old, new = before.column("split")[a], after.column("split")[b]
    moved = np.flatnonzero(old != new)
    groups = before.column("group_id")[a[moved]]
    rows: Counter[tuple[str, str]] = Counter()
    members: dict[tuple[str, str], set[str]] = {}
    for pair, group in zip(zip(old[moved], new[moved], strict=True), groups, strict=True):
        rows[pair] += 1
        members.setdefault(pair, set()).add(group)
    for pair in sorted(rows):
        yield Move(*pair, len(members[pair]), rows[pair])


def _windows(before: Corpus, after: Corpus, a: Rows, b: Rows) -> Iterator[WindowChange]:
    for name in dict.fromkeys([*before.windows, *after.windows]):
        old, new = before.windows.get(name), after.windows.get(name)
        shared = 0 if old is None or new is None else int((old[a] & new[b]).sum())
        yield WindowChange(name, _size(old), _size(new), shared)


def _size(mask: NDArray[np.bool_] | None) -> int | None:
    return None if mask is None else int(mask.sum())


def audit_changes(before: Audit, after: Audit) -> list[str]:
    """A line for each figure or verdict of the second audit that is not that of the first, in windows of both."""
    found = []
    if before.biased != after.biased:
        found.append(f"{_verdict(before)} became {_verdict(after)}")
    old, new = ({one.window: one for one in audit.windows} for audit in (before, after))
    for name in (name for name in old if name in new):
        if old[name].verdict != new[name].verdict:
            found.append(f"{name}: {old[name].verdict} became {new[name].verdict}")
        pairs = ("before matching", old[name].before, new[name].before), ("matched", old[name].after, new[name].after)
        found += [f"{name}, {what}: {_change(x, y)}" for what, x, y in pairs if not _alike(x, y)]
    if not _alike(before.mean_after, after.mean_after):
        found.append(f"mean over windows, matched: {_change(before.mean_after, after.mean_after)}")
    return found


def _verdict(audit: Audit) -> str:
    return "biased" if audit.biased else "not biased"


def _alike(a: Interval, b: Interval) -> bool:
    ends = [(x.value, x.low, x.high) for x in (a, b)]
    return (a.n, a.n_groups) == (b.n, b.n_groups) and all(
        x == y or (x is not None and y is not None and abs(x - y) <= CLOSE) for x, y in zip(*ends, strict=True)
    )


def _change(a: Interval, b: Interval) -> str:
    return f"AUROC {_figure(a)} became {_figure(b)}"


def _figure(one: Interval) -> str:
    parts: Sequence[str] = ["n/a" if end is None else f"{end:.3f}" for end in (one.value, one.low, one.high)]
    return f"{parts[0]} ({parts[1]}-{parts[2]}, {one.n} pictures)"
