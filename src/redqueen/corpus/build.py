"""Building a corpus: treat every picture, join near-duplicates, split by group, match per window, audit, write.

Killed at any moment, it goes on at the part where it was; the digest does not depend on how often that happened.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from redqueen.console import say, track
from redqueen.corpus.audit import audit
from redqueen.corpus.decode import pixels
from redqueen.corpus.match import match
from redqueen.corpus.near_duplicates import fingerprint, merge, same_pictures
from redqueen.corpus.normalise import Normalise
from redqueen.corpus.schema import COLUMNS, SCHEMA_VERSION, Source, SourcePicture, digest, image_id
from redqueen.corpus.splits import Group, assign
from redqueen.corpus.store import CARD, DATA, WINDOWS, Corpus, parquet_schema, read_parts
from redqueen.errors import RejectedPictureError, UserError
from redqueen.files import write_bytes, write_json
from redqueen.types import SPLITS, Split, Window

PART = 256  # source pictures a part: what a kill can cost
ROW_GROUP = 64
TREATED = COLUMNS.append(pa.field("hash", pa.binary())).append(pa.field("linked", pa.list_(pa.string())))


@dataclass(frozen=True)
class Plan:
    """How a corpus is split, matched and audited.

    Args:
        name: the corpus's name.
        shares: share of rows in each split.
        windows: release windows, in time order.
        seed: for the order of groups and of matching.
        strict: a picture that cannot be used is an error instead of a line in `rejects.csv`.
    """

    name: str
    shares: Mapping[Split, float]
    windows: Sequence[Window]
    seed: int = 0
    strict: bool = False


def treat(source: Source, normalise: Normalise, folder: Path, strict: bool) -> None:
    """Bring every picture of the source into one form, in parts; rejected ones are listed beside their part."""
    pictures = list(source.pictures())
    if not pictures:
        raise UserError(f"source '{source.name}' has no pictures")
    starts = range(0, len(pictures), PART)
    for number, start in enumerate(track(starts, f"treating {source.name}")):
        path = folder / f"part-{number:05d}.parquet"
        if path.exists():
            continue
        rows: list[dict[str, Any]] = []
        rejects: list[tuple[str, str]] = []
        for picture in pictures[start : start + PART]:
            try:
                rows.append(_row(picture, normalise))
            except (RejectedPictureError, OSError) as error:
                if strict:
                    raise UserError(
                        f"{picture.name}: {error} (strict=true; strict=false lists it and goes on)"
                    ) from None
                rejects.append((picture.name, str(error)))
        write_json(path.with_suffix(".rejects.json"), rejects)
        _write_table(path, pa.Table.from_pylist(rows, schema=TREATED))


def _row(picture: SourcePicture, normalise: Normalise) -> dict[str, Any]:
    treated = normalise(picture.read())
    return {
        "image": {"bytes": treated.data, "path": None},
        "image_id": image_id(treated.data),
        "kind": picture.kind,
        "label": int(picture.kind == "generated"),
        "generator": picture.generator,
        "released": picture.released,
        "topic": picture.topic,
        "prompt_id": picture.prompt_id,
        "group_id": picture.group_id,
        "split": None,
        "source": picture.source,
        "licence": picture.licence,
        "width": treated.width,
        "height": treated.height,
        "format": treated.format,
        "quality": treated.quality,
        "resample_factor": round(treated.resample_factor * picture.resample_factor, 6),
        "provenance": json.dumps(picture.provenance, sort_keys=True),
        "linked": list(picture.linked),
        "hash": fingerprint(pixels(treated.data)),
    }


def finish(treated: Path, folder: Path, plan: Plan) -> Corpus:
    """Make the corpus from treated parts: groups, splits, windows, audit, card; the card is written last."""
    parts = sorted(treated.glob("part-*.parquet"))
    columns = [name for name in TREATED.names if name != "image"]
    rows = [row for path in parts for row in pq.read_table(path, columns=columns).to_pylist()]
    rejects = [tuple(pair) for path in parts for pair in json.loads(path.with_suffix(".rejects.json").read_text())]
    if not rows:
        raise UserError(f"corpus '{plan.name}': no picture can be used; the first reason: {': '.join(rejects[0])}")
    keep, twins = _first_of_each(rows)
    rejects += [(row["image_id"], "the same bytes occur twice in the source; the first is kept") for row in twins]
    _group_and_split([rows[i] for i in keep], plan)
    for number, table in enumerate(_final_tables(parts, rows, set(keep))):
        _write_table(folder / DATA / f"shard-{number:05d}.parquet", table)
    kept = [rows[i] for i in keep]
    table = pa.Table.from_pylist([{name: row[name] for name in COLUMNS.names if name != "image"} for row in kept])
    windows = match(table, plan.windows, seed=plan.seed)
    write_json(folder / WINDOWS, {"column": "resample_factor", "rows": windows})
    write_bytes(folder / "rejects.csv", _csv([("picture", "reason"), *rejects]))
    write_json(folder / CARD, _card(table, plan, windows, len(rejects)))
    if rejects:
        say(f"{len(rejects)} pictures could not be used: {folder / 'rejects.csv'} says why")
    return Corpus.open(folder)


def _first_of_each(rows: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[Mapping[str, Any]]]:
    first: dict[str, int] = {}
    for i, row in enumerate(rows):
        first.setdefault(row["image_id"], i)
    keep = sorted(first.values())
    kept = set(keep)
    return keep, [row for i, row in enumerate(rows) if i not in kept]


def _group_and_split(rows: Sequence[dict[str, Any]], plan: Plan) -> None:
    """Set `group_id` and `split` of each row in place; linked groups join, near-duplicates within their class alone."""
    pairs = same_pictures([row["hash"] for row in rows])
    pairs = [(i, j) for i, j in pairs if rows[i]["label"] == rows[j]["label"]]
    groups = merge([row["group_id"] for row in rows], pairs, [row["linked"] for row in rows])
    for row, group in zip(rows, groups, strict=True):
        row["group_id"] = group
    sizes = Counter(row["group_id"] for row in rows)
    first = {row["group_id"]: row for row in reversed(rows)}
    sized = [
        Group(group, f"{first[group]['kind']}/{first[group]['released'] or ''}", sizes[group], first[group]["label"])
        for group in sorted(sizes)
    ]
    split = assign(sized, plan.shares, plan.seed)
    for row in rows:
        row["split"] = split[row["group_id"]]


def _final_tables(parts: Sequence[Path], rows: Sequence[Mapping[str, Any]], keep: set[int]) -> Iterator[pa.Table]:
    start = 0
    for table in read_parts(parts):
        here = [i for i in range(start, start + table.num_rows) if i in keep]
        chosen = table.take(pa.array([i - start for i in here], pa.int64()))
        start += table.num_rows
        for name in ("group_id", "split"):
            values = pa.array([rows[i][name] for i in here], pa.string())
            chosen = chosen.set_column(chosen.schema.get_field_index(name), name, values)
        if chosen.num_rows:
            yield chosen.select(COLUMNS.names).cast(COLUMNS).replace_schema_metadata(parquet_schema().metadata)


def _card(table: pa.Table, plan: Plan, windows: Mapping[str, Sequence[str]], rejected: int) -> dict[str, Any]:
    rows = table.to_pylist()
    kinds = Counter(row["kind"] for row in rows)
    splits = Counter(row["split"] for row in rows)
    licences = Counter(row["licence"] for row in rows)
    return {
        "name": plan.name,
        "schema_version": SCHEMA_VERSION,
        "digest": digest(rows),
        "seed": plan.seed,
        "shares": dict(plan.shares),
        "counts": {
            "rows": len(rows),
            "groups": len({row["group_id"] for row in rows}),
            "kind": dict(sorted(kinds.items())),
            "split": {name: splits[name] for name in SPLITS},
            "generator": dict(sorted(Counter(row["generator"] for row in rows if row["generator"]).items())),
            "rejected": rejected,
            "matched": {name: len(ids) for name, ids in windows.items()},
        },
        "licences": dict(sorted(licences.items())),
        "windows": [asdict(window) for window in plan.windows],
        "audit": asdict(audit(table, plan.windows, windows, plan.seed)),
    }


def _write_table(path: Path, table: pa.Table) -> None:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=ROW_GROUP, compression="zstd")
    write_bytes(path, buffer.getvalue())


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
