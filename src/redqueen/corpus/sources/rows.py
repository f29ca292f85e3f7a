"""From the row of somebody else's table to a `SourcePicture`: which column means what, and whose generator is whose."""

import functools
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from redqueen.corpus.schema import SourcePicture
from redqueen.errors import RejectedPictureError, UserError, unknown
from redqueen.files import digest_of
from redqueen.types import KINDS, Kind
from redqueen.vocabulary import Vocabulary, packaged

FIELDS = (
    "image", "name", "kind", "generator", "released", "topic", "prompt_id", "group_id", "source", "licence",
    "resample_factor", "linked", "provenance",
)  # fmt: skip
LEAVE_OUT = "leave out"

_MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])")
_LONG = 64  # a longer group is a text, such as a prompt: its digest stands for it


class Rows:
    """How the columns of a table map onto ours.

    Args:
        columns: our field (see FIELDS) -> their column. Several columns make a group together; several columns of
            provenance become one JSON object.
        constants: our field -> its value in every row, where no column says it.
        kinds: their kind or label, as text -> `photo`, `collage`, `drawing`, `generated`, or `leave out`. A value that
            is not named here must be one of ours.
        generators: their name of a generator -> a name that the vocabulary knows.
        others: what becomes of a generator that neither `generators` nor the vocabulary knows: an `error` with the
            nearest names; `undated`: it keeps its name, and its date if the row has one (YYYY-MM…); or `leave out`.
        keep: their column -> the values, as text, of which one must be there; other rows are left out.
        dates: the release month of a known generator: the `vocabulary`'s, or the `row`'s, whose names are then kept.

    Raises:
        UserError: a field that does not exist, a kind that is none of ours.
    """

    def __init__(
        self,
        columns: Mapping[str, str | list[str]],
        constants: Mapping[str, str] | None = None,
        kinds: Mapping[str, str] | None = None,
        generators: Mapping[str, str] | None = None,
        others: Literal["error", "undated", "leave out"] = "error",
        keep: Mapping[str, list[str]] | None = None,
        dates: Literal["vocabulary", "row"] = "vocabulary",
    ) -> None:
        self.columns = {name: value if isinstance(value, str) else list(value) for name, value in columns.items()}
        self.constants = dict(constants or {})
        self.kinds, self.generators = dict(kinds or {}), dict(generators or {})
        self.keep = {column: list(values) for column, values in (keep or {}).items()}
        self.others, self.dates = others, dates
        for name in (*self.columns, *self.constants):
            if name not in FIELDS:
                raise unknown("field of source.rows", name, FIELDS)
        for kind in self.kinds.values():
            if kind not in (*KINDS, LEAVE_OUT):
                raise unknown("kind in source.rows.kinds", kind, (*KINDS, LEAVE_OUT))
        if not {"kind", "licence"} <= {*self.columns, *self.constants}:
            raise UserError(
                "source.rows must say kind and licence: source.rows.columns.NAME=COLUMN or source.rows.constants.NAME=…"
            )

    @property
    def needed(self) -> list[str]:
        """Every column of theirs that is read."""
        named = [column for value in self.columns.values() for column in _several(value)]
        return sorted({*named, *self.keep})

    def check(self, where: str, found: Iterable[str]) -> None:
        """Raise UserError for the first needed column that the table does not have."""
        found = list(found)
        for column in self.needed:
            if column not in found:
                raise unknown(f"column of {where} (needed, not found):", column, found)

    def fingerprint(self) -> str:
        """Digest of the mapping and, where dates come from it, of the vocabulary."""
        dated = self.dates == "vocabulary" and "generator" in {*self.columns, *self.constants}
        return digest_of([vars(self), _dates() if dated else None])

    def picture(
        self, row: Mapping[str, Any], where: str, source: str, read: Callable[[], bytes]
    ) -> SourcePicture | None:
        """The picture of a row, or None if it is left out.

        Args:
            row: their cells by column; the picture's own column need not be among them.
            where: names the row: in messages, and where no column does.
            source: slug of the source, the first part of every group.
            read: returns the encoded bytes.

        Raises:
            UserError: a kind or generator that nothing is known about, a licence missing, a number that is none.
        """
        if any(text(row[column]) not in values for column, values in self.keep.items()):
            return None
        kind = self._kind(row, where)
        if kind is None:
            return None
        dated = self._generator(row, where) if kind == "generated" else (None, None)
        if dated is None:
            return None
        name = self._cell(row, "name") or where
        linked = self._cell(row, "linked")
        return SourcePicture(
            name=name,
            read=read,
            kind=kind,
            group_id=f"{source}/{group(self._values(row, 'group_id')) or name}",
            source=self._cell(row, "source") or source,
            licence=self._licence(row, where),
            generator=dated[0],
            released=dated[1],
            topic=self._cell(row, "topic"),
            prompt_id=group([self._cell(row, "prompt_id") or ""]) or None,
            resample_factor=factor(self._cell(row, "resample_factor") or "1", where),
            linked=tuple(linked.split(";")) if linked else (),
            provenance=self._provenance(row, where),
        )

    def _values(self, row: Mapping[str, Any], field: str) -> list[str]:
        if field not in self.columns:
            return [self.constants[field]] if field in self.constants else []
        return [text(row[column]) for column in _several(self.columns[field])]

    def _cell(self, row: Mapping[str, Any], field: str) -> str | None:
        """The first value of a field that is not empty: the row's, or the constant."""
        values = [*self._values(row, field), self.constants.get(field, "")]
        return next((value for value in values if value), None)

    def _kind(self, row: Mapping[str, Any], where: str) -> Kind | None:
        theirs = self._cell(row, "kind") or ""
        kind = self.kinds.get(theirs, theirs)
        if kind == LEAVE_OUT:
            return None
        if kind not in KINDS:
            raise unknown(f"kind in {where}:", theirs, [*self.kinds, *KINDS])
        return kind

    def _generator(self, row: Mapping[str, Any], where: str) -> tuple[str | None, str | None] | None:
        """Slug and month; None if the row is left out."""
        theirs, released = self._cell(row, "generator"), self._cell(row, "released") or ""
        month = released[:7] if _MONTH.match(released) else None
        if released and month is None and self.dates == "row":
            raise UserError(f"{where}: released is '{released}', which does not begin with a month YYYY-MM")
        if self.dates == "row" or not theirs:
            return theirs, month
        name = self.generators.get(theirs, theirs)
        if name == LEAVE_OUT:
            return None
        try:
            entry = packaged().resolve(name)
        except UserError as error:
            if self.others == "error":
                raise UserError(
                    f"{where}: {error}; or say what it is: source.rows.generators='{{\"{theirs}\": NAME}}', "
                    "or source.rows.others=undated"
                ) from None
            return (theirs, month) if self.others == "undated" else None
        return entry.name, entry.released

    def _licence(self, row: Mapping[str, Any], where: str) -> str:
        licence = self._cell(row, "licence")
        if not licence:
            raise UserError(f"{where}: no licence; give the licence of such rows as source.rows.constants.licence=…")
        return licence

    def _provenance(self, row: Mapping[str, Any], where: str) -> dict[str, Any]:
        column = self.columns.get("provenance")
        if isinstance(column, str) and column == "provenance":
            return provenance(text(row[column]), where)
        return {name: plain(row[name]) for name in _several(column or []) if row[name] is not None}


def date_of(generator: str, where: str, vocabulary: Vocabulary | None = None) -> tuple[str, str]:
    """Slug and month of a generator as the vocabulary has them; UserError with the nearest names."""
    try:
        entry = (vocabulary or packaged()).resolve(generator)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return entry.name, entry.released


def text(value: Any) -> str:
    """A cell as text: nothing for None, `0` and `1` for booleans, as their tables write labels."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def plain(value: Any) -> Any:
    """A cell as JSON can hold it."""
    return value if isinstance(value, str | int | float | bool) and value == value else text(value)  # noqa: PLR0124


def group(values: Sequence[str]) -> str:
    """One group id of several cells; the digest of a long text; empty if a cell is."""
    if not all(values):
        return ""
    joined = "/".join(values)
    return joined if len(joined) <= _LONG else hashlib.sha256(joined.encode()).hexdigest()[:16]


def factor(cell: str, where: str) -> float:
    """A resample factor; UserError unless it is a finite number over 0."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UserError(f"{where}: resample_factor must be a number over 0, not '{cell}'")
    return value


def provenance(cell: str, where: str) -> dict[str, Any]:
    """A JSON object from its text; UserError if it is anything else."""
    if not cell:
        return {}
    try:
        value = json.loads(cell)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise UserError(f"{where}: provenance must be a JSON object, not '{cell[:40]}'")
    return value


def reject(reason: str) -> Callable[[], bytes]:
    """A `read` that says why a picture cannot be had."""

    def read() -> bytes:
        raise RejectedPictureError(reason)

    return read


def _several(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@functools.cache
def _dates() -> str:
    return digest_of(sorted((entry.name, entry.released, entry.aliases) for entry in packaged()))
