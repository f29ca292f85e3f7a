"""A benchmark with pictures, and scores of detectors on it, for what runs weights again."""

import numpy as np
import yaml
from omegaconf import OmegaConf
from scipy.special import expit

import hostile_detectors
import stand_ins
from redqueen.detectors.one_pass import scores as judged
from redqueen.evaluation import benchmark, scores
from redqueen.files import write_json
from redqueen.perturbations.functional import jpeg
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.training.checkpoint import save

CUTOFFS = ("2026-01", "2026-02")


def fifty(pixels, rng):
    return jpeg(pixels, rng, 50)


SUITE = Suite("two", 1, {CLEAN: [], "jpeg50": [fifty]})
RECORD = {"detector": "dct", "labels": "true", "seed": 0, "threshold": 0.0, "temperature": 1.5}


def frozen(corpus, folder, suite=SUITE.label):
    """The benchmark of a corpus under two views at two cutoffs; `suite` has the same views."""
    table = benchmark.answers(corpus, stand_ins.WINDOWS)
    card = benchmark.Definition(
        name="stand-in", version=1, corpus_digest=corpus.digest, windows_digest=corpus.windows_digest,
        protocol="tiny-v1", suite=suite, views=tuple(SUITE.views), cutoffs=CUTOFFS, windows=stand_ins.WINDOWS,
        last=None, nominal_dates=True, draws=50, seed=0, answers_digest=benchmark.answers_digest(table), biased=False,
        reason="",
    )  # fmt: skip
    return benchmark.write(folder, card, table)


def scored(corpus, bench, built):
    """The honest scores of detectors, cutoff -> (detector, temperature)."""
    rows = {one: row for row, one in enumerate(corpus.column("image_id"))}
    logits = {}
    for cutoff, (detector, temperature) in built.items():
        for view in SUITE.views:
            seen = [SUITE.apply(view, corpus.pixels(rows[one]), one) for one in bench.ids]
            found = judged(detector.eval(), [detector.prepare(one) for one in seen])
            logits[cutoff, view] = np.asarray(found) / temperature
    table = scores.table_of(list(built), list(SUITE.views), bench.ids, logits)
    origin = scores.Origin(bench.digest, bench.card.suite, "dct", dict.fromkeys(CUTOFFS, float(expit(0.0))))
    return scores.Scores(table, origin)


def brightness():
    """An honest detector of each cutoff that has nothing to do with the weights."""
    return dict.fromkeys(CUTOFFS, hostile_detectors.honest())


def weights(corpus, folder, name="dct", **changes):
    """A bundle's `model/` with a small detector at each cutoff; returns them, built."""
    built = {}
    for seed, cutoff in enumerate(CUTOFFS):
        detector = stand_ins.detector(name, seed)
        node = yaml.safe_dump(OmegaConf.to_container(stand_ins.node(name), resolve=True))
        save(folder / "model" / cutoff, detector, node, RECORD | {"corpus_digest": corpus.digest} | changes)
        built[cutoff] = detector, RECORD["temperature"]
    return built


def edit_record(folder, **changes):
    """Change the record of a saved checkpoint."""
    import json

    path = folder / "record.json"
    write_json(path, json.loads(path.read_text()) | changes)
