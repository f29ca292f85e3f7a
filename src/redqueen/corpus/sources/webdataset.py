"""WebDataset: tar files whose members of one name, a picture and its json, cls or txt, are one row.

Nothing is ever unpacked. A member that cannot be a picture (a link, an absolute path, a huge one) is a rejected
picture with its reason; a damaged tar is an error.
"""

import json
import re
import tarfile
from collections.abc import Iterator
from functools import partial
from itertools import islice, product
from pathlib import Path, PurePosixPath
from typing import Any

from redqueen.corpus.decode import MAX_BYTES
from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.sources.parquet import find, stamps
from redqueen.corpus.sources.rows import Rows, reject
from redqueen.errors import UserError
from redqueen.files import digest_of

PICTURES = ("jpg", "jpeg", "png", "webp", "gif", "bmp")
TEXTS = ("txt", "cls", "json")
_MAX_TEXT = 2**20
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


class WebDataset:
    """Reads tar files on disk in order; of a member that is not wanted, no byte is read.

    Columns of a row: the keys of its json, `cls`, `txt`, and `__key__`, the members' common name.

    Args:
        path: a tar, a folder of them, a pattern, or a range such as `train-{000..015}.tar`.
        rows: what the columns mean; its field `image` names the member that is the picture, by default the first one
            that ends as a picture does.
        name: slug of the source.
        limit: samples to read at most.

    Raises:
        UserError: no tar there, a compressed or damaged one.
    """

    def __init__(self, path: str, rows: Rows, name: str = "webdataset", limit: int | None = None) -> None:
        self.path, self.rows, self.name, self.limit = path, rows, name, limit
        self.files = [file for one in _expanded(path) for file in find(one, ".tar")]

    def fingerprint(self) -> str:
        """Digest of every tar's name, size and time of change, of what the columns mean, and of the limit."""
        return digest_of([stamps(self.files), self.rows.fingerprint(), self.limit])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the samples of each tar in turn, as far as they are wanted."""
        checked = False
        for file, key, members in islice(_samples(self.files), self.limit):
            where = f"{file.name}/{key}"
            chosen = self._chosen(members)
            problem = _problem(chosen) if chosen else f"no picture among its members: {', '.join(members)}"
            if problem or chosen is None:
                yield SourcePicture(where, reject(problem), "photo", where, self.name, "")  # a line in rejects.csv
                continue
            row = {"__key__": key, **_texts(file, members)}
            if not checked:
                self.rows.check(where, {**row, str(self.rows.columns.get("image", "__key__")): None})
                checked = True
            read = partial(_bytes, file, chosen.offset_data, chosen.size)
            picture = self.rows.picture({**dict.fromkeys(self.rows.needed), **row}, where, self.name, read)
            if picture is not None:
                yield picture

    def _chosen(self, members: dict[str, tarfile.TarInfo]) -> tarfile.TarInfo | None:
        wanted = [str(self.rows.columns["image"])] if "image" in self.rows.columns else PICTURES
        return next((members[ending] for ending in wanted if ending in members), None)


def _expanded(path: str) -> list[str]:
    """The paths that the ranges in one stand for.

    >>> _expanded("a-{08..10}.tar")
    ['a-08.tar', 'a-09.tar', 'a-10.tar']
    """
    pieces = _RANGE.split(path)  # text, first, last, text, …
    choices = [[pieces[0]]]
    for first, last, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        choices.append([f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)])
        choices.append([text])
    return ["".join(chosen) for chosen in product(*choices)]


def _samples(files: list[Path]) -> Iterator[tuple[Path, str, dict[str, tarfile.TarInfo]]]:
    """Each tar's neighbouring members of one name, by the ending of each."""
    for file in files:
        key, members = "", dict[str, tarfile.TarInfo]()
        for member in _members(file):
            name, ending = _split(member.name)
            if name != key and members:
                yield file, key, members
                members = {}
            key = name
            members.setdefault(ending, member)
        if members:
            yield file, key, members


def _members(file: Path) -> Iterator[tarfile.TarInfo]:
    count = 0
    try:
        with tarfile.open(file, "r:") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would hold every header
                if not member.isdir():
                    count += 1
                    yield member
            if not _ended(file, tar.offset):
                raise tarfile.ReadError("its end is missing")
    except tarfile.ReadError as error:
        packed = _bytes(file, 0, 2) in (b"\x1f\x8b", b"BZ", b"\xfd7", b"\x28\xb5")
        cure = "unpack it with gunzip or the like, for single pictures are read from it" if packed else "fetch it again"
        raise UserError(f"{file} is no whole tar ({error}, after {count} members): {cure}") from None


def _ended(file: Path, offset: int) -> bool:
    """Whether a tar has its end mark there, a block of zeros; tarfile takes a broken header for the end as well."""
    with file.open("rb") as stream:
        stream.seek(offset)
        return stream.read(tarfile.BLOCKSIZE) == bytes(tarfile.BLOCKSIZE)


def _split(name: str) -> tuple[str, str]:
    """Name and ending at the first dot of the last part, as WebDataset has it.

    >>> _split("a.b/c.seg.PNG")
    ('a.b/c', 'seg.png')
    """
    folder, slash, last = name.rpartition("/")
    key, _, ending = last.partition(".")
    return folder + slash + key, ending.lower()


def _plain(member: tarfile.TarInfo) -> bool:
    """Whether a member's bytes lie in the tar as they are."""
    return member.isreg() and not member.issparse()


def _problem(member: tarfile.TarInfo) -> str:
    """Why a member cannot be a picture; empty if it can."""
    if not _plain(member):
        return "a link, a device or a sparse file, not a picture"
    if PurePosixPath(member.name).is_absolute() or ".." in PurePosixPath(member.name).parts:
        return "its path leads out of the tar"
    if member.size > MAX_BYTES:
        return f"{member.size} bytes; at most {MAX_BYTES} are read"
    return ""


def _texts(file: Path, members: dict[str, tarfile.TarInfo]) -> dict[str, Any]:
    """The columns that the small members of a sample hold."""
    row: dict[str, Any] = {}
    for ending in (ending for ending in TEXTS if ending in members):
        member = members[ending]
        if not _plain(member) or member.size > _MAX_TEXT:
            continue
        try:
            content = _bytes(file, member.offset_data, member.size).decode().strip()
            value = json.loads(content) if ending == "json" else content
        except ValueError as error:
            raise UserError(f"{file}, {member.name}: not readable as {ending} ({error})") from None
        row |= value if isinstance(value, dict) else {ending: value}
    return row


def _bytes(file: Path, offset: int, size: int) -> bytes:
    with file.open("rb") as stream:
        stream.seek(offset)
        return stream.read(size)
