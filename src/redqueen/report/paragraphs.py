"""One paragraph a detector, made of its figures: how it ages, what it tells best and worst, its false alarms."""

from collections.abc import Sequence

from redqueen.report.finding import MAIN_VIEW, controls_last, next_period, one_setup, same_period, spell, spell_change
from redqueen.report.table import false_positives
from redqueen.types import GeneratorScore, Interval, Kind, Result

FEWEST = 10  # test pictures of a generator that is named as the best or the worst

_PLURAL: dict[Kind, str] = {"photo": "photographs", "collage": "collages", "drawing": "drawings"}


def paragraphs(results: Sequence[Result]) -> str:
    """Markdown: a paragraph for each result, controls last."""
    one_setup(results)
    return "\n\n".join(paragraph(result) for result in controls_last(results))


def paragraph(result: Result) -> str:
    """The detector in three or four sentences; what was not measured is left out."""
    who = f"**{result.detector}**" + (" (control)" if result.control else "")
    told = [f"{who}: {_age(result)}.", _extremes(result.generators), _alarms(result)]
    return " ".join(sentence for sentence in told if sentence)


def _age(result: Result) -> str:
    same, after = same_period(result, MAIN_VIEW), next_period(result, MAIN_VIEW)
    known = f"AUROC {spell(same)} on the last period of its training"
    if after is None:
        return known
    return f"{known}, {spell(after)} on the next{_change(result)}"


def _change(result: Result) -> str:
    """Whether the difference between the two is one."""
    found = next((entry.auroc for entry in result.change if entry.view == MAIN_VIEW), None)
    if found is None or found.value is None or found.low is None or found.high is None:
        return ""
    if found.low <= 0 <= found.high:
        return f"; the change of {spell_change(found)} may be none"
    return f": it {'gains' if found.value > 0 else 'loses'} {_size(found)}"


def _size(found: Interval) -> str:
    assert found.value is not None and found.low is not None and found.high is not None  # noqa: PT018
    small, large = sorted((abs(found.low), abs(found.high)))
    return f"{abs(found.value):.2f} ({small:.2f}-{large:.2f})"


def _extremes(scores: Sequence[GeneratorScore]) -> str:
    """The generators that are told best and worst when they come out."""
    large = [one for one in scores if one.view == MAIN_VIEW and one.pictures >= FEWEST and one.auroc.value is not None]
    if len(large) < 2:  # noqa: PLR2004
        return ""
    ordered = sorted(large, key=lambda one: (one.auroc.value, one.generator))
    if ordered[0].auroc.value == ordered[-1].auroc.value:
        return ""
    return (
        f"Of {len(large)} generators with at least {FEWEST} test pictures, each met in the period after training, it "
        f"tells {_named(ordered[-1])} best and {_named(ordered[0])} worst."
    )


def _named(one: GeneratorScore) -> str:
    return f"{one.generator} ({one.released}) with {spell(one.auroc)}"


def _alarms(result: Result) -> str:
    found = [(kind, false_positives(result, kind, MAIN_VIEW)) for kind in _PLURAL]
    told = [
        f"{spell(entry.rate, percent=True)} of the {_PLURAL[kind]}"
        for kind, entry in found
        if entry is not None and entry.rate.value is not None
    ]
    if not told:
        return ""
    listed = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
    return f"At its last threshold it calls {listed} generated."
