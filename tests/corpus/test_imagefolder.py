"""An imagefolder as field lays it out: what is read, what is left out, and one clear line for what is wrong."""

import csv
import gc
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from redqueen.corpus.schema import Materials, Source, SourcePicture
from redqueen.corpus.sources import table
from redqueen.corpus.sources.imagefolder import ImageFolder
from redqueen.errors import UserError
from redqueen.types import Generator
from redqueen.vocabulary import Vocabulary

Encode = Callable[..., bytes]
Scene = Callable[..., Image.Image]

# The columns of field's metadata.csv, in its order.
COLUMNS = (
    "file_name", "sha256", "kind", "generator", "released", "group_id", "style", "source", "source_folder", "licence",
    "source_width", "source_height", "source_format", "crop", "resample_factor",
)  # fmt: skip


def _row(file_name: str, **cells: Any) -> dict[str, Any]:
    defaults = {"kind": "photo", "group_id": "g1", "source": "a/b", "licence": "CC-BY-4.0", "resample_factor": "1.5000"}
    return dict.fromkeys(COLUMNS, "") | defaults | {"file_name": file_name} | cells


ROWS = (
    _row("images/photo/b.jpg", group_id="007", resample_factor="1.0000"),
    _row("images/generated/c.jpg", kind="generated", generator="sd-1.4", released="2022-08", group_id="p1"),
    _row("images/generated/d.jpg", kind="generated", generator="unknown-date", group_id="p1"),
    _row("images/collage/a.jpg", kind="collage", style="poster", licence='CC BY-SA, "unverified"'),
    _row("images/cutout/e.png", kind="cutout", resample_factor=""),
    _row("images/drawing/f.jpg", kind="drawing", generator="inkscape", released="2022-08", source=""),
)


def _write(folder: Path, rows: Sequence[dict[str, Any]], files: Sequence[str] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in [row["file_name"] for row in rows] if files is None else files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"bytes of {name}".encode())  # nothing decodes them here
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _read(folder: Path) -> list[SourcePicture]:
    source: Source = ImageFolder(str(folder), "field")
    return list(source.pictures())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return _write(tmp_path / "pictures", ROWS)


def test_kinds_are_mapped_and_cutouts_left_out(folder: Path) -> None:
    assert [(p.name, p.kind) for p in _read(folder)] == [
        ("images/collage/a.jpg", "collage"),
        ("images/drawing/f.jpg", "drawing"),
        ("images/generated/c.jpg", "generated"),
        ("images/generated/d.jpg", "generated"),
        ("images/photo/b.jpg", "photo"),
    ]


def test_each_picture_has_its_own_row_and_bytes(folder: Path) -> None:
    found = {picture.name: picture for picture in _read(folder)}
    assert all(picture.read() == f"bytes of {name}".encode() for name, picture in found.items())
    dated, undated = found["images/generated/c.jpg"], found["images/generated/d.jpg"]
    assert (dated.generator, dated.released) == ("sd-1.4", "2022-08")
    assert (undated.generator, undated.released) == ("unknown-date", None)
    drawing, photo = found["images/drawing/f.jpg"], found["images/photo/b.jpg"]
    assert (drawing.generator, drawing.released) == (None, None)  # a human-made picture has none, whatever its row says
    assert (drawing.source, drawing.licence) == ("field", "CC-BY-4.0")
    assert (photo.group_id, photo.source, photo.licence) == ("field/007", "a/b", "CC-BY-4.0")
    assert (photo.resample_factor, dated.resample_factor) == (1.0, 1.5)
    assert found["images/collage/a.jpg"].licence == 'CC BY-SA, "unverified"'
    assert found["images/collage/a.jpg"].provenance == {"style": "poster"}
    assert (photo.topic, photo.prompt_id, photo.provenance) == (None, None, {})


def test_optional_columns(tmp_path: Path) -> None:
    bare = {"file_name": "a.jpg", "kind": "photo", "group_id": "g", "source": "s", "licence": "l"}
    (picture,) = _read(_write(tmp_path / "bare", [bare]))
    assert (picture.resample_factor, picture.generator, picture.topic) == (1.0, None, None)
    (picture,) = _read(_write(tmp_path / "full", [{**bare, "topic": "flags", "prompt_id": "12"}]))
    assert (picture.topic, picture.prompt_id) == ("flags", "12")


def test_cells_are_text_and_never_guessed(tmp_path: Path) -> None:
    """A reader that guesses types would join 007 with 7, read 1e3 as 1000 and take NA, null and nan for nothing."""
    cells = ["007", "7", "1e3", "1000", "NA", "null", "nan", "None"]
    rows = [_row(f"{i}.jpg", kind="generated", group_id=cell, generator=cell) for i, cell in enumerate(cells)]
    found = _read(_write(tmp_path, rows))
    assert [picture.group_id for picture in found] == [f"field/{cell}" for cell in cells]
    assert [picture.generator for picture in found] == cells


@pytest.mark.parametrize(
    "names",
    [
        ["train/a.jpg", "test/b.jpg", "val/c.jpg"],
        ["rally-test-1.jpg", "march.jpg", "validation.jpg"],
        ["a [1].jpg", "b*.jpg", "ü/ö.jpg", "c d.JPG"],
    ],
)
def test_no_name_makes_a_picture_disappear(names: list[str], tmp_path: Path) -> None:
    """Names that mean a split, or a pattern, to a reader that looks for them."""
    folder = _write(tmp_path / "my [test] *pictures", [_row(name) for name in names])
    assert sorted(picture.name for picture in _read(folder)) == sorted(names)


def test_the_order_of_rows_does_not_matter(folder: Path, tmp_path: Path) -> None:
    again = _read(_write(tmp_path / "other", ROWS[::-1]))
    assert [picture.name for picture in again] == [picture.name for picture in _read(folder)]


@pytest.mark.parametrize("way", ["link", "home", "byte order mark"])
def test_other_ways_to_the_same_folder(way: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, path = [picture.name for picture in _read(folder)], str(folder)
    if way == "link":
        path = str(tmp_path / "link")
        Path(path).symlink_to(folder)
    elif way == "home":
        monkeypatch.setenv("HOME", str(tmp_path))
        path = "~/pictures"
    else:
        table = folder / "metadata.csv"
        table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())  # as spreadsheets save it
    assert [picture.name for picture in ImageFolder(path).pictures()] == expected


def test_the_fingerprint_changes_with_the_table_and_the_files(folder: Path) -> None:
    seen = [ImageFolder(str(folder)).fingerprint(), ImageFolder(str(folder)).fingerprint()]
    assert len(set(seen)) == 1
    (folder / "images/photo/b.jpg").write_bytes(b"longer than it was before")
    seen.append(ImageFolder(str(folder)).fingerprint())
    (folder / "images/photo/b.jpg").rename(folder / "images/photo/z.jpg")
    seen.append(ImageFolder(str(folder)).fingerprint())
    _write(folder, ROWS[:3], files=[])
    seen.append(ImageFolder(str(folder)).fingerprint())
    assert len(set(seen)) == 4


def _one_line(error: pytest.ExceptionInfo[UserError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_missing_folder_or_table(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        ImageFolder(str(tmp_path / "nowhere"))
    assert f"{tmp_path / 'nowhere'}: no such folder" in _one_line(error)
    with pytest.raises(UserError) as error:
        ImageFolder(str(tmp_path))
    text = _one_line(error)
    assert f"{tmp_path}: no metadata.csv in it" in text
    assert "columns needed: file_name, kind, group_id, source, licence" in text


@pytest.mark.parametrize("column", ["file_name", "kind", "group_id", "source", "licence"])
def test_a_missing_column(column: str, tmp_path: Path) -> None:
    row = {name if name != column else f"{name}s": cell for name, cell in _row("a.jpg").items()}
    with pytest.raises(UserError) as error:
        ImageFolder(str(_write(tmp_path, [row], files=["a.jpg"])))
    text = _one_line(error)
    assert str(tmp_path / "metadata.csv") in text
    assert f"'{column}'; did you mean '{column}s'?" in text


def _append(folder: Path, data: bytes) -> None:
    with (folder / "metadata.csv").open("ab") as file:
        file.write(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"a.jpg,photo\n", "line 3: not as many cells as columns", id="short row"),
        pytest.param(b"," * 20 + b"\n", "line 3: not as many cells as columns", id="long row"),
        pytest.param(b"\xe9.jpg" + b"," * 14 + b"\n", "not a CSV file in UTF-8", id="latin-1"),
        pytest.param(b'"a.jpg' + b"," * 14 + b"\n", "not a CSV file in UTF-8", id="open quotation mark"),
        pytest.param(b",,photo,,,g,,s,,l,,,,,1\n", "line 3: file_name is empty", id="no name"),
        pytest.param(b"a.jpg,,,,,g,,s,,l,,,,,1\n", "line 3: kind is empty", id="no kind"),
        pytest.param(b"a.jpg,,photo,,,,,s,,l,,,,,1\n", "line 3: group_id is empty", id="no group"),
        *(
            pytest.param(f"a.jpg,,photo,,,g,,s,,l,,,,,{cell}\n".encode(), f"over 0, not '{cell}'", id=f"factor {cell}")
            for cell in ("wide", "0", "-1", "nan", "inf")
        ),
    ],
)
def test_a_table_that_is_wrong(data: bytes, reason: str, tmp_path: Path) -> None:
    folder = _write(tmp_path, [_row("ok.jpg")])
    _append(folder, data)
    with pytest.raises(UserError) as error:
        ImageFolder(str(folder))
    text = _one_line(error)
    assert str(folder / "metadata.csv") in text
    assert reason in text


def test_pictures_without_a_row_are_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _write(tmp_path, [_row("a.jpg")], files=["a.jpg", "stray/x.JPG", "z.png", "README.md", "a.json"])
    assert [picture.name for picture in _read(folder)] == ["a.jpg"]
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"2 pictures have no row in {folder / 'metadata.csv'}")
    assert str(folder / "stray" / "x.JPG") in said


def test_nothing_is_said_where_every_picture_has_a_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _read(folder)
    assert capsys.readouterr().err == ""


def test_a_table_without_rows_is_a_source_without_pictures(tmp_path: Path) -> None:
    assert _read(_write(tmp_path / "in", [])) == []


def test_a_row_whose_file_is_missing_fails_when_it_is_read(tmp_path: Path) -> None:
    (picture,) = _read(_write(tmp_path, [_row("c.jpg")], files=[]))
    with pytest.raises(OSError, match=r"c\.jpg"):
        picture.read()


OLD = Generator("old-1.0", "2021-07", "old", "tests", "XX", "made up", "CC0-1.0", aliases=("The Old One",))
WORDS = Vocabulary([OLD])
BARE = {"file_name": "a.jpg", "kind": "photo", "group_id": "g", "source": "s", "licence": "l"}


@pytest.mark.parametrize("name", ["old-1.0", "the old one"])
def test_a_table_without_release_months_is_dated_through_the_vocabulary(name: str, tmp_path: Path) -> None:
    folder = _write(tmp_path, [{**BARE, "kind": "generated", "generator": name}])
    (picture,) = ImageFolder(str(folder), vocabulary=WORDS).pictures()
    assert (picture.generator, picture.released) == ("old-1.0", "2021-07")


def test_an_unknown_generator_fails_with_the_nearest_name(tmp_path: Path) -> None:
    made = {"kind": "generated", "generator": "old-1.1"}
    folder = _write(tmp_path, [{**BARE, "generator": ""}, {**BARE, "file_name": "b.jpg", **made}])
    with pytest.raises(UserError) as error:
        ImageFolder(str(folder), vocabulary=WORDS)
    assert "metadata.csv, line 3: unknown generator 'old-1.1'; did you mean 'old-1.0'?" in _one_line(error)


def test_the_fingerprint_follows_the_dates_that_it_uses(tmp_path: Path) -> None:
    folder = str(_write(tmp_path / "dated", [{**BARE, "kind": "generated", "generator": "old-1.0"}]))
    moved = Vocabulary([Generator("old-1.0", "2022-01", "old", "tests", "XX", "made up", "CC0-1.0")])
    assert ImageFolder(folder, vocabulary=WORDS).fingerprint() != ImageFolder(folder, vocabulary=moved).fingerprint()
    folder = str(_write(tmp_path / "own", [_row("a.jpg")]))
    assert ImageFolder(folder, vocabulary=WORDS).fingerprint() == ImageFolder(folder, vocabulary=moved).fingerprint()


def test_linked_groups_and_provenance(tmp_path: Path) -> None:
    cells = {"linked": "wheels/cat; debian/x/y", "provenance": json.dumps({"seed": 7}), "style": "poster"}
    (picture,) = _read(_write(tmp_path, [{**BARE, **cells}]))
    assert picture.linked == ("wheels/cat", "debian/x/y")
    assert picture.provenance == {"seed": 7, "style": "poster"}


def test_materials_are_photographs_cutouts_and_drawings(folder: Path) -> None:
    source: Materials = ImageFolder(str(folder), "field")
    found = list(source.materials())
    assert [(one.name, one.form) for one in found] == [
        ("images/cutout/e.png", "cutout"),
        ("images/drawing/f.jpg", "drawing"),
        ("images/photo/b.jpg", "photo"),
    ]
    assert found[2].group_id == "field/007" == _read(folder)[-1].group_id
    assert found[0].read() == b"bytes of images/cutout/e.png"


def test_rows_of_an_unknown_kind_are_counted_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [BARE, {**BARE, "file_name": "b.jpg", "kind": "fake"}, {**BARE, "file_name": "c.jpg", "kind": "fake"}]
    assert len(_read(_write(tmp_path, rows))) == 1
    assert "2 rows of" in (said := capsys.readouterr().err) and "'fake' is none of photo, collage" in said


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([BARE, {**BARE, "source": "t"}], "line 3: 'a.jpg' has a row already, in line 2"),
        ([{**BARE, "licence": ""}], "line 2: licence is empty; give the licence of such rows as source.licence=…"),
        ([{**BARE, "file_name": "../a.jpg"}], "line 2: file_name '../a.jpg' leads out of"),
        ([{**BARE, "file_name": "/etc/a.jpg"}], "line 2: file_name '/etc/a.jpg' leads out of"),
        ([{**BARE, "provenance": "[1]"}], "line 2: provenance must be a JSON object, not '[1]'"),
        ([{**BARE, "provenance": "{"}], "line 2: provenance must be a JSON object, not '{'"),
    ],
)
def test_rows_that_are_refused(rows: list[dict[str, Any]], reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        ImageFolder(str(_write(tmp_path, rows, files=[])))
    assert reason in _one_line(error)


def test_a_licence_for_rows_that_state_none(tmp_path: Path) -> None:
    folder = _write(tmp_path, [{**BARE, "licence": ""}, {**BARE, "file_name": "b.jpg"}])
    assert [p.licence for p in ImageFolder(str(folder), licence="CC0-1.0").pictures()] == ["CC0-1.0", "l"]


def _bare(folder: Path) -> str:
    for name in ("b/2.png", "b/1.jpg", "a.JPG", "notes.txt", ".hidden/x.jpg", "__MACOSX/x.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return str(folder)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [("file", ["folder/a.JPG", "folder/b/1.jpg", "folder/b/2.png"]), ("folder", ["folder/.", "folder/b", "folder/b"])],
)
def test_a_folder_without_a_table(groups: Any, expected: list[str], tmp_path: Path) -> None:
    found = list(ImageFolder(_bare(tmp_path), kind="photo", licence="CC0-1.0", groups=groups).pictures())
    assert [picture.name for picture in found] == ["a.JPG", "b/1.jpg", "b/2.png"]
    assert [picture.group_id for picture in found] == expected
    assert {(p.kind, p.licence, p.source, p.generator) for p in found} == {("photo", "CC0-1.0", "folder", None)}
    assert found[1].read() == b"b/1.jpg"


def test_a_folder_of_one_generator(tmp_path: Path) -> None:
    arguments = {"kind": "generated", "licence": "l", "generator": "The old one", "vocabulary": WORDS}
    found = list(ImageFolder(_bare(tmp_path), **arguments).pictures())
    assert {(picture.generator, picture.released) for picture in found} == {("old-1.0", "2021-07")}


def test_a_folder_of_cutouts_lends_materials_alone(tmp_path: Path) -> None:
    source = ImageFolder(_bare(tmp_path), kind="cutout", licence="l")
    assert list(source.pictures()) == []
    assert [one.form for one in source.materials()] == ["cutout"] * 3


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "no metadata.csv in it"),
        ({}, "source.kind=… must say what all pictures are"),
        ({"kind": "photo"}, "source.licence=… must say"),
        ({"kind": "generated", "licence": "l"}, "needs source.generator=NAME"),
        ({"kind": "photo", "licence": "l", "generator": "old-1.0"}, "source.kind=photo has no generator"),
    ],
)
def test_a_folder_without_a_table_needs_to_be_told(arguments: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        ImageFolder(_bare(tmp_path), **arguments)
    assert reason in _one_line(error)


def test_a_table_and_a_kind_contradict_each_other(folder: Path) -> None:
    with pytest.raises(UserError, match=r"metadata\.csv says what each picture is"):
        ImageFolder(str(folder), kind="photo")


def test_the_table_is_held_in_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces of a few rows, so that the seams between pieces are tested: order, twins, and memory of one piece."""
    monkeypatch.setattr(table, "_CHUNK", 3)
    names = [f"{i * 7 % 20:02d}.jpg" for i in range(20)]
    folder = _write(tmp_path, [{**BARE, "file_name": name, "group_id": name} for name in names])
    assert [picture.name for picture in _read(folder)] == sorted(names)
    with pytest.raises(UserError, match="line 22: '06.jpg' has a row already, in line"):
        ImageFolder(str(_write(tmp_path, [{**BARE, "file_name": name} for name in [*names, "06.jpg"]])))


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # `datasets` leaves metadata.csv open
def test_datasets_reads_the_same_folder(tmp_path: Path, scene: Scene, encode: Encode) -> None:
    """The layout is that of `datasets`: what it finds there is what we find."""
    import datasets

    rows = [_row(f"images/{i}.jpg", kind="generated" if i % 2 else "photo", style=f"s{i}") for i in range(4)]
    folder = _write(tmp_path / "in", rows, files=[])
    (folder / "images").mkdir()
    for number, row in enumerate(rows):
        (folder / row["file_name"]).write_bytes(encode(scene(number, 16), "JPEG"))
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(folder), drop_labels=True, split="train", cache_dir=str(tmp_path / "cache")
    ).cast_column("image", datasets.Image(decode=False))
    theirs = sorted((row["style"], row["kind"], Path(row["image"]["path"]).read_bytes()) for row in loaded)
    ours = sorted((json.loads(json.dumps(p.provenance))["style"], p.kind, p.read()) for p in _read(folder))
    assert ours == theirs
    del loaded
    gc.collect()
