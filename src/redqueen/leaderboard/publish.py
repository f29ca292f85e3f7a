"""Put a verified submission among the published ones: its files first, its line of the log last."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from redqueen.errors import DigestError, UserError
from redqueen.files import digest_file, write_bytes, write_json, writing
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.records import (
    BUNDLES,
    DRAWS,
    Event,
    Record,
    Tier,
    append,
    folders,
    read_log,
    records,
    standing,
)
from redqueen.types import Result

SMALL = ("submission.json", "training_data.json", "calibration.json", "manifest.json", "run")  # of a bundle: kept


@dataclass(frozen=True)
class Publication:
    """What verification gives of one submission.

    Attributes:
        submission: stem of its files.
        result: recomputed here, never as claimed.
        draws: name of a figure -> (draws,), paired with those of the other submissions.
        tier: what was verified.
        root: root hash of the bundle; None for a result that was made here.
        checks: what verification found.
        bundle: folder of the bundle, of which the small files are kept; None for none.
        revision_of: the submission that this one supersedes.
        date: "YYYY-MM-DD"; today if empty.
        reason: what a human decided, where a check asked for one.
    """

    submission: str
    result: Result
    draws: Mapping[str, NDArray[np.float64]]
    tier: Tier
    root: str | None = None
    checks: Sequence[Check] = ()
    bundle: Path | None = None
    revision_of: str | None = None
    date: str = ""
    reason: str = ""


def publish(results: Path, one: Publication) -> Record:
    """Write result, draws and small files, then the lines of the log; cut short, the same call goes on.

    Raises:
        UserError: the name is published already, or what it supersedes does not stand.
        DigestError: the log is broken, or the draws are not paired with those that are there.
    """
    folder = results / one.result.corpus / one.result.protocol
    events = read_log(folder)
    if any(event.submission == one.submission for event in events):
        raise UserError(f"'{one.submission}' is published already: a correction has a name of its own, and revision_of")
    older = None if one.revision_of is None else standing(folder, one.revision_of)
    _check_paired(folder, one)
    draws, path = folder / DRAWS / f"{one.submission}.parquet", folder / f"{one.submission}.json"
    with writing(draws) as part:
        pq.write_table(pa.table({name: pa.array(one.draws[name], pa.float64()) for name in sorted(one.draws)}), part)
    for source in _small(one.bundle):
        assert one.bundle is not None
        write_bytes(folder / BUNDLES / one.submission / source.relative_to(one.bundle), source.read_bytes())
    write_json(path, asdict(one.result))
    date = one.date or datetime.datetime.now(datetime.UTC).date().isoformat()
    published = Event(
        sequence=0,
        event="published",
        submission=one.submission,
        date=date,
        tier=one.tier,
        result_sha256=digest_file(path),
        draws_sha256=digest_file(draws),
        root=one.root,
        checks=tuple(one.checks),
        reason=one.reason,
    )
    append(folder, [published, *([] if older is None else [_superseded(older, one.submission, date)])])
    return next(record for record in records(folder) if record.submission == one.submission)


def _small(bundle: Path | None) -> list[Path]:
    """The small files of a bundle, by name."""
    if bundle is None:
        return []
    found = [bundle / name for name in SMALL]
    return sorted(path for one in found for path in (one.rglob("*") if one.is_dir() else [one]) if path.is_file())


def _check_paired(folder: Path, one: Publication) -> None:
    """Whether the draws are as many as those of the submissions that are there."""
    own = {len(drawn) for drawn in one.draws.values()}
    for other in sorted((folder / DRAWS).glob("*.parquet")):
        number = pq.read_metadata(other).num_rows
        if other.stem != one.submission and own - {number}:
            raise DigestError(f"'{one.submission}' has {min(own - {number})} draws, {other} has {number}: not paired")


def _superseded(older: Record, by: str, date: str) -> Event:
    if older.published is None:
        raise UserError(f"'{older.submission}' is a claim without a line in the log: it cannot be superseded")
    facts = {
        **asdict(older.published),
        "event": "superseded",
        "date": date,
        "superseded_by": by,
        "checks": (),
        "reason": "",
    }
    return Event(**facts)


def folder_of(results: Path, submission: str) -> Path:
    """The one folder of results that holds a submission which stands.

    Raises:
        UserError: there is none, or more than one.
    """
    found = [one for one in folders(results) if any(r.submission == submission and r.stands for r in records(one))]
    if len(found) != 1:
        where = ", ".join(map(str, found)) or f"no folder of {results}"
        raise UserError(f"submission '{submission}' stands in {where}; it must be in one: give results=FOLDER")
    return found[0]
