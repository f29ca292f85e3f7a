"""Making a hidden round of a corpus: pictures that differ in nothing but their pixels, and the answers to them.

Each picture is a PNG of stored pixels, so that all files are of one size, under the HMAC of its identity, and of one
time. Marks by which generated pictures are known are stripped like all metadata; the answers say it later. Among the
pictures are canaries, whose labels a coin throws, and twins, which are there under two names: neither counts, and both
tell on scores that come from elsewhere than the pixels.
"""

import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from redqueen.console import track
from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.evaluation import benchmark
from redqueen.evaluation.benchmark import Definition
from redqueen.files import digest_file, write_bytes, write_json
from redqueen.leaderboard.rounds import (
    CANARY,
    CARD,
    HIDDEN,
    KNOWN,
    PICTURES,
    PRIVATE,
    PUBLIC,
    SECRET,
    TWIN,
    Card,
    Round,
    coin,
    keyed,
    opaque,
)
from redqueen.perturbations.suite import Suite
from redqueen.types import Window

_TIME = 946_684_800  # of every picture file: the first second of 2000, UTC

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """What a round is made of.

    Args:
        name: slug.
        suite: has the views under which its pictures are scored.
        n: pictures that count; None: all that the corpus has matched.
        canaries: pictures whose label is thrown by a coin.
        twins: pictures that are there twice.
        draws: of the bootstrap.
    """

    name: str
    suite: Suite
    n: int | None = None
    canaries: int = 20
    twins: int = 10
    draws: int = 1000

    def __post_init__(self) -> None:
        """Refuse a name that no file could have."""
        if not re.fullmatch(r"[a-z0-9]+([_-][a-z0-9]+)*", self.name):
            raise UserError(f"name={self.name}: a slug: lower-case letters, digits, single hyphens or underscores")


def new(corpus: Corpus, folder: Path, plan: Plan, secret: str) -> Round:
    """Make a round of a corpus of pictures that nobody has; raises UserError where it cannot be one."""
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"output={folder}: is not empty; a round is never made twice")
    chosen = _chosen(corpus, plan, secret)
    sizes = {(int(corpus.column("width")[row]), int(corpus.column("height")[row])) for row in chosen.all}
    if len(sizes) > 1:
        raise UserError(
            f"corpus {corpus.card['name']}: pictures of {len(sizes)} sizes, which tell them apart; "
            "build it with normalise=square"
        )
    ((width, height),) = sizes
    private = folder / PRIVATE
    private.mkdir(parents=True, mode=0o700)
    write_json(private / SECRET, {"secret": secret})
    (private / SECRET).chmod(0o600)
    table = _answers(corpus, chosen, secret)
    benchmark.write(private, _definition(corpus, chosen, plan, table), table)
    pictures = _write(corpus, chosen, folder / PUBLIC / PICTURES, secret)
    card = Card(plan.name, plan.suite.label, tuple(plan.suite.views), KNOWN, width, height, pictures)
    write_json(folder / PUBLIC / CARD, asdict(card))
    return Round.open(folder)


@dataclass(frozen=True)
class _Chosen:
    """Rows of the corpus: those that count, those of them that are there twice, and those with a coin's label."""

    counted: Rows
    twins: Rows
    canaries: Rows

    @property
    def all(self) -> Rows:
        return np.concatenate([self.counted, self.canaries])

    def named(self, corpus: Corpus, secret: str) -> list[tuple[str, int, str]]:
        """(name, row, what it is) of every picture, in the order of the names."""
        ids = corpus.column("image_id")
        parts = ((self.counted, HIDDEN), (self.twins, TWIN), (self.canaries, CANARY))
        return sorted(
            (opaque(secret, str(ids[row]), TWIN if what == TWIN else "picture"), int(row), what)
            for rows, what in parts
            for row in rows
        )


def _chosen(corpus: Corpus, plan: Plan, secret: str) -> _Chosen:
    """By lot: the secret decides."""
    matched = np.logical_or.reduce([np.zeros(corpus.known.num_rows, bool), *corpus.windows.values()])
    rows = np.flatnonzero(matched)
    ids = corpus.column("image_id")
    rows = np.asarray(sorted(rows, key=lambda row: keyed(secret, "lot", str(ids[row]))), np.int64)
    n = len(rows) - plan.canaries if plan.n is None else plan.n
    if not 0 < n <= len(rows) - plan.canaries or plan.twins > n:
        raise UserError(
            f"corpus {corpus.card['name']} has {len(rows)} matched pictures: not enough for n={plan.n}, "
            f"canaries={plan.canaries} and twins={plan.twins} of those that count"
        )
    counted = rows[plan.canaries : plan.canaries + n]
    groups, labels = corpus.column("group_id")[counted], corpus.column("label")[counted]
    if any(len(set(groups[labels == label])) < 2 for label in (0, 1)):
        raise UserError(f"n={n}: fewer than two groups of human-made or of generated pictures; take more")
    return _Chosen(counted, counted[: plan.twins], rows[: plan.canaries])


def _answers(corpus: Corpus, chosen: _Chosen, secret: str) -> pa.Table:
    """The answers as a benchmark holds them; canaries and twins serve no window and are of no human-made kind."""
    named = chosen.named(corpus, secret)
    rows = [row for _, row, _ in named]
    ids, groups = corpus.column("image_id")[rows], corpus.column("group_id")[rows].astype(str)
    table = corpus.table.take(pa.array(rows))
    shown = {name: table.column(name).to_pylist() for name in benchmark.SCHEMA.names if name in table.column_names}
    places = np.unique(groups, return_inverse=True)[1]
    shown["image_id"] = [name for name, _, _ in named]
    shown["group_id"] = [f"g{place:06d}" for place in places]
    shown["provenance"] = [json.dumps({"style": json.loads(one).get("style", "")}) for one in shown["provenance"]]
    shown["canary"] = [what == CANARY for _, _, what in named]
    shown["twin"] = [
        opaque(secret, str(one)) if what == TWIN else None for (_, _, what), one in zip(named, ids, strict=True)
    ]
    for at, (name, _, what) in enumerate(named):
        if what != HIDDEN:
            shown["kind"][at] = what
        if what == CANARY:
            shown["label"][at] = coin(secret, name)
            for column in ("generator", "released", "topic"):
                shown[column][at] = None
            shown["group_id"][at] = f"canary-{name}"
    shown[f"{benchmark.WINDOW}{KNOWN}"] = [False] * len(named)
    shown[f"{benchmark.WINDOW}{HIDDEN}"] = [what == HIDDEN for _, _, what in named]
    form = benchmark.schema(_windows(shown["released"]))
    return pa.table({name: shown[name] for name in form.names}, schema=form)


def _windows(released: Sequence[str | None]) -> tuple[Window, Window]:
    """What a detector may have seen, of which there is no picture here, and the round, which is new to it."""
    months = sorted(one[:7] for one in released if one) or ["2000-01"]
    year, month = int(months[0][:4]), int(months[0][5:])
    before = f"{year:04d}-{month - 1:02d}" if month > 1 else f"{year - 1:04d}-12"
    return Window(KNOWN, before, before), Window(HIDDEN, months[0], months[-1])


def _definition(corpus: Corpus, chosen: _Chosen, plan: Plan, table: pa.Table) -> Definition:
    return Definition(
        name=plan.name,
        version=1,
        corpus_digest=corpus.digest,
        windows_digest=corpus.windows_digest,
        protocol="hidden-v1",
        suite=plan.suite.label,
        views=tuple(plan.suite.views),
        cutoffs=(KNOWN,),
        windows=_windows(table.column("released").to_pylist()),
        last=None,
        nominal_dates=True,  # of the first window, which stands for all that came before
        draws=plan.draws,
        seed=0,
        answers_digest=benchmark.answers_digest(table),
        biased=corpus.audit.biased,
        reason=corpus.audit.reason,
        limits=(f"hidden round of {len(chosen.counted)} pictures",),
    )


def _write(corpus: Corpus, chosen: _Chosen, folder: Path, secret: str) -> dict[str, str]:
    """Write the pictures in the order of their names; name -> sha256 of its file."""
    found = {}
    for name, row, _ in track(chosen.named(corpus, secret), "pictures"):
        path = folder / f"{name}.png"
        write_bytes(path, stored(corpus.pixels(row)))
        os.utime(path, (_TIME, _TIME))
        found[name] = digest_file(path)
    os.utime(folder, (_TIME, _TIME))
    return found


def stored(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG without compression and without a word: its size is that of any other picture as wide and high."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()
