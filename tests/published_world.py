"""Published results to test with: the committed ones of `field`, under other names, with draws made up."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from redqueen.files import write_json
from redqueen.leaderboard.board import HEADLINE, headline
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.publish import Publication, publish
from redqueen.leaderboard.records import read_result
from redqueen.types import Interval, Measure, PeriodMean, Result

FIELD = Path(__file__).parents[1] / "results" / "field" / "field-v1"
HOSTILE = "<img src=x onerror=alert(1)>"
CHECKS = (Check("predictions.ids", "passed", "all there"), Check("forensics.copy", "noted", f"near {HOSTILE}", "look"))


@functools.cache
def field(name: str = "lite0_probe") -> Result:
    """A committed result under two views, which is quicker."""
    found = read_result(FIELD / f"{name}.json")
    kept = ("clean", "whatsapp", "telegram_x_facebook")
    parts = ("cells", "next_period", "same_period", "false_positives", "generators", "measures", "half_life")
    return dataclasses.replace(found, **{p: tuple(one for one in getattr(found, p) if one.view in kept) for p in parts})


def scored(name: str, skill: float, **changes: object) -> Result:
    """A detector whose headline is `skill`, clean, with an interval of 0.05."""
    base = field()
    means = tuple(
        PeriodMean(one.view, Interval(skill, skill - 0.025, skill + 0.025, 100, 50)) if one.view == "clean" else one
        for one in base.next_period
    )
    figures = tuple(
        Measure(*(getattr(one, f.name) for f in dataclasses.fields(Measure)[:-1]), figure=means[0].auroc)
        if (one.metric, one.part, one.view, one.by) == ("auroc", "next", "clean", "all")
        else one
        for one in base.measures
    )
    return dataclasses.replace(base, detector=name, next_period=means, measures=figures, **changes)


def drawn(result: Result, seed: int, number: int = 400) -> Mapping[str, np.ndarray]:
    """Draws around the headline: half of the noise is shared, as of the same resampled worlds."""
    shared, own = np.random.default_rng(0).normal(size=number), np.random.default_rng(seed + 1).normal(size=number)
    value = headline(result)
    assert value is not None
    assert value.value is not None
    return {HEADLINE: value.value + 0.012 * shared + 0.002 * own}


def published(results: Path, skills: Mapping[str, float], claims: Sequence[str] = ()) -> Path:
    """`skills` are published on consecutive days, `claims` lie beside them without a line in the log."""
    for at, (name, skill) in enumerate(skills.items()):
        result = scored(name, skill)
        tier = ("recomputed", "re-run", "hidden")[at % 3]
        publish(
            results, Publication(name, result, drawn(result, at), tier, "ab" * 32, CHECKS, date=f"2026-11-{at + 1:02d}")
        )
    for name in claims:
        write_json(results / "field" / "field-v1" / f"{name}.json", dataclasses.asdict(scored(name, 0.99)))
    return results / "field" / "field-v1"
