"""What changed, in lines for a terminal."""

from redqueen.corpus.compare import Change, ColumnChange, Comparison, Move, WindowChange
from redqueen.report.changes import lines

A, B = "a" * 64, "b" * 64


def comparison(**changes):
    plain = {
        "digests": (A, B), "same": False, "settings": (), "counts": (), "added": 0, "removed": 0, "shared": 10,
        "added_ids": (), "removed_ids": (), "columns": (), "moves": (), "windows": (), "audit": (),
    }  # fmt: skip
    return Comparison(**{**plain, **changes})


def said(**changes):
    return [line.plain for line in lines(comparison(**changes))]


def test_no_difference_is_one_line():
    assert said(same=True, digests=(A, A)) == ["no difference: both have digest aaaaaaaaaaaa"]


def test_only_sections_that_have_something():
    assert said() == ["digest: aaaaaaaaaaaa became bbbbbbbbbbbb", "rows:", "  10 rows in both, 0 added, 0 removed"]
    assert said(digests=(A, A))[0] == "digest: the same digest, aaaaaaaaaaaa"


def test_everything_once():
    found = said(
        settings=(Change("seed", 0, 5), Change("windows", [{"name": "w1"}, {"name": "w2"}], None), Change("f", A, B)),
        counts=(Change("kind.photo", 2000, 2001),),
        added=1,
        removed=1200,
        added_ids=("c" * 64,),
        columns=(ColumnChange("topic", 1, ((A, None, "energy"),)),),
        moves=(Move("train", "val", 1, 2),),
        windows=(WindowChange("w1", 10, 10, 10), WindowChange("w2", 10, 10, 9), WindowChange("w3", None, 1, 0)),
        audit=("not biased became biased",),
    )
    assert found[1:] == [
        "settings:",
        "  seed: 0 became 5",
        "  windows: w1, w2 became nothing",
        "  f: aaaaaaaaaaaa became bbbbbbbbbbbb",
        "counts:",
        "  kind.photo: 2000 became 2001",
        "rows:",
        "  10 rows in both, 1 added, 1,200 removed",
        "  added, for example: cccccccccccc",
        "  topic: 1 row, for example aaaaaaaaaaaa: nothing became energy",
        "moved to another split:",
        "  train to val: 1 group, 2 rows",
        "matched rows:",
        "  w2: 10 became 10, 9 of them the same",
        "  w3: only after, 1 row",
        "audit:",
        "  not biased became biased",
    ]


def test_long_values_and_many_counts_are_cut():
    found = said(settings=(Change("text", "x" * 99, "y\nz"),), counts=tuple(Change(f"n{i}", 0, i) for i in range(20)))
    assert f"  text: {'x' * 59}… became y z" in found
    assert "  and 8 more, in diff.json" in found
    assert len([line for line in found if " 0 became " in line]) == 12


def test_markup_in_names_is_text():
    (line,) = [
        line for line in lines(comparison(settings=(Change("[bold]", "[red]x", None),))) if "bold]" in line.plain
    ]
    assert line.plain == "  [bold]: [red]x became nothing"
    assert not line.spans
