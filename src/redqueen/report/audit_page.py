"""The audit of a corpus as one HTML file that loads nothing, and as a terminal table."""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich import box
from rich.table import Table as TerminalTable
from rich.text import Text

from redqueen.corpus.audit import LIMIT
from redqueen.corpus.codec_swap import MEAN, Part
from redqueen.corpus.inspection import Inspection, swap_sentence
from redqueen.corpus.store import Corpus
from redqueen.report.contact_sheet import Picture, Strip, jpeg, strip_of, thumbnail
from redqueen.report.finding import spell
from redqueen.report.page import Table, environment
from redqueen.types import KINDS, SPLITS, Audit, Interval

SIDE = 160  # pixels of a picture on the page
_QUALITY = 80
_KINDS = {"photo": "Photographs", "collage": "Collages", "drawing": "Drawings", "generated": "Generated"}
_VERDICTS = {
    "leak": "Leak: metadata tell the classes apart",
    "clear": "Clear: metadata tell next to nothing",
    "undetermined": "Undetermined: too few pictures to exclude a leak",
}
_SWAP_VERDICTS = {
    "history": "History tells the classes apart",
    "none seen": "No history seen",
    "undetermined": "Undetermined",
}


@dataclass(frozen=True)
class _Shown:
    generated: bool
    caption: str
    identity: str
    data: str


@dataclass(frozen=True)
class _Strip:
    name: str
    notes: Sequence[str]
    pictures: Sequence[_Shown]


def strips(corpus: Corpus, n: int, seed: int) -> list[Strip]:
    """Up to `n` pictures of each human-made kind, and of the generated ones of each window and outside of them."""
    kind, released, makers = (corpus.column(name) for name in ("kind", "released", "generator"))
    found = [(_KINDS[name], np.flatnonzero(kind == name)) for name in KINDS if name != "generated"]
    free = kind == "generated"
    for window in corpus.periods:
        inside = np.array([*map(window.holds, released, makers)], bool) & (kind == "generated")
        free &= ~inside
        found.append((f"Generated, {window.name}", np.flatnonzero(inside)))
    found.append(("Generated, in no window" if corpus.periods else "Generated", np.flatnonzero(free)))
    return [strip_of(corpus, name, rows, n, seed) for name, rows in found if len(rows)]


def page(corpus: Corpus, found: Inspection, shown: Sequence[Strip], facts: Mapping[str, str]) -> str:
    """The whole page; the same input gives the same bytes. `facts` adds lines to "How this was made"."""
    return environment().get_template("audit.html.j2").render(
        finding=found.finding,
        biased=found.biased,
        name=str(corpus.card["name"]),
        summary=_summary(corpus),
        metadata=_metadata(found.metadata),
        card_note=_card_note(found),
        compared=found.one_class is None,
        limit=LIMIT,
        source=_metadata(found.source) if found.source else None,
        source_reason=found.source.reason if found.source else "",
        swap_finding=_sentence(swap_sentence(found.codec_swap)),
        swap=_swap(found.codec_swap.parts),
        too_few=found.codec_swap.too_few,
        counts=[_window_table(found.cells), *_topic_tables(corpus)],
        folded=_folded(corpus, found.cells),
        strips=[_strip(corpus, strip) for strip in shown],
        side=SIDE,
        facts=[*_facts(corpus, found), *facts.items()],
    )  # fmt: skip


def terminal(corpus: Corpus, found: Inspection) -> Iterator[TerminalTable]:
    """What the probes found, unless there is one class; then the counts by window, split and topic."""
    if found.one_class is None:
        yield _probes(found)
    for counts in (_window_table(found.cells), *_topic_tables(corpus)):
        if counts.rows:
            yield _plain(counts)


def _plain(counts: Table) -> TerminalTable:
    table = TerminalTable(box=box.SIMPLE_HEAD, pad_edge=False, caption=f"{counts.caption}.", caption_justify="left")
    for number, name in enumerate(counts.head):
        table.add_column(name.lower(), justify="right" if number else "left", overflow="fold", no_wrap=number > 0)
    for row in counts.rows:
        table.add_row(*map(Text, row))
    return table


def _probes(found: Inspection) -> TerminalTable:
    """A row a window and one for the mean: the metadata probe before and after matching, the codec-swap probe."""
    swaps = {part.name: part for part in found.codec_swap.parts}
    table = TerminalTable(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption="AUROC of the metadata probe before and after matching, and of the one that sees compression history "
        "alone. 0.5: it sees nothing. 95 % intervals.",
        caption_justify="left",
    )
    table.add_column("window", overflow="fold")
    for name in ("all", "matched", "verdict", "history"):
        table.add_column(name, no_wrap=True, justify="left" if name == "verdict" else "right")
    for one in found.metadata.windows:
        part = swaps.get(one.window)
        table.add_row(*map(Text, [one.window, _point(one.before), spell(one.after), one.verdict, _history(part)]))
    whole = _history(swaps.get(MEAN, found.codec_swap.parts[0]))
    means = found.metadata.mean_before, found.metadata.mean_after
    table.add_row(*map(Text, ["mean", _point(means[0]), spell(means[1]), found.standing, whole]), style="bold")
    return table


def _history(part: Part | None) -> str:
    return spell(part.history if part else None)


def _point(interval: Interval) -> str:
    return spell(interval).partition(" ")[0]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _summary(corpus: Corpus) -> str:
    count, windows = corpus.card["counts"], corpus.periods
    dates = f", {len(windows)} release windows from {windows[0].start} to {windows[-1].end}" if windows else ""
    return f"{count['rows']:,} pictures in {count['groups']:,} groups{dates}."


def _metadata(audit: Audit) -> Table:
    rows = [
        [one.window, spell(one.before), spell(one.after), f"{one.after.n:,}", _VERDICTS[one.verdict]]
        for one in audit.windows
    ]
    verdict = "Biased" if audit.biased else "Not biased"
    mean = ["Mean", spell(audit.mean_before), spell(audit.mean_after), f"{audit.mean_after.n:,}", verdict]
    head = ["Window", "Before matching", "After matching", "Pictures", "Verdict"]
    return Table("AUROC of a probe that sees metadata alone (0.5: it sees nothing)", head, [*rows, mean])


def _card_note(found: Inspection) -> str:
    if not found.card_differs:
        return "Computed afresh from the rows; the corpus's card says the same."
    return f"Computed afresh from the rows. The corpus's card says otherwise: {'; '.join(found.card_differs)}."


def _swap(parts: Sequence[Part]) -> Table:
    ways = [saving.name for saving in parts[0].savings]
    spelled = [way.capitalize() if way.islower() else way for way in ways]
    rows = [
        [
            part.name.capitalize(),
            spell(part.history),
            _SWAP_VERDICTS[part.verdict],
            f"{part.history.n:,}",
            *(spell(saving.auroc) for saving in part.savings),
        ]
        for part in parts
    ]
    caption = (
        "AUROC of a probe that sees history alone, and of one that sees all traces, by how all pictures were saved"
    )
    return Table(caption, ["Pictures", "History alone", "Verdict", "Number", *spelled], rows)


def _window_table(cells: Sequence[Mapping[str, Any]]) -> Table:
    """Matched rows by window and kind, and of generated ones how many there were."""
    names = list(dict.fromkeys(cell["window"] for cell in cells))
    kinds = [kind for kind in KINDS if any(cell["kind"] == kind for cell in cells)]
    rows = []
    for name in names:
        here = [cell for cell in cells if cell["window"] == name]
        rows.append([name or "In no window", *(_matched_of([c for c in here if c["kind"] == kind]) for kind in kinds)])
    caption = "Matched pictures of all there are, by window and kind; human-made ones may serve any window"
    return Table(caption, ["Window", *(_KINDS[kind] for kind in kinds)], rows)


def _matched_of(cells: Sequence[Mapping[str, Any]]) -> str:
    matched, rows = (sum(cell[what] for cell in cells) for what in ("matched", "rows"))
    return f"{matched:,} of {rows:,}" if rows else "none"


def _topic_tables(corpus: Corpus) -> list[Table]:
    """Pictures by split and kind, and by topic and kind where topics are known."""
    tables = [_crossed(corpus, "split", "Split", "Pictures by split and kind", SPLITS)]
    topics = sorted({one for one in corpus.column("topic") if one is not None})
    return tables + ([_crossed(corpus, "topic", "Topic", "Pictures by topic and kind", topics)] if topics else [])


def _crossed(corpus: Corpus, column: str, head: str, caption: str, values: Sequence[str]) -> Table:
    count = Counter(zip(corpus.column(column), corpus.column("kind"), strict=True))
    kinds = [kind for kind in KINDS if any(one == kind for _, one in count)]
    rest = [None] if any(value is None for value, _ in count) else []
    rows = [[value or f"no {column}", *(f"{count[value, kind]:,}" for kind in kinds)] for value in [*values, *rest]]
    return Table(caption, [head, *(_KINDS[kind] for kind in kinds)], rows)


def _folded(corpus: Corpus, cells: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What is long: the cells of kind, window and topic, generators, licences."""
    rows = [
        [c["kind"], c["window"] or "none", c["topic"] or "none", f"{c['rows']:,}", f"{c['matched']:,}"] for c in cells
    ]
    tables = [Table("Kind, window and topic", ["Kind", "Window", "Topic", "Pictures", "Matched"], rows)]
    for caption, count in (("Generators", corpus.card["counts"]["generator"]), ("Licences", corpus.card["licences"])):
        tables.append(Table(caption, [caption[:-1], "Pictures"], [[name, f"{n:,}"] for name, n in count.items()]))
    return [table for table in tables if table.rows]


def _strip(corpus: Corpus, strip: Strip) -> _Strip:
    return _Strip(strip.name, strip.notes, [_shown(corpus, picture) for picture in strip.pictures])


def _shown(corpus: Corpus, picture: Picture) -> _Shown:
    data = jpeg(thumbnail(corpus, picture.row, SIDE), _QUALITY)
    return _Shown(picture.generated, picture.caption, picture.identity, base64.b64encode(data).decode())


def _facts(corpus: Corpus, found: Inspection) -> list[tuple[str, str]]:
    swap = found.codec_swap
    return [
        ("Corpus", str(corpus.card["name"])),
        ("Digest of the corpus", corpus.digest),
        ("Metadata probe", "splines and a logistic regression; each split is ranked by one fitted on the others"),
        ("Codec-swap probe", "a ridge regression, fitted anew in every draw of the bootstrap"),
        ("Its pictures", f"{swap.pictures:,} of {swap.of:,}, drawn by the seed, as many of each class in each split"),
    ]
