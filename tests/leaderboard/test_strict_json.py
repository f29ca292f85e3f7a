"""JSON that other readers take differently is refused; the rest is what `json` says."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redqueen.leaderboard.strict_json import DEPTH, LARGEST, StrictJsonError, loads

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
REAL = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | REAL | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner),
    max_leaves=15,
)


@given(VALUES, st.booleans())
def test_what_is_strict_is_read_as_json_reads_it(value, plain):
    text = json.dumps(value, ensure_ascii=plain)
    assert loads(text.encode()) == json.loads(text)


@given(st.binary(max_size=60) | st.text('{}[]",:\\u019eE+-. \n', max_size=60).map(str.encode))
def test_anything_else_ends_in_one_line(data):
    try:
        loads(data)
    except StrictJsonError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a": NaN}', "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e999]", "overflows"),
        (b"[-1e999]", "overflows"),
        (b'{"tier": 1, "tier": 2}', '"tier" twice'),
        (b'{"a": {"b": 1, "\\u0062": 2}}', '"b" twice'),
        (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "byte order mark"),
        ('{"a": 1}'.encode("utf-16-le"), "not JSON"),
        (b'["\xff"]', "not UTF-8 at byte 2"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b"[9007199254740993]", "2**53"),
        (b"[" + b"9" * 10_000 + b"]", "2**53"),
        (b"[" * 10_000, "levels"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "levels"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "levels"),
        (b"", "line 1, column 1"),
        (b"{} {}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b"[01]", "not JSON"),
        (b'["\x01"]', "not JSON"),
    ],
)
def test_each_way_to_be_read_differently_is_named(data, says):
    with pytest.raises(StrictJsonError) as error:
        loads(data)
    assert says in str(error.value)
    assert len(str(error.value)) < 200


def test_brackets_in_text_are_no_levels():
    assert loads(json.dumps(["[" * 100, '"[{' * 100]).encode()) == ["[" * 100, '"[{' * 100]
    assert loads(b"[" * DEPTH + b"]" * DEPTH)


@pytest.mark.parametrize("piece", [b'\\"', b"\\\\", b'"', b"["])
def test_no_text_takes_long(piece):
    start = time.monotonic()
    for head in (b"", b'"', b'["'):
        with pytest.raises(StrictJsonError):
            loads(head + piece * 1_000_001)
    assert time.monotonic() - start < 5
