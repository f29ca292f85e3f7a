"""A finished run for `world`'s benchmark: everything that `redqueen track` leaves behind, without the work."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from omegaconf import OmegaConf
from scipy.special import expit

import stand_ins
from leaderboard import world
from redqueen.evaluation import predict
from redqueen.files import digest_file, digest_of
from redqueen.leaderboard import schema
from redqueen.training.checkpoint import save

NAME = "npr"
DATE = "2026-02-03"
CARD: dict[str, Any] = {
    "submission_id": "a-submission",
    "detector": {
        "family": "a small network",
        "method": "Looks at differences of neighbouring pixels.",
        "licence": "Apache-2.0",
        "input": "32 px crop",
    },
    "team": {"names": ["A group"], "contact": "group@example.org"},
    "attempts_on_public": 2,
    "selection": {"checkpoint": "the last step", "threshold": "highest balanced accuracy", "split": "val"},
    "checklist": dict.fromkeys(schema.Checklist.model_fields, True),
}


def make(made: world.World, working: Path, settings: dict[str, Any] | None = None) -> Path:
    """A run `runs/track` below a working folder, and a card `card.yaml`; `settings` join those of the run."""
    run = working / "runs" / "track"
    run.mkdir(parents=True)
    node = OmegaConf.to_container(stand_ins.node(NAME), resolve=True)
    config = {"task": "track", "seed": 0, "corpus_seed": 0, "detector": {NAME: node}, **(settings or {})}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    write(run / "environment.json", {**flat(), "date": DATE})
    write(run / "hardware.json", world.HARDWARE)
    artefacts = {}
    for cutoff in world.CUTOFFS:
        checkpoint, table = working / "runs/store/checkpoint" / cutoff, working / "runs/store/predictions" / cutoff
        save(checkpoint, stand_ins.detector(NAME), yaml.safe_dump(node), record(cutoff))
        predictions(made, cutoff, table / predict.FILE)
        artefacts[cutoff] = {
            "checkpoint": f"runs/store/checkpoint/{cutoff}",
            "predictions": f"runs/store/predictions/{cutoff}/{predict.FILE}",
        }
    write(run / "artefacts.json", {"store": "runs/store", "corpus": "x", "detectors": {NAME: artefacts}})
    tables = [working / one["predictions"] for one in artefacts.values()]
    found = replace(
        world.result(made.benchmark, world.scored(made.benchmark, NAME)),
        predictions_digest=digest_of([digest_file(path) for path in tables]),
    )
    write(run / "results" / f"{NAME}.json", asdict(found))
    (working / "card.yaml").write_text(yaml.safe_dump(CARD))
    return run


def flat() -> dict[str, Any]:
    """As `tasks.record` writes it: packages beside the rest."""
    known = dict(world.ENVIRONMENT)
    return {**known.pop("packages"), **known}


def record(cutoff: str) -> dict[str, Any]:
    """Of a checkpoint: its threshold, as a logit, is the score 0.5; its temperature is 2."""
    return {
        "detector": NAME,
        "corpus": "tiny",
        "corpus_digest": world.CORPUS,
        "trained_up_to": cutoff,
        "newest_release_allowed": cutoff,
        "generators": sorted(one for one, month in world.MAKERS.items() if month <= cutoff),
        "windows": [window for window in world.CUTOFFS if window <= cutoff],
        "pictures": {"train": 100, "val": 40},
        "cost": {"steps": 10, "pictures": 320, "seconds": 1.5},
        "threshold": 0.0,
        "temperature": 2.0,
        "fitted_on": {"split": "val", "pictures": 40, "generated": 20, "rows": "f" * 64},
        "seed": 0,
    }


def predictions(made: world.World, cutoff: str, path: Path, seed: int = 0, sharp: float = 2.0) -> None:
    """The table of a cutoff: logits before calibration, `sharp` times what they are after it."""
    logits = world.logits(made.benchmark, seed)
    tables = []
    for view in world.VIEWS:
        own = (sharp * logits[cutoff, view]).astype(np.float32)
        columns = [
            pa.array(made.benchmark.ids),
            pa.array([view] * len(own)),
            pa.array(own),
            pa.array(expit(own / 2)),
            pa.array(["ok"] * len(own)),
        ]
        tables.append(pa.Table.from_arrays(columns, schema=predict.SCHEMA))
    predict.write(path, tables, {"corpus_digest": world.CORPUS})


def write(path: Path, tree: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree))
