"""No secret and no place on a disk leaves with a bundle."""

import time

import pytest

from redqueen.leaderboard.private import REDACTED, places, secret, secrets, without

TOKENS = {
    "hub": "hf_" + "aB3" * 12,
    "code": "ghp_" + "aB3" * 12,
    "cloud": "AKIA" + "ABCD" * 4,
    "model": "sk-" + "aB3_" * 8,
    "signed": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "address": "https://name:word@example.org/data",
}
PLAIN = [
    ("backbone.revision", "0123456789abcdef0123456789abcdef01234567"),
    ("tokenizer", "openai/clip-vit-base-patch16"),
    ("max_tokens", 77),
    ("digest", "ab" * 32),
    ("author", "somebody"),
    ("source", "https://example.org/a:b@c"),
    ("api_key", None),
    ("auth", ""),
    ("token", REDACTED),
]


@pytest.mark.parametrize("name", TOKENS)
def test_a_value_that_looks_like_a_secret_is_blacked_out(name):
    tree = {"a": [{"b": f"before {TOKENS[name]} after"}]}
    assert without(tree) == {"a": [{"b": REDACTED}]}
    (line,) = secrets(tree)
    assert line.startswith("a.0.b: it looks like")
    assert TOKENS[name] not in line


@pytest.mark.parametrize("key", ["token", "hub_token", "API_KEY", "wandb.api-key", "db.password", "client_secret"])
def test_a_name_of_a_secret_is_enough(key):
    assert without({"x": {key: "abc"}}) == {"x": {key: REDACTED}}


@pytest.mark.parametrize(("key", "value"), PLAIN)
def test_what_is_no_secret_stays(key, value):
    assert secret(key, value) is None
    assert without({key: value}) == {key: value}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("/home/somebody/data/field", "…/field"),
        ("/work/x/", "…/x"),
        ("/data", "…/data"),
        ("~/data/pictures", "…/pictures"),
        ("C:\\Users\\somebody\\data", "…/data"),
        ("weights=/srv/weights/a.pth, cut", "weights=…/a.pth, cut"),
        ("file:///home/somebody/x", "file://…/x"),
    ],
)
def test_of_a_place_on_a_disk_the_last_name_stays(given, left):
    assert places({"a": given}) == ["a"]
    assert without({"a": given}) == {"a": left}
    assert places({"a": left}) == []


PLACELESS = ["runs/store", "https://example.org/home/x", "hub:OWNER/NAME", "image/png", "1/2", "a / b", "…/field", "/"]


@pytest.mark.parametrize("text", [*PLACELESS, "and/or", "redqueen.detectors.npr.NPR", "2021-07..2022-04"])
def test_what_is_no_place_stays(text):
    assert places({"a": text}) == []
    assert without({"a": text}) == {"a": text}


@pytest.mark.parametrize(
    "piece", ["a.", "a://", "-eyJ", "eyJaaaaaaaa.", "/a", "/a ", "~/", " /", "=/", "C:\\", "sk-", "-----BEGIN ", "a:b"]
)
def test_no_text_takes_long(piece):
    tree, start = {"a": piece * 100_000}, time.monotonic()
    secrets(tree), places(tree), without(tree)
    assert time.monotonic() - start < 10  # linear: a tenth of a second
