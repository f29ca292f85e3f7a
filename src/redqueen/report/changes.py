"""What changed between two corpora, line by line for a terminal."""

import re
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from redqueen.corpus.compare import Comparison, WindowChange

_LONGEST = 60  # letters of a value
_FEW = 12  # counts and settings that are told one by one


def lines(found: Comparison) -> Iterator[Text]:
    """The verdict, then a section for each sort of difference there is."""
    if found.same:
        yield Text(f"no difference: both have digest {found.digests[0][:12]}", "bold")
        return
    same = found.digests[0] == found.digests[1]
    digests = f"the same digest, {found.digests[0][:12]}" if same else " became ".join(d[:12] for d in found.digests)
    yield Text(f"digest: {digests}", "bold")
    yield from _section("settings", (_became(one.name, one.before, one.after) for one in found.settings))
    yield from _section("counts", _short([_became(one.name, one.before, one.after) for one in found.counts]))
    yield from _section("rows", _rows(found))
    moves = (f"{m.before} to {m.after}: {_count(m.groups, 'group')}, {_count(m.rows, 'row')}" for m in found.moves)
    yield from _section("moved to another split", moves)
    yield from _section("matched rows", (line for one in found.windows for line in _window(one)))
    yield from _section("audit", iter(found.audit))


def _section(title: str, some: Iterator[str]) -> Iterator[Text]:
    told = list(some)
    if told:
        yield Text(f"{title}:", "bold")
        yield from (Text(f"  {line}") for line in told)


def _short(some: list[str]) -> Iterator[str]:
    yield from some[:_FEW]
    if len(some) > _FEW:
        yield f"and {len(some) - _FEW} more, in diff.json"


def _rows(found: Comparison) -> Iterator[str]:
    yield f"{_count(found.shared, 'row')} in both, {found.added:,} added, {found.removed:,} removed"
    for word, ids in (("added", found.added_ids), ("removed", found.removed_ids)):
        if ids:
            yield f"{word}, for example: {', '.join(one[:12] for one in ids)}"
    for change in found.columns:
        one, before, after = change.examples[0]
        example = f"{one[:12]}: {_value(before)} became {_value(after)}"
        yield f"{change.column}: {_count(change.rows, 'row')}, for example {example}"


def _window(one: WindowChange) -> Iterator[str]:
    if one.before is None or one.after is None:
        side, size = ("after", one.after) if one.before is None else ("before", one.before)
        yield f"{one.window}: only {side}, {_count(size or 0, 'row')}"
    elif not one.before == one.after == one.shared:
        yield f"{one.window}: {one.before:,} became {one.after:,}, {one.shared:,} of them the same"


def _became(name: str, before: Any, after: Any) -> str:
    return f"{name}: {_value(before)} became {_value(after)}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(str(one.get("name", one)) if isinstance(one, dict) else str(one) for one in value)
    text = "nothing" if value is None else " ".join(str(value).split())
    if re.fullmatch("[0-9a-f]{64}", text):
        return text[:12]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
