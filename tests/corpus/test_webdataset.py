"""WebDataset: samples of neighbouring members, hostile members, damaged tars."""

import gzip
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from redqueen.corpus.schema import Source
from redqueen.corpus.sources import webdataset
from redqueen.corpus.sources.rows import Rows
from redqueen.corpus.sources.webdataset import WebDataset
from redqueen.errors import RejectedPictureError, UserError

ROWS = Rows({"kind": "label", "group_id": "__key__", "prompt_id": "txt"}, {"licence": "l"})
JSON = json.dumps({"label": "photo"}).encode()

Members = Sequence[tuple[str | tarfile.TarInfo, bytes]]


def _tar(path: Path, members: Members) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def _sample(key: str, ending: str = "jpg") -> list[tuple[str, bytes]]:
    return [(f"{key}.{ending}", f"bytes of {key}".encode()), (f"{key}.json", JSON), (f"{key}.txt", b"a text\n")]


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_samples_come_in_order_each_with_its_own_bytes(tmp_path: Path) -> None:
    for number in range(3):
        _tar(tmp_path / f"train-{number:03d}.tar", [*_sample(f"{number}/a"), *_sample(f"{number}/b", "PNG")])
    source: Source = WebDataset(str(tmp_path / "train-{000..001}.tar"), ROWS)
    found = list(source.pictures())
    assert [picture.group_id for picture in found] == [f"webdataset/{key}" for key in ("0/a", "0/b", "1/a", "1/b")]
    assert [picture.read() for picture in found] == [f"bytes of {key}".encode() for key in ("0/a", "0/b", "1/a", "1/b")]
    assert {(picture.kind, picture.prompt_id) for picture in found} == {("photo", "a text")}
    assert len(list(WebDataset(str(tmp_path), ROWS).pictures())) == 6
    assert len(list(WebDataset(str(tmp_path), ROWS, limit=5).pictures())) == 5


def test_datasets_reads_the_same_shards(tmp_path: Path, scene: Any, encode: Any) -> None:
    import datasets

    datasets.disable_progress_bars()
    members = [member for i in range(3) for member in ((f"{i}.jpg", encode(scene(i, 16), "JPEG")), (f"{i}.json", JSON))]
    path = _tar(tmp_path / "a.tar", members)
    loaded = datasets.load_dataset("webdataset", data_files=str(path), split="train", streaming=True).decode(False)
    theirs = [(row["__key__"], row["jpg"]["bytes"]) for row in loaded]
    ours = Rows({"kind": "label", "group_id": "__key__"}, {"licence": "l"})
    assert [(p.group_id.rpartition("/")[2], p.read()) for p in WebDataset(str(path), ours).pictures()] == theirs


def test_the_picture_can_be_named(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", [("a.mask.png", b"mask"), ("a.image.png", b"image"), ("a.cls", b"1")])
    rows = Rows({"image": "image.png", "kind": "cls"}, {"licence": "l"}, {"1": "collage"})
    (picture,) = WebDataset(str(path), rows).pictures()
    assert (picture.read(), picture.kind) == (b"image", "collage")


def test_no_byte_of_a_picture_is_read_unless_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _tar(tmp_path / "a.tar", [member for i in range(5) for member in _sample(str(i))])
    reads: list[int] = []
    real = webdataset._bytes
    monkeypatch.setattr(webdataset, "_bytes", lambda file, offset, size: reads.append(size) or real(file, offset, size))
    pictures = list(WebDataset(str(path), ROWS).pictures())
    assert reads == [len("a text\n"), len(JSON)] * 5
    assert pictures[3].read() == b"bytes of 3"


def test_headers_do_not_pile_up(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", [member for i in range(50) for member in _sample(str(i))])
    opened: list[tarfile.TarFile] = []
    real = tarfile.open
    try:
        tarfile.open = lambda *args, **options: opened.append(real(*args, **options)) or opened[-1]
        most = max(len(opened[0].members) for _ in WebDataset(str(path), ROWS).pictures())
    finally:
        tarfile.open = real
    assert most <= 1


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([(_special("a.jpg", tarfile.SYMTYPE, "/etc/passwd"), b""), ("a.json", JSON)], "a link, a device"),
        ([(_special("a.jpg", tarfile.LNKTYPE, "b.jpg"), b"")], "a link, a device"),
        ([(_special("a.jpg", tarfile.FIFOTYPE), b"")], "a link, a device"),
        ([("/etc/a.jpg", b"x"), ("/etc/a.json", JSON)], "its path leads out"),
        ([("../../a.jpg", b"x"), ("../../a.json", JSON)], "its path leads out"),
        ([("a.jpg", b"123456789"), ("a.json", JSON)], "9 bytes; at most 8 are read"),
        ([("a.json", JSON), ("a.txt", b"x")], "no picture among its members: json, txt"),
    ],
)
def test_hostile_members_are_rejected_one_by_one(
    members: Members, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webdataset, "MAX_BYTES", 8)
    good = [("z.jpg", b"x"), ("z.json", JSON), ("z.txt", b"t")]
    first, second = WebDataset(str(_tar(tmp_path / "a.tar", [*members, *good])), ROWS).pictures()
    with pytest.raises(RejectedPictureError, match=reason):
        first.read()
    assert second.read() == b"x"


def _refused(path: Path, rows: Rows = ROWS) -> str:
    with pytest.raises(UserError) as error:
        list(WebDataset(str(path), rows).pictures())
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("damage", ["cut", "cut in a header", "no end", "empty", "noise", "bad header"])
def test_a_damaged_tar_is_one_line(damage: str, tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", [member for i in range(5) for member in _sample(str(i))])
    data = path.read_bytes()
    end = 15 * 2 * 512  # fifteen members of a header and a block
    assert not data[end:].strip(b"\0")
    cut = {"cut": data[: end // 2 + 700], "cut in a header": data[: end // 2 - 300], "no end": data[:end]}
    bad = data[: 7 * 1024] + b"x" * 512 + data[7 * 1024 + 512 :]
    path.write_bytes({**cut, "empty": b"", "noise": bytes(range(256)) * 8, "bad header": bad}[damage])
    text = _refused(path)
    assert str(path) in text
    assert "is no whole tar" in text and "fetch it again" in text


def test_a_compressed_tar_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(gzip.compress(_tar(tmp_path / "b" / "c.tar", _sample("a")).read_bytes()))
    assert "unpack it with gunzip" in _refused(path)


def test_what_is_missing(tmp_path: Path) -> None:
    assert "no .tar file there" in _refused(tmp_path)
    _tar(tmp_path / "a-0.tar", _sample("a"))
    assert "a-1.tar: no .tar file there" in _refused(tmp_path / "a-{0..1}.tar")
    rows = Rows({"kind": "lable"}, {"licence": "l"})
    assert "'lable'; did you mean 'label'?" in _refused(tmp_path / "a-0.tar", rows)
    _tar(tmp_path / "j.tar", [("a.jpg", b"x"), ("a.json", b"{")])
    assert "a.json: not readable as json" in _refused(tmp_path / "j.tar")


def test_the_fingerprint_changes_with_the_shards(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", _sample("a"))
    seen = [WebDataset(str(tmp_path), ROWS).fingerprint(), WebDataset(str(tmp_path), ROWS).fingerprint()]
    assert len(set(seen)) == 1
    _tar(tmp_path / "b.tar", _sample("b"))
    seen.append(WebDataset(str(tmp_path), ROWS).fingerprint())
    _tar(path, _sample("c"))
    seen.append(WebDataset(str(tmp_path), ROWS).fingerprint())
    assert len(set(seen)) == 3
