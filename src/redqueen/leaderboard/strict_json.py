"""JSON with one meaning: what other readers take differently, or not at all, is an error here."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn

DEPTH = 32  # objects and arrays inside each other
LARGEST = 2**53  # whole numbers beyond are not exact in most readers
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)  # one without an end goes to the end
_BRACKET = re.compile(r"[\[\]{}]")
_SHOWN = 40  # characters of a value in a message


class StrictJsonError(ValueError):
    """What was read is no strict JSON; the message is one line."""


def loads(data: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises:
        StrictJsonError: it is not JSON or not UTF-8, begins with a byte order mark, holds NaN, Infinity, a number that
            overflows or a whole one beyond 2**53, a key twice, half a surrogate pair, or more than 32 levels.
    """
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise StrictJsonError("begins with a byte order mark; write UTF-8 without one")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"is not UTF-8 at byte {error.start}") from None
    if _depth(text) > DEPTH:
        raise StrictJsonError(f"has more than {DEPTH} levels")
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_whole, parse_float=_real, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"is not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    _check_text(value)
    return value


def _depth(text: str) -> int:
    """The deepest level of a text: counted first, since the parser recurses."""
    level = deepest = 0
    for bracket in _BRACKET.finditer(_STRING.sub('""', text)):
        level += 1 if bracket.group() in "[{" else -1
        deepest = max(deepest, level)
    return deepest


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise StrictJsonError(f"has the key {json.dumps(key[:_SHOWN])} twice")
        found[key] = value
    return found


def _whole(text: str) -> int:
    if len(text) > len(str(LARGEST)) + 1 or abs(int(text)) > LARGEST:
        raise StrictJsonError(f"has the whole number {text[:_SHOWN]}, beyond 2**53")
    return int(text)


def _real(text: str) -> float:
    if not math.isfinite(float(text)):
        raise StrictJsonError(f"has the number {text[:_SHOWN]}, which overflows")
    return float(text)


def _constant(text: str) -> NoReturn:
    raise StrictJsonError(f"has {text}, which is no number")


def _check_text(value: Any) -> None:
    """Raise StrictJsonError for text that cannot be written as UTF-8."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise StrictJsonError("has half a surrogate pair in a text") from None
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)
