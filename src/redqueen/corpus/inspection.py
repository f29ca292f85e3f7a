"""A finished corpus looked at afresh: what its audit says now, whether its card still agrees, what its pixels tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from redqueen.corpus.audit import CLASSES, audit
from redqueen.corpus.card import cells
from redqueen.corpus.codec_swap import LEAST, CodecSwap, Part, Probe
from redqueen.corpus.compare import audit_changes
from redqueen.corpus.store import Corpus
from redqueen.types import Audit

_SHORT = {"history": "tells the classes apart", "none seen": "none seen", "undetermined": "undetermined"}

Standing = Literal["biased", "not biased", "nothing to audit"]


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes:
        one_class: what all pictures are, "human-made" or "AI-generated"; None if there are both.
        metadata: the metadata probe, computed afresh.
        card_differs: where the card says something else; empty where it agrees.
        source: the same probe on the source's files before treatment, from the card; None where they are unknown.
        codec_swap: the codec-swap probe.
        cells: rows and matched rows by window, kind and topic.
    """

    one_class: str | None
    metadata: Audit
    card_differs: tuple[str, ...]
    source: Audit | None
    codec_swap: CodecSwap
    cells: tuple[Mapping[str, Any], ...]

    @property
    def biased(self) -> bool:
        """Whether metadata or compression history tell the classes apart, or nobody knows."""
        return self.standing == "biased"

    @property
    def standing(self) -> Standing:
        """The verdict in two or three words; there is nothing to audit in a corpus of one class."""
        if self.one_class:
            return "nothing to audit"
        return "biased" if self.metadata.biased or self.codec_swap.verdict == "history" else "not biased"

    @property
    def finding(self) -> str:
        """One sentence: biased or not, and why."""
        pixels = f"compression history in the pixels: {_SHORT[self.codec_swap.verdict]}"
        if self.one_class:
            return f"Nothing to audit: one class, all pictures are {self.one_class}."
        if self.metadata.biased:
            return f"Biased: {self.metadata.reason}; {pixels}."
        if self.biased:
            return f"Biased: {swap_sentence(self.codec_swap)}; metadata alone do not ({self.metadata.reason})."
        return f"Not biased: {self.metadata.reason}; {pixels}."


def inspect(corpus: Corpus, probe: Probe) -> Inspection:
    """Compute everything from the rows; only the audit of the source's files comes from the card."""
    table = _facts(corpus)
    fresh = audit(table, corpus.periods, corpus.windows, int(corpus.card["seed"]))
    known = any(one is not None for one in corpus.column("source_format"))
    labels = set(corpus.column("label").tolist())
    return Inspection(
        one_class=None if len(labels) > 1 else CLASSES[labels.pop()],
        metadata=fresh,
        card_differs=tuple(audit_changes(corpus.audit, fresh)),
        source=corpus.source_audit if known else None,
        codec_swap=probe(corpus),
        cells=tuple(cells(table, corpus.periods, corpus.windows)),
    )


def _facts(corpus: Corpus) -> pa.Table:
    """The columns that the audit and the counts need."""
    table = corpus.known.append_column("topic", pa.array(corpus.column("topic"), pa.string()))
    for name in corpus.metadata.column_names:
        table = table.append_column(name, corpus.metadata.column(name))
    return table


def swap_sentence(found: CodecSwap) -> str:
    """What the codec-swap probe says, without its full stop."""
    whole = found.parts[0]
    if whole.history.value is None:
        return (
            f"compression history was not probed: it takes pictures of both classes in two splits, of {LEAST} pixels "
            "a side or more, not all alike, whose last saving was JPEG of quality 55 or more, or of no JPEG"
        )
    if found.verdict == "history":
        part = next(part for part in found.parts if part.verdict == "history")
        return f"compression history in the pixels tells the classes apart ({_figure(part)}; {part.name})"
    if found.verdict == "none seen":
        return f"no compression history was seen in the pixels ({_figure(whole)})"
    return f"whether compression history in the pixels tells is undetermined ({_figure(whole)})"


def _figure(part: Part) -> str:
    ends = ["n/a" if e is None else f"{e:.2f}" for e in (part.history.value, part.history.low, part.history.high)]
    return f"AUROC {ends[0]} ({ends[1]}-{ends[2]})"
