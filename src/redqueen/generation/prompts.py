"""Prompts for pictures of politics: from a closed grammar, or from a user's own file; the policy passes on both.

A sample of n prompts is the beginning of every larger sample with the same seed.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Protocol

from omegaconf import OmegaConf

from redqueen.errors import UserError, unknown
from redqueen.files import digest_of, seed_from
from redqueen.generation import policy

_GRAMMAR = Path(__file__).parent / "grammar"
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_TOLD = 3  # refused lines that one error quotes
COLUMNS = ("text", "topic", "prompt_id")


@dataclass(frozen=True)
class Prompt:
    """What to draw.

    Attributes:
        prompt_id: slug, unique within its set and the same on every machine.
        text: the prompt itself.
        topic: slug of the political topic.
    """

    prompt_id: str
    text: str
    topic: str


class PromptSet(Protocol):
    """Anything that prompts are drawn from."""

    def fingerprint(self) -> str:
        """Digest of all prompts in it: when it changes, what was rendered from them is rendered again."""
        ...

    def prompts(self, n: int, seed: int) -> Sequence[Prompt]:
        """A sample of n different prompts, even over topics; raises UserError if there are fewer."""
        ...


@dataclass(frozen=True)
class Style:
    """A sort of picture: how a scene is put into it, and every way to frame and to finish it."""

    text: str
    framing: tuple[str, ...]
    finish: tuple[str, ...]

    @property
    def compositions(self) -> tuple[str, ...]:
        """Each framing with each finish."""
        return tuple(f"{framing}, {finish}" for framing, finish in product(self.framing, self.finish))


@cache
def known_scenes() -> Mapping[str, tuple[str, ...]]:
    """Topic -> its scenes: a file a topic, a line a scene."""
    paths = sorted((_GRAMMAR / "topics").glob("*.txt"))
    return {path.stem: tuple(path.read_text("utf-8").splitlines()) for path in paths}


@cache
def known_styles() -> Mapping[str, Style]:
    """Slug -> style."""
    read = OmegaConf.load(_GRAMMAR / "styles.yaml")
    return {str(name): Style(one["text"], tuple(one["framing"]), tuple(one["finish"])) for name, one in read.items()}


class Grammar:
    """The closed grammar: topics x styles x scenes x compositions.

    Any sample is even: the counts of two topics differ by one at most, and so do those of two pairs of topic and style.

    Args:
        topics: which topics; all of them by default.
        styles: which styles; all of them by default.

    Raises:
        UserError: a topic or style that the grammar does not have.
    """

    def __init__(self, topics: Sequence[str] | None = None, styles: Sequence[str] | None = None) -> None:
        self.topics = _chosen("topic", topics, known_scenes())
        self.styles = _chosen("style", styles, known_styles())

    def fingerprint(self) -> str:
        """Digest of every scene and composition in it."""
        chosen = {name: [known_styles()[name].text, known_styles()[name].compositions] for name in self.styles}
        return digest_of([{topic: known_scenes()[topic] for topic in self.topics}, chosen])

    def __len__(self) -> int:
        """How many different prompts it has."""
        pairs = product(self.topics, self.styles)
        return sum(len(known_scenes()[topic]) * len(known_styles()[style].compositions) for topic, style in pairs)

    def __iter__(self) -> Iterator[Prompt]:
        """Yield every prompt."""
        for topic, style in product(self.topics, self.styles):
            for scene, composition in product(known_scenes()[topic], known_styles()[style].compositions):
                yield _composed(topic, style, scene, composition)

    def prompts(self, n: int, seed: int) -> Sequence[Prompt]:
        """A sample of n different prompts; raises UserError if the grammar has fewer."""
        _check_count(n, len(self), "the grammar, with these topics and styles,")
        return [self._at(number, seed) for number in range(n)]

    def _at(self, number: int, seed: int) -> Prompt:
        """The prompt at one place of the sample.

        A round visits every pair of topic and style once: all topics with one style each, then all with the next one.
        A pair that is visited again takes its next scene, and when it has used all of them, their next compositions.
        """
        lap, place = divmod(number, len(self.topics) * len(self.styles))
        turn, rank = divmod(place, len(self.topics))
        topic = _shuffled(self.topics, seed, lap)[rank]
        style = _shuffled(self.styles, seed, lap)[(rank + turn) % len(self.styles)]
        again, visit = divmod(lap, len(known_scenes()[topic]))
        scene = _shuffled(known_scenes()[topic], seed, topic, style)[visit]
        composition = _shuffled(known_styles()[style].compositions, seed, topic, style, scene)[again]
        return _composed(topic, style, scene, composition)


class PromptFile:
    """A user's own prompts, each of which the policy must pass.

    Args:
        path: `.txt`, a prompt a line; `.csv` or `.jsonl`, with text, topic and optionally prompt_id. UTF-8.
        topic: the topic of every prompt that does not name one: needed for `.txt`.
    """

    def __init__(self, path: str, topic: str | None = None) -> None:
        self.path = Path(path).expanduser()
        self.topic = topic

    def fingerprint(self) -> str:
        """Digest of all prompts in the file."""
        return digest_of([[prompt.prompt_id, prompt.text, prompt.topic] for prompt in self._all()])

    def prompts(self, n: int, seed: int) -> Sequence[Prompt]:
        """A sample of n prompts, as even over topics as the file is.

        Raises:
            UserError: the file cannot be read, a prompt is refused or stands twice, or there are fewer than n.
        """
        found = self._all()
        _check_count(n, len(found), f"{self.path}")
        ranked: list[tuple[int, int, Prompt]] = []
        for topic in sorted({prompt.topic for prompt in found}):
            mine = [prompt for prompt in found if prompt.topic == topic]
            mine.sort(key=lambda prompt: seed_from(seed, prompt.prompt_id))
            ranked += [(rank, seed_from(seed, rank, topic), prompt) for rank, prompt in enumerate(mine)]
        return [prompt for *_, prompt in sorted(ranked, key=lambda entry: entry[:2])][:n]

    def _all(self) -> list[Prompt]:
        prompts: list[Prompt] = []
        lines: dict[str, int] = {}
        refused: list[str] = []
        for line, row in _rows(self.path):
            if refusal := policy.check(row["text"].strip()):
                refused.append(f"line {line}: {refusal}")
                continue
            prompt = self._prompt(line, row)
            earlier = min(lines.setdefault(key, line) for key in (prompt.prompt_id, prompt.text))
            if earlier != line:
                raise UserError(f"{self.path}: line {line} has the prompt or prompt_id of line {earlier}")
            prompts.append(prompt)
        if refused:
            rest = f"; and {len(refused) - _TOLD} more" if len(refused) > _TOLD else ""
            raise policy.ForbiddenPromptError(f"{self.path}: {'; '.join(refused[:_TOLD])}{rest}")
        return prompts

    def _prompt(self, line: int, row: Mapping[str, str]) -> Prompt:
        text, topic = row["text"].strip(), row.get("topic") or self.topic
        if topic is None:
            raise UserError(f"{self.path}: line {line} has no topic; name one for all lines with prompts.topic=protest")
        if topic not in known_scenes():
            raise UserError(f"{self.path}: line {line}: {unknown('topic', topic, known_scenes())}")
        prompt_id = row.get("prompt_id") or identified(topic, text)
        if not _SLUG.fullmatch(prompt_id):
            rule = "must be 1 to 64 of a-z, 0-9, - and _, such as 'march-01'"
            raise UserError(f"{self.path}: line {line}: prompt_id '{prompt_id}' {rule}")
        return Prompt(prompt_id, text, topic)


def identified(topic: str, text: str) -> str:
    """The prompt_id of a text: its topic and 12 hex digits of its sha256.

    >>> identified("protest", "a crowd on a bridge")
    'protest-23f2857d2503'
    """
    return f"{topic}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _composed(topic: str, style: str, scene: str, composition: str) -> Prompt:
    text = f"{known_styles()[style].text.format(scene=scene)}, {composition}"
    return Prompt(identified(topic, text), text, topic)


def _chosen(what: str, names: Sequence[str] | None, known: Mapping[str, object]) -> tuple[str, ...]:
    for name in names or ():
        if name not in known:
            raise unknown(what, name, known)
    return tuple(sorted(set(names or known)))


def _check_count(n: int, available: int, where: str) -> None:
    if n > available:
        raise UserError(f"{n} prompts asked for, but {where} has {available}: ask for at most that many")


@lru_cache(maxsize=4096)
def _shuffled(items: tuple[str, ...], *key: object) -> tuple[str, ...]:
    """The items in an order that depends on nothing but themselves and the key."""
    return tuple(sorted(items, key=lambda item: seed_from(*key, item)))


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield (line number, columns) of every prompt in a file."""
    readers = {".txt": _lines, ".csv": _table, ".jsonl": _objects}
    if path.suffix.lower() not in readers:
        raise UserError(f"{path}: a file of prompts is .txt, .csv or .jsonl")
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file of prompts") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    for line, row in readers[path.suffix.lower()](path, text):
        _check_row(row, f"{path}: line {line}")
        yield line, row


def _check_row(row: Mapping[str, Any], where: str) -> None:
    for column, value in row.items():
        if column is None:
            raise UserError(f"{where} has more columns than the first line names")
        if column not in COLUMNS:
            raise UserError(f"{where}: {unknown('column', column, COLUMNS)}")
        if not isinstance(value, str | None):
            raise UserError(f"{where}: {column} must be a text")
    if row.get("text") is None:
        raise UserError(f"{where}: there is no text")


def _lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:  # noqa: ARG001  (as every reader)
    for line, prompt in enumerate(text.split("\n"), start=1):
        if prompt.strip():
            yield line, {"text": prompt}


def _table(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise UserError(f"{path}: line {rows.reader.line_num}: {error}") from None


def _objects(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            row = json.loads(written)
        except ValueError as error:
            raise UserError(f"{path}: line {line}: no JSON: {error}") from None
        if not isinstance(row, dict):
            raise UserError(f"{path}: line {line}: not an object with text and topic")
        yield line, row
