"""The report as one HTML file that loads nothing: figures inline, tables behind them, light, dark and on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from redqueen.report import tables, thumbnails
from redqueen.report.canvas import inline, to_svg
from redqueen.report.finding import MAIN_VIEW, controls_last, first_sentence, notes, one_setup, spell_part
from redqueen.report.numbers import name_of
from redqueen.report.page import Table, environment
from redqueen.report.plots import SECTIONS, Plot
from redqueen.types import Audit, Result


@dataclass(frozen=True)
class Picture:
    """A figure as the page holds it."""

    title: str
    caption: str
    image: Markup
    narrow: Markup | None
    small: bool
    data: Sequence[Table]


def render(
    results: Sequence[Result],
    audit: Audit,
    plots: Mapping[str, Sequence[Plot]],
    extra: Mapping[str, str],
    seen: Mapping[str, bytes] | None = None,
) -> str:
    """The whole page; the same input gives the same bytes.

    `plots` are the figures of each section (`plots.plots`); one that is missing is left out. `extra` adds lines to "How
    this was made". `seen` holds the thumbnails of errors that may be shown, by id.

    Raises:
        UserError: there is no result.
        DigestError: the results were not made in one setup.
    """
    setup, ordered = one_setup(results), controls_last(results)
    screened, screening = tables.screening(results)
    views = list(dict.fromkeys(entry.view for result in ordered for entry in result.false_positives))
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            finding=first_sentence(results, audit),
            biased=audit.biased or any(result.biased for result in results),
            setup=setup,
            detectors=sum(not result.control for result in results),
            controls=sum(result.control for result in results),
            pictures={section: [_picture(one) for one in plots.get(section, ())] for section in SECTIONS},
            lasting=tables.lasting(results),
            metrics=tables.next_metrics(results),
            generators=tables.by_generator(results),
            transfers=tables.transfers(results),
            newer=tables.newer_or_better(results),
            mistakes=tables.mistakes(results),
            errors=thumbnails.shown(results, seen or {}),
            period=spell_part(setup),
            screened=screened,
            screening=screening,
            alarms=tables.alarms(results, [MAIN_VIEW] if len(views) > 3 else views),  # noqa: PLR2004
            more_alarms=tables.alarms(results, views) if len(views) > 3 else None,  # noqa: PLR2004
            audit=audit,
            audit_table=tables.audited(audit),
            limits=notes(results),
            facts=_facts(setup, extra),
            runs=_runs(ordered),
        )
    )


def _picture(plot: Plot) -> Picture:
    narrow = None if plot.narrow is None else inline(to_svg(plot.narrow), f"{plot.name}-narrow-", plot.title)
    image = inline(to_svg(plot.figure), f"{plot.name}-", plot.title)
    return Picture(plot.title, plot.caption, image, narrow, plot.small, [one.table() for one in plot.data])


def _facts(setup: Result, extra: Mapping[str, str]) -> list[tuple[str, str]]:
    dates = "nominal months, one a generation" if setup.nominal_dates else "months of the calendar"
    return [
        ("Corpus", setup.corpus),
        ("Digest of the corpus", setup.corpus_digest),
        ("Protocol", setup.protocol),
        ("Perturbation suite", setup.suite),
        ("Labels", setup.labels),
        ("Release dates", dates),
        *extra.items(),
    ]


def _runs(results: Sequence[Result]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What differs from detector to detector: name, then pairs of fact and value."""
    return [
        (
            name_of(result),
            [
                ("Digest of the predictions", result.predictions_digest),
                ("Seed", str(result.seed)),
                ("Bootstrap draws", str(result.draws)),
                *([("Superseded by", result.superseded_by)] if result.superseded_by else []),
                *((f"Threshold (logit), {name}", f"{value:.4f}") for name, value in result.thresholds.items()),
                *((key, "none" if value is None else str(value)) for key, value in sorted(result.environment.items())),
            ],
        )
        for result in results
    ]
