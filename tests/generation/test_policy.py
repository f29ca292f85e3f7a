"""The policy: the whole grammar passes, hostile prompts do not, and innocent ones are not refused by mistake."""

import base64
import codecs
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from redqueen.generation import policy
from redqueen.generation.policy import LONGEST, RULES, ForbiddenPromptError, Refusal, check, require, vocabulary
from redqueen.generation.prompts import Grammar

DATA = Path(__file__).resolve().parents[1] / "data"
HOSTILE = [
    tuple(line.split(" | "))
    for line in (DATA / "hostile_prompts.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
INNOCENT = (DATA / "innocent_prompts.txt").read_text("utf-8").splitlines()

BARE = ("vote for krelvane", "president krelvane in handcuffs", "make the nation great again")  # each in every disguise


def _swapped(pairs: str) -> Callable[[str], str]:
    """Each letter replaced by the one beside it in `pairs`."""
    return lambda text: text.translate({ord(a): b for a, b in zip(pairs[::2], pairs[1::2], strict=True)})


def _shifted(first: int) -> Callable[[str], str]:
    """The letters a to z in another block of Unicode."""
    return lambda text: "".join(chr(first + ord(c) - ord("a")) if c.isalpha() else c for c in text)


DISGUISES: dict[str, Callable[[str], str]] = {
    "leetspeak": _swapped("e3a4o0"),
    "Cyrillic letters": _swapped("aаeеoо"),
    "Greek letters": _swapped("aαoοvν"),
    "full width": _shifted(0xFF41),
    "mathematical bold": _shifted(0x1D41A),
    "enclosed": _shifted(0x24D0),
    "zero width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "combining marks": "\u0332".join,
    "right to left": lambda text: f"\u202e{text[::-1]}",
    "spaced out": " ".join,
    "dotted": lambda text: ".".join(text.replace(" ", "")),
    "hyphenated": lambda text: " ".join("-".join(word) for word in text.split()),
    "halves": lambda text: " ".join(f"{word[:3]}-{word[3:]}" if len(word) > 3 else word for word in text.split()),
    "run together": lambda text: text.replace(" ", ""),
    "camel case": lambda text: text.title().replace(" ", ""),
    "title case": str.title,
    "capitals": str.upper,
    "alternating": lambda text: "".join(c.upper() if i % 2 else c for i, c in enumerate(text)),
    "backwards": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "percent": lambda text: urllib.parse.quote(text, safe="").replace("a", "%61"),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "underscores": lambda text: text.replace(" ", "_"),
    "asterisks": lambda text: text.replace("e", "*"),
    "no vowels": lambda text: "".join(c for c in text if c not in "aeiou"),
    "doubled": lambda text: "".join(c * 2 for c in text),
    "tabs": lambda text: text.replace(" ", "\t"),
    "lines": lambda text: text.replace(" ", "\n"),
    "emoji": lambda text: text.replace(" ", " \N{BALLOT BOX WITH BALLOT} "),
    "in a description": lambda text: f"press photograph of a crowd in a square, soft light, {text}",
    "in brackets": lambda text: f"a crowd in a square ({text})",
    "quoted": lambda text: f"a blank sign, '{text}'",
}
DISGUISED = [(name, change(text)) for text in BARE for name, change in DISGUISES.items()]


def test_the_whole_grammar_passes():
    refused = {refusal for prompt in Grammar() if (refusal := check(prompt.text))}
    assert refused == set()


def test_there_are_enough_hostile_prompts_and_each_is_another_one():
    everything = [text for _, text in (*HOSTILE, *DISGUISED)]
    assert len(set(everything)) == len(everything)
    assert len(HOSTILE) > 190
    assert len(DISGUISED) > 100
    assert {rule for rule, _ in HOSTILE} == set(RULES) - {"length", "character"}


@pytest.mark.parametrize(("rule", "text"), HOSTILE, ids=[text for _, text in HOSTILE])
def test_a_hostile_prompt_is_refused_by_the_rule_that_it_breaks(rule, text):
    refusal = check(text)
    assert refusal is not None
    assert refusal.rule == rule
    assert refusal.phrase


@pytest.mark.parametrize(("disguise", "text"), DISGUISED, ids=[f"{name}: {ascii(text)}" for name, text in DISGUISED])
def test_no_disguise_helps(disguise, text):
    assert check(text) is not None


@pytest.mark.parametrize("text", INNOCENT)
def test_an_innocent_prompt_passes(text):
    assert check(text) is None


def test_there_are_enough_innocent_prompts():
    assert len(set(INNOCENT)) == len(INNOCENT) >= 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a photo of the current president",
            "'the current president' (person): no particular person: write 'a president'",
        ),
        ("a crowd with polcards", "'polcards' (word): not in the vocabulary; .*; the nearest word is 'placards'"),
        ("a market in Vornal", "'Vornal' (capital): write it in lower case; names are not allowed"),
        ("a Crowd in a square", "'Crowd' (capital): write it in lower case"),
        ("a caf\u00e9 in a square", "'U+00E9 LATIN SMALL LETTER E WITH ACUTE' (character): only plain letters"),
        ("a crowd\u200b in a square", "'U+200B ZERO WIDTH SPACE' (character)"),
        ("a crowd\nin a square", "'U+000A control character' (character)"),
        ("a crowd in 2031", "'2031' (number): write numbers in words"),
        ("a crowd! In a square", "'!' (character)"),
        ("a Green Party rally", "'Green Party' (party): no parties: write 'a political party'"),
    ],
)
def test_a_refusal_says_what_to_write_instead(text, message):
    with pytest.raises(ForbiddenPromptError) as caught:
        require(text)
    expected = message.split(".*")
    assert str(caught.value).startswith(expected[0])
    assert all(part in str(caught.value) for part in expected)
    assert "\n" not in str(caught.value)


def test_what_is_allowed_raises_nothing():
    assert require(INNOCENT[0]) is None


@pytest.mark.parametrize("text", ["", "   ", "\n", "a crowd " * 100, "a" * 10**6])
def test_a_prompt_has_a_length(text):
    assert check(text) == Refusal("length", f"{len(text)} characters")


@pytest.mark.parametrize(
    "piece", ["a ", "the ", "vote ", "no ", "- ", ". ", "'", "(", "A ", "party ", "king of ", "a.", "@"]
)
def test_no_prompt_takes_long(piece):
    """Patterns that go back and forth over a text would take seconds on some of these."""
    start = time.perf_counter()
    check((piece * LONGEST)[:LONGEST])
    assert time.perf_counter() - start < 1


def test_the_vocabulary_is_plain_words():
    """Lower case and ASCII, no initials: what is no English word, as most names are, cannot be written."""
    strange = [word for word in vocabulary() if not word.replace("-", "").replace("'", "").isalpha()]
    assert strange == []
    assert all(word == word.lower() and word.isascii() for word in vocabulary())
    assert {word for word in vocabulary() if len(word) == 1} == {"a"}


def test_the_lists_of_words_do_not_overlap_and_are_sorted():
    """A word that is in both could be taken out of one and still be allowed."""
    lists = []
    for name in ("scowl.txt", "added.txt"):
        lines = (Path(policy.__file__).parent / "words" / name).read_text("utf-8").splitlines()
        lists.append([word for line in lines if not line.startswith("#") for word in line.split()])
        assert lists[-1] == sorted(set(lists[-1]))
    assert set(lists[0]).isdisjoint(lists[1])
    assert len(vocabulary()) == len(lists[0]) + len(lists[1])
