"""Members of a tar or a zip, one after another, of regular files and folders alone: nothing is extracted here.

The headers of a tar are read one block at a time, because `tarfile` itself reads names, attributes and maps of holes
of any length into memory; the directory of a zip is bounded before `zipfile` reads it.
"""

import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from redqueen.leaderboard.findings import Check

CHUNK = 1 << 16
RATIO = 100  # bytes that one compressed byte may become
_SPARE = 1 << 20  # bytes before the ratio counts: small files of zeros are no bomb
_BLOCK = 512  # of a tar
_EXTENDED = 8 * _BLOCK  # bytes of extended attributes of one member
_DESCRIBING = 1000  # members of a tar that describe others
_DIRECTORY = 1 << 20  # bytes of the directory of a zip
_LINKS = {tarfile.LNKTYPE: "a hard link", tarfile.SYMTYPE: "a symbolic link", tarfile.GNUTYPE_LONGLINK: "a link"}
_SPECIAL = {tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a named pipe"}
_END, _CENTRAL, _LOCAL, _LOCATOR = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"PK\x06\x07"
_DESCRIBED, _ENCRYPTED = 0x8, 0x1  # flags of a zip's member: sizes stand behind its bytes; it has a password


class UnsafeError(ValueError):
    """A container that is not opened any further."""

    def __init__(self, id: str, message: str, fix: str = "") -> None:
        """As the fields of a check."""
        super().__init__(message)
        self.check = Check(f"container.{id}", "unsafe", message, fix)


@dataclass(frozen=True)
class Member:
    """A file or a folder (`chunks` None); its bytes are read before the next member is asked for."""

    name: str
    chunks: Iterator[bytes] | None


class Readable(Protocol):
    """What gives at most `size` bytes, and none at its end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""


class Gunzipped:
    """One gzip stream, unpacked as it is read; UnsafeError where it swells, ends early or has something behind it."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` stands at its beginning."""
        self._file, self._stream = file, zlib.decompressobj(wbits=31)
        self._taken = self._given = 0

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; fewer at the end alone."""
        pieces = []
        while size > 0 and not self._stream.eof:
            piece = self._more(size)
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _more(self, size: int) -> bytes:
        packed = self._stream.unconsumed_tail or self._file.read(CHUNK)
        if not self._stream.unconsumed_tail:
            self._taken += len(packed)
        try:
            piece = self._stream.decompress(packed, size)
        except zlib.error as error:
            raise UnsafeError("damaged", f"the gzip stream is damaged: {error}") from None
        if not packed and not piece and not self._stream.eof:
            raise UnsafeError("damaged", "the gzip stream ends early", "upload it again")
        self._given += len(piece)
        check_ratio(self._given, self._taken)
        if self._stream.eof and (self._stream.unused_data or self._file.read(1)):
            raise UnsafeError("damaged", "something stands behind the gzip stream", "pack it again as one stream")
        return piece


def check_ratio(given: int, taken: int) -> None:
    """Refuse what unpacks to more than `RATIO` times its size."""
    if given > _SPARE and given > RATIO * taken:
        raise UnsafeError("ratio", f"one compressed byte becomes more than {RATIO}: a bomb, not a bundle")


def tar_members(stream: Readable) -> Iterator[Member]:
    """Members of a tar; UnsafeError for links, devices, pipes, files with holes, and damage."""
    path: str | None = None  # of the next member, where a member of its own names it
    described = 0
    while (block := _exactly(stream, _BLOCK)) != bytes(_BLOCK):
        info = _header(block)
        _check_type(info)
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
            if info.size > _EXTENDED:
                raise UnsafeError("damaged", f"{info.size} bytes of attributes of one member; at most {_EXTENDED}")
            described += 1
            if described > _DESCRIBING:
                raise UnsafeError("count", f"more than {_DESCRIBING} members that describe others")
            extra = _exactly(stream, _padded(info.size))[: info.size]
            path = _decoded(extra.rstrip(b"\0")) if info.type == tarfile.GNUTYPE_LONGNAME else _path(extra) or path
            continue
        name, path = path or info.name, None
        if info.isdir():
            yield Member(name.rstrip("/"), None)
            continue
        yield Member(name, _pieces(stream, info.size))
        _exactly(stream, _padded(info.size) - info.size)
    while rest := stream.read(CHUNK):
        if rest.strip(b"\0"):
            raise UnsafeError("damaged", "something stands behind the end of the archive", "pack it again")


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
        raise UnsafeError("damaged", f"no tar, or a damaged one: {error}", "pack it again") from None
    if info.size < 0:
        raise UnsafeError("damaged", f"'{shown(info.name)}' has {info.size} bytes")
    return info


def _check_type(info: tarfile.TarInfo) -> None:
    name = shown(info.name)
    if info.type in _LINKS:
        raise UnsafeError("link", f"'{name}' is {_LINKS[info.type]}; regular files alone are read", "pack copies")
    if info.type == tarfile.GNUTYPE_SPARSE:
        raise UnsafeError("sparse", f"'{name}' is a file with holes", "pack it without --sparse")
    if info.type in _SPECIAL:
        raise UnsafeError("special", f"'{name}' is {_SPECIAL[info.type]}; regular files alone are read")
    plain = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
    if info.type not in (*plain, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
        raise UnsafeError("special", f"'{name}' is a member of type {info.type!r}; regular files alone are read")


def _path(records: bytes) -> str | None:
    r"""The `path` among extended attributes, lines of "LENGTH KEY=VALUE"; those that would change the file are refused.

    >>> _path(b"12 path=a/b\n")
    'a/b'
    """
    found = None
    while records:
        digits, _, _ = records[:8].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        record, records = records[:length], records[length:]
        key, equals, value = record[len(digits) + 1 :].partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise UnsafeError("damaged", "the tar's extended attributes are damaged", "pack it again")
        if key.startswith(b"GNU.sparse."):
            raise UnsafeError("sparse", "the archive has a file with holes", "pack it without --sparse")
        if key in (b"size", b"linkpath", b"hdrcharset"):
            raise UnsafeError("damaged", f"extended attribute '{shown(_decoded(key))}' is not read", "pack it again")
        if key == b"path":
            found = _decoded(value[:-1])
    return found


def zip_members(file: BinaryIO, most: int) -> Iterator[Member]:
    """Members of a zip of at most `most`; UnsafeError where its directory and its members do not agree."""
    _check_directory(file, most)
    with _damage(), zipfile.ZipFile(file) as archive:
        _check_layout(file, archive)
        for info in archive.infolist():
            name = info.orig_filename
            yield Member(name.rstrip("/"), None) if info.is_dir() else Member(name, _inflated(archive, info))


@contextmanager
def _damage() -> Iterator[None]:
    """Turn what `zipfile` raises about a damaged zip into UnsafeError."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, UnicodeError) as error:
        raise UnsafeError("damaged", f"the zip is damaged: {error}", "pack it again") from None


def _check_directory(file: BinaryIO, most: int) -> None:
    """Refuse a zip whose directory is too long, is not where its end says, or has something around it."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - 42, 0))
    tail = file.read()
    if tail[-22:-18] != _END or tail[:4] == _LOCATOR:
        raise UnsafeError("zip", "the zip does not end with its directory, or is of the 64-bit kind", "pack it again")
    _, disk, first, here, entries, length, offset, comment = struct.unpack("<4s4H2LH", tail[-22:])
    if entries > most:
        raise UnsafeError("count", f"{entries} files and folders; at most {most}")
    if length > _DIRECTORY or (disk, first, here, comment) != (0, 0, entries, 0) or offset + length + 22 != size:
        raise UnsafeError("zip", "the zip's directory is not where and what its end says", "pack it again")


def _check_layout(file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Refuse members whose own header says something else than the directory, or that do not follow on each other."""
    at = 0
    for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
        name = shown(info.orig_filename)
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode):
            raise UnsafeError("link", f"'{name}' is a symbolic link; regular files alone are read", "pack copies")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UnsafeError("special", f"'{name}' is no regular file; those alone are read")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnsafeError("zip", f"'{name}' is encrypted, or compressed in a way that is not read: use deflate")
        file.seek(info.header_offset)
        header = file.read(30)
        if info.header_offset != at or header[:4] != _LOCAL:
            raise UnsafeError("zip", f"something stands before '{name}' that is no member, or members overlap")
        _, _, flags, method, _, _, crc, packed, size, name_length, extra = struct.unpack("<4s5H3L2H", header)
        theirs = file.read(name_length)
        sizes = (info.CRC, info.compress_size, info.file_size)
        later = bool(flags & _DESCRIBED)
        same = (crc, packed, size) in ((sizes, (0, 0, 0)) if later else (sizes,))
        if theirs != _encoded(info) or method != info.compress_type or flags != info.flag_bits or not same:
            raise UnsafeError("zip", f"the zip's directory and the member's own header disagree about '{name}'")
        at = info.header_offset + 30 + name_length + extra + info.compress_size
        if later:
            file.seek(at)
            at += 16 if file.read(4) == b"PK\x07\x08" else 12
    if at != archive.start_dir:
        raise UnsafeError("zip", "something stands between the zip's members and its directory")


def _encoded(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    given = 0
    with _damage(), archive.open(info) as member:
        while piece := member.read(CHUNK):
            given += len(piece)
            check_ratio(given, info.compress_size)
            yield piece


def _pieces(stream: Readable, size: int) -> Iterator[bytes]:
    while size > 0:
        piece = _exactly(stream, min(size, CHUNK))
        size -= len(piece)
        yield piece


def _exactly(stream: Readable, size: int) -> bytes:
    found = stream.read(size)
    if len(found) != size:
        raise UnsafeError("damaged", "the archive ends early", "upload it again")
    return found


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise UnsafeError("name", f"{name[:80]!r} is no UTF-8") from None


def shown(name: str) -> str:
    r"""A hostile name as it may be printed.

    >>> shown("a" + chr(0x202E) + "b")
    'a\\u202eb'
    """
    return ascii(name)[1:-1][:80]
