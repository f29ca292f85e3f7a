"""What a bundle comes in: each way to abuse a folder, a tar or a zip is refused before anything is read."""

import gzip
import io
import os
import resource
import stat
import tarfile
import time
import zipfile

import pytest

from redqueen.leaderboard import container
from redqueen.leaderboard.archives import UnsafeError
from redqueen.leaderboard.container import check_name, copied

FILES = {"submission.json": b"{}\n", "run/seeds.json": b"[1]\n", "model/2021-07..2022-04/detector.yaml": b"a: 1\n"}
PACKED = ("folder", "tar", "tar.gz", "pax", "zip", "stored")


def pack(path, files=FILES, kind="tar.gz", root="20260101_one/"):
    """Write the files as one of the kinds that are read."""
    if kind == "folder":
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    elif kind in ("zip", "stored"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if kind == "zip" else zipfile.ZIP_STORED) as archive:
            for name, data in files.items():
                archive.writestr(root + name, data)
    else:
        form = tarfile.PAX_FORMAT if kind == "pax" else tarfile.GNU_FORMAT
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w", format=form) as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(root + name)
                info.size, info.mtime = len(data), 1.5
                archive.addfile(info, io.BytesIO(data))
    return path


def refused(source, into):
    """The id of the check that refuses it."""
    with pytest.raises(UnsafeError) as caught:
        copied(source, into)
    check = caught.value.check
    assert check.outcome == "unsafe"
    assert "\n" not in check.message
    assert len(check.message) < 300
    assert check.message.isascii()
    return check.id.removeprefix("container.")


@pytest.fixture
def into(tmp_path):
    (tmp_path / "copy").mkdir()
    return tmp_path / "copy"


@pytest.mark.parametrize("root", ["", "20260101_one/", "./"])
@pytest.mark.parametrize("kind", PACKED)
def test_a_bundle_is_the_same_however_it_is_packed(kind, root, tmp_path, into):
    folder = copied(pack(tmp_path / "source", kind=kind, root=root), into)
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == FILES
    assert all(stat.S_IMODE((folder / name).stat().st_mode) == 0o600 for name in FILES)


def test_a_long_name_is_read_in_both_forms(tmp_path, into):
    name = f"predictions/{'a' * 80}/{'b' * 80}.json"
    for kind in ("tar", "pax"):
        (into / kind).mkdir()
        assert (copied(pack(tmp_path / kind, {**FILES, name: b"1"}, kind, ""), into / kind) / name).exists()


BAD_NAMES = {
    "../../etc/x.json": "path",
    "a/../x.json": "path",
    "/etc/x.json": "path",
    "C:\\x.json": "path",
    "c:x.json": "path",
    "..\\..\\x.json": "path",
    "\\\\server\\share\\x.json": "path",
    "a//x.json": "name",
    "a/./x.json": "name",
    ".x.json": "name",
    "__MACOSX/._x.json": "name",
    "a\0.json": "name",
    "a\n.json": "name",
    "a\u202e.json": "name",
    "\u00e4.json": "name",
    "a .json": "name",
    "ab:c.json": "name",
    "aux.json": "name",
    "a./x.json": "name",
    "-x.json": "name",
    "": "name",
    "a/" * 5 + "x.json": "name",
    "a" * 101 + ".json": "name",
    "x.py": "extension",
    "x": "extension",
    "x.json.exe": "extension",
    "x.JSON": "extension",
    "model/a/model.pt2": "extension",
}


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_that_no_bundle_has(name):
    with pytest.raises(UnsafeError) as caught:
        check_name(name, is_file=True)
    assert caught.value.check.id == f"container.{BAD_NAMES[name]}"


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "pax", "zip"])
@pytest.mark.parametrize("name", ["../x.json", "/x.json", "a\u202e.json", "x.py"])
def test_a_bad_name_in_an_archive(name, kind, tmp_path, into):
    assert refused(pack(tmp_path / "source", {**FILES, name: b"x"}, kind, ""), into) == BAD_NAMES.get(name, "path")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "source"]


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize("names", [("a.json", "A.json"), ("a/x.json", "A/y.json"), ("a.json", "a.json/x.json")])
def test_two_names_that_are_one(names, kind, tmp_path, into):
    assert refused(pack(tmp_path / "source", dict.fromkeys(names, b"x"), kind, ""), into) == "twice"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_name_that_stands_twice(kind, tmp_path, into):
    data = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("a.json", "1")
            archive.writestr("a.json", "2")
    else:
        with tarfile.open(fileobj=data, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("a.json"))
            archive.addfile(tarfile.TarInfo("a.json"))
    (tmp_path / "source").write_bytes(data.getvalue())
    assert refused(tmp_path / "source", into) == "twice"


@pytest.mark.parametrize(
    ("type", "id"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.CHRTYPE, "special"),
        (tarfile.BLKTYPE, "special"),
        (tarfile.FIFOTYPE, "special"),
        (tarfile.CONTTYPE, "special"),
        (tarfile.GNUTYPE_SPARSE, "sparse"),
    ],
)
def test_a_tar_has_files_and_folders_alone(type, id, tmp_path, into):
    with tarfile.open(tmp_path / "source", "w") as archive:
        info = tarfile.TarInfo("a.json")
        info.type, info.linkname = type, "/etc/passwd"
        archive.addfile(info)
    assert refused(tmp_path / "source", into) == id


def described(path, headers, data=b""):
    """A tar whose only member has extended attributes of its own."""
    info = tarfile.TarInfo("a.json")
    info.size, info.pax_headers = len(data), headers
    path.write_bytes(info.tobuf(tarfile.PAX_FORMAT) + data.ljust(512, b"\0") + bytes(1024))
    return path


@pytest.mark.parametrize(
    ("headers", "id"),
    [
        ({"path": "../x.json"}, "path"),
        ({"path": "b.json", "size": "1000000000000"}, "damaged"),
        ({"GNU.sparse.major": "1", "GNU.sparse.realsize": "1000000000000"}, "sparse"),
        ({"comment": "x" * 5000}, "damaged"),
        ({"linkpath": "/etc/passwd"}, "damaged"),
    ],
)
def test_attributes_that_change_a_member(headers, id, tmp_path, into):
    assert refused(described(tmp_path / "source", headers, b"{}"), into) == id


def test_members_that_describe_without_end(tmp_path, into):
    info = tarfile.TarInfo("a.json")
    info.pax_headers = {"comment": "x"}
    (tmp_path / "source").write_bytes(info.tobuf(tarfile.PAX_FORMAT)[:1024] * 5000)
    assert refused(tmp_path / "source", into) == "count"


def test_a_folder_has_files_and_folders_alone(tmp_path, into):
    source = pack(tmp_path / "source", kind="folder")
    (tmp_path / "outside.json").write_text("secret")
    for make, id in (
        (lambda path: path.symlink_to(tmp_path / "outside.json"), "link"),
        (lambda path: os.link(tmp_path / "outside.json", path), "link"),
        (lambda path: path.symlink_to(tmp_path, target_is_directory=True), "link"),
        (os.mkfifo, "special"),
    ):
        make(source / "a.json")
        assert refused(source, into) == id
        (source / "a.json").unlink()
    (tmp_path / "alias").symlink_to(source)
    assert refused(tmp_path / "alias", into) == "link"
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe", into) == "special"


def flip(data, at, value):
    return data[:at] + value + data[at + len(value) :]


def changed(data, where, what):
    """A zip with one of its numbers changed: `where` names a header and a place in it."""
    start = {"local": 0, "central": data.index(b"PK\1\2"), "end": data.index(b"PK\5\6")}[where[0]]
    return flip(data, start + where[1], what)


@pytest.mark.parametrize(
    ("where", "what", "id"),
    [
        (("local", 30), b"b", "zip"),  # another name
        (("local", 22), b"\x05", "zip"),  # another size
        (("local", 14), b"\x05", "zip"),  # another checksum
        (("local", 8), b"\x00", "zip"),  # another method
        (("central", 8), b"\x01", "zip"),  # encrypted
        (("central", 10), b"\x0e", "zip"),  # LZMA
        (("central", 42), b"\x01", "zip"),  # elsewhere
        (("end", 10), b"\x09", "zip"),  # more members
        (("end", 8), b"\xff\xff\xff\xff", "count"),
        (("end", 12), b"\xff\xff\xff\x7f", "zip"),
        (("end", 16), b"\x01", "zip"),
        (("end", 20), b"\x01", "zip"),
    ],
)
def test_a_zip_whose_parts_disagree(where, what, id, tmp_path, into):
    data = pack(tmp_path / "source", {"a.json": b"x" * 99}, "zip", "").read_bytes()
    (tmp_path / "source").write_bytes(changed(data, where, what))
    assert refused(tmp_path / "source", into) == id


@pytest.mark.parametrize("around", [(b"#!/bin/sh\n", b""), (b"", b"more"), (b"PK", b"")])
def test_a_zip_with_something_around_it(around, tmp_path, into):
    data = pack(tmp_path / "source", kind="zip").read_bytes()
    (tmp_path / "source").write_bytes(around[0] + data + around[1])
    assert refused(tmp_path / "source", into) in ("zip", "kind")


def test_a_link_in_a_zip(tmp_path, into):
    with zipfile.ZipFile(tmp_path / "source", "w") as archive:
        info = zipfile.ZipInfo("a.json")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert refused(tmp_path / "source", into) == "link"


def test_members_of_a_zip_that_share_their_bytes(tmp_path, into):
    """As in the bombs of overlapping files: two entries of the directory, one member."""
    data = pack(tmp_path / "source", {"a.json": b"x"}, "stored", "").read_bytes()
    central, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[central:end]
    tail = data[end:]
    tail = flip(flip(tail, 8, b"\2\0\2\0"), 12, (2 * len(entry)).to_bytes(4, "little"))
    (tmp_path / "source").write_bytes(data[:central] + entry * 2 + tail)
    assert refused(tmp_path / "source", into) == "zip"


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_a_bomb_takes_neither_memory_nor_disk(kind, tmp_path, into):
    """100 MiB of zeros in 100 KiB."""
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "source", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("a.parquet", bytes(100 << 20))
    else:
        with gzip.open(tmp_path / "source", "wb", 1) as file:
            info = tarfile.TarInfo("a.parquet")
            info.size = 100 << 20
            file.write(info.tobuf())
            for _ in range(100):
                file.write(bytes(1 << 20))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    assert refused(tmp_path / "source", into) == "ratio"
    assert time.perf_counter() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024
    assert sum(path.stat().st_size for path in into.rglob("*")) < 101 * (tmp_path / "source").stat().st_size


@pytest.mark.parametrize("kind", ["folder", "tar", "zip"])
def test_sizes_are_those_of_real_bytes(kind, tmp_path, into, monkeypatch):
    monkeypatch.setitem(container.SIZES, ".json", 1000)
    source = pack(tmp_path / "source", {"a.json": os.urandom(1001)}, kind, "")
    assert refused(source, into) == "size"
    monkeypatch.setattr(container, "TOTAL", 1500)
    (tmp_path / "more").mkdir()
    two = pack(tmp_path / "two", {"a.json": os.urandom(900), "b.json": os.urandom(900)}, kind, "")
    assert refused(two, tmp_path / "more") == "size"


@pytest.mark.parametrize("kind", ["folder", "tar", "zip"])
def test_files_are_counted(kind, tmp_path, into):
    assert refused(pack(tmp_path / "source", {f"{n}.json": b"" for n in range(201)}, kind, ""), into) == "count"


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_an_archive_that_ends_early_or_goes_on(kind, tmp_path, into):
    data = pack(tmp_path / "source", kind=kind).read_bytes()
    for cut in (len(data) // 4, len(data) // 2 if kind != "tar" else 700):  # the rest of a tar is zeros
        (tmp_path / "source").write_bytes(data[:cut])
        (tmp_path / "copy" / str(cut)).mkdir()
        assert refused(tmp_path / "source", into / str(cut)) in ("damaged", "zip")
    (tmp_path / "source").write_bytes(data + b"more")
    (into / "more").mkdir()
    assert refused(tmp_path / "source", into / "more") in ("damaged", "zip")


NESTED = {
    "zip": b"PK\x03\x04" + bytes(60),
    "gzip": gzip.compress(b"x"),
    "xz": b"\xfd7zXZ\0" + bytes(60),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(60),
    "tar": tarfile.TarInfo("a").tobuf() + bytes(1024),
}


@pytest.mark.parametrize("kind", NESTED)
def test_an_archive_inside(kind, tmp_path, into):
    assert refused(pack(tmp_path / "source", {"a.parquet": NESTED[kind]}, "tar"), into) == "nested"


def test_a_file_that_is_a_zip_as_well(tmp_path, into):
    hidden = pack(tmp_path / "hidden", kind="zip").read_bytes()
    whole = b"PAR1" + bytes(5000) + hidden + b"PAR1"
    assert refused(pack(tmp_path / "source", {"a.parquet": whole}, "tar"), into) == "polyglot"


@pytest.mark.parametrize("data", [b"", b"x" * 600, b"BZh91AY", b"\x28\xb5\x2f\xfd", bytes(2000), b"{}"])
def test_no_container_at_all(data, tmp_path, into):
    (tmp_path / "source").write_bytes(data)
    assert refused(tmp_path / "source", into) == "kind"
