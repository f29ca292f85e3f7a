"""A benchmark and valid bundles for it, made without pictures and without training.

`make(folder)` gives a World: 124 test pictures of two windows, two cutoffs, two views, and one bundle in
`folder/submissions/example`. Everything is decided by seeds: the same world everywhere.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from redqueen.evaluation import benchmark as benchmarks
from redqueen.evaluation import scores
from redqueen.evaluation.benchmark import Benchmark, Definition
from redqueen.evaluation.measured import Facts, Slicing, measured
from redqueen.evaluation.scores import Origin, Scores
from redqueen.leaderboard import bundle, manifest, schema
from redqueen.leaderboard.bundle import Contents
from redqueen.leaderboard.claims import headline
from redqueen.types import Result, Window

WINDOWS = (Window("2026-01", "2026-01", "2026-01"), Window("2026-02", "2026-02", "2026-02"))
CUTOFFS = tuple(window.name for window in WINDOWS)
MAKERS = {"maker-a": "2026-01", "maker-b": "2026-01", "maker-c": "2026-02", "maker-d": "2026-02"}
VIEWS = ("clean", "jpeg50")
SUITE, PROTOCOL = "basic-v1", "tiny-v1"
THRESHOLD = 0.5
HUMAN = {"photo": 40, "collage": 12, "drawing": 12}
EACH = 15  # pictures of each generator
DRAWS = 60
CORPUS = "c" * 64  # its digest, which nothing checks without pictures


@dataclass(frozen=True)
class World:
    """A working folder with a benchmark and a bundle that passes every check."""

    folder: Path
    benchmark: Benchmark

    @property
    def submissions(self) -> Path:
        return self.folder / "submissions"

    @property
    def bundle(self) -> Path:
        return self.submissions / "example"

    def add(self, name: str, seed: int = 1, **changes: Any) -> Path:
        """One more bundle of another detector; `changes` are those of `contents`."""
        made = contents(self.benchmark, name, scored(self.benchmark, name, seed), **changes)
        return bundle.write(made, self.submissions).folder


def make(folder: Path, canaries: int = 0, twins: int = 0) -> World:
    """A world; so many of its pictures have labels of a thrown coin, and so many are a copy of another one."""
    table = answers(canaries, twins)
    made = World(folder, benchmarks.write(folder / "benchmark", definition(table), table))
    made.add("example", seed=0)
    return made


def image_id(number: int) -> str:
    """Of a picture that nobody has."""
    return hashlib.sha256(f"picture {number}".encode()).hexdigest()


def answers(canaries: int = 0, twins: int = 0) -> pa.Table:
    """What is true of the test pictures; metadata know nothing of the label."""
    kinds = [kind for kind, count in HUMAN.items() for _ in range(count)]
    makers: list[str | None] = [None] * len(kinds) + [name for name in MAKERS for _ in range(EACH)]
    kinds += ["generated"] * (len(makers) - len(kinds))
    rng = np.random.default_rng(7)
    rows = [_row(number, kind, maker, rng) for number, (kind, maker) in enumerate(zip(kinds, makers, strict=True))]
    for number in range(canaries):
        rows.append({**_row(1000 + number, "photo", None, rng), "canary": True})
        if number % 2:
            rows[-1].update(label=1, kind="generated", generator="maker-a", released=MAKERS["maker-a"])
    for number in range(twins):
        copied = rows[number * 3]
        rows.append({**copied, "image_id": image_id(2000 + number), "twin": copied["image_id"]})
    rows.sort(key=lambda row: str(row["image_id"]))
    return pa.Table.from_pylist(rows, schema=benchmarks.schema(WINDOWS))


def _row(number: int, kind: str, maker: str | None, rng: np.random.Generator) -> dict[str, Any]:
    """A picture; two after each other share a group."""
    released = MAKERS[maker] if maker else None
    side = int(rng.choice([64, 96, 128]))
    windows = {f"{benchmarks.WINDOW}{name}": released in (None, name) for name in CUTOFFS}
    return {
        "image_id": image_id(number),
        "label": int(maker is not None),
        "kind": kind,
        "generator": maker,
        "released": released,
        "group_id": f"g{number // 2:04d}",
        "topic": ("protest", "elections")[number % 2],
        "provenance": json.dumps({"style": ""}),
        "width": side,
        "height": side,
        "format": "PNG",
        "quality": int(rng.choice([80, 90])),
        "resample_factor": float(rng.choice([1.0, 2.0])),
        "canary": False,
        "twin": None,
        **windows,
    }


def definition(table: pa.Table, **changes: Any) -> Definition:
    """Of the benchmark with these answers."""
    made = Definition(
        name="tiny",
        version=1,
        corpus_digest=CORPUS,
        windows_digest="d" * 64,
        protocol=PROTOCOL,
        suite=SUITE,
        views=VIEWS,
        cutoffs=CUTOFFS,
        windows=WINDOWS,
        last=None,
        nominal_dates=False,
        draws=DRAWS,
        seed=0,
        answers_digest=benchmarks.answers_digest(table),
        biased=False,
        reason="made without pictures",
    )
    return replace(made, **changes)


def logits(benchmark: Benchmark, seed: int, skill: float = 1.5) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Of a detector that knows more the later its cutoff; a copy gets what its original gets."""
    originals = [twin or one for one, twin in zip(benchmark.ids, benchmark.column("twin"), strict=True)]
    labels = np.where(benchmark.column("canary").astype(bool), 0.5, benchmark.column("label"))
    truth = 2 * labels.astype(float) - 1
    common = np.asarray([_noise(seed, one) for one in originals])
    return {
        (cutoff, view): common
        + 0.3 * np.asarray([_noise(seed, cutoff, view, one) for one in originals])
        + truth * skill * (0.6 + 0.2 * at - 0.1 * (view != "clean"))
        for at, cutoff in enumerate(CUTOFFS)
        for view in VIEWS
    }


def _noise(*parts: object) -> float:
    """A normal deviate that depends on its name alone."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return float(np.random.default_rng(list(digest[:8])).normal())


def scored(
    benchmark: Benchmark, name: str, seed: int = 0, values: Mapping[tuple[str, str], NDArray[Any]] | None = None
) -> Scores:
    """The table of a detector; `values` are logits, or those of the seed."""
    table = scores.table_of(CUTOFFS, VIEWS, benchmark.ids, values or logits(benchmark, seed))
    return Scores(table, Origin(benchmark.digest, SUITE, name, dict.fromkeys(CUTOFFS, THRESHOLD)))


def result(benchmark: Benchmark, made: Scores) -> Result:
    """What the scores are worth."""
    facts = Facts(
        detector=made.origin.detector,
        control=False,
        suite=SUITE,
        corpus="tiny",
        corpus_digest=CORPUS,
        predictions_digest="e" * 64,
        labels="true",
        seed=0,
        biased=False,
        environment={"python": "3.11.0"},
    )
    return measured(benchmark.evaluation, scores.scored(made, benchmark), facts, Slicing())[0]


def contents(benchmark: Benchmark, name: str, made: Scores, **changes: Any) -> Contents:
    """A whole bundle around a table of scores; `changes` are fields of its card."""
    found = result(benchmark, made)
    card = schema.parse(schema.Submission, json.dumps({**card_of(benchmark, name, found), **changes}).encode())
    learned = {
        cutoff: {
            "generators": sorted(one for one, month in MAKERS.items() if month <= cutoff),
            "newest_release_allowed": cutoff,
            "windows": [window for window in CUTOFFS if window <= cutoff],
            "pictures": 100,
        }
        for cutoff in CUTOFFS
    }
    return Contents(
        card=card,
        calibration=_parsed(schema.Calibration, cutoffs=dict.fromkeys(CUTOFFS, OPERATING)),
        training=_parsed(
            schema.TrainingData,
            cutoffs=learned,
            data_sets=[{"name": "tiny", "digest": CORPUS}],
            pretrained=[],
            exclusions=[],
        ),
        scores=made,
        result=found,
        config={"task": "track", "detector": {name: {"_target_": "redqueen.detectors.npr.NPR"}}, "seed": 0},
        environment=_parsed(schema.Environment, **ENVIRONMENT),
        hardware=_parsed(schema.Hardware, **HARDWARE),
        seeds=_parsed(schema.Seeds, seed=0, corpus_seed=0),
        cost=_parsed(schema.Costs, cutoffs=dict.fromkeys(CUTOFFS, {"seconds": 1.5, "steps": 10, "pictures": 320})),
    )


OPERATING = {
    "threshold": THRESHOLD,
    "temperature": 1.0,
    "method": "threshold: highest balanced accuracy",
    "target": "balanced accuracy",
    "fitted_on": {"split": "val", "pictures": 40, "generated": 20, "digest": "f" * 64},
}
ENVIRONMENT = {
    "python": "3.11.0",
    "system": "Linux",
    "glibc": "glibc 2.36",
    "machine": "x86_64",
    "packages": {"redqueen": "0.1.0", "torch": None},
    "decoders": {"libjpeg_turbo": "3.1.0", "webp": "1.6.0", "avif": None, "zlib": "1.3.1"},
    "commit": None,
    "lock": None,
}
HARDWARE = {"cpu": None, "cores": 2, "memory": 8.0, "gpus": [], "precision": "32-true", "batch_size": 32}


def card_of(benchmark: Benchmark, name: str, found: Result) -> dict[str, Any]:
    """A card with nothing wrong in it."""
    return {
        "schema_version": 1,
        "submission_id": name,
        "revision_of": None,
        "benchmark": {
            "name": benchmark.card.name,
            "version": benchmark.card.version,
            "digest": benchmark.digest,
            "protocol": PROTOCOL,
            "suite": SUITE,
        },
        "detector": {
            "name": name,
            "control": False,
            "family": "a small network",
            "method": "Made up for tests.",
            "paper": None,
            "code_url": "https://example.org/code",
            "licence": "Apache-2.0",
            "parameters": 1000,
            "input": "64 px crop",
        },
        "team": {"names": ["A group"], "contact": "group@example.org"},
        "created": "2026-02-03",
        "claims": headline(found),
        "attempts_on_public": 1,
        "selection": {"checkpoint": "the last one", "threshold": "highest balanced accuracy", "split": "val"},
        "checklist": dict.fromkeys(schema.Checklist.model_fields, True),
    }


def _parsed(model: type[schema.M], **fields: Any) -> schema.M:
    return schema.parse(model, json.dumps({"schema_version": 1, **fields}).encode())


def edit(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Change a JSON file of a bundle and list the files anew, so that nothing but the change is wrong.

    `change` is given the tree and may change it in place, or return another one.
    """
    path = folder / name
    tree = json.loads(path.read_bytes())
    changed = change(tree)
    path.write_bytes(bundle.encoded(tree if changed is None else changed))
    seal(folder)


def replace_scores(folder: Path, made: Scores, benchmark: Benchmark | None = None) -> None:
    """Put other scores into a bundle and list the files anew; with a benchmark, its figures are those of the scores."""
    scores.write(folder / schema.predictions(SUITE), made)
    if benchmark is not None:
        found = result(benchmark, made)
        (folder / schema.RESULT).write_bytes(bundle.encoded(json.loads(json.dumps(asdict(found)))))
        edit(folder, schema.CARD, lambda card: card.update(claims=headline(found)))
    seal(folder)


def seal(folder: Path) -> str:
    """List the files of a bundle anew, as somebody would who has changed them; the root digest."""
    return manifest.write(folder)
