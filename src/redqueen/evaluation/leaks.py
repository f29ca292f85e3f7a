"""What a protocol must not let through: checked on the corpus itself before anything is trained or measured on it."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow.compute as pc

from redqueen.corpus.store import Corpus
from redqueen.detectors.pretrained import Pretraining
from redqueen.errors import UserError
from redqueen.evaluation.protocols import LeaveFamilyOut, Protocol
from redqueen.types import Window
from redqueen.vocabulary import Vocabulary, packaged

Dated = Mapping[str, str]  # generator -> its month in the corpus, "" for none


def check(protocol: Protocol, corpus: Corpus) -> None:
    """Raise UserError at the first leak, in one line.

    No group lies on both sides of the split. At every cutoff, no generator that was learned from counts as new
    afterwards, none that counts as new came out before the cutoff, and of a family that is left out nothing is learned.
    """
    check_groups(corpus)
    learned = {w.name: _generators(corpus, w, ("train", "val")) for w in protocol.windows}
    tested = {w.name: _generators(corpus, w, ("test",)) for w in protocol.windows}
    for cutoff in protocol.windows:
        known = {name for window in protocol.seen(cutoff) for name in learned[window]}
        for window in protocol.future(cutoff):
            new = tested[window.name]
            where = f"protocol '{protocol.label}', trained up to {cutoff.name}"
            for name in sorted(known & set(new)):
                raise UserError(f"{where}: generator '{name}' is learned from and counts as new in {window.name}")
            if isinstance(protocol, LeaveFamilyOut):
                _check_family(where, protocol.family, known, packaged())
            else:
                _check_dates(where, cutoff, window, new)


def pretraining_limit(known: Pretraining | None, protocol: Protocol) -> str | None:
    """What must be said of a detector whose pretrained weights may know windows that count as new; None if nothing."""
    if known is None or protocol.nominal:
        return None
    new = protocol.windows[1:]
    before = [window.name for window in new if window.start[: len(known.until)] <= known.until]
    if not before:
        return None
    return (
        f"Its weights were pretrained on pictures up to {known.until} at the latest ({known.source}): they may know "
        f"generators of {len(before)} of the {len(new)} windows that count as new to it, {', '.join(before)}."
    )


def check_groups(corpus: Corpus) -> None:
    """Raise UserError if rows of one group lie in several splits: a test picture would have relatives in training."""
    counts = corpus.known.group_by("group_id").aggregate([("split", "count_distinct")])
    torn = counts.filter(pc.greater(counts.column("split_count_distinct"), 1)).column("group_id").to_pylist()
    if torn:
        more = f" and {len(torn) - 1} more" if len(torn) > 1 else ""
        raise UserError(
            f"corpus {corpus.folder.name}: group '{min(torn)}'{more} lies on both sides of a split: build it again"
        )


def _generators(corpus: Corpus, window: Window, splits: Iterable[str]) -> Dated:
    rows = np.concatenate([corpus.rows(split, (window.name,)) for split in splits])
    made = rows[corpus.column("label")[rows] == 1]
    names, months = corpus.column("generator")[made], corpus.column("released")[made]
    return {str(name): month or "" for name, month in set(zip(names, months, strict=True))}


def _check_dates(where: str, cutoff: Window, window: Window, new: Dated) -> None:
    """By the corpus's own dates, which the protocol's may contradict."""
    for name, month in sorted(new.items()):
        if month and month < cutoff.end[: len(month)]:
            raise UserError(
                f"{where}: generator '{name}' counts as new in {window.name}, but came out in {month}, before "
                f"{cutoff.end}: put it into an earlier window or mend its date"
            )


def _check_family(where: str, family: str, known: Iterable[str], vocabulary: Vocabulary) -> None:
    """By every name that the family's generators answer to, not by their slugs alone."""
    members = {one.name for one in vocabulary if one.family == family}
    for name in sorted(known):
        try:
            entry = vocabulary.resolve(name)
        except UserError:
            continue  # a generator of the user's own, of no family here
        if entry.name in members:
            raise UserError(
                f"{where}: '{name}' is {entry.name}, of the family that is left out, and is learned from: "
                f"call it {entry.name} in the corpus"
            )
