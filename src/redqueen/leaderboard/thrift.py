"""Thrift's compact protocol, as far as Parquet's headers need it: numbers, bytes, lists and structs, within bounds.

github.com/apache/thrift, doc/specs/thrift-compact-protocol.md. What a field means, its number says: the names stand in
github.com/apache/parquet-format, src/main/thrift/parquet.thrift.
"""

from typing import Any

_TRUE, _FALSE, _BYTE, _SHORT, _INT, _LONG, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12
_DEPTH = 12  # structs and lists inside each other; Parquet has 7

Struct = dict[int, Any]


class ThriftError(ValueError):
    """What was read is no struct."""


class Reader:
    """Reads structs from bytes.

    Args:
        data: the bytes.

    Attributes:
        at: how many of them have been read.
    """

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def struct(self, depth: int = 0) -> Struct:
        """The fields of a struct by their numbers; raises ThriftError where they are none, or are there twice."""
        if depth > _DEPTH:
            raise ThriftError("too many levels")
        found: Struct = {}
        field = 0
        while kind := self._byte():
            field = field + (kind >> 4) if kind >> 4 else self._number()
            if field in found:
                raise ThriftError(f"field {field} twice")
            found[field] = (kind & 15) == _TRUE if kind & 15 in {_TRUE, _FALSE} else self._value(kind & 15, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in {_TRUE, _FALSE}:  # of a list: a byte each
            return self._byte() == _TRUE
        if kind in {_SHORT, _INT, _LONG}:
            return self._number()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in {_LIST, _SET}:
            return self._list(depth)
        if kind not in {_BYTE, _DOUBLE, _BINARY}:
            raise ThriftError(f"a field of kind {kind}")
        return self._bytes({_BYTE: 1, _DOUBLE: 8}[kind] if kind != _BINARY else self._varint())

    def _list(self, depth: int) -> list[Any]:
        if depth > _DEPTH:
            raise ThriftError("too many levels")
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._varint()
        if size > len(self.data) - self.at:  # an element has a byte at least
            raise ThriftError(f"a list of {size} elements")
        return [self._value(head & 15, depth + 1) for _ in range(size)]

    def _bytes(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise ThriftError("cut off")
        self.at += size
        return bytes(self.data[self.at - size : self.at])

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 64, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ThriftError("a number of more than 64 bits")

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
