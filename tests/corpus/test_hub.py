"""A Hub data set as a stream: a folder in the layout of the Hub stands in for it; the Hub itself is never asked."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub.errors import GatedRepoError, HTTPError, RepositoryNotFoundError, RevisionNotFoundError

from redqueen.corpus.schema import Source
from redqueen.corpus.sources.hub import Hub
from redqueen.corpus.sources.rows import Rows
from redqueen.errors import RejectedPictureError, UserError

HTTP: Any = sys.modules[HTTPError.__module__.partition(".")[0]]  # the library that the Hub's client uses
COMMIT = "0123456789abcdef" * 2 + "01234567"
ROWS = Rows(
    {"kind": "label", "generator": "model", "group_id": "prompt"},
    {"licence": "CC-BY-4.0"},
    {"0": "photo", "1": "generated"},
    {"Second": "lineage-2"},
)
CARD = """---
configs:
- config_name: core
  data_files:
  - {split: train, path: core/train-*}
  - {split: test, path: core/test-*}
- config_name: wild
  data_files:
  - {split: test, path: core/test-*}
---
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of what is on this machine is found, and nothing is left on it."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


@pytest.fixture
def folder(tmp_path: Path, scene: Any, encode: Any) -> Path:
    """Six rows: photographs and pictures by two generators, as JPEG and PNG."""
    data = [encode(scene(i, 16), "PNG" if i % 2 else "JPEG") for i in range(6)]
    columns: Mapping[str, Any] = {
        "image": [{"bytes": one, "path": None} for one in data],
        "label": [0, 1, 0, 1, 0, 1],
        "model": ["", "lineage-1", "", "Second", "", "Second"],
        "prompt": ["a", "a", "b", "b", "c", "c"],
    }
    features = datasets.Features(
        image=datasets.Image(),
        label=datasets.ClassLabel(names=["real", "fake"]),
        model=datasets.Value("string"),
        prompt=datasets.Value("string"),
    )
    made = datasets.Dataset.from_dict(columns, features=features)
    for split in ("train", "test"):
        made.to_parquet(tmp_path / "set" / "core" / f"{split}-00000-of-00001.parquet")
    (tmp_path / "set" / "README.md").write_text(CARD)
    return tmp_path / "set"


def _hub(folder: Path, **changes: Any) -> Hub:
    return Hub(str(folder), **{"rows": ROWS, "config": "core", "split": "test", **changes})


def test_rows_are_described_and_pictures_keep_their_bytes(folder: Path, scene: Any, encode: Any) -> None:
    source: Source = _hub(folder, name="theirs")
    found = list(source.pictures())
    assert [picture.read() for picture in found] == [encode(scene(i, 16), "PNG" if i % 2 else "JPEG") for i in range(6)]
    assert [(picture.kind, picture.generator, picture.released) for picture in found[:4]] == [
        ("photo", None, None),
        ("generated", "lineage-1", "2026-01"),
        ("photo", None, None),
        ("generated", "lineage-2", "2026-02"),
    ]
    assert [picture.group_id for picture in found[:3]] == ["theirs/a", "theirs/a", "theirs/b"]
    assert {picture.licence for picture in found} == {"CC-BY-4.0"}
    assert [picture.name for picture in source.pictures()] == [f"test {i}" for i in range(6)]


def test_a_limit_ends_the_stream(folder: Path) -> None:
    assert len(list(_hub(folder, limit=4).pictures())) == 4


def test_files_can_be_named_where_no_card_does(folder: Path) -> None:
    (folder / "README.md").unlink()
    source = Hub(str(folder), ROWS, data_files="core/test-*.parquet")
    assert len(list(source.pictures())) == 6


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:7], COMMIT.upper()])
def test_a_set_on_the_hub_needs_a_commit(revision: str | None) -> None:
    with pytest.raises(UserError) as error:
        Hub("owner/name", ROWS, revision)
    assert "https://huggingface.co/datasets/owner/name/commits/main" in str(error.value)


def test_the_fingerprint_follows_the_commit_and_the_rows(folder: Path) -> None:
    other = COMMIT[::-1]
    kinds: list[Mapping[str, Any]] = [{}, {"revision": other}, {"config": "a"}, {"split": "b"}, {"limit": 3}]
    of_hub = [Hub("o/n", **{"rows": ROWS, "revision": COMMIT, **change}).fingerprint() for change in kinds]
    assert len(set(of_hub)) == len(kinds)
    assert of_hub[0] == Hub("o/n", ROWS, COMMIT).fingerprint()
    before = _hub(folder).fingerprint()
    assert before == _hub(folder).fingerprint()
    (folder / "core" / "test-00000-of-00001.parquet").touch()
    assert before != _hub(folder).fingerprint()


def _refused(source: Hub) -> str:
    with pytest.raises(UserError) as error:
        next(source.pictures())
    assert "\n" not in str(error.value)
    return str(error.value)


def test_settings_that_do_not_exist(folder: Path) -> None:
    assert "source.config of" in (text := _refused(_hub(folder, config="cor")))
    assert "'cor'; did you mean 'core'? Allowed: core, wild" in text
    assert "source.config of" in (text := _refused(_hub(folder, config=None)))
    assert "core" in text and "wild" in text
    assert "'tset'; did you mean 'test'?" in _refused(_hub(folder, split="tset"))
    rows = Rows({"kind": "lable"}, {"licence": "l"})
    assert "(needed, not found): 'lable'; did you mean 'label'?" in _refused(_hub(folder, rows=rows))
    rows = Rows({"kind": "label", "image": "picture"}, {"licence": "l"})
    assert "'picture'" in _refused(_hub(folder, rows=rows))


def test_a_damaged_file_on_disk(folder: Path) -> None:
    path = folder / "core" / "test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:300])
    assert "cannot be read" in _refused(_hub(folder))


def test_rows_without_a_picture_are_rejected(folder: Path) -> None:
    images = pa.array(
        [None, {"bytes": None, "path": "a.jpg"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    )
    table = pa.table({"image": images, "label": [0, 0]})
    for split in ("train", "test"):
        pq.write_table(table, folder / "core" / f"{split}-00000-of-00001.parquet")
    rows = Rows({"kind": "label"}, {"licence": "l"}, {"0": "photo"})
    found = list(_hub(folder, rows=rows).pictures())
    assert len(found) == 2
    for picture in found:
        with pytest.raises(RejectedPictureError, match="the row holds no picture"):
            picture.read()


def test_a_hub_that_does_not_answer() -> None:
    """HF_HUB_OFFLINE is set in every test: as if there were no network."""
    text = _refused(Hub("owner/name", ROWS, COMMIT))
    assert text.startswith("the Hub does not answer for owner/name")
    assert f"hf download owner/name --repo-type dataset --revision {COMMIT}" in text
    assert "source.path=FOLDER" in text


def _response(status: int) -> Any:
    return HTTP.Response(status, request=HTTP.Request("GET", "https://huggingface.co"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            GatedRepoError("gated", response=_response(401)),
            "is gated: ask for access at https://huggingface.co/datasets/",
        ),
        (GatedRepoError("gated", response=_response(403)), "then log in with 'hf auth login'"),
        (RepositoryNotFoundError("none", response=_response(404)), "no data set owner/name, or a private one"),
        (RevisionNotFoundError("none", response=_response(404)), f"owner/name has no commit {COMMIT}"),
        (HTTP.ConnectError("no route to host"), "the Hub does not answer"),
        (HTTP.ReadTimeout("too slow"), "the Hub does not answer"),
    ],
)
def test_what_the_hub_answers(error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client fails as it does against the real one; what `datasets` makes of it is what users meet."""

    def fail(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(datasets.load, "_raise_if_offline_mode_is_enabled", lambda: None)
    monkeypatch.setattr(huggingface_hub.HfApi, "hf_hub_download", fail)
    assert reason in _refused(Hub("owner/name", ROWS, COMMIT))


def test_a_set_that_is_a_script_is_never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise RuntimeError("Dataset scripts are no longer supported, but found name.py")

    monkeypatch.setattr(datasets, "load_dataset_builder", refuse)
    text = _refused(Hub("owner/name", ROWS, COMMIT))
    assert "is never run" in text and "refs/convert/parquet" in text


def test_another_commit_on_this_machine_is_not_taken_instead(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = datasets.load_dataset_builder
    monkeypatch.setattr(datasets, "load_dataset_builder", lambda path, *a, **o: real(str(folder), "core"))
    assert "only another commit of it is on this machine" in _refused(Hub("owner/name", ROWS, COMMIT, split="test"))
