"""The tables of a report that have no figure: metrics, generators, an analyst's day, false alarms, the audit."""

from collections.abc import Sequence

from redqueen.report.finding import (
    MAIN_VIEW,
    best_of,
    controls_last,
    half_life,
    main_part,
    measured,
    next_period,
    same_period,
    spell,
    spell_change,
    spell_months,
    spell_part,
)
from redqueen.report.numbers import name_of
from redqueen.report.page import Table
from redqueen.report.table import false_positives
from redqueen.types import HUMAN_KINDS, Audit, Interval, Kind, Mistake, Result

FEWEST = 10  # test pictures of a generator that is named as the worst
SCREENED = 1_000_000  # pictures in an analyst's example
METRICS = {  # metric -> heading, whether it is a share
    "average_precision": ("Average precision", False),
    "equal_error_rate": ("Equal error rate", True),
    "tpr_at_fpr_0.01": ("Found at 1 % false alarms", True),
    "tpr_at_fpr_0.05": ("Found at 5 % false alarms", True),
    "balanced_accuracy": ("Balanced accuracy", False),
    "brier": ("Brier score", False),
    "adaptive_ece": ("Calibration error", False),
    "negative_log_likelihood": ("Log loss", False),
}
_PLURAL: dict[Kind, str] = {"photo": "Photographs", "collage": "Collages", "drawing": "Drawings"}
_DATE, _QUALITY, _ALONE = "auroc_per_year", "auroc_per_sd_of_cmmd", "quality alone, "
_PREVALENCES = {"0.01": 100, "0.0001": 10_000}  # as a metric is called -> one picture in so many
_VERDICTS = {
    "leak": "Leak: metadata alone tells generated from human-made pictures",
    "clear": "Clear: metadata alone tells next to nothing",
    "undetermined": "Undetermined: too few pictures to exclude a leak",
}


def lasting(results: Sequence[Result]) -> Table | None:
    """Half-life, slope and skill of every detector, clean; nothing where none was estimated."""
    rows = [
        [
            name_of(result),
            spell_months(one),
            spell_change(one.slope, 3),
            spell(one.skill),
            str(one.cells),
            f"{one.span:.0f}",
        ]
        for result in controls_last(results)
        if (one := half_life(result, MAIN_VIEW)) is not None
    ]
    head = ["Detector", "Half-life", "AUROC a year", "Fitted skill after the cutoff", "Cells", "Months they span"]
    return Table("Half-lives, clean, with 95 % intervals", head, rows) if rows else None


def next_metrics(results: Sequence[Result]) -> Table:
    """Every headline metric on the period that the page is about, clean; those that no detector has are left out."""
    metrics = {name: said for name, said in METRICS.items() if any(measured(result, name) for result in results)}
    later = any(main_part(result) == "next" for result in results)
    periods = ["AUROC, next period", "AUROC, last training period"] if later else ["AUROC"]
    head = ["Detector", *periods, *(said for said, _ in metrics.values())]
    rows = [
        [
            name_of(result),
            *([spell(next_period(result, MAIN_VIEW))] if later else []),
            spell(same_period(result, MAIN_VIEW)),
            *(spell(measured(result, name), percent=share) for name, (_, share) in metrics.items()),
        ]
        for result in controls_last(results)
    ]
    return Table("Mean over the training cutoffs, clean, with 95 % intervals", head, rows)


def by_generator(results: Sequence[Result]) -> Table | None:
    """The mean over generators, each met in the period after training, and the extremes; nothing without generators."""
    rows, means = [], {id(result): measured(result, "auroc", slice_=("generator", "mean")) for result in results}
    known = any(means.values())
    for result in controls_last(results):
        found = [one for one in result.generators if one.view == MAIN_VIEW and one.auroc.value is not None]
        large = sorted(
            (one for one in found if one.pictures >= FEWEST), key=lambda one: (one.auroc.value or 0, one.generator)
        )
        if large:
            mean = [spell(means[id(result)])] if known else []
            ends = [f"{one.generator} ({one.released}): {spell(one.auroc)}" for one in (large[0], large[-1])]
            rows.append([name_of(result), str(len(large)), *mean, *ends])
    caption = f"AUROC by generator as it comes out, clean, of those with at least {FEWEST} test pictures"
    head = ["Detector", "Generators", *(["Mean over them"] if known else []), "Worst", "Best"]
    return Table(caption, head, rows) if rows else None


def transfers(results: Sequence[Result]) -> Table | None:
    """What learning one window after another gives and costs; nothing where no detector was trained at every window."""
    kinds = {"forward_transfer": "next", "backward_transfer": "past", "forgetting": "past"}
    rows = []
    for result in controls_last(results):
        found = [measured(result, metric, part) for metric, part in kinds.items()]
        if any(found):
            rows.append([name_of(result), *(spell_change(one) for one in found)])
    head = ["Detector", "Next windows, over a coin toss", "Past windows, since they were new", "Forgotten"]
    caption = "What training goes on to give and to cost, AUROC, clean: forward transfer, backward transfer, forgetting"
    return Table(caption, head, rows) if rows else None


def newer_or_better(results: Sequence[Result]) -> Table | None:
    """AUROC on generators as they come out, by date and by how near their pictures are to photographs."""
    rows = []
    for result in controls_last(results):
        known = {(m.metric, m.name): m.figure for m in result.measures if m.by == "generator"}
        for backbone in (name.removeprefix(_ALONE) for _, name in known if name.startswith(_ALONE)):
            wanted = [
                (_DATE, "date alone"),
                (_DATE, f"at equal quality, {backbone}"),
                (_QUALITY, f"{_ALONE}{backbone}"),
                (_QUALITY, f"at equal date, {backbone}"),
            ]
            rows.append([name_of(result), *(spell_change(known.get(one), 3) for one in wanted), backbone])
    caption = (
        "Newer, or better? How AUROC changes over generators as they come out, clean. CMMD is the distance of a "
        "generator's pictures to photographs: where its slope is below 0, better generators are told more easily"
    )
    slopes = ["A year", "A year, at equal CMMD", "A deviation of CMMD", "A deviation of CMMD, at equal date"]
    return Table(caption, ["Detector", *slopes, "CMMD by"], rows) if rows else None


def mistakes(results: Sequence[Result]) -> Table | None:
    """What the detector of the first sentence was surest of and wrong about; `thumbnails` shows some of them."""
    best = best_of(results)
    rows = [
        [
            one.image_id[:12],
            one.generator or one.kind,
            one.topic or "none",
            one.trained_up_to,
            one.tested_on,
            error_of(one),
            as_probability(one.probability),
        ]
        for one in best.mistakes
    ]
    head = ["Picture", "What it is", "Topic", "Trained up to", "Of window", "Error", "Probability of AI-generated"]
    caption = f"Worst errors of {best.detector} on {spell_part(best)}, clean, by the ids of the corpus"
    return Table(caption, head, rows) if rows else None


def error_of(one: Mistake) -> str:
    """What went wrong, in words."""
    return "taken for AI-generated" if one.generator is None else "missed"


def as_probability(one: float) -> str:
    """Three digits, never a certainty.

    >>> as_probability(0.99996), as_probability(0.5), as_probability(1e-9)
    ('over 0.999', '0.500', 'under 0.001')
    """
    if one > 0.999:  # noqa: PLR2004
        return "over 0.999"
    return "under 0.001" if one < 0.001 else f"{one:.3f}"  # noqa: PLR2004


def screening(results: Sequence[Result]) -> tuple[list[str], Table | None]:
    """What an analyst who screens a million pictures would live with: in words for the best detector, and for all."""
    rows = []
    for result in controls_last(results):
        cells = [_screened(result, name) for name in _PREVALENCES]
        if any(cells):
            rows.append([name_of(result), *(cell for found in cells for cell in found or ("n/a",) * 3)])
    if not rows:
        return [], None
    head = ["Detector"]
    for one in _PREVALENCES.values():
        head += [f"1 in {one:,}: flagged", "right", "right of those flagged"]
    best, words = best_of(results), []
    for name, one in _PREVALENCES.items():
        found = _screened(best, name)
        if found is not None:
            words.append(
                f"Of {SCREENED:,} pictures with {SCREENED // one:,} AI-generated ones, {best.detector} flags "
                f"{found[0]} at its threshold, of which {found[1]} are right. Averaged over the cutoffs, "
                f"{found[2]} of the flagged pictures are AI-generated."
            )
    caption = f"Of {SCREENED:,} pictures, at the validation threshold, on {spell_part(best)}, clean"
    return words, Table(caption, head, rows)


def _screened(result: Result, prevalence: str) -> tuple[str, str, str] | None:
    """Pictures flagged, those that are right among them, and their share with its interval."""
    rates = [measured(result, name) for name in ("true_positive_rate", "false_positive_rate")]
    precision = measured(result, f"precision_at_prevalence_{prevalence}")
    tpr, fpr = (None if rate is None else rate.value for rate in rates)
    if tpr is None or fpr is None:
        return None
    made = SCREENED // _PREVALENCES[prevalence]
    hits, alarms = round(made * tpr), round((SCREENED - made) * fpr)
    return _rounded(hits + alarms), _rounded(hits), _share(precision)


def _rounded(number: int) -> str:
    """Three digits that count.

    >>> _rounded(101_249), _rounded(80)
    ('101,000', '80')
    """
    return f"{int(float(f'{number:.3g}')):,}"


def _share(one: Interval | None) -> str:
    """A percentage that may be far below 1."""
    if one is None or one.value is None or one.low is None or one.high is None:
        return "n/a"
    digits = 1 if one.value >= 0.01 else 2  # noqa: PLR2004
    return f"{one.value:.{digits}%} ({100 * one.low:.{digits}f}-{100 * one.high:.{digits}f})"


def alarms(results: Sequence[Result], views: Sequence[str]) -> Table:
    """Human-made pictures taken for generated ones, at the last cutoff, under some views."""
    rows, ends = [], set()
    for result, view in ((result, view) for result in controls_last(results) for view in views):
        found = [false_positives(result, kind, view) for kind in HUMAN_KINDS]
        ends |= {entry.trained_up_to for entry in found if entry is not None}
        named = [name_of(result), view] if len(views) > 1 else [name_of(result)]
        rows.append([*named, *(_with_count(entry.rate if entry else None) for entry in found)])
    until = f", trained up to {', '.join(sorted(ends))}" if ends else ""
    under = f", view {views[0]}" if len(views) == 1 else ""
    caption = f"Share of human-made pictures taken for generated ones at the validation threshold{until}{under}"
    head = ["Detector", *(["View"] if len(views) > 1 else []), *(_PLURAL[kind] for kind in HUMAN_KINDS)]
    return Table(caption, head, rows)


def _with_count(rate: Interval | None) -> str:
    return spell(rate, percent=True) + (f" of {rate.n}" if rate is not None and rate.value is not None else "")


def audited(audit: Audit) -> Table:
    """What a probe of metadata tells, window by window."""
    rows = [
        [entry.window, spell(entry.before), spell(entry.after), str(entry.after.n), _VERDICTS[entry.verdict]]
        for entry in audit.windows
    ]
    verdict = "Biased" if audit.biased else "Not biased"
    mean = ["Mean", spell(audit.mean_before), spell(audit.mean_after), str(audit.mean_after.n), verdict]
    head = ["Window", "Before matching", "After matching", "Pictures", "Verdict"]
    return Table("AUROC of a probe that sees metadata alone (0.5: it sees nothing)", head, [*rows, mean])
