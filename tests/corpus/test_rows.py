"""Somebody else's columns: what each becomes, and one clear line for what is wrong."""

from typing import Any

import pytest

from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.sources.rows import FIELDS, Rows
from redqueen.errors import RejectedPictureError, UserError

COLUMNS = {"kind": "label", "generator": "model", "group_id": "prompt"}
ROW = {"label": 1, "model": "SDXL 1.0", "prompt": "a flag"}
GIVEN = {"columns": COLUMNS, "constants": {"licence": "l"}, "kinds": {"0": "photo", "1": "generated", "2": "leave out"}}


def _picture(row: dict[str, Any], **changes: Any) -> SourcePicture | None:
    return Rows(**{**GIVEN, **changes}).picture(row, "row 7", "set", lambda: b"x")


@pytest.mark.parametrize("label", [1, "1", True])
def test_labels_are_compared_as_text(label: Any) -> None:
    picture = _picture({**ROW, "label": label}, generators={"SDXL 1.0": "stable-diffusion-xl"})
    assert picture is not None
    assert (picture.kind, picture.generator, picture.released) == ("generated", "stable-diffusion-xl", "2023-07")


def test_every_field_can_be_a_column() -> None:
    columns = {name: name for name in FIELDS if name not in ("image", "kind")}
    row = dict.fromkeys(columns.values(), "x") | {
        "resample_factor": 2,
        "linked": "a/b;c/d",
        "provenance": '{"seed": 1}',
    }
    row |= {"generator": "lineage-1", "released": "2020-05-17"}
    picture = _picture(row, columns=columns, constants={"kind": "generated"})
    assert picture == SourcePicture(
        "x", picture.read, "generated", "set/x", "x", "x", "lineage-1", "2026-01", "x", "x", 2.0, ("a/b", "c/d"),
        {"seed": 1},
    )  # fmt: skip
    kept = _picture(row, columns=columns, constants={"kind": "generated"}, dates="row")
    assert (kept.generator, kept.released) == ("lineage-1", "2020-05")


def test_a_value_that_is_left_out_and_a_row_that_is_not_kept() -> None:
    assert _picture({**ROW, "label": 2}) is None
    keep = {"nsfw": ["0", ""]}
    for value, wanted in ((False, True), (None, True), (True, False), ("0", True), (1, False)):
        found = _picture({**ROW, "label": 0, "nsfw": value}, keep=keep)
        assert (found is not None) == wanted, value


def test_human_made_pictures_have_no_generator() -> None:
    picture = _picture({**ROW, "label": 0, "model": "COCO"})
    assert (picture.kind, picture.generator, picture.released) == ("photo", None, None)


def test_groups_of_several_columns_of_long_texts_and_of_none() -> None:
    several = {**COLUMNS, "group_id": ["user", "prompt"]}
    assert _picture({**ROW, "label": 0, "user": 3}, columns=several).group_id == "set/3/a flag"
    long = _picture({**ROW, "label": 0, "prompt": "p" * 500}).group_id
    assert long == _picture({**ROW, "label": 0, "prompt": "p" * 500}).group_id != "set/" + "p" * 500
    assert len(long) == len("set/") + 16
    assert _picture({**ROW, "label": 0, "prompt": None}).group_id == "set/row 7"
    assert _picture({**ROW, "label": 0, "user": None}, columns=several).group_id == "set/row 7"


def test_several_columns_of_provenance() -> None:
    columns = {**COLUMNS, "provenance": ["seed", "cfg", "when", "none"]}
    row = {**ROW, "label": 0, "seed": 5, "cfg": 7.5, "when": object, "none": None}
    found = _picture(row, columns=columns).provenance
    assert found == {"seed": 5, "cfg": 7.5, "when": str(object)}


@pytest.mark.parametrize(
    ("others", "expected"),
    [("undated", ("my-own-model", "2025-03")), ("leave out", None)],
)
def test_generators_that_nobody_knows(others: Any, expected: Any) -> None:
    columns = {**COLUMNS, "released": "date"}
    picture = _picture({**ROW, "model": "my-own-model", "date": "2025-03-01"}, columns=columns, others=others)
    assert (picture and (picture.generator, picture.released)) == expected


def test_a_generator_without_a_name_is_undated() -> None:
    picture = _picture({**ROW, "model": None})
    assert (picture.generator, picture.released) == (None, None)


@pytest.mark.parametrize(
    ("row", "changes", "reason"),
    [
        ({"model": "stable-difusion-xl"}, {}, "row 7: unknown generator 'stable-difusion-xl'; did you mean"),
        ({"model": "stable-difusion-xl"}, {}, """source.rows.generators='{"stable-difusion-xl": NAME}'"""),
        ({"label": 3}, {}, "unknown kind in row 7: '3'"),
        ({"label": 0}, {"constants": {"licence": ""}}, "row 7: no licence; give the licence of such rows"),
        (
            {"date": "May 2025"},
            {"columns": {**COLUMNS, "released": "date"}, "dates": "row"},
            "does not begin with a mon",
        ),
        ({"label": 0, "f": "wide"}, {"columns": {**COLUMNS, "resample_factor": "f"}}, "over 0, not 'wide'"),
        (
            {"label": 0, "provenance": "3"},
            {"columns": {**COLUMNS, "provenance": "provenance"}},
            "must be a JSON object",
        ),
    ],
)
def test_rows_that_are_refused(row: dict[str, Any], changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError) as error:
        _picture({**ROW, **row}, **changes)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"columns": {**COLUMNS, "generater": "model"}}, "field of source.rows 'generater'; did you mean 'generator'?"),
        ({"constants": {"license": "l"}}, "field of source.rows 'license'; did you mean 'licence'?"),
        ({"kinds": {"1": "fake"}}, "unknown kind in source.rows.kinds 'fake'"),
        ({"constants": {}}, "source.rows must say kind and licence"),
    ],
)
def test_mappings_that_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError) as error:
        Rows(**{**GIVEN, **changes})
    assert reason in str(error.value)


def test_a_missing_column_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"column of a\.csv \(needed, not found\): 'label'; did you mean 'labels'\?"):
        Rows(**GIVEN).check("a.csv", ["labels", "model", "prompt"])


def test_the_fingerprint_follows_the_meaning() -> None:
    assert Rows(**GIVEN).fingerprint() == Rows(**GIVEN).fingerprint()
    others = [{"kinds": {"0": "photo", "1": "generated"}}, {"others": "undated"}, {"constants": {"licence": "m"}}]
    assert len({Rows(**{**GIVEN, **other}).fingerprint() for other in [{}, *others]}) == 4


def test_a_picture_that_cannot_be_had_says_why() -> None:
    from redqueen.corpus.sources.rows import reject

    with pytest.raises(RejectedPictureError, match="a link"):
        reject("a link")()
