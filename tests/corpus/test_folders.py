"""Folders whose names say what is in them, and tables of any shape beside a folder."""

from pathlib import Path
from typing import Any

import pytest

from redqueen.corpus.schema import Source
from redqueen.corpus.sources.folders import Folders
from redqueen.corpus.sources.listing import Listing
from redqueen.corpus.sources.rows import Rows
from redqueen.errors import RejectedPictureError, UserError

PATTERN = r"^(?P<generator>[^/]+)/(?P<label>ai|nature)/(?P<number>\d+)\.\w+$"
ROWS = Rows(
    {"kind": "label", "generator": "generator", "group_id": "number"},
    {"licence": "l"},
    {"ai": "generated", "nature": "photo"},
    {"one": "lineage-1"},
)
NAMES = ("one/nature/2.png", "one/ai/1.jpg", "lineage-2/ai/1.WEBP", "one/ai/notes.txt", "other/x.jpg")
LIST = Rows(
    {"image": "File Name", "kind": "Truth"}, {"licence": "l"}, {"Real": "photo", "Fake": "generated", "?": "leave out"}
)


def _fill(folder: Path, names: Any = NAMES) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return str(folder)


def _refused(make: Any) -> str:
    with pytest.raises(UserError) as error:
        list(make().pictures())
    assert "\n" not in str(error.value)
    return str(error.value)


def test_paths_become_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source: Source = Folders(PATTERN, ROWS, _fill(tmp_path))
    found = list(source.pictures())
    assert [(p.name, p.kind, p.generator, p.group_id) for p in found] == [
        ("lineage-2/ai/1.WEBP", "generated", "lineage-2", "folders/1"),
        ("one/ai/1.jpg", "generated", "lineage-1", "folders/1"),
        ("one/nature/2.png", "photo", None, "folders/2"),
    ]
    assert found[1].read() == b"one/ai/1.jpg"
    assert "1 pictures below" in (said := capsys.readouterr().err) and "do not fit" in said


def test_the_fingerprint_of_folders(tmp_path: Path) -> None:
    path = _fill(tmp_path)
    seen = [Folders(PATTERN, ROWS, path).fingerprint(), Folders(PATTERN, ROWS, path).fingerprint()]
    assert len(set(seen)) == 1
    seen.append(Folders(PATTERN, ROWS, path, limit=1).fingerprint())
    seen.append(Folders(PATTERN + " ?", ROWS, path).fingerprint())
    (tmp_path / NAMES[0]).write_bytes(b"longer than before, by far")
    seen.append(Folders(PATTERN, ROWS, path).fingerprint())
    assert len(set(seen)) == 4


def test_folders_that_are_refused(tmp_path: Path) -> None:
    path = _fill(tmp_path)
    how = "fetch it at example.org"
    assert "source.path has no value" in (text := _refused(lambda: Folders(PATTERN, ROWS, obtain=how))) and how in text
    assert "no such folder; fetch it" in _refused(lambda: Folders(PATTERN, ROWS, path + "/nowhere", obtain=how))
    assert "no regular expression" in _refused(lambda: Folders("(", ROWS, path))
    assert "'label'; did you mean 'labels'?" in _refused(
        lambda: Folders("(?P<labels>x)(?P<generator>y)(?P<number>z)", ROWS, path)
    )
    other = Rows({"generator": "generator"}, {"licence": "l", "kind": "photo"})
    assert "no picture whose path fits" in _refused(lambda: Folders("^(?P<generator>nothing)$", other, path))


def _table(folder: Path, text: str) -> str:
    _fill(folder, ["pictures/a.jpg", "pictures/b c.png", "outside.jpg"])
    (folder / "list.csv").write_text(text, encoding="utf-8")
    return str(folder)


def test_a_table_of_any_shape(tmp_path: Path) -> None:
    path = _table(tmp_path, "id,File Name,Truth\n1,b c.png,Fake\n2,a.jpg,Real\n3,x.jpg,?\n")
    source: Source = Listing("list.csv", LIST, path, folder="pictures")
    found = list(source.pictures())
    assert [(p.kind, p.read(), p.generator) for p in found] == [
        ("generated", b"pictures/b c.png", None),
        ("photo", b"pictures/a.jpg", None),
    ]
    assert found[0].name == "list.csv, row 1: b c.png"


def test_a_name_in_the_table_that_leads_out_is_rejected(tmp_path: Path) -> None:
    path = _table(tmp_path, "File Name,Truth\n../outside.jpg,Real\n/etc/hostname,Real\ngone.jpg,Real\n")
    first, second, third = Listing("list.csv", LIST, path, folder="pictures").pictures()
    for picture in (first, second):
        with pytest.raises(RejectedPictureError, match="leads out of the folder"):
            picture.read()
    with pytest.raises(OSError, match=r"gone\.jpg"):
        third.read()


def test_tables_that_are_refused(tmp_path: Path) -> None:
    path = _table(tmp_path, "File Name,Truth\na.jpg,Real,3\n")
    assert "line 2: not as many cells" in _refused(lambda: Listing("list.csv", LIST, path, folder="pictures"))
    _table(tmp_path, "File Names,Truth\n")
    assert "did you mean 'File Names'?" in _refused(lambda: Listing("list.csv", LIST, path, folder="pictures"))
    assert "other.csv is missing; ask" in _refused(lambda: Listing("other.csv", LIST, path, obtain="ask"))
    assert "images is missing" in _refused(lambda: Listing("list.csv", LIST, path, folder="images"))
    other = Rows({"kind": "Truth"}, {"licence": "l"})
    assert "source.rows.columns.image=COLUMN" in _refused(lambda: Listing("list.csv", other, path))
    (tmp_path / "list.csv").write_bytes(b"File Name,Truth\n\xe9.jpg,Real\n")
    assert "not a CSV file in UTF-8" in _refused(lambda: Listing("list.csv", LIST, path, folder="pictures"))


def test_the_fingerprint_of_a_listing(tmp_path: Path) -> None:
    path = _table(tmp_path, "File Name,Truth\na.jpg,Real\n")
    seen = [Listing("list.csv", LIST, path, "pictures").fingerprint() for _ in range(2)]
    assert len(set(seen)) == 1
    (tmp_path / "pictures" / "a.jpg").write_bytes(b"x")
    seen.append(Listing("list.csv", LIST, path, "pictures").fingerprint())
    _table(tmp_path, "File Name,Truth\na.jpg,Fake\n")
    seen.append(Listing("list.csv", LIST, path, "pictures").fingerprint())
    assert len(set(seen)) == 3
