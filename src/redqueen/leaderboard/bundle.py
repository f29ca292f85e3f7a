"""A submission as a folder: scores, what people say of them, and what the run says of itself, under one digest.

Nothing in it depends on the day, the machine or the folder that it is written in: the same contents, the same bytes.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter

from redqueen.errors import UserError
from redqueen.evaluation import scores
from redqueen.evaluation.scores import Scores
from redqueen.files import canonical, write_bytes
from redqueen.leaderboard import manifest, private, schema
from redqueen.training.checkpoint import Checkpoint
from redqueen.types import Result


@dataclass(frozen=True)
class Contents:
    """All that a bundle holds.

    Attributes:
        card: `submission.json`.
        calibration: thresholds and temperatures.
        training: what was learned from.
        scores: the table of predictions.
        result: the figures that the run found, which are claims alone.
        config: the resolved settings, without secrets and places on a disk.
        environment: what the run was made with.
        hardware: what it was trained on.
        seeds: of the run.
        cost: of the run.
        models: the checkpoint of each cutoff, if weights are handed in.
    """

    card: schema.Submission
    calibration: schema.Calibration
    training: schema.TrainingData
    scores: Scores
    result: Result
    config: Mapping[str, Any]
    environment: schema.Environment
    hardware: schema.Hardware
    seeds: schema.Seeds
    cost: schema.Costs
    models: Mapping[str, Checkpoint] = field(default_factory=dict)

    def texts(self) -> Iterator[tuple[str, Any]]:
        """Path and tree of every file that is text."""
        for name, model in (
            (schema.CARD, self.card),
            (schema.CALIBRATION, self.calibration),
            (schema.TRAINING, self.training),
            (schema.ENVIRONMENT, self.environment),
            (schema.HARDWARE, self.hardware),
            (schema.SEEDS, self.seeds),
            (schema.COST, self.cost),
        ):
            yield name, plain(model)
        yield schema.RESULT, TypeAdapter(Result).dump_python(self.result, mode="json")
        yield schema.CONFIG, dict(self.config)
        for cutoff, checkpoint in self.models.items():
            yield f"model/{cutoff}/record.json", dict(checkpoint.record)
            yield f"model/{cutoff}/detector.yaml", yaml.safe_load((checkpoint.folder / "detector.yaml").read_text())


@dataclass(frozen=True)
class Written:
    """A bundle on disk: where, its root digest, and whether it was not there before."""

    folder: Path
    root: str
    fresh: bool


def plain(model: BaseModel) -> Any:
    """A model as plain values."""
    return model.model_dump(mode="json")


def encoded(tree: Any) -> bytes:
    """Plain values as the JSON of a bundle: one form, so that every change shows."""
    return (canonical(tree) + "\n").encode()


def check_leaks(contents: Contents) -> None:
    """Raise UserError for each secret and each place on a disk that a bundle would give away, in one line."""
    found: list[str] = []
    for name, tree in contents.texts():
        found += [f"{name}: {line}" for line in private.secrets(tree)]
        found += [f"{name}: {key} names a place on this machine" for key in private.places(tree)]
    if found:
        raise UserError(f"not written, since it would give something away: {'; '.join(found)}; mend that and run again")


def write(contents: Contents, output: Path) -> Written:
    """Write the folder `output/<submission_id>`, whole or not at all.

    Raises:
        UserError: another bundle lies there, or this one would give a secret or a place on this machine away.
    """
    check_leaks(contents)
    target = output / contents.card.submission_id
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output, prefix=f".{contents.card.submission_id}.") as made:
        folder = Path(made) / "bundle"
        fill(contents, folder)
        root = manifest.write(folder)
        if not target.exists():
            folder.rename(target)
            return Written(target, root, fresh=True)
    _check_same(target, root)
    return Written(target, root, fresh=False)


def fill(contents: Contents, folder: Path) -> None:
    """Write every file but the manifest."""
    for name, tree in contents.texts():
        if name == schema.CONFIG:
            text = yaml.safe_dump(tree, sort_keys=True, allow_unicode=True, width=1000)
            write_bytes(folder / name, text.encode())
        elif not name.startswith("model/"):
            write_bytes(folder / name, encoded(tree))
    (folder / "predictions").mkdir()
    scores.write(folder / schema.predictions(contents.card.benchmark.suite), contents.scores)
    for cutoff, checkpoint in contents.models.items():
        (folder / "model" / cutoff).mkdir(parents=True)
        for name in schema.MODEL_FILES:
            shutil.copyfile(checkpoint.folder / name, folder / "model" / cutoff / name)


def _check_same(folder: Path, root: str) -> None:
    """Raise UserError unless what lies there is this very bundle."""
    failed = [check for check in manifest.check(folder) if check.outcome != "passed"]
    if failed:
        raise UserError(f"{folder}: there is a damaged bundle ({failed[0].message}); move it away")
    there = json.loads((folder / schema.MANIFEST).read_text())["root"]
    if there != root:
        raise UserError(
            f"{folder}: another bundle lies there (root {there[:12]}, this one has {root[:12]}); a bundle is never "
            "changed: give this one another submission_id, with revision_of if it replaces that one"
        )
