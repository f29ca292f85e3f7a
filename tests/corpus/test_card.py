"""The card: its counts can be counted by hand, and the Hub's own library understands its README."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

import stand_ins
from redqueen.corpus.card import cells, counts, kept_and_dropped, readme, tally
from redqueen.corpus.schema import COLUMNS
from redqueen.corpus.store import Corpus
from redqueen.types import Window

WINDOWS = (Window("2022", "2022-01", "2022-12"), Window("2023", "2023-01", "2023-12"))
ROWS = [  # kind, label, released, topic, split, matched in 2022
    ("photo", 0, None, "health", "train", True),
    ("photo", 0, None, None, "test", False),
    ("collage", 0, None, "health", "train", True),
    ("generated", 1, "2022-03", "health", "train", True),
    ("generated", 1, "2022-04", "health", "train", True),
    ("generated", 1, "2023-01", None, "val", False),
    ("generated", 1, None, "health", "train", False),
]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    kinds, labels, released, topics, splits, _ = zip(*ROWS, strict=True)
    return pa.table(
        {
            "kind": list(kinds),
            "label": pa.array(labels, pa.int8()),
            "released": pa.array(released, pa.string()),
            "topic": pa.array(topics, pa.string()),
            "split": list(splits),
            "generator": pa.array([None, None, None, "a", "a", "b", "c"], pa.string()),
            "group_id": list("xxyzzwv"),
        }
    )


@pytest.fixture(scope="module")
def matched() -> dict[str, np.ndarray]:
    return {"2022": np.array([row[-1] for row in ROWS]), "2023": np.zeros(len(ROWS), bool)}


def test_counts_by_hand(table: pa.Table, matched: dict[str, np.ndarray]) -> None:
    assert counts(table, matched, 3) == {
        "rows": 7,
        "groups": 5,
        "kind": {"collage": 1, "generated": 4, "photo": 2},
        "split": {"train": 5, "val": 1, "test": 1},
        "generator": {"a": 2, "b": 1, "c": 1},
        "rejected": 3,
        "matched": {"2022": 4, "2023": 0},
    }


def test_kept_and_dropped_by_hand(table: pa.Table, matched: dict[str, np.ndarray]) -> None:
    assert kept_and_dropped(table, WINDOWS, matched) == {
        "2022": {
            "human-made": {"rows": 3, "kept": 2, "dropped": 1},
            "generated": {"rows": 2, "kept": 2, "dropped": 0},
        },
        "2023": {
            "human-made": {"rows": 3, "kept": 0, "dropped": 3},
            "generated": {"rows": 1, "kept": 0, "dropped": 1},
        },
    }


def test_cells_by_hand(table: pa.Table, matched: dict[str, np.ndarray]) -> None:
    found = {tuple(cell.values()) for cell in cells(table, WINDOWS, matched)}
    human = {("collage", "health", 1), ("photo", None, 1), ("photo", "health", 1)}
    kept = {("collage", "health"): 1, ("photo", None): 0, ("photo", "health"): 1}
    expected = {("2022", kind, topic, rows, kept[kind, topic]) for kind, topic, rows in human}
    expected |= {("2023", kind, topic, rows, 0) for kind, topic, rows in human}
    expected |= {("2022", "generated", "health", 2, 2), ("2023", "generated", None, 1, 0)}
    assert found == expected | {(None, "generated", "health", 1, 0)}
    assert list(cells(table, WINDOWS, matched)[0]) == ["window", "kind", "topic", "rows", "matched"]


def test_a_tally_is_in_alphabetical_order() -> None:
    assert list(tally(pa.chunked_array([["b", None], ["a", "b"]])).items()) == [("a", 1), ("b", 2)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return stand_ins.corpus(tmp_path_factory.mktemp("card"))


def test_the_folder_is_a_data_set_that_datasets_loads_by_its_readme(corpus: Corpus, tmp_path: Path) -> None:
    """Anything else in the folder, windows.parquet above all, is no part of it."""
    import datasets

    loaded = datasets.load_dataset(str(corpus.folder), cache_dir=str(tmp_path))
    assert list(loaded) == ["train"]
    assert loaded["train"].num_rows == corpus.known.num_rows
    assert loaded["train"].column_names == COLUMNS.names
    assert isinstance(loaded["train"].features["image"], datasets.Image)
    assert loaded["train"]["image_id"][:] == corpus.column("image_id").tolist()


def test_the_header_says_what_it_is(corpus: Corpus) -> None:
    text = (corpus.folder / "README.md").read_text()
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["license"] == "cc0-1.0"
    assert header["pretty_name"] == "stand-in"
    assert "ai-generated-images" in header["tags"]
    assert header["size_categories"] == ["n<1K"]
    assert [feature["name"] for feature in header["dataset_info"]["features"]] == COLUMNS.names
    made = corpus.card["counts"]["kind"]["generated"]
    assert f"contains AI-generated pictures: {made} of {corpus.known.num_rows} rows" in text
    assert corpus.digest in text
    assert corpus.audit.reason in text


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        ({"MIT": 3}, "license: mit\n"),
        ({"MIT": 3, "CC0-1.0": 4}, "license: other\nlicense_name: see-below\n"),
        ({"unknown": 3}, "license: other\nlicense_name: see-below\n"),
    ],
)
def test_a_licence_of_the_hub_only_where_it_is_the_licence_of_all(
    licences: dict[str, int], expected: str, corpus: Corpus
) -> None:
    assert expected in readme({**corpus.card, "licences": licences})


def test_what_a_source_says_cannot_break_the_tables(corpus: Corpus) -> None:
    text = readme({**corpus.card, "licences": {"ours | all\nrights": 3}})
    assert "| ours \\| all rights | 3 |" in text


@pytest.mark.parametrize(("rows", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**8, "n>10M")])
def test_size_categories(rows: int, size: str, corpus: Corpus) -> None:
    card = {**corpus.card, "counts": {**corpus.card["counts"], "rows": rows}}
    assert f"size_categories: [{size}]\n" in readme(card)
