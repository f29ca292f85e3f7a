"""A safetensors file from a stranger, checked byte by byte before any library opens it.

The format: https://github.com/huggingface/safetensors#format. Eight bytes with the length of the header, the header
(JSON: name -> dtype, shape, offsets), then the tensors without gaps.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from redqueen.leaderboard.strict_json import StrictJsonError, loads

HEADER = 4 * 2**20  # bytes; the library itself allows 100 MB
TENSORS = 20_000
_METADATA = "__metadata__"
_PIECE = 1 << 22  # bytes that are in memory at one time
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"(dp", b"cos\n")
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_EXPONENTS = {  # how values are read as bits, and which of those are all set in infinities and in what is no number
    "F64": ("<u8", 0x7FF0_0000_0000_0000),
    "F32": ("<u4", 0x7F80_0000),
    "F16": ("<u2", 0x7C00),
    "BF16": ("<u2", 0x7F80),
}


class UnsafeTensorsError(ValueError):
    """The file is no safetensors file, or one made to mislead; the message is one line."""


def header(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Name -> dtype, shape and offsets of every tensor.

    Raises:
        UnsafeTensorsError: the header is too long, says a thing twice, or its tensors do not fill the file exactly.
    """
    with path.open("rb") as file:
        found, start = _header(file)
    _check_offsets(found, path.stat().st_size - start)
    return found


def not_finite(path: Path) -> Iterator[str]:
    """Names of tensors that hold NaN or infinity; a few MiB in memory. The header has been checked."""
    with path.open("rb") as file:
        found, start = _header(file)
        for name, entry in found.items():
            if entry["dtype"] in _EXPONENTS and _has_exponent(file, start, entry):
                yield name


def _has_exponent(file: BinaryIO, start: int, entry: Mapping[str, Any]) -> bool:
    bits, mask = _EXPONENTS[entry["dtype"]]
    first, end = entry["data_offsets"]
    file.seek(start + first)
    for at in range(first, end, _PIECE):
        values = np.frombuffer(file.read(min(_PIECE, end - at)), bits)
        if bool(np.any((values & mask) == mask)):
            return True
    return False


def _header(file: BinaryIO) -> tuple[dict[str, dict[str, Any]], int]:
    """The tensors' entries, and where their bytes start."""
    first = file.read(8)
    if first.startswith(_PICKLES):
        raise UnsafeTensorsError("is a pickle under another name, which is never loaded")
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > HEADER:
        raise UnsafeTensorsError(f"has a header of {length} bytes; at most {HEADER} are read")
    data = file.read(length)
    if len(data) != length:
        raise UnsafeTensorsError(f"ends inside its header of {length} bytes")
    try:
        found = loads(data)
    except StrictJsonError as error:
        raise UnsafeTensorsError(f"has a header that {error}") from None
    if not isinstance(found, dict) or len(found) > TENSORS:
        raise UnsafeTensorsError(f"has a header that is no object of at most {TENSORS} tensors")
    words = found.pop(_METADATA, {})
    if not isinstance(words, dict) or not all(isinstance(value, str) for value in words.values()):
        raise UnsafeTensorsError(f"has a {_METADATA} that is no object of texts")
    for name, entry in found.items():
        _check_entry(name, entry)
    return found, 8 + length


def _check_entry(name: str, entry: Any) -> None:
    shown = ascii(name)[1:-1][:60]
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise UnsafeTensorsError(f"says of tensor '{shown}' something else than dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _SIZES:
        raise UnsafeTensorsError(f"has tensor '{shown}' of dtype {ascii(dtype)[:20]}; allowed: {', '.join(_SIZES)}")
    if not _counts(shape) or len(shape) > 8 or not _counts(offsets) or len(offsets) != 2:
        raise UnsafeTensorsError(f"has tensor '{shown}' with a shape or offsets that are no counts")
    if math.prod(shape) * _SIZES[dtype] != offsets[1] - offsets[0]:
        raise UnsafeTensorsError(f"has tensor '{shown}' whose shape and dtype do not fit its offsets")


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)


def _check_offsets(found: Mapping[str, Mapping[str, Any]], size: int) -> None:
    """Tensors lie one behind the other from the first byte to the last."""
    at = 0
    for first, end in sorted(tuple(entry["data_offsets"]) for entry in found.values()):
        if first != at:
            raise UnsafeTensorsError(f"has tensors that overlap or leave a gap at byte {min(first, at)} of its data")
        at = end
    if at != size:
        raise UnsafeTensorsError(f"has {size} bytes of data, and its tensors fill {at}")
