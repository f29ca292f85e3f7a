"""Opening a submitted table of scores: bounded before anything is decompressed, and nothing in it is believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from redqueen.evaluation.scores import META, SCHEMA, Origin, Scores
from redqueen.leaderboard.findings import Check, Outcome
from redqueen.leaderboard.pages import ENCODINGS, PageError, pages
from redqueen.leaderboard.strict_json import StrictJsonError, loads

TEXTS = ("cutoff", "view", "image_id", "status")
_MAGIC, _ARROW = b"PAR1", b"ARROW:schema"  # of every file; of those that pyarrow writes as it likes
_FOOTER = 4 << 20  # bytes
_GROUPS = 1000
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
        file = _footer(path, allowed)
        _check_columns(file)
        origin = _origin(file)
        _check_pages(path, file, allowed)
        table = _table(_parquet(path, dictionaries=TEXTS))
    except _RefusedError as refusal:
        return None, [refusal.check]
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        return None, [
            _check("rejected", f"{path.name} cannot be read: {_line(error)}", "write it with redqueen submit")
        ]
    checks = [_check("passed", f"{table.num_rows} rows, {len(TEXTS) + 1} columns")]
    strange = sorted(str(key)[2:-1][:40] for key in (file.metadata.metadata or {}) if key not in {META, _ARROW})
    if strange:
        checks.append(Check("predictions.metadata", "noted", f"ignored: file metadata {', '.join(strange[:5])}"))
    return Scores(table, origin), checks


def _footer(path: Path, allowed: Allowed) -> pq.ParquetFile:
    """The file, opened: its size and its footer's are known to be small before the footer is read."""
    size = path.stat().st_size
    if size > allowed.memory:
        raise _refused("unsafe", f"{path.name} has {size} bytes, allowed are {allowed.memory}")
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, size - 8))
        tail = file.read()
    if size < 12 or head != _MAGIC or tail[4:] != _MAGIC:
        raise _refused("rejected", f"{path.name} is no Parquet file", "write it with redqueen submit")
    length = int.from_bytes(tail[:4], "little")
    if length > min(_FOOTER, size - 12):
        raise _refused("unsafe", f"{path.name}: its footer claims {length} bytes")
    found = _parquet(path)
    rows, groups = found.metadata.num_rows, found.metadata.num_row_groups
    if not 0 <= rows <= allowed.most or groups > _GROUPS:
        raise _refused(
            "unsafe" if rows > 100 * allowed.most or groups > _GROUPS else "rejected",
            f"{path.name} claims {rows} rows in {groups} groups; the benchmark has {allowed.rows}",
            "score each picture once under every cutoff and view",
        )
    return found


def _parquet(path: Path, dictionaries: Sequence[str] = ()) -> pq.ParquetFile:
    return pq.ParquetFile(
        path,
        read_dictionary=list(dictionaries),
        thrift_string_size_limit=_FOOTER,
        thrift_container_size_limit=10 * _GROUPS,
    )


def _check_columns(file: pq.ParquetFile) -> None:
    columns = [file.schema.column(at) for at in range(len(file.schema))]
    names = [str(column.path)[:40] for column in columns]
    extra = sorted(set(names) - set(SCHEMA.names))
    if extra:
        raise _refused(
            "rejected",
            f"column {', '.join(extra[:5])} is not allowed; a table of scores has {', '.join(SCHEMA.names)}",
            "leave out labels, paths and everything else that no detector needs to say",
            "predictions.columns",
        )
    if names != SCHEMA.names:
        raise _refused(
            "rejected",
            f"columns are {', '.join(names)}; wanted are {', '.join(SCHEMA.names)}, in this order",
            "write it with redqueen submit",
            "predictions.columns",
        )
    for column in columns:
        wanted = ("DOUBLE", "None") if column.name == "score" else ("BYTE_ARRAY", "String")
        found = column.physical_type, str(column.logical_type.type).capitalize()
        if found != wanted or column.max_repetition_level or column.max_definition_level > 1:
            raise _refused(
                "rejected",
                f"column {column.name} holds {' '.join(found)}; wanted is {SCHEMA.field(column.name).type}",
                "give scores as 64-bit numbers, all else as text",
                "predictions.columns",
            )


def _origin(file: pq.ParquetFile) -> Origin:
    """What the file says that its scores belong to."""
    text = (file.metadata.metadata or {}).get(META)
    where = "predictions.metadata"
    if text is None:
        raise _refused(
            "rejected", "the file does not say which benchmark its scores are of", "use redqueen submit", where
        )
    try:
        loads(text)
        return TypeAdapter(Origin).validate_json(text, strict=True)
    except (StrictJsonError, ValidationError) as error:
        raise _refused("rejected", f"file metadata 'redqueen': {_line(error)}", "use redqueen submit", where) from None


def _check_pages(path: Path, file: pq.ParquetFile, allowed: Allowed) -> None:
    """Add up what every page would become."""
    data = memoryview(path.read_bytes())
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    total = 0
    for group in range(file.metadata.num_row_groups):
        for number in range(len(SCHEMA)):
            chunk = file.metadata.row_group(group).column(number)
            places = [chunk.data_page_offset]
            places += [chunk.dictionary_page_offset] if chunk.has_dictionary_page else []
            start, size = min(places), chunk.total_compressed_size
            if start < len(_MAGIC) or size < 0 or start + size > end:
                raise _refused("unsafe", f"column {chunk.path_in_schema} lies outside of the file")
            try:
                for page in pages(data[start : start + size]):
                    total += page.uncompressed
                    if total > allowed.memory:
                        raise _refused("unsafe", f"{path.name} would take over {allowed.memory} bytes of memory")
                    if page.encoding not in ENCODINGS:
                        raise _refused(
                            "rejected", f"column {chunk.path_in_schema}: encoding {page.encoding} is not read"
                        )
            except PageError as error:
                raise _refused("unsafe", f"column {chunk.path_in_schema}: {error}") from None


def _table(file: pq.ParquetFile) -> pa.Table:
    """Texts stay a dictionary each until none of them is known to be long."""
    table = file.read(use_threads=False)
    table.validate(full=True)
    for name in TEXTS:
        for chunk in table.column(name).chunks:
            long = max(
                (len(one) for one in chunk.dictionary.cast(pa.binary()).to_pylist() if one is not None), default=0
            )
            if long > _LONGEST:
                raise _refused("unsafe", f"column {name} has a text of {long} bytes, allowed are {_LONGEST}")
        if table.column(name).null_count:
            raise _refused("rejected", f"column {name} has {table.column(name).null_count} empty values")
    return table.replace_schema_metadata(None).cast(SCHEMA)


def _refused(outcome: Outcome, message: str, fix: str = "", slug: str = "predictions.file") -> _RefusedError:
    return _RefusedError(Check(slug, outcome, message, fix))


def _check(outcome: Outcome, message: str, fix: str = "") -> Check:
    return Check("predictions.file", outcome, message, fix)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
