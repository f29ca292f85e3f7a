"""What is published: results that are never edited, and an append-only log in which each line seals the one before.

A folder `results/<corpus>/<protocol>/` holds `<submission>.json` (a `types.Result`), `draws/<submission>.parquet` (its
bootstrap draws), `bundles/<submission>/` (the small files of its bundle) and `log.jsonl`. A result without a line in
the log is a claim: shown, never ranked.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as strict_dataclass

from redqueen.errors import DigestError, UserError, unknown
from redqueen.files import canonical, digest_file, write_text
from redqueen.leaderboard.findings import Check
from redqueen.types import Result

LOG, DRAWS, BUNDLES = "log.jsonl", "draws", "bundles"
Tier = Literal["claimed", "recomputed", "re-run", "hidden"]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@strict_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Event:
    """One line of the log.

    Attributes:
        sequence: 1 for the first line, and one more for each.
        event: what happened to the submission.
        submission: stem of its files.
        date: of the event, "YYYY-MM-DD".
        tier: what was verified.
        result_sha256: of the result's file.
        draws_sha256: of the draws' file; None where there is none.
        root: root hash of the bundle; None for a result that was made here.
        checks: what verification found.
        superseded_by: the submission that takes its place.
        reason: why it was withdrawn.
        previous: sha256 of the line before, without its end; None in the first.
    """

    sequence: int
    event: Literal["published", "superseded", "withdrawn"]
    submission: Name
    date: Day
    tier: Tier
    result_sha256: Digest
    draws_sha256: Digest | None = None
    root: Digest | None = None
    checks: tuple[Check, ...] = ()
    superseded_by: Name | None = None
    reason: str = ""
    previous: Digest | None = None


@dataclass(frozen=True)
class Record:
    """One submission as it stands today.

    Attributes:
        submission: stem of its files.
        result: what was measured.
        path: of the result's file.
        events: its lines of the log, the first one first; none for a claim.
        draws: its bootstrap draws; None where there are none.
        bundle: folder of the small files of its bundle; None where there is none.
    """

    submission: str
    result: Result
    path: Path
    events: Sequence[Event] = field(default_factory=tuple)
    draws: Path | None = None
    bundle: Path | None = None

    @property
    def published(self) -> Event | None:
        """The line that published it; None for a claim."""
        return next((one for one in self.events if one.event == "published"), None)

    @property
    def tier(self) -> Tier:
        """What was verified of it."""
        return "claimed" if self.published is None else self.published.tier

    @property
    def superseded_by(self) -> str | None:
        """The submission that took its place."""
        found = [one.superseded_by for one in self.events if one.event == "superseded"]
        return found[-1] if found else self.result.superseded_by

    @property
    def withdrawn(self) -> Event | None:
        """Its tombstone; None for one that stands."""
        return next((one for one in self.events if one.event == "withdrawn"), None)

    @property
    def stands(self) -> bool:
        """Whether it is neither superseded nor withdrawn."""
        return self.superseded_by is None and self.withdrawn is None


def read_log(folder: Path) -> list[Event]:
    """The events of `folder/log.jsonl`, in order; none where there is no log.

    Raises:
        UserError: a line is no event.
        DigestError: a line was changed, put in or taken out, so that the chain is broken there.
    """
    path, events, before = folder / LOG, list[Event](), None
    lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
    if lines.pop():
        raise DigestError(f"{path}: line {len(lines) + 1} has no end: it was cut")
    for number, line in enumerate(lines, 1):
        try:
            event = TypeAdapter(Event).validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UserError(
                f"{path}: line {number} is no event: {where + ': ' if where else ''}{first['msg']}"
            ) from None
        if event.previous != before or event.sequence != number:
            raise DigestError(f"{path}: the chain is broken at line {number}: it does not follow the line before it")
        events.append(event)
        before = hashlib.sha256(line).hexdigest()
    return events


def head_of(folder: Path) -> str | None:
    """sha256 of the log's last line: who wrote it down can tell whether the log was rewritten; None without a log."""
    read_log(folder)
    path = folder / LOG
    return hashlib.sha256(path.read_bytes().split(b"\n")[-2]).hexdigest() if path.exists() else None


def append(folder: Path, events: Sequence[Event]) -> list[Event]:
    """Add events to the log; their `sequence` and `previous` are set here.

    Returns:
        The events as they were written.

    Raises:
        UserError or DigestError: as `read_log`; nothing is written then.
    """
    path = folder / LOG
    number, before = len(read_log(folder)), head_of(folder)
    text, written = path.read_text() if path.exists() else "", list[Event]()
    for event in events:
        number += 1
        fields = {**asdict(event), "sequence": number, "previous": before}
        line = canonical(fields)
        written.append(TypeAdapter(Event).validate_json(line))
        text, before = f"{text}{line}\n", hashlib.sha256(line.encode()).hexdigest()
    write_text(path, text)
    return written


def records(folder: Path) -> list[Record]:
    """Every submission of `results/<corpus>/<protocol>/`, by name, those superseded or withdrawn among them.

    Raises:
        UserError: a file is no result, its name is none, or the log is none.
        DigestError: the log's chain is broken, or a result or its draws are not those that were published.
    """
    events = read_log(folder)
    found = {path.stem: path for path in sorted(folder.glob("*.json"))}
    for event in events:
        if event.submission not in found:
            raise DigestError(f"{folder / event.submission}.json is missing: line {event.sequence} of {LOG} names it")
    return [
        _record(folder, name, path, [one for one in events if one.submission == name]) for name, path in found.items()
    ]


def _record(folder: Path, name: str, path: Path, events: Sequence[Event]) -> Record:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UserError(f"{path}: the name of a submission has letters, digits, '.', '_' and '-' alone")
    draws, bundle = folder / DRAWS / f"{name}.parquet", folder / BUNDLES / name
    last = events[-1] if events else None
    if last is not None and digest_file(path) != last.result_sha256:
        raise DigestError(f"{path} was edited: it is not the result that line {last.sequence} of {LOG} names")
    if last is not None and last.draws_sha256 is not None:
        if not draws.exists():
            raise DigestError(f"{draws} is missing: line {last.sequence} of {LOG} names it")
        if digest_file(draws) != last.draws_sha256:
            raise DigestError(f"{draws} was edited: it is not what line {last.sequence} of {LOG} names")
    result = read_result(path)
    if (result.corpus, result.protocol) != (folder.parent.name, folder.name):
        raise UserError(f"{path}: is of {result.corpus}/{result.protocol} and does not lie in a folder of that name")
    return Record(name, result, path, events, draws if draws.exists() else None, bundle if bundle.is_dir() else None)


def read_result(path: Path) -> Result:
    """A result from its JSON, strictly.

    Raises:
        UserError: it is none.
    """
    try:
        return TypeAdapter(Result).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{path}: no result: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def standing(folder: Path, submission: str) -> Record:
    """One submission that is neither superseded nor withdrawn.

    Raises:
        UserError: there is none of that name.
    """
    found = {one.submission: one for one in records(folder) if one.stands}
    if submission not in found:
        raise unknown("submission", submission, found)
    return found[submission]


def withdraw(folder: Path, submission: str, date: str, reason: str) -> Event:
    """Put a tombstone on a submission: its files stay, and it is shown no more among the others.

    Raises:
        UserError: it is not published in the log, or no reason is given.
    """
    record = standing(folder, submission)
    if record.published is None:
        raise UserError(f"'{submission}' is a claim without a line in {LOG}: delete its file instead")
    if not reason.strip():
        raise UserError("withdraw needs reason=…: it stays beside the submission for good")
    facts = {**asdict(record.events[-1]), "event": "withdrawn", "date": date, "reason": reason.strip(), "checks": ()}
    return append(folder, [Event(**facts)])[0]


def folders(results: Path) -> list[Path]:
    """Every `results/<corpus>/<protocol>/` that holds results.

    Raises:
        UserError: there is none.
    """
    skip = {DRAWS, BUNDLES, "benchmark", "beside", "figures"}
    found = sorted(
        {path.parent for path in results.glob("*/*/*.json")} | {path.parent for path in results.glob(f"*/*/{LOG}")}
    )
    kept = [folder for folder in found if folder.name not in skip]
    if not kept:
        raise UserError(f"{results}: holds no <corpus>/<protocol>/<submission>.json")
    return kept
