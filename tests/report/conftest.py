"""Synthetic results: every figure can be told from the place of its cell."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from PIL import Image

from redqueen.report.html import render
from redqueen.report.plots import Plot, plots
from redqueen.types import (
    HUMAN_KINDS,
    Audit,
    Cell,
    FalsePositives,
    GeneratorScore,
    HalfLife,
    Interval,
    Measure,
    Mistake,
    PeriodMean,
    Reliability,
    Result,
    Window,
    WindowAudit,
)

VIEWS = ("clean", "jpeg50")
PARTS: tuple[Literal["next", "same"], ...] = ("next", "same")
UNDEFINED = Interval(value=None, low=None, high=None, n=0, n_groups=0)


def interval(value: float, reach: float = 0.04) -> Interval:
    """A figure with an interval that stays within 0 and 1."""
    return Interval(value=value, low=max(0.0, value - reach), high=min(1.0, value + reach), n=120, n_groups=60)


def windows(count: int) -> tuple[Window, ...]:
    """Consecutive half years from 2021-07 on."""
    halves = [
        (f"{2021 + (at + 1) // 2}-{'01' if at % 2 else '07'}", f"{2021 + (at + 1) // 2}-{'06' if at % 2 else '12'}")
        for at in range(count)
    ]
    return tuple(Window(name=f"{start}..{end}", start=start, end=end) for start, end in halves)


def result(detector: str = "npr", count: int = 3, skill: float = 0.95, **changes: Any) -> Result:
    """AUROC falls by 0.1 a window after the cutoff, and by 0.05 under jpeg50."""
    spans = changes.pop("windows", windows(count))
    cells = tuple(
        Cell(row.name, column.name, view, interval(skill - 0.05 * (view == "jpeg50") - 0.1 * max(0, x - y)))
        for view in VIEWS
        for y, row in enumerate(spans)
        for x, column in enumerate(spans)
    )
    later = tuple(PeriodMean(view, interval(skill - 0.1 - 0.05 * (view == "jpeg50"))) for view in VIEWS)
    alarms = tuple(
        FalsePositives(span.name, kind, view, interval(0.03 + 0.01 * at, 0.01))
        for at, span in enumerate(spans)
        for kind in HUMAN_KINDS
        for view in VIEWS
    )
    fields: dict[str, Any] = {
        "detector": detector,
        "control": False,
        "protocol": "growing",
        "suite": "suite-1",
        "corpus": "tiny",
        "corpus_digest": "sha256:aa",
        "predictions_digest": f"sha256:{len(detector):02x}",
        "windows": spans,
        "nominal_dates": False,
        "labels": "true",
        "seed": 7,
        "draws": 100,
        "biased": False,
        "cells": cells,
        "next_period": later if len(spans) > 1 else (),
        "same_period": tuple(PeriodMean(view, interval(skill)) for view in VIEWS),
        "false_positives": alarms,
        "thresholds": {span.name: 0.25 for span in spans},
        "limits": ("One corpus only.",),
        "environment": {"python": "3.11"},
    }
    return Result(**fields | changes)


def lasting(months: float | None = 14.0, **changes: Any) -> HalfLife:
    """A half-life that is detectable, or, with no months, one of at least 20."""
    found = months is not None
    ends = {"low": 9.0 if found else 20.0, "high": 31.0 if found else None, "detectable": found}
    rest = {"slope": interval(-0.1), "skill": interval(0.8), "cells": 3, "span": 30.0}
    return HalfLife(**{"view": "clean", "months": months, **ends, **rest} | changes)


def measured(detector: str = "npr", count: int = 3, skill: float = 0.95, **changes: Any) -> Result:
    """A result with everything that is measured besides cells."""
    names = ("average_precision", "tpr_at_fpr_0.01", "tpr_at_fpr_0.05", "balanced_accuracy", "brier", "adaptive_ece")
    figures = {name: interval(0.6) for name in (*names, "negative_log_likelihood")}
    figures |= {"true_positive_rate": interval(0.8), "false_positive_rate": interval(0.1)}
    figures |= {"precision_at_prevalence_0.01": interval(0.075, 0.02)}
    figures |= {"precision_at_prevalence_0.0001": interval(0.0008, 0.0002)}
    measures = [Measure(name, part, "clean", "all", "all", one) for name, one in figures.items() for part in PARTS]
    measures += [
        Measure(name, "next", "jpeg50", "all", "all", interval(0.05)) for name in ("auroc_lost", "verdicts_flipped")
    ]
    slices = (("kind", "photo"), ("kind", "collage"), ("topic", "flags"), ("country", "CN"), ("prompt", "shared"))
    slices += tuple(("family", f"family-{at:02d}") for at in range(30))
    measures += [
        Measure("auroc", "next", "clean", by, name, interval(skill - 0.01 * at)) for at, (by, name) in enumerate(slices)
    ]
    spans = windows(count)
    measures.append(Measure("auroc", "next", "clean", "generator", "mean", interval(0.77)))
    measures += [Measure("tpr_at_fpr_0.01", "next", "clean", "window", w.name, interval(0.3)) for w in spans[1:]]
    measures += [
        Measure(metric, part, "clean", "all", "all", Interval(value, value - 0.04, value + 0.04, 120, 60))
        for metric, part, value in (("forward_transfer", "next", 0.31), ("backward_transfer", "past", -0.07))
    ]
    measures += [
        Measure(metric, "next", "clean", "generator", name, Interval(value, value - 0.01, value + 0.01, 120, 60))
        for metric, name, value in (
            ("auroc_per_year", "date alone", 0.021),
            ("auroc_per_sd_of_cmmd", "quality alone, eye", -0.036),
        )
    ]
    wrong = [
        Mistake("ab" * 32, "photo", None, "flags", spans[0].name, spans[1].name, 0.9999),
        Mistake("cd" * 32, "generated", "made-1", None, spans[0].name, spans[1].name, 0.02),
    ]
    scores = [
        GeneratorScore(f"made-{at}", "2022-01", spans[0].name, spans[-1].name, "clean", interval(skill - 0.1 * at), 12)
        for at in range(3)
    ]
    points = [Reliability("clean", at / 5, (at + 0.9) / 5, (at + 0.5) / 5, interval((at + 0.7) / 5)) for at in range(5)]
    fields: dict[str, Any] = {
        "measures": tuple(measures),
        "half_life": (lasting(), lasting(view="jpeg50")),
        "generators": tuple(scores),
        "reliability": tuple(points),
        "mistakes": tuple(wrong),
    }
    return result(detector, count, skill, **fields | changes)


def audit(biased: bool = False) -> Audit:
    """One window of each verdict."""
    verdicts = ("leak", "clear", "undetermined")
    return Audit(
        windows=tuple(
            WindowAudit(span.name, interval(0.9), interval(0.5), verdict)
            for span, verdict in zip(windows(3), verdicts, strict=True)
        ),
        mean_before=interval(0.9),
        mean_after=interval(0.62 if biased else 0.51),
        biased=biased,
        reason="metadata alone reaches AUROC 0.62" if biased else "the upper end is 0.55",
    )


@dataclass(frozen=True)
class Factory:
    """The functions above, for tests that cannot import this file."""

    result: Callable[..., Result] = staticmethod(result)
    audit: Callable[..., Audit] = staticmethod(audit)
    windows: Callable[[int], tuple[Window, ...]] = staticmethod(windows)
    interval: Callable[..., Interval] = staticmethod(interval)
    measured: Callable[..., Result] = staticmethod(measured)
    lasting: Callable[..., HalfLife] = staticmethod(lasting)
    undefined: Interval = UNDEFINED

    def five(self, count: int = 3, **changes: Any) -> list[Result]:
        """Three detectors, and two controls among them."""
        return [
            self.result("constant", count, 0.5, control=True, **changes),
            self.result("npr", count, 0.95, **changes),
            self.result("spectral", count, 0.8, **changes),
            self.result("effort", count, 0.9, **changes),
            self.result("metadata", count, 0.99, control=True, **changes),
        ]


@pytest.fixture(scope="session")
def make() -> Factory:
    """The factory of synthetic results."""
    return Factory()


@dataclass(frozen=True)
class Full:
    """Results with everything that is measured, their figures and their page."""

    results: list[Result]
    drawn: dict[str, list[Plot]]
    page: str


@pytest.fixture(scope="session")
def full() -> Full:
    """Drawn once: nothing in it is changed."""
    results = [measured(), measured("probe", control=True, half_life=(lasting(None),))]
    drawn = plots(results)
    page = render(results, audit(), drawn, {"Source": "https://example.org/x"}, {"ab" * 32: webp(160, 120)})
    return Full(results, drawn, page)


def webp(width: int, height: int) -> bytes:
    """A small picture."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), (120, 90, 60)).save(data, "WEBP")
    return data.getvalue()
