"""Pictures read from shards: the right ones, of any shard and row group, by threads and by other processes."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from redqueen.corpus import pictures
from redqueen.corpus.pictures import Pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70 "pictures" in 3 shards of 30, 1 and 39, with row groups of 7."""
    folder = tmp_path_factory.mktemp("shards")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    start = 0
    for number, rows in enumerate((30, 1, 39)):
        column = pa.array([{"bytes": b"picture %d" % i, "path": None} for i in range(start, start + rows)], kind)
        pq.write_table(
            pa.table({"image": column, "other": range(rows)}), folder / f"{number}.parquet", row_group_size=7
        )
        start += rows
    return folder


@pytest.fixture
def found(folder: Path) -> Pictures:
    return Pictures(sorted(folder.glob("*.parquet")))


def test_every_picture_in_order_and_at_random(found: Pictures) -> None:
    assert len(found) == 70
    assert [found[row] for row in range(70)] == [b"picture %d" % row for row in range(70)]
    for row in np.random.default_rng(0).integers(0, 70, 200).tolist():
        assert found[row] == b"picture %d" % row


@pytest.mark.parametrize("row", [-1, 70, 1000])
def test_beyond_the_last(row: int, found: Pictures) -> None:
    with pytest.raises(IndexError, match=f"row {row}: the corpus has 70"):
        found[row]


def test_few_row_groups_are_kept(found: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "KEPT", 2)
    few = Pictures(found.shards)
    for row in range(70):
        few[row]
    assert few._group.cache_info().currsize == 2
    assert few._group.cache_info().misses == 5 + 1 + 6  # in order, each row group is read once


def test_threads_and_other_processes(found: Pictures) -> None:
    rows = np.random.default_rng(0).integers(0, 70, 400).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(found.__getitem__, rows)) == [b"picture %d" % row for row in rows]
    assert pickle.loads(pickle.dumps(found))[69] == b"picture 69"


def test_no_shards() -> None:
    assert len(Pictures([])) == 0
