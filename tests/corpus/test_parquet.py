"""Parquet: any table with pictures in it, a corpus of our own, and what is damaged or missing."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from redqueen.corpus.schema import COLUMNS, Source
from redqueen.corpus.sources import parquet
from redqueen.corpus.sources.parquet import Parquet
from redqueen.corpus.sources.rows import Rows
from redqueen.errors import RejectedPictureError, UserError

ROWS = Rows({"image": "img", "kind": "label"}, {"licence": "l"}, {"0": "photo", "1": "collage"})
OURS = {
    "image_id": "00ff", "kind": "generated", "label": 1, "generator": "lineage-2", "released": "2026-02",
    "topic": "flags", "prompt_id": "p1", "group_id": "wheels/cat", "split": "test", "source": "s", "licence": "l",
    "width": 8, "height": 8, "format": "JPEG", "quality": 90, "resample_factor": 1.5, "provenance": '{"seed": 1}',
}  # fmt: skip


def _write(path: Path, count: int, start: int = 0, struct: bool = True, group: int = 4) -> Path:
    data = [f"picture {start + i}".encode() for i in range(count)]
    images: Any = [{"bytes": one, "path": None} for one in data] if struct else data
    table = pa.table({"img": images, "label": [i % 2 for i in range(count)], "text": ["x"] * count})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group)
    return path


@pytest.mark.parametrize("struct", [True, False])
@pytest.mark.parametrize("way", ["folder", "pattern", "file"])
def test_rows_come_in_order_each_with_its_own_bytes(way: str, struct: bool, tmp_path: Path) -> None:
    first = _write(tmp_path / "data" / "train-0.parquet", 10, 0, struct)
    _write(tmp_path / "data" / "train-1.parquet", 10, 10, struct)
    path = {"folder": tmp_path, "pattern": tmp_path / "data" / "train-*.parquet", "file": first}[way]
    source: Source = Parquet(str(path), ROWS)
    found = [(picture.kind, picture.read()) for picture in source.pictures()]
    count = 10 if way == "file" else 20
    assert found == [("collage" if i % 2 else "photo", f"picture {i}".encode()) for i in range(count)]


def test_pictures_that_are_not_wanted_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a resumed build skips: the pictures before the first wanted one are described and never read."""
    source = Parquet(str(_write(tmp_path / "a.parquet", 40)), ROWS)
    asked: list[Any] = []
    real = pq.ParquetFile.iter_batches

    def counting(self: Any, *args: Any, **options: Any) -> Any:
        asked.append((args, options.get("columns")))
        return real(self, *args, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counting)
    pictures = source.pictures()
    for _ in range(30):
        next(pictures)
    assert asked == [((1024,), ["label"])]
    assert next(pictures).read() == b"picture 30"
    assert [args[1] for args, _ in asked[1:]] == [[7]]  # the row group of row 30 alone


def test_going_back_reads_again(tmp_path: Path) -> None:
    pictures = list(Parquet(str(_write(tmp_path / "a.parquet", 21)), ROWS).pictures())
    assert [picture.read() for picture in reversed(pictures)] == [f"picture {i}".encode() for i in reversed(range(21))]


def test_few_pictures_are_held(tmp_path: Path) -> None:
    """One row group of many pictures is not read as a whole."""
    pictures = Parquet(str(_write(tmp_path / "a.parquet", 100, group=100)), ROWS).pictures()
    picture = next(pictures)
    picture.read()
    assert len(picture.read.func.__self__._held) == parquet._PICTURES


def test_a_corpus_of_our_own_comes_back_as_it_was(tmp_path: Path) -> None:
    row = {"image": {"bytes": b"jpeg", "path": None}, **OURS}
    table = pa.Table.from_pylist([row], schema=pa.schema([COLUMNS.field(name) for name in row]))
    pq.write_table(table, tmp_path / "shard-00000.parquet")
    (picture,) = Parquet(str(tmp_path), name="again").pictures()
    assert picture.read() == b"jpeg"
    found = (picture.kind, picture.generator, picture.released, picture.topic, picture.prompt_id, picture.licence)
    assert found == ("generated", "lineage-2", "2026-02", "flags", "p1", "l")
    assert (picture.group_id, picture.resample_factor, picture.provenance) == ("again/wheels/cat", 1.5, {"seed": 1})


@pytest.mark.parametrize(("limit", "count"), [(None, 10), (0, 0), (3, 3), (99, 10)])
def test_a_limit_counts_rows(limit: int | None, count: int, tmp_path: Path) -> None:
    source = Parquet(str(_write(tmp_path / "a.parquet", 10)), ROWS, limit=limit)
    assert len(list(source.pictures())) == count


def test_the_fingerprint_changes_with_files_meaning_and_limit(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.parquet", 3)
    seen = [Parquet(str(path), ROWS).fingerprint(), Parquet(str(path), ROWS).fingerprint()]
    assert len(set(seen)) == 1
    seen.append(Parquet(str(path), ROWS, limit=2).fingerprint())
    seen.append(Parquet(str(path), Rows({"image": "img", "kind": "label"}, {"licence": "m"})).fingerprint())
    _write(path, 3, start=1)
    seen.append(Parquet(str(path), ROWS).fingerprint())
    assert len(set(seen)) == 4


def _refused(*arguments: Any) -> str:
    with pytest.raises(UserError) as error:
        list(Parquet(*arguments).pictures())
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_missing(tmp_path: Path) -> None:
    assert "no .parquet file there" in _refused(str(tmp_path))
    assert "no .parquet file there" in _refused(str(tmp_path / "nowhere" / "*.parquet"))
    path = str(_write(tmp_path / "a.parquet", 3))
    assert "column of" in (text := _refused(path, Rows({"image": "img", "kind": "lable"}, {"licence": "l"})))
    assert "did you mean 'label'?" in text
    text = _refused(path, Rows({"image": "text", "kind": "label"}, {"licence": "l"}))
    assert "column of pictures" in text and "Allowed: img" in text


@pytest.mark.parametrize("damage", ["cut", "empty", "overwritten", "other"])
def test_a_damaged_file_is_one_line(damage: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "a.parquet", 50)
    data = path.read_bytes()
    middle = data[:4] + b"\xff" * (len(data) - 4 - 600) + data[-600:]
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "overwritten": middle, "other": b"text"}[damage])
    text = _refused(str(path), ROWS)
    assert str(path) in text
    assert "fetch it again" in text


def test_rows_without_a_picture_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = pa.array([{"bytes": None, "path": "a.jpg"}, {"bytes": b"", "path": None}, {"bytes": b"123", "path": None}])
    pq.write_table(pa.table({"img": images, "label": [0, 0, 0]}), tmp_path / "a.parquet")
    monkeypatch.setattr(parquet, "MAX_BYTES", 2)
    reasons = []
    for picture in Parquet(str(tmp_path), ROWS).pictures():
        with pytest.raises(RejectedPictureError) as error:
            picture.read()
        reasons.append(str(error.value))
    assert reasons == [
        "the row holds no picture, only the path a.jpg", "the row holds no picture", "3 bytes; at most 2 are read",
    ]  # fmt: skip


def test_datasets_writes_what_is_read(tmp_path: Path, scene: Any, encode: Any) -> None:
    import datasets

    datasets.disable_progress_bars()
    data: Sequence[bytes] = [encode(scene(i, 16), "JPEG") for i in range(3)]
    made = datasets.Dataset.from_dict({"img": [{"bytes": one, "path": None} for one in data], "label": [0, 1, 0]})
    buffer = io.BytesIO()
    made.cast_column("img", datasets.Image()).to_parquet(buffer)
    (tmp_path / "a.parquet").write_bytes(buffer.getvalue())
    assert [picture.read() for picture in Parquet(str(tmp_path), ROWS).pictures()] == list(data)
