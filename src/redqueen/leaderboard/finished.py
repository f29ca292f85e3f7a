"""What a finished `redqueen track` left behind of one detector: read whole, or all that is missing is told at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from redqueen.errors import UserError, unknown
from redqueen.leaderboard.schema import parse_result, problems
from redqueen.leaderboard.strict_json import StrictJsonError
from redqueen.training.checkpoint import Checkpoint
from redqueen.types import Result

ARTEFACTS = "artefacts.json"
_FACTS = ("config.yaml", "environment.json", "hardware.json")


@dataclass(frozen=True)
class Finished:
    """One detector of a finished run.

    Attributes:
        folder: of the run.
        result: as the run has it.
        config: the resolved settings.
        environment: what it was made with.
        hardware: what it was trained on.
        checkpoints: of each cutoff, in the order of time.
        predictions: the table of each cutoff.
    """

    folder: Path
    result: Result
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    hardware: Mapping[str, Any]
    checkpoints: Mapping[str, Checkpoint]
    predictions: Mapping[str, Path]

    @property
    def node(self) -> Mapping[str, Any]:
        """The settings that build the detector."""
        found: Mapping[str, Any] = self.config["detector"][self.result.detector]
        return found


def finished(folder: Path, detector: str | None) -> Finished:
    """Read a run; `detector` may be left out where the run has one alone.

    Raises:
        UserError: the folder is not that of a finished run, or something of it is missing: all of it in one line.
    """
    artefacts = _artefacts(folder)
    chosen = _chosen(folder, artefacts, detector)
    found = artefacts[chosen]
    base = _base(folder, found)
    checkpoints = {cutoff: base / one["checkpoint"] for cutoff, one in found.items()}
    predictions = {cutoff: base / one["predictions"] for cutoff, one in found.items()}
    needed = [folder / name for name in (*_FACTS, f"results/{chosen}.json")]
    needed += [path / "record.json" for path in checkpoints.values()] + list(predictions.values())
    missing = [str(path) for path in needed if not path.is_file()]
    if missing:
        raise UserError(
            f"{folder}: missing: {', '.join(missing)}; run the same `redqueen track` again, which adds them"
        )
    environment = _mapping(folder / "environment.json")
    if "date" not in environment:
        raise UserError(f"{folder / 'environment.json'}: has no date; run the same `redqueen track` again")
    return Finished(
        folder=folder,
        result=_result(folder / "results" / f"{chosen}.json"),
        config=_mapping(folder / "config.yaml"),
        environment=environment,
        hardware=_mapping(folder / "hardware.json"),
        checkpoints={name: Checkpoint(path) for name, path in checkpoints.items()},
        predictions=predictions,
    )


def _artefacts(folder: Path) -> Mapping[str, Any]:
    """Detector -> cutoff -> where its checkpoint and its predictions lie, from the run's working folder."""
    try:
        found = json.loads((folder / ARTEFACTS).read_bytes())["detectors"]
        for cutoffs in found.values():
            for one in cutoffs.values():
                Path(one["checkpoint"]), Path(one["predictions"])
    except FileNotFoundError:
        raise UserError(
            f"{folder}: has no {ARTEFACTS}; name the folder of a finished `redqueen track` (an older one: run it "
            "again, nothing is trained twice)"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{folder / ARTEFACTS}: is damaged; run the same `redqueen track` again") from None
    return dict(found)


def _chosen(folder: Path, artefacts: Mapping[str, Any], detector: str | None) -> str:
    if detector is None and len(artefacts) == 1:
        return next(iter(artefacts))
    if detector is None:
        raise UserError(f"{folder}: has several detectors; add detector=NAME, one of {', '.join(sorted(artefacts))}")
    if detector not in artefacts:
        raise unknown("detector of this run", detector, artefacts)
    return detector


def _base(folder: Path, found: Mapping[str, Any]) -> Path:
    """The working folder of the run, which its paths begin at: this one, or one that the run lies below."""
    first = Path(next(iter(found.values()))["checkpoint"])
    for base in (Path(), *folder.resolve().parents):
        if (base / first).exists():
            return base
    raise UserError(f"{folder}: its checkpoint {first} is not there; go to the folder that the run was started in")


def _mapping(path: Path) -> Mapping[str, Any]:
    try:
        found = (json.loads if path.suffix == ".json" else yaml.safe_load)(path.read_text())
    except (ValueError, yaml.YAMLError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path}: is damaged; run the same `redqueen track` again")
    return found


def _result(path: Path) -> Result:
    try:
        return parse_result(path.read_bytes())
    except (ValidationError, StrictJsonError) as error:
        raise UserError(f"{path}: no result: {problems(error)[0]}") from None
