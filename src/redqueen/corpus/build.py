"""Finishing a corpus from treated parts: join near-duplicates, split by group, write, match per window, audit.

Killed at any moment it goes on: parts and shards that are whole stay, and what is computed again from them depends on
nothing else. Pictures pass through in row groups; of the rows, only short columns are held.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from redqueen.console import say
from redqueen.corpus import card as cards
from redqueen.corpus.audit import audit, source_features
from redqueen.corpus.groups import Grouping, grouped, groups
from redqueen.corpus.match import Match, Matched, match
from redqueen.corpus.near_duplicates import FINGERPRINT_BYTES, Rows, similar
from redqueen.corpus.schema import DIGEST_COLUMNS, SCHEMA_VERSION, digest
from redqueen.corpus.shards import write_shards
from redqueen.corpus.splits import assign
from redqueen.corpus.store import CARD, README, REJECTS, WINDOWS, Corpus, rows_of, write_windows
from redqueen.corpus.treat import TREATED, Part, parts, read_columns, sweep, treat
from redqueen.errors import UserError
from redqueen.files import write_bytes, write_json, write_text
from redqueen.types import Split, Window

__all__ = ["Plan", "finish", "treat"]

_LEFT_OUT = ("image", "name", "provenance", "hash")  # long columns, which no decision rests on
_FACTS = [name for name in TREATED.names if name not in _LEFT_OUT]
_TWICE = "the same bytes occur twice in the source; the first is kept"
_BOTH = "the same bytes occur as human-made and as generated; none is kept"

Reject = tuple[str, str]  # a picture's name and the reason


@dataclass(frozen=True)
class Plan:
    """How a corpus is split, matched and audited.

    Args:
        name: the corpus's name.
        shares: share of rows in each split.
        windows: release windows, in time order.
        seed: for the order of groups and of matching.
        match: what is matched.
        made_of: what the card says about source and treatment.
    """

    name: str
    shares: Mapping[Split, float]
    windows: Sequence[Window]
    seed: int = 0
    match: Match = field(default_factory=Match)
    made_of: Mapping[str, Any] = field(default_factory=dict)


def finish(treated: Path, folder: Path, plan: Plan) -> Corpus:
    """Make the corpus from treated parts; the card is written last.

    Raises:
        UserError: none of the pictures can be used.
    """
    for name in (WINDOWS, REJECTS, README, CARD):
        sweep(folder, name)
    done = parts(treated)
    rejects = [reject for part in done for reject in part.rejects]
    facts = _facts(done)
    keep, twins = _first_of_each(facts)
    rejects += _named(done, twins)
    if not keep.any():
        raise UserError(f"corpus '{plan.name}': no picture can be used; the first reason: {': '.join(rejects[0])}")
    facts = facts.filter(pa.array(keep))
    facts = _grouped_and_split(facts, _same(done, keep, facts), plan)
    write_shards(done, keep, _whole(facts, "group_id"), _whole(facts, "split"), folder)
    matched = match(facts, plan.windows, plan.match, plan.seed)
    write_windows(folder, facts, matched)
    write_bytes(folder / REJECTS, _csv([("picture", "reason"), *rejects]))
    card = _card(facts, plan, matched, len(rejects))
    write_text(folder / README, cards.readme(card))
    write_json(folder / CARD, card)
    if rejects:
        say(f"{len(rejects)} pictures could not be used: {folder / REJECTS} says why")
    del facts
    return Corpus.open(folder)


def _facts(done: Sequence[Part]) -> pa.Table:
    """The short columns of all rows."""
    empty = pa.schema([TREATED.field(name) for name in _FACTS]).empty_table()
    return pa.concat_tables([empty, *(read_columns(part.path, _FACTS) for part in done)]).combine_chunks()


def _whole(table: pa.Table, name: str) -> pa.Array:
    return table.column(name).combine_chunks()


def _first_of_each(facts: pa.Table) -> tuple[NDArray[np.bool_], dict[int, str]]:
    """Which rows stay, (n,), and why each other one does not; a picture with two labels has one that is wrong."""
    code = _whole(facts, "image_id").dictionary_encode().indices.to_numpy(zero_copy_only=False)
    label = facts.column("label").to_numpy()
    keep = np.zeros(len(code), bool)
    keep[np.unique(code, return_index=True)[1]] = True
    made = np.bincount(code, weights=label, minlength=1)
    both = ((made > 0) & (made < np.bincount(code, minlength=1)))[code] if len(code) else keep
    keep &= ~both
    return keep, {int(row): _BOTH if both[row] else _TWICE for row in np.flatnonzero(~keep)}


def _named(done: Sequence[Part], reasons: Mapping[int, str]) -> Iterator[Reject]:
    """The rows' numbers replaced by the names of their pictures."""
    start = 0
    for part in done:
        here = [row for row in range(start, start + part.rows) if row in reasons] if reasons else []
        if here:
            names = read_columns(part.path, ["name"]).column(0)
            yield from ((names[row - start].as_py(), reasons[row]) for row in here)
        start += part.rows


def _same(done: Sequence[Part], keep: NDArray[np.bool_], facts: pa.Table) -> Rows:
    """The row of the same class that each kept row is a near-duplicate of; itself where it is none."""
    prints = np.zeros((facts.num_rows, FINGERPRINT_BYTES), np.uint8)
    known = np.zeros(facts.num_rows, bool)
    start = place = 0
    for part in done:
        column = read_columns(part.path, ["hash"]).column(0).filter(pa.array(keep[start : start + part.rows]))
        here = np.flatnonzero(pc.greater(pc.binary_length(column), 0).to_numpy()) + place
        known[here] = True
        prints[here] = np.frombuffer(b"".join(column.to_pylist()), np.uint8).reshape(-1, FINGERPRINT_BYTES)
        start, place = start + part.rows, place + len(column)
    rows = np.flatnonzero(known)
    same = np.arange(facts.num_rows)
    found = similar(prints if known.all() else prints[rows], facts.column("label").to_numpy()[rows])
    same[rows] = rows[found]
    return same


def _grouped_and_split(facts: pa.Table, same: Rows, plan: Plan) -> pa.Table:
    """The facts with their final `group_id` and with `split`, without `linked`."""
    grouping = grouped(facts.column("group_id"), facts.column("linked"), same)
    split = _splits(grouping, facts, plan)
    facts = facts.drop_columns(["linked", "group_id"])
    return facts.append_column("group_id", grouping.column).append_column("split", split)


def _splits(grouping: Grouping, facts: pa.Table, plan: Plan) -> pa.Array:
    kinds, months = facts.column("kind").to_pylist(), facts.column("released").to_pylist()
    strata = {pair: f"{pair[0]}/{pair[1] or ''}" for pair in set(zip(kinds, months, strict=True))}
    names = [strata[pair] for pair in zip(kinds, months, strict=True)]
    found = assign(list(groups(grouping, facts.column("label").to_numpy(), names)), plan.shares, plan.seed)
    every = pa.array([found.get(name) for name in grouping.names.to_pylist()], pa.string())
    return every.take(pa.array(grouping.codes))


def _card(facts: pa.Table, plan: Plan, matched: Matched, rejected: int) -> dict[str, Any]:
    return {
        "name": plan.name,
        "schema_version": SCHEMA_VERSION,
        "digest": digest(rows_of(facts.select(DIGEST_COLUMNS))),
        "seed": plan.seed,
        "shares": dict(plan.shares),
        "made_of": dict(plan.made_of),
        "versions": cards.versions(),
        "counts": cards.counts(facts, matched, rejected),
        "cells": cards.cells(facts, plan.windows, matched),
        "licences": cards.tally(facts.column("licence")),
        "windows": [window.facts() for window in plan.windows],
        "matching": {**asdict(plan.match), "windows": cards.kept_and_dropped(facts, plan.windows, matched)},
        "audit": asdict(audit(facts, plan.windows, matched, plan.seed)),
        "source_audit": asdict(audit(facts, plan.windows, matched, plan.seed, source_features)),
    }


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
