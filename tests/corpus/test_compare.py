"""What changed between two corpora: nothing where nothing did, and each sort of difference where it was made."""

import dataclasses
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import stand_ins
from redqueen.corpus.build import Plan, finish
from redqueen.corpus.compare import EXAMPLES, audit_changes, compare
from redqueen.corpus.shards import shards
from redqueen.corpus.store import CARD, Corpus
from redqueen.types import Audit, Interval, WindowAudit


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("before")
    return folder, stand_ins.corpus(folder)


@pytest.fixture
def copy(made, tmp_path):
    shutil.copytree(made[1].folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_copy_is_the_same(made, copy):
    found = compare(made[1], Corpus.open(copy))
    assert found.same
    assert (found.added, found.removed, found.shared) == (0, 0, made[1].card["counts"]["rows"])
    assert not (found.settings or found.counts or found.columns or found.moves or found.audit)
    assert [one.before == one.after == one.shared for one in found.windows] == [True, True]


def test_added_and_removed_pictures(made, tmp_path):
    larger = stand_ins.corpus(tmp_path, stand_ins.Pictures(photos=25, generated=18))
    found = compare(made[1], larger)
    ids = [set(corpus.column("image_id").tolist()) for corpus in (made[1], larger)]
    assert (found.added, found.removed, found.shared) == tuple(
        len(some) for some in (ids[1] - ids[0], ids[0] - ids[1], ids[0] & ids[1])
    )
    assert (found.added, found.removed) == (5, 4)
    assert len(found.added_ids) == EXAMPLES
    assert set(found.added_ids) <= ids[1] - ids[0]
    assert set(found.removed_ids) == ids[0] - ids[1]
    counts = {one.name: (one.before, one.after) for one in found.counts}
    assert counts["kind.photo"] == (20, 25)
    assert counts["licence.CC0-1.0"] == (76, 77)
    assert not found.same
    back = compare(larger, made[1])
    assert (back.added, back.removed, back.shared) == (found.removed, found.added, found.shared)


def test_another_seed_moves_groups_and_changes_matching(made, tmp_path):
    folder, before = made
    after = finish(folder / "treated", tmp_path, Plan("stand-in", stand_ins.SHARES, stand_ins.WINDOWS, seed=5))
    found = compare(before, after)
    assert [(one.name, one.before, one.after) for one in found.settings] == [("seed", 0, 5)]
    splits = [dict(zip(c.column("image_id"), c.column("split"), strict=True)) for c in (before, after)]
    moved = [one for one in splits[0] if splits[0][one] != splits[1][one]]
    assert sum(move.rows for move in found.moves) == sum(move.groups for move in found.moves) == len(moved) > 0
    assert [change.column for change in found.columns] == ["split"]
    assert found.columns[0].rows == len(moved)
    identity, old, new = found.columns[0].examples[0]
    assert (old, new) == (splits[0][identity], splits[1][identity])
    for one in found.windows:
        masks = [dict(zip(c.column("image_id"), c.windows[one.window], strict=True)) for c in (before, after)]
        assert one.shared == sum(masks[0][i] and masks[1][i] for i in masks[0])
        assert (one.before, one.after) == tuple(sum(mask.values()) for mask in masks)


def test_a_window_of_one_side(made, tmp_path):
    folder, before = made
    after = finish(folder / "treated", tmp_path, Plan("stand-in", stand_ins.SHARES, stand_ins.WINDOWS[:1]))
    gone = {one.window: one for one in compare(before, after).windows}["2026-02"]
    assert (gone.before, gone.after, gone.shared) == (before.card["counts"]["matched"]["2026-02"], None, 0)


def test_a_column_outside_of_the_digest_and_values_that_are_null(made, copy):
    path = shards(copy)[0]
    table = pq.read_table(path)
    topics = [None] * (table.num_rows - 1) + ["energy"]
    licences = ["MIT", *table.column("licence").to_pylist()[1:]]
    for name, values in (("topic", topics), ("licence", licences)):
        at = table.column_names.index(name)
        table = table.set_column(at, table.schema.field(name), pa.array(values, pa.string()))
    pq.write_table(table, path)
    found = compare(made[1], Corpus.open(copy))
    last, first = (table.column("image_id")[place].as_py() for place in (table.num_rows - 1, 0))
    assert found.digests[0] == found.digests[1]
    assert not found.same
    changed = {one.column: (one.rows, one.examples) for one in found.columns}
    assert changed == {"topic": (1, ((last, None, "energy"),)), "licence": (1, ((first, "CC0-1.0", "MIT"),))}


def test_a_setting_of_the_card(made, copy):
    card = json.loads((copy / CARD).read_text())
    card["made_of"]["treatment"] = {"size": 64}
    (copy / CARD).write_text(json.dumps(card))
    found = compare(made[1], Corpus.open(copy))
    assert [dataclasses.astuple(one) for one in found.settings] == [("made_of.treatment.size", None, 64)]
    assert not found.same


def interval(value, n=90):
    return Interval(value, value - 0.1, value + 0.1, n, n)


def audit(value, verdict="clear", biased=False):
    window = WindowAudit("2026-01", interval(0.9), interval(value), verdict)
    return Audit((window,), interval(0.9), interval(value), biased, "")


def test_what_an_audit_says_anew():
    assert audit_changes(audit(0.5), audit(0.5 + 1e-9)) == []
    assert audit_changes(audit(0.5), audit(0.625, "leak", biased=True)) == [
        "not biased became biased",
        "2026-01: clear became leak",
        "2026-01, matched: AUROC 0.500 (0.400-0.600, 90 pictures) became 0.625 (0.525-0.725, 90 pictures)",
        "mean over windows, matched: AUROC 0.500 (0.400-0.600, 90 pictures) became 0.625 (0.525-0.725, 90 pictures)",
    ]


def test_an_undefined_figure_is_spelled():
    nothing = Audit((), Interval(None, None, None, 0, 0), Interval(None, None, None, 0, 0), False, "")
    (line,) = audit_changes(nothing, audit(0.5))
    assert "AUROC n/a (n/a-n/a, 0 pictures) became 0.500" in line


def test_order_does_not_count(made, tmp_path):
    class Reversed(stand_ins.Pictures):
        def pictures(self):
            yield from list(super().pictures())[::-1]

    after = stand_ins.corpus(tmp_path, Reversed())
    assert not np.array_equal(after.column("image_id"), made[1].column("image_id"))
    found = compare(made[1], after)
    assert (found.added, found.removed) == (0, 0)
    assert not found.settings
    assert not [one for one in found.columns if one.column != "split"]
