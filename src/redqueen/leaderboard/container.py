"""A stranger's folder, tar or zip as a safe private copy: every name, kind and size is checked before anything is read.

Nothing of an archive is extracted by a library: its members are written one by one, to names that passed, by code that
counts real bytes and not those that a header promises. A folder is copied in the same way, and no link in it is
followed.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from redqueen.leaderboard.archives import CHUNK, Gunzipped, Member, UnsafeError, shown, tar_members, zip_members

FILES = 200  # files and folders
TOTAL = 2 * 2**30  # bytes of all files
SIZES = {  # extension -> bytes of a file
    ".json": 16 * 2**20,
    ".yaml": 256 * 2**10,
    ".md": 256 * 2**10,
    ".parquet": 256 * 2**20,
    ".safetensors": 2**30,
}
PARTS, PART, PATH = 5, 100, 240  # of a name: parts, characters of a part, characters
FIRST = "submission.json"  # the file by which a bundle is known
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_DRIVE = re.compile(r"[A-Za-z]:")
_TAIL = 2**16 + 22  # bytes in which a zip's end lies
_ARCHIVES = {  # how files begin that hold others
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
}
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that are devices elsewhere


def copied(source: Path, into: Path) -> Path:
    """Copy a bundle below the empty folder `into`; returns the folder that holds its files.

    Raises:
        UnsafeError: for the first thing that no bundle has.
        OSError: it cannot be read, or the disk is full.
    """
    copy = _Copy(into)
    for member in _members(source):
        copy.add(member)
    copy.check()
    inside = list(into.iterdir())
    if len(inside) == 1 and inside[0].is_dir():  # packed with the folder that it lies in
        return inside[0]
    return into


def _members(source: Path) -> Iterator[Member]:
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if source.is_symlink():
            raise UnsafeError("link", "the bundle is a symbolic link; name the file or the folder itself") from None
        raise error
    mode = os.fstat(handle).st_mode
    if stat.S_ISDIR(mode):
        yield from _folder(handle, "")
        return
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(mode):
            raise UnsafeError("special", "the bundle is neither a folder nor a regular file")
        yield from _archive(file)


def _archive(file: BinaryIO) -> Iterator[Member]:
    head = file.read(264)
    file.seek(0)
    if head.startswith(b"PK"):
        yield from zip_members(file, FILES)
    elif head.startswith(b"\x1f\x8b"):
        yield from tar_members(Gunzipped(file))
    elif head[257:262] == b"ustar":
        yield from tar_members(file)
    else:
        fix = "give a folder, .tar, .tar.gz or .zip"
        kind = next((kind for start, kind in _ARCHIVES.items() if head.startswith(start)), None)
        raise UnsafeError("kind", f"{kind or 'a file of this kind'} is not read as a bundle", fix)


def _folder(handle: int, above: str) -> Iterator[Member]:
    """Files and folders below an open folder, which is closed; no link is followed, whatever is swapped meanwhile."""
    try:
        with os.scandir(handle) as entries:
            names = sorted(entry.name for _, entry in zip(range(FILES + 1), entries, strict=False))
        for name in names:
            yield from _entry(handle, name, f"{above}{name}")
    finally:
        os.close(handle)


def _entry(folder: int, name: str, path: str) -> Iterator[Member]:
    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(about.st_mode):
        yield Member(path, None)  # its name is checked before it is entered
        yield from _folder(os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder), f"{path}/")
        return
    if stat.S_ISLNK(about.st_mode) or about.st_nlink > 1:
        kind = "a symbolic link" if stat.S_ISLNK(about.st_mode) else "a hard link"
        raise UnsafeError("link", f"'{shown(path)}' is {kind}; regular files alone are read", "put a copy there")
    if not stat.S_ISREG(about.st_mode):
        raise UnsafeError("special", f"'{shown(path)}' is no regular file; those alone are read")
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnsafeError("special", f"'{shown(path)}' is no regular file; those alone are read")
        yield Member(path, iter(lambda: file.read(CHUNK), b""))


@dataclass
class _Copy:
    """What has been written so far: counts that no bundle may exceed, and names as a file system may fold them."""

    into: Path
    total: int = 0
    names: dict[str, tuple[str, bool]] = field(default_factory=dict)  # folded name -> name, whether it is a file
    entries: int = 0

    def add(self, member: Member) -> None:
        """Write one member, or make its folder."""
        self.entries += 1
        if self.entries > FILES:
            raise UnsafeError("count", f"more than {FILES} files and folders")
        name = member.name.removeprefix("./")
        if name in ("", ".") and member.chunks is None:
            return  # the packed folder itself
        check_name(name, is_file=member.chunks is not None)
        self._check_twice(name, is_file=member.chunks is not None)
        target = self.into / name
        if member.chunks is None:
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        most = SIZES[target.suffix]
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            for piece in member.chunks:
                self.total += len(piece)
                if file.tell() + len(piece) > most or self.total > TOTAL:
                    raise UnsafeError(
                        "size",
                        f"'{shown(name)}' is too large: at most {most >> 10} KiB of {target.suffix}, "
                        f"{TOTAL >> 20} MiB of all files",
                    )
                file.write(piece)

    def _check_twice(self, name: str, *, is_file: bool) -> None:
        """Refuse names that are one name to some file system, and a file that is a folder as well."""
        parts = name.split("/")
        for length in range(1, len(parts) + 1):
            entry = "/".join(parts[:length]), is_file and length == len(parts)
            known = self.names.setdefault(unicodedata.normalize("NFC", entry[0]).casefold(), entry)
            if known is not entry and (known != entry or entry[1]):
                raise UnsafeError("twice", f"'{shown(entry[0])}' and '{shown(known[0])}' are one name", "rename one")

    def check(self) -> None:
        """Refuse files that hold others, or that lie elsewhere than they were written."""
        root = self.into.resolve()
        for path in sorted(self.into.rglob("*")):
            if not path.resolve().is_relative_to(root) or path.is_symlink():
                raise UnsafeError("link", f"'{path.name}' leads out of the bundle")
            if path.is_file():
                _check_content(path)


def check_name(name: str, *, is_file: bool) -> None:
    """Raise UnsafeError for a name that is not a short relative path of plain characters."""
    if name.startswith(("/", "\\")) or _DRIVE.match(name) or "\\" in name or ".." in name.split("/"):
        fix = "pack the bundle's folder with relative names"
        raise UnsafeError("path", f"'{shown(name)}' leads out of the bundle", fix)
    parts = name.split("/")
    if len(name) > PATH or len(parts) > PARTS or any(len(part) > PART for part in parts):
        raise UnsafeError(
            "name", f"'{shown(name)}' is too long: {PARTS} parts, {PART} characters a part, {PATH} in all"
        )
    for part in parts:
        if not _PART.fullmatch(part) or part.endswith(".") or _RESERVED.fullmatch(part):
            raise UnsafeError(
                "name", f"'{shown(name)}': names are of A-Z a-z 0-9 . _ - and begin with no dot", "rename"
            )
    if is_file and PurePosixPath(name).suffix not in SIZES:
        fix = "weights are safetensors or nothing" if PurePosixPath(name).suffix in _WEIGHTS else "leave it out"
        raise UnsafeError("extension", f"'{shown(name)}': a bundle has {' '.join(SIZES)} alone", fix)


_WEIGHTS = (".pt", ".pth", ".pt2", ".ckpt", ".bin", ".pkl", ".pickle", ".onnx", ".h5", ".npz", ".joblib")


def _check_content(path: Path) -> None:
    """Refuse an archive under another name, and a file that is a zip besides what its name says."""
    with path.open("rb") as file:
        head = file.read(512)
        start = max(path.stat().st_size - _TAIL, 0)
        file.seek(start)
        tail = file.read()
        kind = next((kind for first, kind in _ARCHIVES.items() if head.startswith(first)), None)
        kind = "tar" if head[257:262] == b"ustar" else kind
        if kind:
            raise UnsafeError("nested", f"'{path.name}' is a {kind} inside the bundle", "pack files alone")
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < 22:
            return
        length = int.from_bytes(tail[at + 12 : at + 16], "little")
        file.seek(max(start + at - length, 0))
        if file.read(4) == b"PK\x01\x02":
            raise UnsafeError("polyglot", f"'{path.name}' is a zip as well: it means two things to two readers")
