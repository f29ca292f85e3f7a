"""Accepting a candidate as the new baseline: a deliberate act, with its reason written beside it."""

import datetime
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from redqueen.errors import DigestError, UserError, unknown
from redqueen.evaluation import scores
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.scores import Scores
from redqueen.files import digest_file, write_json, writing
from redqueen.regression.baselines import GIT
from redqueen.regression.check import content
from redqueen.regression.policy import Policy


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Lock:
    """What was accepted, and why; lies beside the baseline.

    Attributes:
        file: sha256 of the baseline's file.
        content: digest of its scores and thresholds.
        benchmark: digest of the benchmark that was scored.
        detector: its name.
        accepted: the day.
        reason: in words.
        policy: digest of the policy at that time.
        previous: content of the baseline before; None for the first.
    """

    file: str
    content: str
    benchmark: str
    detector: str
    accepted: datetime.date
    reason: str
    policy: str
    previous: str | None = None


def lock_of(path: Path) -> Path:
    """Where the lock of a baseline lies."""
    return path.with_suffix(".lock.json")


def accept(policy: Policy, benchmark: Benchmark, candidate: Path, reason: str, day: datetime.date, name: str) -> Lock:
    """Copy a candidate's table to a baseline's place and write the lock; returns it.

    Raises:
        UserError: no reason, no such baseline in the policy, one that lies in git, or a table that does not fit.
    """
    if not reason.strip():
        raise UserError("accepting a new baseline needs its reason: --reason '…'")
    if name not in policy.baselines:
        raise unknown("baseline of the policy", name, policy.baselines)
    if policy.baselines[name].startswith(GIT):
        raise UserError(f"baseline '{name}' is a file at a commit, {policy.baselines[name]}: it changes with a commit")
    found = scores.read(candidate)
    scores.scored(found, benchmark)
    place = policy.folder / policy.baselines[name]
    previous = content(scores.read(place)) if place.exists() else None
    with writing(place) as part:
        shutil.copyfile(candidate, part)
    lock = Lock(
        file=digest_file(place),
        content=content(found),
        benchmark=benchmark.digest,
        detector=found.origin.detector,
        accepted=day,
        reason=reason.strip(),
        policy=policy.digest,
        previous=previous,
    )
    write_json(lock_of(place), TypeAdapter(Lock).dump_python(lock, mode="json"))
    return lock


def held(place: Path, table: Scores) -> None:
    """Check a baseline's file against its lock, if it has one.

    Raises:
        DigestError: the file is not the one that was accepted.
        UserError: the lock is none.
    """
    path = lock_of(place)
    if not path.exists():
        return
    try:
        lock: Lock = TypeAdapter(Lock).validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{path}: no lock of a baseline: {_first(error.errors()[0])}") from None
    if lock.content != content(table):
        raise DigestError(f"{place} is not the baseline that was accepted on {lock.accepted}; see check accept")


def _first(error: Mapping[str, Any]) -> str:
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
