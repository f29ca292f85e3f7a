"""A small benchmark without pictures, and scores of detectors on it whose skill and noise a test sets."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from redqueen.evaluation import benchmark, scores
from redqueen.evaluation.benchmark import Benchmark, Definition
from redqueen.evaluation.scores import Origin, Scores
from redqueen.types import Window

WINDOWS = (Window("2026-01", "2026-01", "2026-01"), Window("2026-02", "2026-02", "2026-02"))
VIEWS = ("clean", "jpeg50")
KINDS = ("photo", "photo", "photo", "collage", "drawing")


def bench(folder: Path, groups: int = 150, per_group: int = 1, generators: int = 3, draws: int = 300) -> Benchmark:
    """`groups` of human-made pictures and as many of generated ones, all of them in both windows; one cutoff."""
    rows = []
    for label in (0, 1):
        for group in range(groups):
            for copy in range(per_group):
                generator = f"gen-{group % generators}" if label else None
                rows.append(
                    {
                        "image_id": hashlib.sha256(f"{label}/{group}/{copy}".encode()).hexdigest(),
                        "label": label,
                        "kind": "generated" if label else KINDS[group % len(KINDS)],
                        "generator": generator,
                        "released": "2026-02" if label else None,
                        "group_id": f"g{label}{group:05d}",
                        "topic": "borders" if group % 2 else None,
                        "provenance": "{}",
                        "width": 64,
                        "height": 64,
                        "format": "JPEG",
                        "quality": 90,
                        "resample_factor": 1.0,
                        "canary": False,
                        "twin": None,
                        **{f"{benchmark.WINDOW}{one.name}": True for one in WINDOWS},
                    }
                )
    rows.sort(key=lambda row: row["image_id"])
    table = pa.Table.from_pylist(rows, schema=benchmark.schema(WINDOWS))
    card = Definition(
        name="small",
        version=1,
        corpus_digest="0" * 64,
        windows_digest="1" * 64,
        protocol="two-v1",
        suite="basic-v1",
        views=VIEWS,
        cutoffs=("2026-01",),
        windows=WINDOWS,
        last=None,
        nominal_dates=False,
        draws=draws,
        seed=0,
        answers_digest=benchmark.answers_digest(table),
        biased=False,
        reason="",
    )
    return benchmark.write(folder, card, table)


def logits(made: Benchmark, seed: int = 0, own: float = 0.3, skill: float = 2.5):
    """By view: skill, what is hard about a picture (for all detectors alike), and noise of this detector's own."""
    labels = made.evaluation.labels
    hard, rng = np.random.default_rng(99), np.random.default_rng([seed, 7])
    return {
        view: (skill - 0.5 * at) * (labels - 0.5) + hard.normal(size=len(labels)) + own * rng.normal(size=len(labels))
        for at, view in enumerate(VIEWS)
    }


def table(made: Benchmark, by_view, threshold: float = 0.5, **origin) -> Scores:
    """As the table that is handed on."""
    rows = scores.table_of(made.card.cutoffs, VIEWS, made.ids, {(made.card.cutoffs[0], v): by_view[v] for v in VIEWS})
    said = {"benchmark": made.digest, "suite": made.card.suite, "detector": "small"} | origin
    return Scores(rows, Origin(**said, thresholds=dict.fromkeys(made.card.cutoffs, threshold)))


def policy(folder: Path, **said) -> Path:
    """A policy file beside the benchmark; what is said replaces the default keys."""
    whole = {
        "benchmark": "benchmark",
        "baselines": {"release": "release.parquet"},
        "gates": [{"metric": "auroc", "margin": 0.02}, {"metric": "balanced_accuracy", "margin": 0.04}],
    }
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump({**whole, **said}), "utf-8")
    return path
