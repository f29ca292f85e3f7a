"""What the pages of a Parquet file would become in memory, from their headers alone: nothing is decompressed.

A footer may understate it, and a page of a few kilobytes may hold gigabytes. So every page header is read, in the
compact protocol of Thrift (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md) that
github.com/apache/parquet-format describes in parquet.thrift.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY, BYTE_STREAM_SPLIT: with them a value takes no more memory
# than its page. A DELTA encoding can repeat a long text in few bytes.
ENCODINGS = frozenset({0, 2, 3, 4, 8, 9})
_TRUE, _FALSE, _BYTE, _SHORT, _INT, _LONG, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12
_DEPTH = 8  # structs inside each other; page headers have 3
_LONGEST = 1 << 16  # bytes of a header that are looked at


class PageError(ValueError):
    """What was read is no page header that Parquet's writers make."""


@dataclass(frozen=True)
class Page:
    """One page: bytes in the file after its header, bytes in memory, how its values are encoded."""

    compressed: int
    uncompressed: int
    encoding: int


def pages(data: memoryview) -> Iterator[Page]:
    """The pages of one column chunk, which they must fill to its last byte; raises PageError where they do not."""
    at = 0
    while at < len(data):
        reader = _Compact(data[at : at + _LONGEST])
        header = reader.struct()
        page = Page(_size(header, 3), _size(header, 2), _encoding(header))
        at += reader.at + page.compressed
        if at > len(data):
            raise PageError("a page reaches beyond its column")
        yield page


def _size(header: dict[int, Any], field: int) -> int:
    size = header.get(field)
    if type(size) is not int or size < 0:
        raise PageError("a page header gives no sizes")
    return size


def _encoding(header: dict[int, Any]) -> int:
    """Of a data page (field 5), a dictionary page (7) or a data page of version 2 (8), which is one of them."""
    places = {5: 2, 7: 2, 8: 4}
    found = [header[field].get(place) for field, place in places.items() if isinstance(header.get(field), dict)]
    if len(found) != 1 or type(found[0]) is not int:
        raise PageError("a page header does not say how its values are encoded")
    return found[0]


class _Compact:
    """A reader of Thrift's compact protocol that keeps numbers and structs, and skips the rest."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The fields of a struct by their numbers."""
        if depth > _DEPTH:
            raise PageError("page header has too many levels")
        found: dict[int, Any] = {}
        field = 0
        while kind := self._byte():
            field = field + (kind >> 4) if kind >> 4 else self._number()
            found[field] = self._value(kind & 15, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in {_TRUE, _FALSE}:
            return kind == _TRUE
        if kind in {_SHORT, _INT, _LONG}:
            return self._number()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in {_LIST, _SET}:
            return self._list(depth)
        self._skip({_BYTE: 1, _DOUBLE: 8}[kind] if kind in {_BYTE, _DOUBLE} else self._length(kind))
        return None

    def _list(self, depth: int) -> None:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._varint()
        for _ in range(size):
            # a boolean of a list is a byte of its own
            self._skip(1) if head & 15 in {_TRUE, _FALSE} else self._value(head & 15, depth + 1)

    def _length(self, kind: int) -> int:
        if kind != _BINARY:
            raise PageError(f"page header has a field of kind {kind}")
        return self._varint()

    def _skip(self, size: int) -> None:
        if self.at + size > len(self.data):
            raise PageError("a page header is cut off")
        self.at += size

    def _byte(self) -> int:
        self._skip(1)
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 64, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise PageError("page header has a number of more than 64 bits")

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
