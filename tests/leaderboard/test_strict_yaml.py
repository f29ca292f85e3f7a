"""YAML of strangers: plain values and nothing else, in bounded time."""

import time

import pytest

from redqueen.leaderboard.strict_yaml import StrictYamlError, loads

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in b"bcdefghi"
)


def test_plain_values():
    assert loads(b"a: 1\nb: [x, {c: null}]\nd: 'two: words'\n") == {"a": 1, "b": ["x", {"c": None}], "d": "two: words"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB, "anchor or alias"),
        (b"a: *b", "anchor or alias"),
        (b"!!python/object/apply:os.system ['true']", "has a tag"),
        (b"a: !!binary x", "has a tag"),
        (b"a: 1\na: 2\n", "a key twice"),
        (b"a: {b: 1, b: 2}", "a key twice"),
        (b"[" * 200_000, "more than 32 levels"),
        (b"- " * 100_000, "more than 32 levels"),
        (b"a: [", "is not YAML"),
        (b"? [a]\n: 1", "is not YAML"),
        (b"a: 2001-99-99", "is not YAML"),
        (b"a: 1\n---\nb: 1\n", "is not YAML"),
        (b"\xff\xfea\0", "is not UTF-8"),
        (b"a: \x01", "is not YAML"),
        (b"x" * 300_000, "at most 262144"),
    ],
)
def test_anything_else_is_refused_in_one_line(data, reason):
    start = time.perf_counter()
    with pytest.raises(StrictYamlError, match=reason) as caught:
        loads(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    assert time.perf_counter() - start < 5
