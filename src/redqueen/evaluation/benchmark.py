"""A benchmark without its pictures: what is true of every test picture, and how a detector is measured on them.

A folder of `benchmark.json` (the definition) and `answers.parquet` (a row a test picture). It can be handed out where
the pictures cannot, and gives the figures that the corpus itself gives: groups are renamed in the order of their names,
so that the bootstrap draws the same ones.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as strict_dataclass

from redqueen.corpus.store import Corpus
from redqueen.errors import DigestError, UserError, unknown
from redqueen.evaluation.evaluate import Evaluation
from redqueen.evaluation.protocols import Listed
from redqueen.files import digest_of, write_json, writing
from redqueen.types import Window

CARD, ANSWERS = "benchmark.json", "answers.parquet"
WINDOW = "window:"  # what the names of columns begin with that say which pictures serve a window
SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("label", pa.int8()),
        ("kind", pa.string()),
        ("generator", pa.string()),
        ("released", pa.string()),
        ("group_id", pa.string()),
        ("topic", pa.string()),
        ("provenance", pa.string()),  # JSON of the style alone
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("format", pa.string()),
        ("quality", pa.int32()),
        ("resample_factor", pa.float64()),
        ("canary", pa.bool_()),
        ("twin", pa.string()),
    ]
)


@strict_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Definition:
    """How detectors are measured on the test pictures; once a result is published it is never edited, only followed.

    Attributes:
        name: slug of the corpus.
        version: raised whenever anything here changes.
        corpus_digest: of the corpus with its pictures.
        windows_digest: of which pictures were matched in which window.
        protocol: name and version.
        suite: name and version.
        views: of the suite, in order.
        cutoffs: names of the windows after which training stops, in order.
        windows: in order.
        last: how many windows are learned from; None for all up to the cutoff.
        nominal_dates: whether the dates are places on a made-up timeline.
        draws: of the bootstrap.
        seed: of the draws.
        answers_digest: of the rows.
        biased: whether the corpus's audit says so.
        reason: what the audit says.
        styles: named lists of styles that human-made pictures have: each is a slice.
        limits: what must be said wherever figures are quoted.
        distances: CMMD of each generator's pictures to photographs, by backbone.
    """

    name: str
    version: int
    corpus_digest: str
    windows_digest: str
    protocol: str
    suite: str
    views: tuple[str, ...]
    cutoffs: tuple[str, ...]
    windows: tuple[Window, ...]
    last: int | None
    nominal_dates: bool
    draws: int
    seed: int
    answers_digest: str
    biased: bool
    reason: str
    styles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    distances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    schema_version: int = 1


@dataclass(frozen=True)
class Benchmark:
    """A benchmark that was opened by `Benchmark.open`."""

    folder: Path
    card: Definition
    table: pa.Table = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> "Benchmark":
        """Open a folder.

        Raises:
            UserError: it is none.
            DigestError: its answers are not those that its definition was made with.
        """
        try:
            card = TypeAdapter(Definition).validate_json((folder / CARD).read_bytes())
            table = pq.read_table(folder / ANSWERS)
        except OSError:
            raise UserError(
                f"no benchmark at {folder} ({CARD} or {ANSWERS} is missing); make one with 'redqueen benchmark RUN'"
            ) from None
        except (ValidationError, pa.ArrowInvalid) as error:
            raise UserError(f"{folder}: no benchmark: {' '.join(str(error).split())[:200]}") from None
        if table.schema.remove_metadata() != schema(card.windows):
            raise UserError(f"{folder / ANSWERS}: its columns are not those of a benchmark's answers")
        if answers_digest(table) != card.answers_digest:
            raise DigestError(f"{folder}: {ANSWERS} is not what {CARD} was made with")
        return cls(folder, card, table)

    @cached_property
    def digest(self) -> str:
        """Names this benchmark, answers and all, in everything that is made with it."""
        return digest_of(asdict(self.card))

    @cached_property
    def ids(self) -> list[str]:
        """Of the test pictures, in the order of the rows."""
        return [str(one) for one in self.column("image_id")]

    @cached_property
    def protocol(self) -> Listed:
        """The windows as a protocol."""
        return Listed(self.card.protocol, self.card.windows, self.card.nominal_dates, self.card.last)

    @cached_property
    def evaluation(self) -> Evaluation:
        """Test rows and bootstrap draws, shared by all that is measured here."""
        return Evaluation(self, self.protocol, self.card.draws, self.card.seed)

    def column(self, name: str) -> NDArray[Any]:
        """One column as numpy: numbers, or objects for text; "split" is "test" everywhere."""
        if name == "split":
            return np.full(self.table.num_rows, "test", object)
        if name not in self.table.column_names:
            raise unknown("column", name, self.table.column_names)
        return np.asarray(self.table.column(name).to_numpy(zero_copy_only=False))

    def rows(self, split: str, windows: Sequence[str]) -> NDArray[np.int64]:
        """Rows that serve any of the windows; none but those of the split "test" are here."""
        if split != "test":
            raise unknown("split of a benchmark", split, ["test"])
        chosen = np.zeros(self.table.num_rows, bool)
        for name in windows:
            chosen |= self.column(f"{WINDOW}{name}").astype(bool)
        return np.flatnonzero(chosen).astype(np.int64)


def schema(windows: Sequence[Window]) -> pa.Schema:
    """Columns of the answers: those of every benchmark, and one a window."""
    return pa.schema([*SCHEMA, *(pa.field(f"{WINDOW}{window.name}", pa.bool_()) for window in windows)])


def answers(corpus: Corpus, windows: Sequence[Window]) -> pa.Table:
    """The answers of a corpus's test pictures, in the order of their ids; groups are renamed, their order is kept."""
    rows = np.flatnonzero(corpus.column("split") == "test")
    rows = rows[np.argsort(corpus.column("image_id")[rows].astype(str), kind="stable")]
    groups = corpus.column("group_id")[rows].astype(str)
    places = np.unique(groups, return_inverse=True)[1]
    wide = len(str(len(places)))
    own: dict[str, Any] = {
        "group_id": [f"g{place:0{wide}d}" for place in places],
        "provenance": [
            json.dumps({"style": json.loads(one).get("style", "")}) for one in corpus.column("provenance")[rows]
        ],
        "canary": [False] * len(rows),
        "twin": [None] * len(rows),
    }
    for window in windows:
        own[f"{WINDOW}{window.name}"] = np.isin(rows, corpus.rows("test", (window.name,)))
    table = corpus.table.take(pa.array(rows))
    names = schema(windows)
    return pa.table({name: own[name] if name in own else table.column(name) for name in names.names}).cast(names)


def answers_digest(table: pa.Table) -> str:
    """Digest of the answers, whatever the order of the rows."""
    rows = sorted(table.to_pylist(), key=lambda row: str(row["image_id"]))
    return digest_of(rows)


def write(folder: Path, card: Definition, table: pa.Table) -> Benchmark:
    """Write a benchmark whose definition names these answers; the definition comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder / ANSWERS) as part:
        pq.write_table(table, part, compression="zstd")
    write_json(folder / CARD, asdict(card))
    return Benchmark.open(folder)
