"""The first sentence says what the numbers say, and says first what spoils them."""

import pytest

from redqueen.errors import DigestError, UserError
from redqueen.report.finding import first_sentence, notes


def test_names_the_best_detector_with_its_intervals(make):
    assert first_sentence(make.five(), make.audit()) == (
        "The best of 3 detectors here, npr, has AUROC 0.95 (0.91-0.99) on generators of the last period it was "
        "trained on and 0.85 (0.81-0.89) on those of the next period."
    )


def test_a_control_is_never_the_best(make):
    results = [make.result("metadata", skill=0.99, control=True), make.result("npr", skill=0.6)]
    assert "The one detector here, npr," in first_sentence(results, make.audit())
    assert "Only controls" in first_sentence(results[:1], make.audit())


def test_chance_is_named_where_the_interval_includes_it(make):
    assert "chance cannot be excluded" in first_sentence([make.result(skill=0.62)], make.audit())


def test_biased_is_the_first_word_and_the_reason_follows(make):
    said = first_sentence(make.five(), make.audit(biased=True))
    assert said.startswith("Biased: metadata alone reaches AUROC 0.62. The best of")
    assert first_sentence([make.result(biased=True)], make.audit()).split()[0] == "Biased:"
    shuffled = first_sentence(make.five(labels="shuffled"), make.audit(biased=True))
    assert shuffled.startswith("Biased: metadata alone reaches AUROC 0.62. Control with shuffled labels:")


@pytest.mark.parametrize(("skill", "told"), [(0.6, "includes chance"), (0.95, "excludes chance: something leaks")])
def test_shuffled_labels_are_called_a_control(make, skill, told):
    said = first_sentence([make.result(skill=skill, labels="shuffled")], make.audit())
    assert said.startswith("Control with shuffled labels:")
    assert told in said
    assert "best" not in said


def test_shuffled_labels_without_a_next_period_are_judged_by_all_windows(make):
    """As where the last cutoff alone is trained."""
    alone = make.result(skill=0.6, labels="shuffled", next_period=(), same_period=())
    found = [cell.auroc.value for cell in alone.cells if cell.view == "clean"]
    said = first_sentence([alone], make.audit())
    assert f"is {sum(found) / len(found):.2f}, by {alone.detector}." in said
    none = make.result(labels="shuffled", cells=(), next_period=(), same_period=())
    assert first_sentence([none], make.audit()) == "Control with shuffled labels: no AUROC is defined."


def test_one_window_says_nothing_of_later_ones(make):
    assert "later ones was not measured" in first_sentence([make.result(count=1)], make.audit())


def test_a_detector_without_a_figure_is_passed_over(make):
    empty = make.result("empty", cells=(), next_period=(), same_period=())
    assert "npr" in first_sentence([empty, make.result("npr")], make.audit())
    assert first_sentence([empty], make.audit()) == "No detector here has a defined AUROC."


LATER = "0.85 (0.81-0.89) on those of the next period"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "; among later generators half of its skill is gone within 14 (9-31) months of the cutoff."),
        (
            {"months": 40.0, "low": 33.0, "high": 52.0},
            "; among later generators half of its skill is gone within 40 (33-52) months of the cutoff, beyond the 30",
        ),
        (
            {"months": None, "low": 20.0},
            "; among later generators no decay is detectable over the 30 months that the data span: its half-life is "
            "at least 20 months.",
        ),
        (
            {"months": 90.0, "low": 45.0, "high": None, "detectable": False},
            "; among later generators no decay is detectable over the 30 months that the data span: its half-life is "
            "at least 45 months, if skill falls",
        ),
        (
            {"months": None, "low": None},
            "; among later generators no decay is detectable, and these data set no bound to its half-life.",
        ),
        ({"view": "jpeg50"}, "."),
    ],
)
def test_the_half_life_of_the_best_is_part_of_the_finding(make, changes, told):
    best = make.measured(half_life=(make.lasting(**changes),))
    said = first_sentence([best, make.measured("other", skill=0.7, half_life=(make.lasting(3.0),))], make.audit())
    assert said.partition(LATER)[2].startswith(told)
    assert said.count(". ") == 0


def test_limits_are_said_once_in_order(make):
    first = make.result(limits=("b", "a"))
    assert notes([first, make.result(limits=("a", "c"))]) == ["b", "a", "c"]


def test_results_of_two_corpora_are_not_mixed(make):
    other = make.result("other", corpus_digest="sha256:bb")
    with pytest.raises(DigestError, match="'npr' and 'other' differ in corpus_digest"):
        first_sentence([make.result(), other], make.audit())
    with pytest.raises(UserError, match="no results"):
        first_sentence([], make.audit())
