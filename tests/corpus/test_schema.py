"""The digest of a corpus, and the columns that every reader relies on."""

import hashlib
import json
import random
from typing import Any

import pyarrow as pa
import pytest

from redqueen.corpus.schema import COLUMNS, DIGEST_COLUMNS, METADATA_COLUMNS, SOURCE_COLUMNS, digest, image_id
from redqueen.corpus.shards import parquet_schema


def _row(number: int) -> dict[str, Any]:
    made = number % 2
    return {
        "image_id": f"{number:064x}",
        "label": made,
        "kind": "generated" if made else "photo",
        "generator": "g" if made else None,
        "released": "2022-08" if made else None,
        "group_id": f"group {number // 3}",
        "split": ("train", "val", "test")[number % 3],
        "source": "here",
    }


def test_the_digest_is_pinned() -> None:
    """Another value here means that every published corpus and everything made from it would be refused."""
    text = "\x1f".join(["0" * 64, "0", "photo", "", "", "group 0", "train"])
    assert digest([_row(0)]) == hashlib.sha256(text.encode()).hexdigest()
    assert digest([]) == "0" * 64


def test_the_digest_does_not_know_the_order() -> None:
    rows = [_row(i) for i in range(50)]
    shuffled = random.Random(0).sample(rows, len(rows))
    assert digest(iter(shuffled)) == digest(rows)


@pytest.mark.parametrize("column", DIGEST_COLUMNS)
def test_each_column_counts(column: str) -> None:
    rows = [_row(i) for i in range(4)]
    changed = [*rows[:3], {**rows[3], column: "another"}]
    assert digest(changed) != digest(rows)
    assert digest([{**row, "source": "there"} for row in rows]) == digest(rows)


def test_how_often_a_row_occurs_counts() -> None:
    a, b = _row(0), _row(1)
    assert len({digest(rows) for rows in ([], [a], [a, a], [a, b], [a, a, b, b], [a, b, b])}) == 6


def test_image_id_is_the_sha256_of_the_bytes() -> None:
    assert image_id(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1


def test_columns_are_those_that_others_name() -> None:
    assert set(DIGEST_COLUMNS) | set(METADATA_COLUMNS) | set(SOURCE_COLUMNS) <= set(COLUMNS.names)


def test_the_features_that_datasets_reads_are_those_of_the_file() -> None:
    import datasets

    described = json.loads(parquet_schema().metadata[b"huggingface"])["info"]["features"]
    features = datasets.Features.from_dict(described)
    assert features.arrow_schema.remove_metadata().equals(pa.schema(COLUMNS))
