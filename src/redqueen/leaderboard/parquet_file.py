"""What a Parquet file says of itself, read without the library that will decode it: nothing is decompressed.

A footer may understate what its pages become, and a page of a few kilobytes may hold gigabytes, so every page header
is read too. And asking the library about a column may end the whole process where a footer contradicts itself
(pyarrow 26, on a statistic of the wrong length), so it is asked for nothing but the rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redqueen.leaderboard.thrift import Reader, Struct, ThriftError

MAGIC = b"PAR1"
# PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY, BYTE_STREAM_SPLIT: with them a value takes no more memory
# than its page. A DELTA encoding can repeat a long text in few bytes.
ENCODINGS = frozenset({0, 2, 3, 4, 8, 9})
TYPES = {0: "BOOLEAN", 1: "INT32", 2: "INT64", 3: "INT96", 4: "FLOAT", 5: "DOUBLE", 6: "BYTE_ARRAY", 7: "FIXED"}
_LONGEST = 1 << 16  # bytes of a page header that are looked at


class ParquetError(ValueError):
    """The file contradicts itself, or is of a form that no writer of plain tables makes; the message is one line."""


@dataclass(frozen=True)
class Column:
    """A column of the schema.

    Attributes:
        name: as text.
        kind: its physical type, "STRING" for one of UTF-8, or "GROUP" for one with others below it.
        repeated: whether a row may have several values.
    """

    name: str
    kind: str
    repeated: bool


@dataclass(frozen=True)
class Chunk:
    """One column of one row group: which bytes of the file."""

    column: str
    start: int
    size: int


@dataclass(frozen=True)
class Footer:
    """A file's own description.

    Attributes:
        columns: of the schema, in order; of one with others below it, those too.
        rows: of all row groups.
        groups: number of row groups.
        chunks: of all row groups.
        metadata: key -> value.
        length: bytes of the footer.
    """

    columns: Sequence[Column]
    rows: int
    groups: int
    chunks: Sequence[Chunk]
    metadata: Mapping[bytes, bytes]
    length: int


@dataclass(frozen=True)
class Page:
    """One page: bytes in the file after its header, bytes in memory, how its values are encoded."""

    compressed: int
    uncompressed: int
    encoding: int


def footer(data: memoryview, longest: int) -> Footer:
    """The footer of a whole file, of at most `longest` bytes; raises ParquetError."""
    if len(data) < 12 or data[:4] != MAGIC or data[-4:] != MAGIC:
        raise ParquetError("is no Parquet file")
    length = int.from_bytes(data[-8:-4], "little")
    if length > min(longest, len(data) - 12):
        raise ParquetError(f"claims a footer of {length} bytes")
    try:
        reader = Reader(data[-8 - length : -8])
        found = reader.struct()
        if reader.at != length:
            raise ParquetError(f"has a footer of {reader.at} bytes where it claims {length}")
        return _footer(found, len(data) - 8 - length, length)
    except (ThriftError, LookupError, TypeError, AttributeError) as error:
        raise ParquetError(f"has a damaged footer ({_line(error)})") from None


def _footer(found: Struct, end: int, length: int) -> Footer:
    groups = found.get(4, [])
    columns = [_column(one) for one in found[2][1:]]
    chunks = [_chunk(one, end) for group in groups for one in group[1]]
    rows = sum(_whole(group, 3) for group in groups)
    names = [column.name for column in columns if column.kind != "GROUP"]
    if rows != _whole(found, 3) or any(len(group[1]) != len(names) for group in groups):
        raise ParquetError("has a footer whose parts do not add up")
    if 8 in found:
        raise ParquetError("is encrypted")
    pairs = [(bytes(one[1]), bytes(one.get(2, b""))) for one in found.get(5, [])]
    if len(dict(pairs)) != len(pairs):
        raise ParquetError("has a key of its metadata twice")
    return Footer(columns, rows, len(groups), chunks, dict(pairs), length)


def _column(element: Struct) -> Column:
    kind = "GROUP" if element.get(5) else TYPES[element[1]]
    texts = element.get(6) == 0 or (isinstance(element.get(10), dict) and 1 in element[10])
    return Column(
        element[4].decode("utf-8", "backslashreplace"),
        "STRING" if kind == "BYTE_ARRAY" and texts else kind,
        element.get(3, 0) == 2,
    )


def _chunk(chunk: Struct, end: int) -> Chunk:
    """Where a column lies; not in another file, not encrypted, and inside of this one's data."""
    if 1 in chunk or 8 in chunk or 9 in chunk:
        raise ParquetError("has a column that lies in another file or is encrypted")
    meta = chunk[3]
    name = b".".join(meta[3]).decode("utf-8", "backslashreplace")
    start = min(_whole(meta, 9), _whole(meta, 11) if 11 in meta else _whole(meta, 9))
    size = _whole(meta, 7)
    if start < len(MAGIC) or start + size > end:
        raise ParquetError(f"has a column {name[:40]} outside of its data")
    return Chunk(name, start, size)


def pages(data: memoryview) -> Iterator[Page]:
    """The pages of one column chunk, which they fill to its last byte; raises ParquetError where they do not."""
    at = 0
    while at < len(data):
        reader = Reader(data[at : at + _LONGEST])
        try:
            header = reader.struct()
            page = Page(_whole(header, 3), _whole(header, 2), _encoding(header))
        except (ThriftError, LookupError, TypeError, AttributeError) as error:
            raise ParquetError(f"has a damaged page header ({_line(error)})") from None
        at += reader.at + page.compressed
        if at > len(data):
            raise ParquetError("has a page that reaches beyond its column")
        yield page


def _encoding(header: Struct) -> int:
    """Of a data page (field 5), a dictionary page (7) or a data page of version 2 (8), which is one of them."""
    found = [_whole(header[field], place) for field, place in ((5, 2), (7, 2), (8, 4)) if field in header]
    if len(found) != 1:
        raise ParquetError("has a page of no kind, or of several")
    return found[0]


def _whole(struct: Struct, field: int) -> int:
    """A number of at least 0."""
    found: Any = struct[field]
    if type(found) is not int or found < 0:
        raise ParquetError(f"has {ascii(found)[:20]} where a number from 0 on belongs")
    return found


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:80]
