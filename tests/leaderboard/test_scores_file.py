"""A hostile table of scores is refused by its headers, and an honest one of any writer is read."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from redqueen.evaluation import scores
from redqueen.evaluation.scores import Origin, Scores
from redqueen.leaderboard.parquet_file import ParquetError, footer, pages
from redqueen.leaderboard.scores_file import Allowed, opened

IDS = [f"{number:064x}" for number in range(500)]
ALLOWED = Allowed(1000)
ORIGIN = {"benchmark": "b" * 64, "suite": "basic-v1", "detector": "npr", "thresholds": {"2026-01": 0.5}}


@pytest.fixture(scope="module")
def table():
    logits = {("2026-01", view): np.random.default_rng(0).normal(size=len(IDS)) for view in ("clean", "jpeg50")}
    return scores.table_of(["2026-01"], ["clean", "jpeg50"], IDS, logits)


def write(path, table, meta=ORIGIN, **options):
    pq.write_table(table.replace_schema_metadata({b"redqueen": json.dumps(meta).encode()}), path, **options)
    return path


def outcome(path, allowed=ALLOWED):
    found, checks = opened(path, allowed)
    last = checks[-1]
    assert (found is None) == (last.outcome in {"rejected", "unsafe"})
    return last.outcome, last.message


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": False},
        {"use_dictionary": False, "data_page_version": "2.0"},
        {"row_group_size": 100},
        {"data_page_size": 500},
        {"compression": "gzip"},
        {"compression": "none", "store_schema": False},
        {"write_page_checksum": True, "write_page_index": True},
    ],
)
def test_whoever_wrote_it_it_is_read(table, tmp_path, options):
    if not options.get("store_schema", True):
        scores.write(tmp_path / "a.parquet", Scores(table, Origin(**ORIGIN)))
    else:
        write(tmp_path / "a.parquet", table, **options)
    found, checks = opened(tmp_path / "a.parquet", ALLOWED)
    assert [check.outcome for check in checks] == ["passed"]
    assert found.table.equals(table.combine_chunks()) and found.origin == Origin(**ORIGIN)


def test_pages_add_up_to_what_the_footer_says_of_an_honest_file(table, tmp_path):
    path = write(tmp_path / "a.parquet", table, data_page_size=500)
    file, data = pq.ParquetFile(path), memoryview(path.read_bytes())
    own = footer(data, 1 << 20)
    assert [column.name for column in own.columns] == file.schema.names and own.rows == file.metadata.num_rows
    assert dict(own.metadata) == file.metadata.metadata and own.length == file.metadata.serialized_size
    for number in range(5):
        chunk, place = file.metadata.row_group(0).column(number), own.chunks[number]
        assert place.start == (chunk.dictionary_page_offset or chunk.data_page_offset)
        assert (place.column, place.size) == (chunk.path_in_schema, chunk.total_compressed_size)
        found = list(pages(data[place.start : place.start + place.size]))
        headers = chunk.total_compressed_size - sum(page.compressed for page in found)
        assert sum(page.uncompressed for page in found) + headers == chunk.total_uncompressed_size
        assert len(found) > 1 or number != 3


@pytest.mark.parametrize(
    "data", [b"\x15", b"\x15\x00" * 40, b"\xff" * 60, b"\x1c" * 60, b"\x19\xff" + b"\xff" * 60, b"\x00"]
)
def test_a_page_header_that_is_none_ends_in_one_error(data):
    with pytest.raises(ParquetError):
        list(pages(memoryview(data)))


def test_any_bytes_end_in_pages_or_one_error():
    rng, refused = np.random.default_rng(0), 0
    for size in rng.integers(1, 200, 2000):
        try:
            list(pages(memoryview(rng.integers(0, 256, size, np.uint8).tobytes())))
        except ParquetError:
            refused += 1
    assert refused > 1900  # noise is hardly ever a page


def test_any_flipped_byte_ends_in_a_table_or_a_refusal(table, tmp_path):
    whole = write(tmp_path / "a.parquet", table).read_bytes()
    rng, ended = np.random.default_rng(0), set()
    for place in rng.integers(0, len(whole), 150):
        data = bytearray(whole)
        data[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "b.parquet").write_bytes(data)
        ended.add(outcome(tmp_path / "b.parquet")[0])
    assert "rejected" in ended


def test_a_footer_at_which_pyarrow_ends_the_process_does_not_end_it(table, tmp_path):
    data = write(tmp_path / "a.parquet", table).read_bytes()
    optional = b"\x25\x02\x18\x05score"  # of the schema: repetition_type = OPTIONAL, name = score
    assert optional in data
    (tmp_path / "a.parquet").write_bytes(data.replace(optional, b"\x25\x00\x18\x05score"))  # REQUIRED
    assert outcome(tmp_path / "a.parquet")[0] == "rejected"


def test_a_text_repeated_by_a_dictionary_is_no_bomb(table, tmp_path):
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1000, np.int32)), pa.array(["x" * 150_000]))
    path = write(tmp_path / "a.parquet", table.set_column(2, "image_id", text))
    assert path.stat().st_size < 20_000
    assert outcome(path) == ("unsafe", "column image_id has a text of 150000 bytes, allowed are 200")


def test_a_page_of_zeros_is_not_decompressed(table, tmp_path):
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1000, np.int32)), pa.array(["x" * 3_000_000]))
    path = write(tmp_path / "a.parquet", table.set_column(2, "image_id", text), compression="zstd")
    assert path.stat().st_size < 20_000
    found, message = outcome(path)
    assert found == "unsafe" and "would take over" in message


def test_a_prefix_repeated_by_an_encoding_is_not_decoded(table, tmp_path):
    path = write(tmp_path / "a.parquet", table, use_dictionary=False, column_encoding={"image_id": "DELTA_BYTE_ARRAY"})
    assert outcome(path) == ("rejected", "column image_id: encoding 7 is not read")


def test_rows_are_counted_before_they_are_read(table, tmp_path):
    assert outcome(write(tmp_path / "a.parquet", pa.concat_tables([table] * 4)))[0] == "rejected"
    assert "claims 4000 rows" in outcome(tmp_path / "a.parquet")[1]
    many = write(tmp_path / "b.parquet", pa.concat_tables([table] * 350), data_page_size=1 << 26)
    assert outcome(many)[0] == "unsafe"


def test_pages_are_counted(table, tmp_path, monkeypatch):
    monkeypatch.setattr("redqueen.leaderboard.scores_file._PAGES", 20)
    path = write(tmp_path / "a.parquet", table, data_page_size=64, write_batch_size=8)
    assert outcome(path) == ("unsafe", "the table has over 20 pages")


def test_a_footer_that_claims_gigabytes_is_not_read(table, tmp_path):
    path = write(tmp_path / "a.parquet", table)
    data = bytearray(path.read_bytes())
    data[-8:-4] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(data)
    assert outcome(path) == ("rejected", "a.parquet claims a footer of 2147483647 bytes")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"PAR1", b"PAR1PAR1", b"image_id,score\r\n=1+1,\x00\n" * 9, b"PAR1" + b"\0" * 40 + b"PARE"]
)
def test_what_is_no_parquet_is_said_to_be_none(tmp_path, data):
    (tmp_path / "a.parquet").write_bytes(data)
    assert outcome(tmp_path / "a.parquet") == ("rejected", "a.parquet is no Parquet file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.append_column("label", pa.array([0] * 1000)), "column label is not allowed"),
        (lambda t: t.append_column("path", pa.array(["a.jpg"] * 1000)), "column path is not allowed"),
        (lambda t: t.drop_columns("status"), "columns are cutoff, view, image_id, score; wanted are"),
        (lambda t: t.select([2, 1, 0, 3, 4]), "columns are image_id, view"),
        (lambda t: t.set_column(3, "score", pa.array(["0.5"] * 1000)), "column score holds STRING"),
        (lambda t: t.set_column(3, "score", pa.array([0.5] * 1000, pa.float32())), "column score holds FLOAT"),
        (lambda t: t.set_column(3, "score", pa.array([[0.5]] * 1000)), "column element, list is not allowed"),
        (
            lambda t: t.set_column(2, "image_id", pa.array([b"\xff"] * 1000)),
            "column image_id holds BYTE_ARRAY, wanted is STRING",
        ),
        (lambda t: t.set_column(2, "image_id", pa.array([None] * 1000, pa.string())), "column image_id has 1000 empty"),
    ],
)
def test_columns_are_those_of_the_schema(table, tmp_path, change, message):
    found = outcome(write(tmp_path / "a.parquet", change(table)))
    assert found[0] == "rejected" and message in found[1]


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {**ORIGIN, "labels": [1, 0]},
        {**ORIGIN, "thresholds": {"2026-01": "0.5"}},
        {**ORIGIN, "thresholds": {"2026-01": float("nan")}},
        {**ORIGIN, "benchmark": 5},
        [],
    ],
)
def test_metadata_are_strict(table, tmp_path, meta):
    assert outcome(write(tmp_path / "a.parquet", table, meta))[0] == "rejected"


def test_other_metadata_are_ignored_and_noted(table, tmp_path):
    meta = {b"redqueen": json.dumps(ORIGIN).encode(), b"labels\x1b[31m": b"0101"}
    pq.write_table(table.replace_schema_metadata(meta), tmp_path / "a.parquet")
    checks = opened(tmp_path / "a.parquet", ALLOWED)[1]
    assert [check.outcome for check in checks] == ["passed", "noted"]
    assert checks[1].message == r"ignored: file metadata labels\x1b[31m"
