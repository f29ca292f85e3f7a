"""What a leaderboard shows, as plain data: who stands where, how sure that is, and who differs from whom.

One board holds one setup: same corpus, protocol, suite, windows and labels. Scores of two setups never meet. Ranks and
differences rest on bootstrap draws that are paired over submissions: draw i is the same resampled world for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from redqueen.errors import DigestError, UserError
from redqueen.files import digest_of
from redqueen.leaderboard.records import Event, Record, folders, head_of, read_log, records
from redqueen.metrics.comparison import Difference, Rank, holm, paired_difference, rank_intervals
from redqueen.types import GeneratorScore, HalfLife, Interval, Kind, Result

HEADLINE = "auroc/next/clean"  # the column of draws that ranks: mean AUROC on the next period, clean
VIEW = "clean"
FEWEST = 10  # test pictures of a generator that may be named as the worst
PAIRED = 20  # submissions, from the best one on, of which every two are compared
_SETUP = ("corpus", "corpus_digest", "protocol", "suite", "windows", "nominal_dates", "labels", "examples")

Draws = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Laundered:
    """The view under which a detector does worst on the next period, and what it loses there against clean pictures."""

    view: str
    auroc: Interval
    lost: Interval | None


@dataclass(frozen=True)
class Row:
    """One submission on its board.

    Attributes:
        record: its files and its lines of the log.
        rank: where it stands; None where it is not ranked.
        unranked: why it is not; empty where it is.
        headline: mean AUROC on the next period, clean.
        same: mean AUROC on the last period of training, clean.
        worst: the generator that it tells worst when it comes out, of those with enough test pictures.
        photo: photographs over its last threshold.
        collage: collages over its last threshold.
        laundered: its worst view.
        half_life: clean.
        pictures: shown in training, again and again, over all cutoffs; None where nothing was recorded.
    """

    record: Record
    rank: Rank | None
    unranked: str
    headline: Interval | None
    same: Interval | None
    worst: GeneratorScore | None
    photo: Interval | None
    collage: Interval | None
    laundered: Laundered | None
    half_life: HalfLife | None
    pictures: int | None

    @property
    def result(self) -> Result:
        """What was measured."""
        return self.record.result


@dataclass(frozen=True)
class Pair:
    """Two ranked submissions: the higher one less the lower one on the headline, adjusted for the number of pairs."""

    higher: str
    lower: str
    difference: Difference
    p_adjusted: float | None


@dataclass(frozen=True)
class Board:
    """All submissions of one setup.

    Attributes:
        name: "<corpus>/<protocol>", with the suite.
        digest: 8 hex digits that name the setup.
        folder: where its results lie.
        rows: those that stand: ranked ones first, then the others, then controls, each from the highest headline down.
        gone: those that were superseded or withdrawn.
        pairs: of the best `PAIRED` ranked ones.
        events: lines of the log of its submissions.
        head: sha256 of the log's last line; None without a log.
    """

    name: str
    digest: str
    folder: Path
    rows: Sequence[Row]
    gone: Sequence[Record]
    pairs: Sequence[Pair]
    events: Sequence[Event]
    head: str | None

    @property
    def setup(self) -> Result:
        """A result of this setup."""
        return self.rows[0].result


def boards(results: Path) -> list[Board]:
    """Every setup in a folder of results that has a submission which stands, the one with the latest event first.

    Raises:
        UserError or DigestError: as `records.records`, or draws that do not fit.
    """
    found: list[Board] = []
    for folder in folders(results):
        events, head = read_log(folder), head_of(folder)
        by_setup: dict[str, list[Record]] = {}
        for record in records(folder):
            by_setup.setdefault(_setup(record.result), []).append(record)
        for own in by_setup.values():
            if any(one.stands for one in own):
                names = {one.submission for one in own}
                found.append(board_of(folder, own, [one for one in events if one.submission in names], head))
    if not found:
        raise UserError(f"{results}: every submission was superseded or withdrawn; a leaderboard needs one that stands")
    return sorted(found, key=lambda board: (max((one.date for one in board.events), default=""), len(board.rows)))[::-1]


def board_of(folder: Path, own: Sequence[Record], events: Sequence[Event] = (), head: str | None = None) -> Board:
    """The board of submissions of one setup, at least one of which stands.

    Raises:
        UserError or DigestError: draws that do not fit.
    """
    standing, gone = [one for one in own if one.stands], [one for one in own if not one.stands]
    rows, pairs = _rows(standing)
    first = standing[0].result
    name = f"{first.corpus}/{first.protocol}, {first.suite}"
    return Board(name, _setup(first)[:8], folder, rows, gone, pairs, events, head)


def _setup(result: Result) -> str:
    return digest_of(
        [[one.facts() for one in result.windows] if name == "windows" else getattr(result, name) for name in _SETUP]
    )


def _rows(standing: Sequence[Record]) -> tuple[list[Row], list[Pair]]:
    draws = {one.submission: _draws(one) for one in standing if not _why_unranked(one)}
    ranked = [one for one in standing if one.submission in draws]
    values = [_value(headline(one.result)) for one in ranked]
    table = _paired(ranked, draws)
    ranks = rank_intervals(values, table) if ranked else []
    by_name = {one.submission: rank for one, rank in zip(ranked, ranks, strict=True)}
    rows = [_row(one, by_name.get(one.submission)) for one in standing]
    rows.sort(key=lambda row: (row.rank is None, row.result.control, -_value(row.headline), row.record.submission))
    order = sorted(range(len(ranked)), key=lambda at: (-values[at], ranked[at].submission))[:PAIRED]
    return rows, _pairs([ranked[at] for at in order], table[order])


def _why_unranked(record: Record) -> str:
    """Why a submission has no rank; empty where it has one."""
    if not record.stands:
        return "withdrawn" if record.withdrawn else "superseded"
    if record.result.control:
        return "a control: no candidate"
    if record.tier == "claimed":
        return "claimed: nobody verified it"
    if record.draws is None:
        return "no draws to rank it by"
    return "" if _value(headline(record.result)) > 0 else "its headline is undefined"


def _draws(record: Record) -> Draws:
    assert record.draws is not None
    try:
        table = pq.read_table(record.draws, columns=[HEADLINE])
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{record.draws}: no draws with a column '{HEADLINE}' ({type(error).__name__})") from None
    return {HEADLINE: table[HEADLINE].to_numpy().astype(np.float64)}


def _paired(ranked: Sequence[Record], draws: Mapping[str, Draws]) -> NDArray[np.float64]:
    """(ranked, draws): the headline's draws, after checking that they are as many for each."""
    each = [draws[one.submission][HEADLINE] for one in ranked]
    for one, own in zip(ranked, each, strict=True):
        if len(own) != len(each[0]):
            raise DigestError(f"{one.draws}: has {len(own)} draws, {ranked[0].draws} has {len(each[0])}: not paired")
    return np.array(each) if each else np.empty((0, 0))


def _pairs(ranked: Sequence[Record], table: NDArray[np.float64]) -> list[Pair]:
    """Every two of the best ranked, the higher one first; p-values adjusted by Holm over all of them."""
    found: list[tuple[Record, Record, Difference]] = []
    for a, b in combinations(range(len(ranked)), 2):
        one, other = headline(ranked[a].result), headline(ranked[b].result)
        assert one is not None
        value = _value(one) - _value(other)
        difference = paired_difference(value, table[a] - table[b], one.n, one.n_groups)
        found.append((ranked[a], ranked[b], difference))
    ps = [difference.p for _, _, difference in found if difference.p is not None]
    adjusted = iter(holm(ps).tolist() if ps else [])
    return [Pair(a.submission, b.submission, d, None if d.p is None else next(adjusted)) for a, b, d in found]


def _row(record: Record, rank: Rank | None) -> Row:
    result = record.result
    return Row(
        record=record,
        rank=rank,
        unranked="" if rank else _why_unranked(record),
        headline=headline(result),
        same=next((one.auroc for one in result.same_period if one.view == VIEW), None),
        worst=worst(result),
        photo=alarms(result, "photo"),
        collage=alarms(result, "collage"),
        laundered=laundered(result),
        half_life=next((one for one in result.half_life if one.view == VIEW), None),
        pictures=sum(one.pictures for one in result.cost) if result.cost else None,
    )


def alone(record: Record) -> Row:
    """A submission outside any order: one that was superseded or withdrawn."""
    return _row(record, None)


def headline(result: Result) -> Interval | None:
    """Mean AUROC on the next period, clean; None where it was not measured."""
    return next((one.auroc for one in result.next_period if one.view == VIEW), None)


def worst(result: Result) -> GeneratorScore | None:
    """The generator with the lowest AUROC before it is known, clean, of those with at least `FEWEST` test pictures."""
    large = [one for one in result.generators if one.view == VIEW and one.pictures >= FEWEST]
    return min((one for one in large if one.auroc.value is not None), key=lambda one: _value(one.auroc), default=None)


def alarms(result: Result, kind: Kind) -> Interval | None:
    """Share of human-made pictures of one kind that are called generated, clean, at the last cutoff that has one."""
    order = [window.name for window in result.windows]
    found = [one for one in result.false_positives if one.kind == kind and one.view == VIEW]
    last = max(found, key=lambda one: order.index(one.trained_up_to), default=None)
    return None if last is None else last.rate


def laundered(result: Result) -> Laundered | None:
    """The view with the lowest AUROC on the next period, clean left out; None where there is no other."""
    found = [one for one in result.next_period if one.view != VIEW and one.auroc.value is not None]
    lowest = min(found, key=lambda one: _value(one.auroc), default=None)
    if lowest is None:
        return None
    lost = (
        one.figure
        for one in result.measures
        if (one.metric, one.part, one.by, one.view) == ("auroc_lost", "next", "all", lowest.view)
    )
    return Laundered(lowest.view, lowest.auroc, next(lost, None))


def _value(interval: Interval | None) -> float:
    return -1.0 if interval is None or interval.value is None else interval.value
