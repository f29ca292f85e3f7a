"""A paragraph a detector: what it says is what the figures say."""

import pytest

from redqueen.report.paragraphs import FEWEST, paragraph, paragraphs
from redqueen.types import Change, GeneratorScore, Interval


def score(name, value, pictures=FEWEST, view="clean"):
    interval = Interval(value, value - 0.05, value + 0.05, 100, 50)
    return GeneratorScore(name, "2022-03", "2021-07..2021-12", "2022-01..2022-06", view, interval, pictures)


def test_it_ages_as_its_figures_say(make):
    told = paragraph(make.result(change=(Change("clean", Interval(-0.1, -0.14, -0.06, 240, 120)),)))
    assert told.startswith("**npr**: AUROC 0.95 (0.91-0.99) on the last period of its training, 0.85 (0.81-0.89) on")
    assert "on the next: it loses 0.10 (0.06-0.14)." in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Interval(0.1, 0.06, 0.14, 9, 9), ": it gains 0.10 (0.06-0.14)."),
        (Interval(-0.02, -0.06, 0.02, 9, 9), "; the change of -0.02 (-0.06 to +0.02) may be none."),
        (Interval(-0.02, None, None, 9, 1), "on the next."),
        (Interval(None, None, None, 0, 0), "on the next."),
    ],
)
def test_a_change_that_may_be_none_is_called_so(make, change, said):
    assert said in paragraph(make.result(change=(Change("jpeg50", change), Change("clean", change))))


def test_the_best_and_the_worst_generator_have_pictures_enough(make):
    scores = [score("good", 0.9), score("bad", 0.4), score("few", 0.1, FEWEST - 1), score("other", 0.0, view="jpeg50")]
    told = paragraph(make.result(generators=tuple(scores)))
    assert "Of 2 generators with at least 10 test pictures" in told
    assert "tells good (2022-03) with 0.90 (0.85-0.95) best and bad (2022-03) with 0.40 (0.35-0.45) worst." in told
    assert "generators with" not in paragraph(make.result(generators=tuple(scores[:1])))


def test_alarms_of_the_last_threshold(make):
    told = paragraph(make.result())
    assert "At its last threshold it calls 5.0% (4.0-6.0) of the photographs, 5.0%" in told
    assert "of the collages and 5.0% (4.0-6.0) of the drawings generated." in told
    assert "threshold" not in paragraph(make.result(false_positives=()))


def test_controls_come_last_and_are_called_so(make):
    told = paragraphs([make.result("probe", control=True), make.result("npr")]).split("\n\n")
    assert [one.split(":")[0] for one in told] == ["**npr**", "**probe** (control)"]
