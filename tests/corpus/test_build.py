"""Building: bad pictures are listed, a killed build goes on, and the same source gives the same bytes."""

import csv
import errno
import functools
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from redqueen.corpus import audit, build, shards
from redqueen.corpus import treat as treating
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


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the audit finds is tested elsewhere."""
    monkeypatch.setattr(audit, "DRAWS", 4)


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


def _built(pictures: list[SourcePicture], folder: Path, plan: Plan = PLAN, workers: int = 1) -> Corpus:
    treat(Tiny(pictures), NORMALISE, folder / "treated", workers=workers)
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
    monkeypatch.setattr(treating, "PART", 2)
    corpus = _built([_human("a.png", b""), _human("b.png", b""), *good], tmp_path)
    assert corpus.table.num_rows == len(good)
    assert len(_rejects(tmp_path)) == 2


def test_the_same_bytes_are_kept_once_and_listed(good: list[SourcePicture], tmp_path: Path) -> None:
    twins = [replace(good[5], name="again.png"), replace(good[5], name="and again.png")]
    corpus = _built([*good[:9], twins[0], *good[9:], twins[1]], tmp_path)
    reason = "the same bytes occur twice in the source; the first is kept"
    assert _rejects(tmp_path) == [{"picture": twin.name, "reason": reason} for twin in twins]
    assert corpus.card["counts"]["rejected"] == 2
    assert corpus.digest == _built(good, tmp_path / "once").digest


def test_the_same_bytes_with_two_labels_are_no_row_at_all(good: list[SourcePicture], tmp_path: Path) -> None:
    """One of the labels is wrong, and nobody knows which."""
    other = replace(good[1], name="real.png", kind="photo", generator=None, released=None)
    corpus = _built([*good, other], tmp_path)
    reason = "the same bytes occur as human-made and as generated; none is kept"
    assert _rejects(tmp_path) == [{"picture": name, "reason": reason} for name in ("01.png", "real.png")]
    assert corpus.digest == _built([good[0], *good[2:]], tmp_path / "without").digest


def test_pictures_of_one_name_both_come_in(good: list[SourcePicture], tmp_path: Path) -> None:
    """Names come from sources that know nothing of each other; the bytes are what identifies a picture."""
    same = [replace(picture, name="00001.png") for picture in good]
    assert _built(same, tmp_path).digest == _built(good, tmp_path / "named").digest


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
        "source_width": 40,
        "source_height": 40,
        "source_format": "PNG",
        "source_quality": None,
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


def test_linked_groups_share_a_split(good: list[SourcePicture], tmp_path: Path) -> None:
    """A reconstruction follows its photograph, and a collage joins all that it shows, although they look different."""
    photo, made = good[0], replace(good[1], linked=("00.png",))
    shows = replace(good[2], kind="collage", group_id="collage/1", linked=("04.png", "06.png"))
    corpus = _built([photo, made, shows, *good[3:]], tmp_path)
    groups, splits = corpus.column("group_id").tolist(), corpus.column("split").tolist()
    assert groups[0] == groups[1] == "00.png"
    assert groups[2] == groups[4] == groups[6] == "04.png"
    assert splits[0] == splits[1]
    assert splits[2] == splits[4] == splits[6]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("dies_at", [0, 5, 13, 47])
def test_a_killed_build_goes_on_and_ends_with_the_same_bytes(
    dies_at: int, workers: int, good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(treating, "PART", 5)
    bad = [_human("text.jpg", b"not a picture")]
    _built([*bad, *good], tmp_path / "whole")
    killed = [*bad, *good]
    killed[dies_at + 1] = replace(good[dies_at], read=_raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        _built(killed, tmp_path / "killed", workers=workers)
    with pytest.raises(UserError, match="no corpus at"):
        Corpus.open(tmp_path / "killed" / "corpus")
    done = len(list((tmp_path / "killed" / "treated").glob("*.parquet"))) * 5
    assert done == (dies_at + 1) // 5 * 5 if workers == 1 else dies_at - 5 - 2 * workers <= done <= dies_at + 1
    resumed = [replace(picture, read=_raising(AssertionError("read again"))) for picture in [*bad, *good][:done]]
    _built([*resumed, *[*bad, *good][done:]], tmp_path / "killed", workers=workers)
    assert _bytes(tmp_path / "killed") == _bytes(tmp_path / "whole")


FINISHING = ["_facts", "_same", "_grouped_and_split", "write_shards", "match", "write_windows", "_card", "audit"]


@pytest.mark.parametrize("dies_in", FINISHING)
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


@pytest.mark.parametrize("dies_at", range(6))
def test_shards_that_are_whole_are_not_written_again(
    dies_at: int, good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each shard: the next build writes that one and what comes after it."""
    for name, value in {"ROW_GROUP": 3, "SHARD": 10}.items():  # a shard ends with the row group that reaches 10
        monkeypatch.setattr(shards, name, value)
    bad = [_human("text.jpg", b"not a picture"), replace(good[0], name="twin.png")]
    pictures = [*good[:20], *bad, *good[20:]]
    _built(pictures, tmp_path / "whole")
    written: list[str] = []
    limit = dies_at

    def write(path: Path, data: bytes) -> None:
        if len(written) == limit:
            raise KeyboardInterrupt
        written.append(path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    monkeypatch.setattr(shards, "write_bytes", write)
    if dies_at < 4:
        with pytest.raises(KeyboardInterrupt):
            _built(pictures, tmp_path / "killed")
    limit = 99
    _built(pictures, tmp_path / "killed")
    assert written == [f"shard-{number:05d}.parquet" for number in range(4)]
    assert _bytes(tmp_path / "killed") == _bytes(tmp_path / "whole")
    assert [pq.read_metadata(path).num_rows for path in shards.shards(tmp_path / "whole" / "corpus")] == [12] * 4


@pytest.mark.parametrize("fails_at", range(9))
def test_a_full_disk_loses_nothing(
    fails_at: int, good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the n-th file of all: a part, what is beside it, a shard, the windows, the rejects, the README, the card."""
    monkeypatch.setattr(treating, "PART", 24)
    _built(good, tmp_path / "whole")
    real, count = os.fsync, 0

    def fsync(handle: int) -> None:
        nonlocal count
        count += 1
        if count == fails_at + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(os, "fsync", fsync)
        _built(good, tmp_path / "full")
    assert not (tmp_path / "full" / "corpus" / "card.json").exists()
    assert not list((tmp_path / "full").rglob(".*"))  # nothing half written is left to fill the disk
    _built(good, tmp_path / "full")
    assert _bytes(tmp_path / "full") == _bytes(tmp_path / "whole")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_the_machines_fault_is_no_pictures_fault(
    code: int, workers: int, good: list[SourcePicture], tmp_path: Path
) -> None:
    """A source that caches what it reads may meet a full disk: the picture must not be listed as one of no use."""
    broken = replace(good[3], read=_raising(OSError(code, "as the machine says it")))
    with pytest.raises(OSError, match="as the machine says it"):
        _built([*good[:3], broken], tmp_path, workers=workers)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("part", [1, 7, 1000])
def test_neither_parts_nor_workers_change_a_byte(
    part: int, workers: int, good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "ROW_GROUP", 11)
    pictures = [*good[:11], _human("text.jpg", b"not a picture"), *good[11:]]
    _built(pictures, tmp_path / "whole")
    monkeypatch.setattr(treating, "PART", part)
    _built(pictures, tmp_path / "parts", workers=workers)
    assert len(list((tmp_path / "parts" / "treated").glob("*.parquet"))) == -(-49 // part)
    assert _bytes(tmp_path / "parts" / "corpus") == _bytes(tmp_path / "whole" / "corpus")


def test_heavy_pictures_end_a_part_and_a_shard(
    good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _built(good, tmp_path / "whole")
    monkeypatch.setattr(treating, "PART_BYTES", 4000)
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", 3000)
    monkeypatch.setattr(shards, "SHARD_BYTES", 12000)
    corpus = _built(good, tmp_path / "light")
    assert corpus.digest == whole.digest
    assert corpus.windows_digest == whole.windows_digest
    assert corpus.table.equals(whole.table)
    assert [corpus.encoded(row) for row in range(48)] == [whole.encoded(row) for row in range(48)]
    sizes = [len(whole.encoded(row)) for row in range(48)]
    for part in treating.parts(tmp_path / "light" / "treated"):
        bytes_before = sum(len(b["bytes"]) for b in pq.read_table(part.path)["image"].to_pylist()[:-1])
        assert bytes_before < 4000
    files = shards.shards(corpus.folder)
    assert len(files) > 2
    assert all(pq.read_metadata(path).row_group(0).num_rows <= 3000 // min(sizes) + 1 for path in files)


class Counted(Tiny):
    """Says how many of its pictures are alive at once, described or read."""

    alive = most = 0

    def pictures(self) -> Iterator[SourcePicture]:
        for picture in super().pictures():
            yield replace(picture, read=functools.partial(self._read, picture))

    def _read(self, picture: SourcePicture) -> bytes:
        token = _Token(picture.read())
        token.source = self
        self.alive += 1
        self.most = max(self.most, self.alive)
        return token


class _Token(bytes):
    """Bytes that say when they are gone."""

    source: Counted

    def __del__(self) -> None:
        self.source.alive -= 1


@pytest.mark.parametrize("workers", [1, 2])
def test_the_source_is_never_listed(workers: int, good: list[SourcePicture], tmp_path: Path) -> None:
    """What lies in memory is what the workers hold and a little ahead of them."""
    source = Counted(good)
    treat(source, NORMALISE, tmp_path, workers=workers)
    assert 1 <= source.most <= 2 * workers + 3
    assert source.alive == 0


def test_a_source_that_has_shrunk_is_a_user_error(
    good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(treating, "PART", 5)
    treat(Tiny(good), NORMALISE, tmp_path)
    with pytest.raises(UserError, match=r"holds more pictures than source 'tiny' has now; delete it and run again"):
        treat(Tiny(good[:12]), NORMALISE, tmp_path)


def test_what_a_killed_process_left_half_written_is_cleared_up(good: list[SourcePicture], tmp_path: Path) -> None:
    _built(good, tmp_path / "whole")
    treated = ("treated/.part-00000.parquet.x1", "treated/.part-00001.json.x2")
    for name in (*treated, "corpus/data/.shard-00000.parquet.x", "corpus/.card.json.y", "corpus/.windows.parquet.z"):
        (tmp_path / "killed" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "killed" / name).write_bytes(b"half")
    _built(good, tmp_path / "killed")
    assert _bytes(tmp_path / "killed") == _bytes(tmp_path / "whole")


def test_workers_are_at_least_one(good: list[SourcePicture], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="workers=0: must be at least 1"):
        treat(Tiny(good), NORMALISE, tmp_path, workers=0)


def test_another_seed_is_another_corpus(good: list[SourcePicture], tmp_path: Path) -> None:
    first = _built(good, tmp_path / "0")
    second = _built(good, tmp_path / "1", replace(PLAN, seed=1))
    assert first.digest != second.digest
    assert first.column("image_id").tolist() == second.column("image_id").tolist()


def test_datasets_reads_the_shards(good: list[SourcePicture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As anybody would, who does not have this package."""
    import datasets

    monkeypatch.setattr(shards, "ROW_GROUP", 8)
    monkeypatch.setattr(shards, "SHARD", 16)
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
