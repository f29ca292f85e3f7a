"""Boards: ranks and differences from paired draws against what can be counted by hand; setups never meet."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from published_world import FIELD, drawn, field, published, scored
from redqueen.errors import DigestError, UserError
from redqueen.files import write_json
from redqueen.leaderboard.board import HEADLINE, boards, laundered, worst
from redqueen.leaderboard.publish import Publication, publish
from redqueen.leaderboard.records import withdraw


def test_ranks_ties_and_order(tmp_path):
    """Own noise has a deviation of 0.002: differences of 0.001 are none, of 0.1 are."""
    folder = published(tmp_path, {"low": 0.7, "near": 0.899, "top": 0.9}, claims=("boast",))
    control = dataclasses.replace(scored("control", 0.95), control=True)
    publish(tmp_path, Publication("control", control, drawn(control, 9), "recomputed"))
    (board,) = boards(tmp_path)
    assert board.folder == folder
    assert [row.record.submission for row in board.rows] == ["top", "near", "low", "boast", "control"]
    ranks = [row.rank and (row.rank.rank, row.rank.low, row.rank.high, row.rank.tie_group) for row in board.rows]
    assert ranks == [(1, 1, 2, 1), (2, 1, 2, 1), (3, 3, 3, 2), None, None]
    assert [row.unranked[:8] for row in board.rows] == ["", "", "", "claimed:", "a contro"]


def test_differences_are_those_of_the_draws_and_holm_counts_all_pairs(tmp_path):
    published(tmp_path, {"a": 0.9, "b": 0.899, "c": 0.7})
    (board,) = boards(tmp_path)
    draws = [
        drawn(scored(name, skill), at)[HEADLINE]
        for at, (name, skill) in enumerate((("a", 0.9), ("b", 0.899), ("c", 0.7)))
    ]
    assert [(one.higher, one.lower) for one in board.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    first = board.pairs[0]
    assert first.difference.interval.value == pytest.approx(0.001)
    low, high = np.quantile(draws[0] - draws[1], [0.025, 0.975])
    assert (first.difference.interval.low, first.difference.interval.high) == (pytest.approx(low), pytest.approx(high))
    assert first.difference.p > 0.05
    assert [one.p_adjusted for one in board.pairs[1:]] == [pytest.approx(3 * 2 / 401)] * 2


def test_a_draw_without_a_figure_is_left_out(tmp_path):
    for at, (name, skill) in enumerate((("a", 0.9), ("b", 0.8))):
        result = scored(name, skill)
        draws = drawn(result, at)[HEADLINE].copy()
        draws[at] = np.nan
        publish(tmp_path, Publication(name, result, {HEADLINE: draws}, "recomputed"))
    (board,) = boards(tmp_path)
    assert [row.rank.rank for row in board.rows] == [1, 2]
    assert board.pairs[0].difference.p == pytest.approx(2 / 399)


def test_other_setups_are_other_boards(tmp_path):
    folder = published(tmp_path, {"a": 0.9, "b": 0.8})
    for name, change in (
        ("c", {"corpus_digest": "0" * 64}),
        ("d", {"suite": "platforms-v2"}),
        ("e", {"labels": "shuffled"}),
    ):
        write_json(folder / f"{name}.json", dataclasses.asdict(scored(name, 0.99, **change)))
    found = boards(tmp_path)
    assert [[row.record.submission for row in one.rows] for one in found[:1]] == [["a", "b"]]
    assert sorted(row.record.submission for one in found[1:] for row in one.rows) == ["c", "d", "e"]
    assert len({one.digest for one in found}) == 4
    assert [len(one.events) for one in found] == [2, 0, 0, 0]


def test_the_withdrawn_are_apart_and_a_board_needs_one_that_stands(tmp_path):
    folder = published(tmp_path, {"a": 0.9, "b": 0.8})
    withdraw(folder, "a", "2026-12-01", "no longer")
    (board,) = boards(tmp_path)
    assert ([row.record.submission for row in board.rows], [one.submission for one in board.gone]) == (["b"], ["a"])
    assert board.rows[0].rank.high == 1
    withdraw(folder, "b", "2026-12-01", "no longer")
    with pytest.raises(UserError, match="needs one that stands"):
        boards(tmp_path)


def test_draws_that_do_not_fit_are_named(tmp_path):
    folder = published(tmp_path, {"a": 0.9})
    for name in ("b", "c"):
        write_json(folder / f"{name}.json", dataclasses.asdict(scored(name, 0.9, superseded_by=None)))
    (folder / "log.jsonl").unlink()
    pq.write_table(pa.table({"other": [1.0]}), folder / "draws" / "a.parquet")
    (board,) = boards(tmp_path)  # claims: their draws are not read
    assert [row.rank for row in board.rows] == [None] * 3
    publish_with = lambda name, draws: publish(tmp_path, Publication(name, scored(name, 0.9), draws, "recomputed"))  # noqa: E731
    with pytest.raises(DigestError, match="not paired"):
        publish_with("d", drawn(scored("d", 0.9), 1))
    (folder / "draws" / "a.parquet").unlink()
    publish_with("d", {"other": np.ones(400)})
    with pytest.raises(UserError, match=r"d\.parquet: no draws with a column 'auroc/next/clean'"):
        boards(tmp_path)


def test_the_facts_of_a_row_are_those_of_the_committed_page():
    """As results/field/README.md says them, made by other code."""
    result = field()
    assert worst(result).generator == "stable-diffusion-3"
    assert laundered(result).view == "telegram_x_facebook"
    (board,) = boards(FIELD.parents[1])
    row = next(row for row in board.rows if row.record.submission == "lite0_probe")
    told = (FIELD.parent / "README.md").read_text()
    for figure in (row.photo, row.collage):
        assert f"{100 * figure.value:.1f}% ({100 * figure.low:.1f}-{100 * figure.high:.1f})" in told
    assert f"{row.headline.value:.2f} ({row.headline.low:.2f}-{row.headline.high:.2f})" in told
    assert row.pictures == sum(one.pictures for one in row.result.cost)
