"""What a prompt may say: nothing of a named person, party, candidate or slogan, and no word on how or when to vote.

Whatever is not allowed is refused. A prompt describes a scene in plain English words of two lists (`words/scowl.txt`,
`words/added.txt`), in lower case; so a name that is no English word cannot be written at all, whatever its spelling,
script or disguise, and no list of real names has to exist. On top of that, rules refuse what ordinary words can do:
a title with a name after it, a party, an instruction to voters, a slogan, text to be drawn.

Limits, which only a person who reads the prompts can make up for:

- a name made of ordinary words alone is refused only beside a title ("mayor white"), or where it is not at the start
  of a sentence and has its capital letter;
- a description that fits one real person, without any name, passes;
- a slogan in the form of a description ("hope and change in a crowd") passes;
- a foreign word, or an abbreviation, that is spelt like a listed English word is read as that word;
- harmless words outside the lists are refused too, among them all nationalities and creeds: the message says which,
  and what to write instead.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from redqueen.errors import UserError
from redqueen.generation.policy_rules import PATTERNS, TITLES, one_of

LONGEST = 500  # characters; text encoders read 77 to 512 tokens
RULES = {
    "length": f"a prompt has 1 to {LONGEST} characters",
    "contact": "no links, handles or hashtags",
    "person": "no particular person: write 'a president', 'an official', 'a judge holding a book'",
    "candidate": "no candidacies: write 'a candidate on a stage'",
    "party": "no parties: write 'a political party', 'a crowd with plain flags'",
    "voting": "nothing on how, when, where or for whom to vote: write 'a voter putting a ballot into a box'",
    "slogan": "no slogans and no calls to action: describe what can be seen",
    "address": "describe a scene, and speak neither to anyone nor for anyone",
    "text": "no text to be drawn: write 'a blank sign', or 'without text'",
    "character": "only plain letters and single , . ; : - ( ) ' are allowed",
    "number": "write numbers in words; years are not allowed",
    "capital": "write it in lower case; names are not allowed",
    "word": "not in the vocabulary; describe what can be seen in plain English words",
}


@dataclass(frozen=True)
class Refusal:
    """Why a prompt is refused.

    Attributes:
        rule: a key of RULES.
        phrase: the part of the prompt that breaks it.
    """

    rule: str
    phrase: str

    def __str__(self) -> str:
        """The phrase, the rule, and what to write instead, in one line."""
        near = _nearest(self.phrase) if self.rule == "word" else None
        return f"'{self.phrase}' ({self.rule}): {RULES[self.rule]}{f'; the nearest word is {near!r}' if near else ''}"


class ForbiddenPromptError(UserError):
    """A prompt that the policy refuses."""


def require(text: str) -> None:
    """Raise ForbiddenPromptError, with the phrase and the rule, if the policy refuses the prompt."""
    refusal = check(text)
    if refusal is not None:
        raise ForbiddenPromptError(str(refusal))


def check(text: str) -> Refusal | None:
    """The first rule that a prompt breaks; None if it breaks none.

    >>> check("a mayor speaking to a crowd in front of a town hall")
    >>> check("the current president at a desk")
    Refusal(rule='person', phrase='the current president')
    """
    if not text.strip() or len(text) > LONGEST:
        return Refusal("length", f"{len(text)} characters")
    text = text.translate(_TYPOGRAPHY)
    return next((found for search in _SEARCHES if (found := search(text))), None)


@cache
def vocabulary() -> frozenset[str]:
    """Every word that a prompt may hold, in lower case."""
    texts = [(Path(__file__).parent / "words" / name).read_text("utf-8") for name in ("scowl.txt", "added.txt")]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
    return frozenset(word for line in lines for word in line.split())


def _nearest(word: str) -> str | None:
    """The word of the vocabulary, with the same first letter, that is spelt most like this one."""
    same_start = sorted(known for known in vocabulary() if known[0] == word[0].lower())
    return next(iter(difflib.get_close_matches(word.lower(), same_start, n=1, cutoff=0.8)), None)


_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": ";", "—": ";", "…": "."})
_WORD = re.compile(r"[a-z]+")
_CONTACT = re.compile(r"\bhttps?\b|\bwww\b|://|[@#]\S*|\b[A-Za-z]+\.[A-Za-z]\S*")
_TITLED = re.compile(rf"\b(?i:{one_of(TITLES)})\b\.? [A-Z][\w.'-]*(?: [A-Z][\w.'-]*)*")
_CAPITALS = re.compile(r"\b[A-Z][\w.'-]*(?: (?:[a-z]{2,3} )?[A-Z][\w.'-]*)+")
_QUOTED = re.compile(r"\"[^\"]*\"?|(?<![A-Za-z])'[^']*'?")
_FOREIGN = re.compile(r"[^A-Za-z0-9 ,.;:()'/-]|([,.;:'/-])\1")
_TOKEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9'/-]|\.(?=\d))*")
_FIRST = re.compile(r"(?:^|[.:;]) ?\(?$")  # what stands before the first word of a sentence
_NUMBER = re.compile(r"\d{1,3}mm|[48]k|[23]d|f/\d{1,2}(\.\d)?|(1[89]|20)\d0s")  # lenses, picture sizes, decades
_ABBREVIATIONS = frozenset({"TV", "LED", "HDR", "DSLR", "CCTV"})
_SHORT_PARTS = frozenset({"up", "in", "on", "off", "out", "to", "of", "by", "at"})  # of compounds such as close-up


def _contact(text: str) -> Refusal | None:
    found = _CONTACT.search(text)
    return Refusal("contact", found[0]) if found else None


def _named(text: str) -> Refusal | None:
    """A title before a capital, or capitals in a row of which one is no ordinary word."""
    if text == text.lower():
        return None
    if found := _TITLED.search(text):
        return Refusal("person", found[0])
    for found in _CAPITALS.finditer(text):
        if not vocabulary().issuperset(_WORD.findall(found[0].lower())):
            return Refusal("person", found[0])
    return None


def _phrased(text: str) -> Refusal | None:
    plain = " ".join(text.lower().replace("-", " ").replace("/", " ").split())
    words = frozenset(_WORD.findall(plain))
    for pattern in PATTERNS:
        if phrase := pattern.search(plain, words):
            at = text.lower().find(phrase)
            return Refusal(pattern.rule, text[at : at + len(phrase)] if at >= 0 else phrase)
    return None


def _quoted(text: str) -> Refusal | None:
    found = _QUOTED.search(text)
    return Refusal("text", found[0]) if found else None


def _foreign(text: str) -> Refusal | None:
    found = _FOREIGN.search(text)
    if found is None:
        return None
    mark = found[0]
    if mark.isascii() and mark.isprintable():
        return Refusal("character", mark)
    return Refusal("character", f"U+{ord(mark):04X} {unicodedata.name(mark, 'control character')}")


def _worded(text: str) -> Refusal | None:
    """The first token with a digit, a capital letter, or a spelling that the vocabulary does not have."""
    for found in _TOKEN.finditer(text):
        token = found[0].rstrip("'/-")
        if token in vocabulary() or token in _ABBREVIATIONS or _NUMBER.fullmatch(token):
            continue
        if any(mark.isdigit() for mark in token):
            return Refusal("number", token)
        starts = _FIRST.search(text, max(0, found.start() - 3), found.start())
        if token != token.lower() and not (starts and token[1:] == token[1:].lower()):
            return Refusal("capital", token)
        if not _known(token.lower()):
            return Refusal("word", token)
    return None


def _known(token: str) -> bool:
    """Whether a lower-case token is a word, or a compound of words; short ones could be the parts of a name."""
    words = vocabulary()
    if token.removesuffix("'s") in words:
        return True
    parts = [part.removesuffix("'s") for part in re.split("[-/]", token)]
    return len(parts) > 1 and all(part in words and (len(part) > 2 or part in _SHORT_PARTS) for part in parts)


_SEARCHES: tuple[Callable[[str], Refusal | None], ...] = (_contact, _phrased, _named, _quoted, _foreign, _worded)
