"""Treating the pictures of a source, in parts: a kill costs one part, and the parts do not depend on the workers.

A part is `part-00000.parquet` (columns of `TREATED`) with `part-00000.json` beside it: how many pictures of the source
it has used up, how many rows they gave, and which were rejected. It ends after `PART` pictures or `PART_BYTES`.
"""

import errno
import io
import json
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice, takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from redqueen.console import bar
from redqueen.corpus.decode import pixels
from redqueen.corpus.near_duplicates import fingerprint
from redqueen.corpus.normalise import Treatment
from redqueen.corpus.schema import COLUMNS, Source, SourcePicture, image_id
from redqueen.errors import RejectedPictureError, UserError
from redqueen.files import write_bytes, write_json

PART = 256  # source pictures a part
PART_BYTES = 64 * 2**20  # of treated pictures a part, so that large ones do not fill the memory
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # no picture's fault

TREATED = pa.schema(
    [
        ("name", pa.string()),
        *(field for field in COLUMNS if field.name != "split"),
        ("linked", pa.list_(pa.string())),
        ("hash", pa.binary()),
    ]
)

Row = dict[str, Any]
_Outcome = tuple[SourcePicture, Row | str]  # the picture's row, or the reason why it has none


@dataclass(frozen=True)
class Part:
    """A finished part: pictures of the source that it used up, rows that they gave, (name, reason) of the others."""

    path: Path
    pictures: int
    rows: int
    rejects: tuple[tuple[str, str], ...]


def treat(source: Source, treatment: Treatment, folder: Path, strict: bool = False, workers: int = 1) -> None:
    """Bring every picture of the source into one form; parts that are there already are not made again.

    Args:
        source: is walked once and never listed.
        treatment: of each picture.
        folder: where the parts lie.
        strict: a picture that cannot be used is an error.
        workers: threads that decode and encode.

    Raises:
        UserError: the source has no pictures, or one that cannot be used while `strict` is set.
        OSError: the machine fails, for example by a full disk.
    """
    if workers < 1:
        raise UserError(f"workers={workers}: must be at least 1")
    sweep(folder, "part-")
    pictures = source.pictures()
    done = parts(folder)
    used = sum(part.pictures for part in done)
    if sum(1 for _ in islice(pictures, used)) < used:
        raise UserError(f"{folder} holds more pictures than source '{source.name}' has now; delete it and run again")
    outcomes = _outcomes(pictures, treatment, workers)
    with bar(f"treating {source.name}", None, used) as progress:
        for number in count(len(done)):
            taken = _write_part(_path(folder, number), outcomes, strict)
            progress.advance(progress.task_ids[0], taken)
            if not taken:
                break
    if not number:
        raise UserError(f"source '{source.name}' has no pictures")


def parts(folder: Path) -> list[Part]:
    """The finished parts from the first to the last before a gap."""
    paths = takewhile(Path.exists, (_path(folder, number) for number in count()))
    return [_part(path) for path in paths]


def _path(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}.parquet"


def _part(path: Path) -> Part:
    facts = json.loads(path.with_suffix(".json").read_text())
    rejects = tuple((str(name), str(reason)) for name, reason in facts["rejects"])
    return Part(path, facts["pictures"], facts["rows"], rejects)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file that is whole or absent."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_bytes(path, buffer.getvalue())


def sweep(folder: Path, start: str) -> None:
    """Remove the half-written files that a killed process has left of those whose names start so."""
    for path in folder.glob(f".{start}*"):
        path.unlink()


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Some columns of a Parquet file, in this order."""
    return pq.ParquetFile(path).read(columns=list(columns), use_threads=False).select(list(columns))


def _outcomes(pictures: Iterator[SourcePicture], treatment: Treatment, workers: int) -> Iterator[_Outcome]:
    """Read the pictures here, one by one, and treat them in threads a little ahead of the consumer; in order."""
    if workers == 1:
        for picture in pictures:
            yield _outcome(picture, _read(picture), treatment)
        return
    waiting: deque[Future[_Outcome]] = deque()
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        warnings.simplefilter("ignore")  # what decoding does alone; threads would undo each other's filters
        for picture in pictures:
            waiting.append(pool.submit(_outcome, picture, _read(picture), treatment))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read(picture: SourcePicture) -> bytes | str:
    """The encoded bytes, or why they cannot be had."""
    try:
        return picture.read()
    except (RejectedPictureError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _MACHINE:
            raise
        return str(error)


def _outcome(picture: SourcePicture, data: bytes | str, treatment: Treatment) -> _Outcome:
    if isinstance(data, str):
        return picture, data
    try:
        return picture, _row(picture, data, treatment)
    except RejectedPictureError as error:
        return picture, str(error)


def _row(picture: SourcePicture, data: bytes, treatment: Treatment) -> Row:
    treated = treatment(data)
    facts, source = treated.facts, treated.source
    return {
        "name": picture.name,
        "image": {"bytes": treated.data, "path": None},
        "image_id": image_id(treated.data),
        "kind": picture.kind,
        "label": int(picture.kind == "generated"),
        "generator": picture.generator,
        "released": picture.released,
        "topic": picture.topic,
        "prompt_id": picture.prompt_id,
        "group_id": picture.group_id,
        "source": picture.source,
        "licence": picture.licence,
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "quality": facts.quality,
        "resample_factor": round(treated.resample_factor * picture.resample_factor, 6),
        "source_width": source.width,
        "source_height": source.height,
        "source_format": source.format,
        "source_quality": source.quality,
        "provenance": json.dumps(picture.provenance, sort_keys=True),
        "linked": list(picture.linked),
        "hash": fingerprint(pixels(treated.data)),
    }


def _write_part(path: Path, outcomes: Iterator[_Outcome], strict: bool) -> int:
    """Write one part of what comes next; returns how many pictures it used up, 0 at the end of the source."""
    rows: list[Row] = []
    rejects: list[tuple[str, str]] = []
    weight = 0
    for picture, outcome in outcomes:
        if isinstance(outcome, str):
            if strict:
                raise UserError(f"{picture.name}: {outcome} (strict=true; strict=false lists it and goes on)")
            rejects.append((picture.name, outcome))
        else:
            rows.append(outcome)
            weight += len(outcome["image"]["bytes"])
        if len(rows) + len(rejects) == PART or weight >= PART_BYTES:
            break
    taken = len(rows) + len(rejects)
    if taken:
        write_json(path.with_suffix(".json"), {"pictures": taken, "rows": len(rows), "rejects": rejects})
        write_table(path, pa.Table.from_pylist(rows, schema=TREATED))
    return taken
