"""Building: bad pictures are listed, a killed build goes on, and the same source gives the same bytes."""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from redqueen.corpus import build
from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.decode import pixels
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.schema import COLUMNS, SourcePicture
from redqueen.corpus.store import Corpus
from redqueen.errors import RejectedPictureError, UserError
from redqueen.types import Window

Encode = Callable[..., bytes]
Scene = Callable[..., Image.Image]

NORMALISE = Normalise(size=32)
WINDOWS = (Window("2022", "2022-01", "2022-12"), Window("2023", "2023-01", "2023-12"))
PLAN = Plan("tiny", {"train": 0.5, "val": 0.2, "test": 0.3}, WINDOWS)


class Tiny:
    """A source that lies in memory."""

    name = "tiny"

    def __init__(self, pictures: list[SourcePicture]) -> None:
        self._pictures = pictures

    def fingerprint(self) -> str:
        return str(len(self._pictures))

    def pictures(self) -> Iterator[SourcePicture]:
        yield from self._pictures


def _raising(error: BaseException) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read


def _human(name: str, data: bytes, group: str | None = None) -> SourcePicture:
    return SourcePicture(name, lambda: data, "photo", group or name, "here", "CC0-1.0")


@pytest.fixture(scope="module")
def good(scene: Scene, encode: Encode) -> list[SourcePicture]:
    """24 photographs, and 12 pictures each by two dated generators; sides of 32 to 64 pixels on both sides."""
    found = []
    for number in range(48):
        data = encode(scene(number, 32 + 8 * (number % 5)), "PNG")
        picture = _human(f"{number:02d}.png", data)
        if number % 2:
            early = number % 4 == 1
            picture = replace(
                picture,
                kind="generated",
                generator="early" if early else "late",
                released="2022-08" if early else "2023-03",
                prompt_id="p1",
                topic="flags",
                provenance={"seed": number},
            )
        found.append(picture)
    return found


def _built(pictures: list[SourcePicture], folder: Path, plan: Plan = PLAN) -> Corpus:
    treat(Tiny(pictures), NORMALISE, folder / "treated", plan.strict)
    return finish(folder / "treated", folder / "corpus", plan)


def _rejects(folder: Path) -> list[dict[str, str]]:
    with (folder / "corpus" / "rejects.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _bytes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_bad_pictures_are_listed_and_the_run_goes_on(
    good: list[SourcePicture], scene: Scene, encode: Encode, tmp_path: Path
) -> None:
    whole = encode(scene(0), "PNG")
    bad = [
        (_human("empty.png", b""), "empty file (0 bytes)"),
        (_human("text.jpg", b"not a picture"), "not a picture in one of JPEG, PNG, WEBP, GIF, BMP"),
        (_human("half, cut.png", whole[: len(whole) // 2]), "cannot be decoded: "),
        (_human("small.png", encode(scene(0, 31), "PNG")), "31 x 31 pixels; the short side must be >= 32"),
        (replace(_human("gone.png", b""), read=_raising(FileNotFoundError(2, "No such file", "gone.png"))), "No such"),
        (replace(_human("own.png", b""), read=_raising(RejectedPictureError("shows a badge"))), "shows a badge"),
    ]
    mixed = good[:20] + [picture for picture, _ in bad] + good[20:]
    corpus = _built(mixed, tmp_path)
    found = _rejects(tmp_path)
    assert [row["picture"] for row in found] == [picture.name for picture, _ in bad]
    assert all(reason in row["reason"] for row, (_, reason) in zip(found, bad, strict=True))
    assert corpus.card["counts"]["rejected"] == len(bad)
    assert corpus.table.num_rows == len(good)
    assert corpus.digest == _built(good, tmp_path / "clean").digest


def test_strict_stops_at_the_first_bad_picture(good: list[SourcePicture], tmp_path: Path) -> None:
    pictures = [*good[:3], _human("text.jpg", b"not a picture"), *good[3:]]
    with pytest.raises(UserError, match=r"text\.jpg: not a picture .*strict=false lists it and goes on") as caught:
        treat(Tiny(pictures), NORMALISE, tmp_path, strict=True)
    assert "\n" not in str(caught.value)


def test_a_source_without_a_usable_picture_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="source 'tiny' has no pictures"):
        treat(Tiny([]), NORMALISE, tmp_path, strict=False)
    with pytest.raises(UserError, match=r"corpus 'tiny': no picture can be used; .* text\.jpg: not a picture"):
        _built([_human("text.jpg", b"not a picture")], tmp_path)


def test_a_part_without_a_usable_picture(
    good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "PART", 2)
    corpus = _built([_human("a.png", b""), _human("b.png", b""), *good], tmp_path)
    assert corpus.table.num_rows == len(good)
    assert len(_rejects(tmp_path)) == 2


def test_the_same_bytes_are_kept_once_and_listed(good: list[SourcePicture], tmp_path: Path) -> None:
    corpus = _built([*good, replace(good[5], name="again.png"), replace(good[5], name="and again.png")], tmp_path)
    twin = hashlib.sha256(NORMALISE(good[5].read()).data).hexdigest()
    expected = {"picture": twin, "reason": "the same bytes occur twice in the source; the first is kept"}
    assert _rejects(tmp_path) == [expected, expected]
    assert corpus.column("image_id").tolist().count(twin) == 1
    assert corpus.table.num_rows == len(good)


def test_a_row_by_hand(good: list[SourcePicture], tmp_path: Path) -> None:
    """Its columns are those of the source's description and of the treated bytes; nothing else."""
    shrunk = replace(good[1], resample_factor=1.7)  # an earlier treatment, before the 40 to 32 of this one
    _built([good[0], shrunk, *good[2:]], tmp_path)
    shard = pq.read_table(tmp_path / "corpus" / "data" / "shard-00000.parquet")
    assert shard.schema.remove_metadata() == COLUMNS
    human, made = shard.slice(0, 2).to_pylist()
    treated = NORMALISE(good[1].read()).data
    assert made | {"split": None} == {
        "image": {"bytes": treated, "path": None},
        "image_id": hashlib.sha256(treated).hexdigest(),
        "kind": "generated",
        "label": 1,
        "generator": "early",
        "released": "2022-08",
        "topic": "flags",
        "prompt_id": "p1",
        "group_id": "01.png",
        "split": None,
        "source": "here",
        "licence": "CC0-1.0",
        "width": 32,
        "height": 32,
        "format": "JPEG",
        "quality": 90,
        "resample_factor": pytest.approx(1.7 * 40 / 32),
        "provenance": '{"seed": 1}',
    }
    assert (human["kind"], human["label"], human["generator"], human["released"]) == ("photo", 0, None, None)


def test_the_card_counts(good: list[SourcePicture], tmp_path: Path) -> None:
    card = json.loads((_built(good, tmp_path).folder / "card.json").read_text())
    assert card["counts"]["rows"] == card["counts"]["groups"] == 48
    assert card["counts"]["kind"] == {"generated": 24, "photo": 24}
    assert card["counts"]["generator"] == {"early": 12, "late": 12}
    assert card["counts"]["split"] == {"train": 24, "val": 10, "test": 14}
    assert card["licences"] == {"CC0-1.0": 48}
    assert [window["name"] for window in card["windows"]] == ["2022", "2023"]


def test_linked_groups_are_one_across_classes(good: list[SourcePicture], tmp_path: Path) -> None:
    """A photograph and its reconstruction; two pictures of one prompt, which is no row's own group."""
    made = dict(kind="generated", generator="one", released="2022-01")
    linked = [
        replace(good[0], name="again", group_id="again", linked=(good[1].group_id,), **made),
        replace(good[2], group_id="x", linked=("prompt/1",)),
        replace(good[3], group_id="y", linked=("prompt/1",)),
    ]
    corpus = _built([*linked, good[1], *good[4:]], tmp_path)
    groups = Counter(corpus.column("group_id").tolist())
    assert groups[min("again", good[1].group_id)] == groups["prompt/1"] == 2
    assert not {"x", "y"} & set(groups)
    assert all(count == 1 for group, count in groups.items() if group not in ("again", good[1].group_id, "prompt/1"))
    where = set(zip(corpus.column("group_id"), corpus.column("split"), strict=True))
    assert len(where) == len(groups)


def test_near_duplicates_join_a_group_within_their_class_alone(
    good: list[SourcePicture], scene: Scene, encode: Encode, tmp_path: Path
) -> None:
    copy = encode(scene(0, 48), "JPEG", quality=60)
    assert pixels(NORMALISE(copy).data).shape == (32, 32, 3)
    generated = replace(good[1], name="b.jpg", group_id="z made", read=lambda: encode(scene(0, 40), "JPEG", quality=50))
    corpus = _built([*good, _human("a.jpg", copy, "z copy"), generated], tmp_path)
    groups = corpus.column("group_id").tolist()
    assert groups.count("00.png") == 2  # the first name of the two
    assert "z copy" not in groups
    assert groups.count("z made") == 1
    by_group: dict[str, set[str]] = {}
    for group, split in zip(groups, corpus.column("split"), strict=True):
        by_group.setdefault(group, set()).add(split)
    assert all(len(splits) == 1 for splits in by_group.values())


@pytest.mark.parametrize("dies_at", [0, 5, 13, 47])
def test_a_killed_build_goes_on_and_ends_with_the_same_bytes(
    dies_at: int, good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "PART", 5)
    bad = [_human("text.jpg", b"not a picture")]
    _built([*bad, *good], tmp_path / "whole")
    killed = [*bad, *good]
    killed[dies_at + 1] = replace(good[dies_at], read=_raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        _built(killed, tmp_path / "killed")
    with pytest.raises(UserError, match="no corpus at"):
        Corpus.open(tmp_path / "killed" / "corpus")
    done = (dies_at + 1) // 5 * 5  # pictures in finished parts: not read again
    resumed = [replace(picture, read=_raising(AssertionError("read again"))) for picture in [*bad, *good][:done]]
    _built([*resumed, *[*bad, *good][done:]], tmp_path / "killed")
    assert _bytes(tmp_path / "killed") == _bytes(tmp_path / "whole")


@pytest.mark.parametrize("dies_in", ["_group_and_split", "match", "_card", "audit"])
def test_a_build_killed_while_it_finishes(
    dies_in: str, good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _built(good, tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(build, dies_in, lambda *args, **kwargs: _raising(KeyboardInterrupt())())
        _built(good, tmp_path / "killed")
    assert not (tmp_path / "killed" / "corpus" / "card.json").exists()
    _built(good, tmp_path / "killed")
    assert _bytes(tmp_path / "killed") == _bytes(tmp_path / "whole")


@pytest.mark.parametrize("part", [1, 7, 1000])
def test_the_size_of_parts_changes_shards_alone(
    part: int, good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _built(good, tmp_path / "whole")
    monkeypatch.setattr(build, "PART", part)
    corpus = _built(good, tmp_path / "parts")
    assert corpus.digest == whole.digest
    assert corpus.card == whole.card
    assert corpus.windows_digest == whole.windows_digest
    assert corpus.table.equals(whole.table)
    assert len(list((corpus.folder / "data").glob("*.parquet"))) == -(-48 // part)


def test_another_seed_is_another_corpus(good: list[SourcePicture], tmp_path: Path) -> None:
    first = _built(good, tmp_path / "0")
    second = _built(good, tmp_path / "1", replace(PLAN, seed=1))
    assert first.digest != second.digest
    assert first.column("image_id").tolist() == second.column("image_id").tolist()


def test_datasets_reads_the_shards(good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As anybody would, who does not have this package."""
    import datasets

    monkeypatch.setattr(build, "PART", 20)
    corpus = _built(good, tmp_path)
    files = sorted(str(path) for path in (corpus.folder / "data").glob("*.parquet"))
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert len(files) == 3
    assert isinstance(loaded.features["image"], datasets.Image)
    assert loaded.column_names == COLUMNS.names
    assert loaded.num_rows == 48
    for row, picture in zip(loaded, good, strict=True):
        assert isinstance(row["image"], Image.Image)
        expected = Image.open(io.BytesIO(NORMALISE(picture.read()).data))
        np.testing.assert_array_equal(np.asarray(row["image"]), np.asarray(expected))
        assert row["label"] == int(picture.kind == "generated")
