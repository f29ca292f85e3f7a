"""From a finished run and its card to the contents of a bundle; what is missing is told all at once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from pydantic import ValidationError
from scipy.special import expit

from redqueen.detectors.pretrained import PRETRAINED
from redqueen.errors import UserError
from redqueen.evaluation import predict, scores
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.evaluation.measured import Facts, Slicing, measured
from redqueen.evaluation.scores import Origin, Scores
from redqueen.files import digest_file, digest_of
from redqueen.leaderboard import private, schema
from redqueen.leaderboard.bundle import Contents, check_leaks
from redqueen.leaderboard.card import unfilled
from redqueen.leaderboard.claims import headline
from redqueen.leaderboard.finished import Finished
from redqueen.training.restored import built
from redqueen.types import Result

METHOD = "threshold: highest balanced accuracy; temperature: highest likelihood"
TARGET = "balanced accuracy"
_OPEN = (np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg)  # a threshold has a logit
_NEAR = 1e-3  # in AUROC, what nobody need be told of
_SYSTEM = ("python", "system", "glibc", "machine", "decoders", "commit", "lock")
_Trees = dict[str, tuple[type[schema.Strict], dict[str, Any]]]


def assemble(run: Finished, human: Mapping[str, Any], benchmark: Benchmark, weights: bool) -> Contents:
    """All that a bundle of a run holds; `human` is the card that people wrote, as `card.read` gives it.

    Raises:
        UserError: something is missing or wrong: all of it in one line; or the run is not one on this benchmark.
    """
    models = _models(run, human, benchmark)  # what people have to mend is told before the long part
    made = _scores(run, benchmark)
    result = _result(run, made, benchmark)
    models["card"] = models["card"].model_copy(update={"claims": headline(result)})
    config, checkpoints = private.without(dict(run.config)), run.checkpoints if weights else {}
    contents = Contents(**models, scores=made, result=result, config=config, models=checkpoints)
    check_leaks(contents)
    for checkpoint in checkpoints.values():
        built(checkpoint.folder)  # what verification would refuse to build is told here
    return contents


def _models(run: Finished, human: Mapping[str, Any], benchmark: Benchmark) -> dict[str, Any]:
    """Field of `Contents` -> its model; UserError with all that is missing or wrong."""
    missing, models = unfilled(human), {}
    found = [f"fill in {', '.join(missing)}"] if missing else []
    for name, (model, tree) in _trees(run, human, benchmark).items():
        try:
            models[name] = schema.parse(model, json.dumps({"schema_version": 1, **tree}, default=str).encode())
        except ValidationError as error:
            found += [line for line in schema.problems(error) if line.partition(":")[0] not in missing]
    if found:
        raise UserError(f"the card is not ready: {'; '.join(found)}")
    return models


def check_fits(run: Finished, benchmark: Benchmark) -> None:
    """Raise UserError in one line unless the run was measured on this benchmark."""
    result, card = run.result, benchmark.card
    if result.labels != "true":
        raise UserError(f"{run.folder}: labels={result.labels}: a control, nothing to submit")
    facts: list[tuple[str, Any, Any]] = [
        ("corpus", result.corpus_digest, card.corpus_digest),
        ("protocol", result.protocol, card.protocol),
        ("suite", result.suite, card.suite),
        ("windows", [one.name for one in result.windows], [one.name for one in card.windows]),
        ("cutoffs", list(run.checkpoints), list(card.cutoffs)),
    ]
    wrong = [f"{name} {_short(ours)}, not {_short(theirs)}" for name, ours, theirs in facts if ours != theirs]
    if wrong:
        raise UserError(f"{run.folder} is no run on benchmark {benchmark.folder}: it has {'; '.join(wrong)}")


def _short(value: Any) -> str:
    return f"{value:.12}" if isinstance(value, str) else ", ".join(value)


def _scores(run: Finished, benchmark: Benchmark) -> Scores:
    """The calibrated scores of every cutoff and view, in the order of the benchmark."""
    card, found, thresholds = benchmark.card, {}, {}
    if run.result.predictions_digest != digest_of([digest_file(run.predictions[cutoff]) for cutoff in card.cutoffs]):
        raise UserError(
            f"{run.folder}: its result was made from other predictions than those that lie in the store: run the same "
            "`redqueen track` again"
        )
    windows = {window.name: window for window in card.windows}
    for cutoff in card.cutoffs:
        record = run.checkpoints[cutoff].record
        table, _ = predict.read(run.predictions[cutoff], card.corpus_digest)
        one = Scored.of(windows[cutoff], table, benchmark.ids, record["threshold"], card.views, record["temperature"])
        for view, logits in one.logits.items():
            found[cutoff, view] = logits.astype(np.float64) / one.temperature
        thresholds[cutoff] = _threshold(record)
    made = scores.table_of(card.cutoffs, card.views, benchmark.ids, found)
    return Scores(made, Origin(benchmark.digest, card.suite, run.result.detector, thresholds))


def _threshold(record: Mapping[str, Any]) -> float:
    """The threshold of validation as a calibrated score, within 0 and 1."""
    return float(np.clip(expit(record["threshold"] / record["temperature"]), *_OPEN))


def _result(run: Finished, made: Scores, benchmark: Benchmark) -> Result:
    """The result that these scores give, computed as verification does."""
    facts = Facts(**{one.name: getattr(run.result, one.name) for one in fields(Facts)})
    slicing = Slicing(benchmark.card.styles, benchmark.card.distances)
    return measured(benchmark.evaluation, scores.scored(made, benchmark), facts, slicing)[0]


def lost(before: Result, after: Result) -> str | None:
    """What a run's result loses where its logits become probabilities so near to 1 that they are told apart no more."""
    ours = _areas(before)
    apart = {where: abs(ours.get(where, value) - value) for where, value in _areas(after).items()}
    most = max(apart, key=lambda where: apart[where], default=None)
    if most is None or apart[most] <= _NEAR:
        return None
    trained, tested, view = most
    return (
        f"trained up to {trained}, tested on {tested}, {view}: AUROC is {ours[most]:.3f} by its logits and "
        f"{_areas(after)[most]:.3f} by its scores, of which too many are 1: validation pictures were told apart too "
        "well to calibrate"
    )


def _areas(result: Result) -> dict[tuple[str, str, str], float]:
    cells = {(one.trained_up_to, one.tested_on, one.view): one.auroc.value for one in result.cells}
    return {where: value for where, value in cells.items() if value is not None}


def _trees(run: Finished, human: Mapping[str, Any], benchmark: Benchmark) -> _Trees:
    """Field of `Contents` -> its model, and what to put into it."""
    records = {cutoff: checkpoint.record for cutoff, checkpoint in run.checkpoints.items()}
    environment = dict(run.environment)
    date = environment.pop("date", None)
    facts = {name: environment.pop(name, None) for name in _SYSTEM}

    def of_each(one: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        return {"cutoffs": {cutoff: one(record) for cutoff, record in records.items()}}

    seeds = {name: run.config.get(name) for name in ("seed", "corpus_seed")}
    return {
        "card": (schema.Submission, _card(run, human, benchmark) | {"created": date, "claims": {}}),
        "calibration": (schema.Calibration, of_each(_operating)),
        "training": (schema.TrainingData, of_each(_learned) | _declared(run, human)),
        "environment": (schema.Environment, facts | {"packages": environment}),
        "hardware": (schema.Hardware, dict(run.hardware)),
        "seeds": (schema.Seeds, seeds),
        "cost": (schema.Costs, of_each(_spent)),
    }


def _card(run: Finished, human: Mapping[str, Any], benchmark: Benchmark) -> dict[str, Any]:
    card = benchmark.card
    said = {name: value for name, value in human.items() if name != "training"}
    known = {"name": run.result.detector, "control": run.result.control}
    measured_on = {"name": card.name, "version": card.version, "digest": benchmark.digest}
    return said | {
        "benchmark": measured_on | {"protocol": card.protocol, "suite": card.suite},
        "detector": known | human["detector"],
    }


def _operating(record: Mapping[str, Any]) -> dict[str, Any]:
    fitted = record["fitted_on"]
    return {
        "threshold": _threshold(record),
        "temperature": record["temperature"],
        "method": METHOD,
        "target": TARGET,
        "fitted_on": {
            "split": fitted["split"],
            "pictures": fitted["pictures"],
            "generated": fitted["generated"],
            "digest": fitted["rows"],
        },
    }


def _learned(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "generators": record["generators"],
        "newest_release_allowed": record["newest_release_allowed"],
        "windows": record["windows"],
        "pictures": record.get("pictures", {}).get("train"),
    }


def _spent(record: Mapping[str, Any]) -> dict[str, Any]:
    """Unknown is None, never 0."""
    cost = record.get("cost", {})
    return {name: cost.get(name) for name in ("seconds", "steps", "pictures")}


def _declared(run: Finished, human: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of data and pretrained weights, then what people add to it."""
    said, text = human["training"], json.dumps(run.node, default=str)
    weights = [{"name": name, **one._asdict()} for name, one in PRETRAINED.items() if name in text]
    corpora = [{"name": run.result.corpus, "digest": run.result.corpus_digest}]
    return {
        "data_sets": corpora + (said["data_sets"] or []),
        "pretrained": weights + (said["pretrained"] or []),
        "exclusions": said["exclusions"] or [],
    }
