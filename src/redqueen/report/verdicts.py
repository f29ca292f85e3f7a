"""Verdicts as a person reads them: facts about the detector, one table of pictures, and lines of JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from redqueen.evaluation.detect.files import shown
from redqueen.evaluation.detect.judging import Outcome
from redqueen.evaluation.detect.standing import NOT_MEASURED, Standing
from redqueen.evaluation.detect.verdict import WORDS, Basis, Failure, Judgement, Seen
from redqueen.report.finding import spell
from redqueen.types import Interval

_STYLES = {"generated": "bold red", "human": "green", "undecided": "yellow"}


def percent(share: float) -> str:
    """A probability that is never rounded to certainty.

    >>> percent(0.934), percent(0.9999), percent(0.0001)
    ('93 %', '> 99 %', '< 1 %')
    """
    if share > 0.99:
        return "> 99 %"
    return "< 1 %" if share < 0.01 else f"{share * 100:.0f} %"


def rests_on(basis: Basis) -> str:
    """What a probability means, in one sentence."""
    share = "" if basis.generated is None else f", {basis.generated / basis.pictures:.0%} of them AI-generated"
    return (
        f"temperature {basis.temperature:.2f} and threshold {basis.threshold:.2f}, fitted on {basis.pictures} "
        f"validation pictures of corpus {basis.corpus}{share}: where AI-generated pictures are rarer than there, "
        "so are they among those that look it"
    )


def facts(basis: Basis, standing: Standing, close: float) -> list[tuple[str, str]]:
    """What is to be known of the detector, as names and values."""
    age = "" if standing.age is None else f", {standing.age} months ago"
    treated = ", ".join(f"{key} {value}" for key, value in basis.treatment.items() if value is not None)
    found = [
        ("Detector", f"{basis.detector}, checkpoint {basis.checkpoint[:12]}"),
        ("Training cutoff", f"generators released up to {basis.cutoff}{age}"),
        ("Half-life", standing.half_life),
        ("False alarms, photographs", _rate(standing, standing.false_positives["photo"])),
        ("False alarms, collages", _rate(standing, standing.false_positives["collage"])),
        ("Probability", rests_on(basis)),
        ("Too close to call", f"calibrated odds within a factor of {close:g} of those at the threshold"),
        ("Treatment", f"every picture, as those of the corpus: {treated}"),
    ]
    return [(name, shown(value)) for name, value in found]  # records and results may come from elsewhere


def _rate(standing: Standing, rate: Interval | None) -> str:
    if not standing.measured:
        return NOT_MEASURED
    if rate is None or rate.value is None:
        return "not in this result"
    return f"{spell(rate, percent=True)} of {rate.n} test pictures of that kind at the threshold"


def table(found: Sequence[Outcome], maps: Mapping[Path, str]) -> RichTable:
    """One row a file; under each platform the probability, and the verdict where it is another."""
    seen = next((one.judged.seen for one in found if isinstance(one.judged, Judgement)), ())
    made = RichTable(box=SIMPLE_HEAD)
    for name in ("picture", "verdict", "AI-generated"):
        made.add_column(name, overflow="fold")
    for one in seen[1:]:
        made.add_column(f"after {one.view}", overflow="fold")
    if maps:
        made.add_column("heat map", overflow="fold")
    for outcome in found:
        made.add_row(*_cells(outcome), *([Text(maps.get(outcome.path, ""))] if maps else []))
    return made


def _cells(outcome: Outcome) -> list[Text]:
    name = Text(shown(str(outcome.path)))
    if isinstance(outcome.judged, Failure):
        return [name, Text(f"failed: {outcome.judged.reason}", style="dim")]
    clean = outcome.judged.clean
    words = Text(WORDS[clean.verdict], style=_STYLES[clean.verdict])
    return [
        name,
        words,
        Text(percent(clean.probability)),
        *(Text(under(one, clean)) for one in outcome.judged.seen[1:]),
    ]


def under(one: Seen, clean: Seen) -> str:
    """What a view makes of the verdict."""
    changed = "" if one.verdict == clean.verdict else f", {WORDS[one.verdict]}"
    return f"{percent(one.probability)}{changed}"


def line(outcome: Outcome, basis: Basis, standing: Standing, heat_map: str | None) -> str:
    """One line of JSON, ASCII alone: whatever the file is called, it stays one line."""
    known: dict[str, Any] = {"file": str(outcome.path)}
    if isinstance(outcome.judged, Failure):
        known |= {"status": "failed", "reason": outcome.judged.reason}
    else:
        one = outcome.judged
        clean = asdict(one.clean)
        known |= {
            "status": "judged",
            **{key: clean[key] for key in ("verdict", "probability", "logit")},
            "words": WORDS[one.clean.verdict],
            "changed_by": [view.view for view in one.changed],
            "views": [asdict(view) for view in one.seen[1:]],
            "image_id": one.image_id,
            "heat_map": heat_map,
        }
    return json.dumps({**known, "basis": asdict(basis), "standing": asdict(standing)}, allow_nan=False)
