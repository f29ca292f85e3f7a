"""Three verdicts, many at once, waivers; hand-counted cases and the normal distribution as the reference."""

import datetime

import numpy as np
import pytest
from scipy.stats import norm

from redqueen.errors import UserError
from redqueen.regression.bounds import Bounds
from redqueen.regression.decide import Trial, adjusted, decided, detectable, needed, settled, waived
from redqueen.regression.findings import Finding, outcome
from redqueen.regression.policy import Gate, Policy, Waiver

TODAY = datetime.date(2026, 6, 1)


def finding(**fields):
    said = {"gate": "auroc", "metric": "auroc", "title": "AUROC", "higher": True, "period": "next", "view": "clean"}
    said |= {"by": "all", "name": "all", "baseline": "release", "margin": 0.02, "alpha": 0.05}
    return Finding(**{**said, "verdict": "inconclusive", "groups": 100, **fields})


def trial(change, error, identical=False, **fields):
    reach = norm.isf(0.05) * error
    found = Bounds(change, error, change - reach, change + reach, float(norm.cdf(change / error)))
    return Trial(finding(**fields), found, identical)


def policy(**said):
    return Policy(benchmark="b", gates=(Gate(metric="auroc", margin=0.02),), **said)


@pytest.mark.parametrize(
    ("change", "error", "verdict", "note"),
    [
        (0.0, 0.005, "pass", ""),
        (-0.01, 0.004, "pass", "small but real"),
        (0.0, 0.02, "inconclusive", "too little to tell"),
        (-0.05, 0.01, "fail", ""),
        (-0.02, 0.001, "fail", ""),  # worse by exactly the margin, and known to be
        (0.05, 0.04, "pass", ""),
    ],
)
def test_one_gate(change, error, verdict, note):
    (found,) = decided([trial(change, error)], policy())
    assert (found.verdict, found.note) == (verdict, note)


def test_a_slice_that_would_fail_alone_does_not_among_many():
    alone, many = [trial(-0.05, 0.025)], [trial(-0.05, 0.025), *(trial(0.0, 0.025) for _ in range(20))]
    assert decided(alone, policy())[0].verdict == "fail"
    found = decided(many, policy())
    assert found[0].verdict == "inconclusive" and "were it not one of many" in found[0].note
    assert found[0].adjusted == pytest.approx(21 * found[0].p)
    assert decided(many, policy(correction="none"))[0].verdict == "fail"


def test_identical_scores_take_no_part():
    same = [trial(0.0, 0.01, identical=True) for _ in range(50)]
    found = decided([trial(-0.05, 0.02), *same], policy())
    assert [one.verdict for one in found] == ["fail"] + ["identical"] * 50
    assert decided(same, policy())[0].low == 0.0
    assert decided([], policy()) == []


def test_a_smaller_alpha_of_a_gate_is_a_larger_p():
    p = adjusted([0.02, 0.02], [0.05, 0.01], 0.05)
    assert p.tolist() == pytest.approx([0.04, 0.1])  # 0.02 x 2, and 0.02 x 5 x 1


def test_floors_are_on_the_candidate_alone():
    floors = [trial(0.001, 0.05, baseline=""), trial(-0.01, 0.05, baseline=""), trial(-0.2, 0.01, baseline="")]
    assert [one.verdict for one in decided(floors, policy())] == ["pass", "inconclusive", "fail"]


def test_the_groups_it_would_take_leave_nothing_open():
    (found,) = decided([trial(-0.005, 0.02)], policy())
    assert found.verdict == "inconclusive" and found.needed is not None
    error = 0.02 * np.sqrt(100 / found.needed)
    changes = np.linspace(-0.05, 0.02, 1001)
    for change in changes:
        low, p = change - norm.isf(0.05) * error, norm.cdf(change / error)
        assert settled([low], [p], [0.02], 0.05)[0] != "inconclusive"
    fewer = 0.02 * np.sqrt(100 / (0.9 * found.needed))
    lows, ps = changes - norm.isf(0.05) * fewer, norm.cdf(changes / fewer)
    assert "inconclusive" in settled(lows, ps, 0.02, 0.05)


def test_where_nothing_changed_the_groups_are_those_that_would_show_it():
    assert needed(Bounds(0, 0.0, -0.1, 0.1, 1.0), 20, finding(), 1) == int(np.ceil(np.log(0.05) / np.log(0.98)))


@pytest.mark.parametrize("margin", [0.001, 0.05])
def test_a_detectable_fall_is_found_four_times_in_five(margin):
    fall = detectable(0.01, finding(margin=margin), 1)
    changes = np.random.default_rng(0).normal(-fall, 0.01, 100_000)
    found = settled(changes - norm.isf(0.05) * 0.01, norm.cdf(changes / 0.01), margin, 0.05)
    assert np.mean(found == "fail") == pytest.approx(0.8, abs=0.01)
    assert detectable(0.01, finding(margin=margin), 1, flipped=0.02) > fall


def waiver(gate="auroc", until="2026-06-01"):
    return Waiver(gate=gate, until=datetime.date.fromisoformat(until), issue="#7")


def test_a_waiver_holds_until_its_last_day():
    found = decided([trial(-0.05, 0.01)], policy())
    assert [one.verdict for one in waived(found, [waiver()], TODAY)] == ["waived"]
    late = waived(found, [waiver(until="2026-05-31")], TODAY)
    assert late[0].verdict == "fail" and late[0].note == "its waiver expired on 2026-05-31 (#7)"


def test_an_expired_waiver_fails_what_cannot_be_told_and_not_what_passes():
    found = decided([trial(0.0, 0.02), trial(0.0, 0.001, gate="brier")], policy())
    waivers = [waiver(until="2026-05-31"), waiver("brier", "2026-05-31")]
    assert [one.verdict for one in waived(found, waivers, TODAY)] == ["fail", "pass"]
    with pytest.raises(UserError, match="unknown gate of a waiver 'aurok'; did you mean 'auroc'"):
        waived(found, [waiver("aurok")], TODAY)


def test_what_all_verdicts_mean_together():
    def of(*verdicts, counts=True):
        return outcome([finding(verdict=one, counts=counts) for one in verdicts])

    assert of("pass", "identical", "waived") == "pass"
    assert of("pass", "inconclusive") == "inconclusive"
    assert of("pass", "inconclusive", counts=False) == "pass"
    assert of("pass", "unmeasured", "inconclusive") == "not comparable"
    assert of("fail", "unmeasured") == "fail"
    assert of() == "not comparable"
