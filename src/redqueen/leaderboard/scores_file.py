"""Opening a submitted table of scores: bounded before anything is decompressed, and nothing in it is believed."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from redqueen.evaluation.scores import META, SCHEMA, Origin, Scores
from redqueen.leaderboard.findings import Check, Outcome
from redqueen.leaderboard.parquet_file import ENCODINGS, Footer, ParquetError, footer, pages
from redqueen.leaderboard.strict_json import StrictJsonError, loads

TEXTS = ("cutoff", "view", "image_id", "status")
_ARROW = b"ARROW:schema"  # in files that pyarrow writes as it likes
WITH_TOOL = "write the table with redqueen submit"
_FOOTER = 1 << 20  # bytes
_GROUPS, _PAGES = 200, 100_000
_ROW, _REST = 256, 1 << 20  # bytes in memory: of a row as plain text, and of what a table has besides rows
_LONGEST = 200  # bytes of a text


class _RefusedError(Exception):
    """Why a file is not read; the first check that failed."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.message)
        self.check = check


@dataclass(frozen=True)
class Allowed:
    """How large a table may be.

    Attributes:
        rows: that it has to have.
    """

    rows: int

    @property
    def most(self) -> int:
        """Rows that are read, so that missing, unknown and doubled ones can be counted."""
        return 2 * self.rows + 1000

    @property
    def memory(self) -> int:
        """Bytes that its columns may become."""
        return _ROW * self.most + _REST


def opened(path: Path, allowed: Allowed) -> tuple[Scores | None, list[Check]]:
    """The table, or None and why not."""
    try:
        data, own = _looked_through(path, allowed)
        _check_columns(own)
        origin = _origin(own)
        _check_pages(data, own, allowed)
        table = _table(path)
    except _RefusedError as refusal:
        return None, [refusal.check]
    except ParquetError as error:
        return None, [_check("rejected", f"{path.name} {error}", WITH_TOOL)]
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        return None, [_check("rejected", f"{path.name} cannot be read: {_line(error)}", WITH_TOOL)]
    checks = [_check("passed", f"{table.num_rows} rows, {len(TEXTS) + 1} columns")]
    strange = sorted(ascii(key)[2:-1][:40] for key in own.metadata if key not in {META, _ARROW})
    if strange:
        checks.append(Check("predictions.metadata", "noted", f"ignored: file metadata {', '.join(strange[:5])}"))
    return Scores(table, origin), checks


def _looked_through(path: Path, allowed: Allowed) -> tuple[memoryview, Footer]:
    """The file's bytes and its footer: sizes are known to be small before anything is read."""
    size = path.stat().st_size
    if size > allowed.memory:
        raise _refused("unsafe", f"{path.name} has {size} bytes, allowed are {allowed.memory}")
    data = memoryview(path.read_bytes())
    own = footer(data, _FOOTER)
    if own.rows > allowed.most or own.groups > _GROUPS:
        raise _refused(
            "unsafe" if own.rows > 100 * allowed.most or own.groups > _GROUPS else "rejected",
            f"{path.name} claims {own.rows} rows in {own.groups} groups; the benchmark has {allowed.rows}",
            "score each picture once under every cutoff and view",
        )
    return data, own


def _check_columns(own: Footer) -> None:
    names = [column.name for column in own.columns]
    extra = sorted(ascii(name)[1:-1][:40] for name in set(names) - set(SCHEMA.names))
    where = "predictions.columns"
    if extra:
        raise _refused(
            "rejected",
            f"column {', '.join(extra[:5])} is not allowed; a table of scores has {', '.join(SCHEMA.names)}",
            "leave out labels, paths and everything else that no detector needs to say",
            where,
        )
    if names != SCHEMA.names:
        found = f"columns are {', '.join(names[:10])}; wanted are {', '.join(SCHEMA.names)}, in this order"
        raise _refused("rejected", found, WITH_TOOL, where)
    for column in own.columns:
        wanted = "DOUBLE" if column.name == "score" else "STRING"
        if column.kind != wanted or column.repeated:
            shown = f"a list of {column.kind}" if column.repeated else column.kind
            message = f"column {column.name} holds {shown}, wanted is {wanted}"
            raise _refused("rejected", message, "give scores as 64-bit numbers, all else as text", where)


def _origin(own: Footer) -> Origin:
    """What the file says that its scores belong to."""
    text, where = own.metadata.get(META), "predictions.metadata"
    if text is None:
        raise _refused("rejected", "the file does not say which benchmark its scores are of", WITH_TOOL, where)
    try:
        loads(text)
        return TypeAdapter(Origin).validate_json(text, strict=True)
    except (StrictJsonError, ValidationError) as error:
        raise _refused("rejected", f"file metadata 'redqueen': {_line(error)}", WITH_TOOL, where) from None


def _check_pages(data: memoryview, own: Footer, allowed: Allowed) -> None:
    """Add up what every page would become."""
    total = count = 0
    for chunk in own.chunks:
        for page in pages(data[chunk.start : chunk.start + chunk.size]):
            total, count = total + page.uncompressed, count + 1
            if count > _PAGES:
                raise _refused("unsafe", f"the table has over {_PAGES} pages")
            if total > allowed.memory:
                raise _refused("unsafe", f"the table would take over {allowed.memory} bytes of memory")
            if page.encoding not in ENCODINGS:
                raise _refused(
                    "rejected", f"column {chunk.column[:40]}: encoding {page.encoding} is not read", WITH_TOOL
                )


def _table(path: Path) -> pa.Table:
    """Texts stay a dictionary each until none of them is known to be long."""
    file = pq.ParquetFile(
        path,
        read_dictionary=list(TEXTS),
        thrift_string_size_limit=_FOOTER,
        thrift_container_size_limit=10 * _GROUPS,
    )
    table = file.read(use_threads=False)
    table.validate(full=True)
    for name in TEXTS:
        lengths = [pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0 for chunk in table.column(name).chunks]
        if max(lengths, default=0) > _LONGEST:
            message = f"column {name} has a text of {max(lengths)} bytes, allowed are {_LONGEST}"
            raise _refused("unsafe", message)
        if table.column(name).null_count:
            raise _refused("rejected", f"column {name} has {table.column(name).null_count} empty values")
    return table.replace_schema_metadata(None).cast(SCHEMA)


def _refused(outcome: Outcome, message: str, fix: str = "", slug: str = "predictions.file") -> _RefusedError:
    return _RefusedError(Check(slug, outcome, message, fix))


def _check(outcome: Outcome, message: str, fix: str = "") -> Check:
    return Check("predictions.file", outcome, message, fix)


def _line(error: Exception) -> str:
    return ascii(" ".join(str(error).split()))[1:-1][:200]
