"""Scoring on hidden answers, and telling so little of it that nobody can climb on what was told.

A team learns a figure in steps, and a new one only where it beats its best so far by a step: else it hears its best
again. So repeated submissions learn little about single labels (the Ladder: Blum and Hardt, ICML 2015, arXiv
1502.04585). Every evaluation is written down; the same table again is answered from there and costs nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from redqueen.errors import DigestError, UserError
from redqueen.evaluation import scores as tables
from redqueen.evaluation.measured import Facts, Slicing, measured
from redqueen.files import canonical, digest_file, write_json, write_text
from redqueen.leaderboard import canaries
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.headlines import Draws, headlines
from redqueen.leaderboard.rounds import Round
from redqueen.perturbations.suite import CLEAN
from redqueen.types import Measure, Result

FIGURES: Mapping[str, str] = {  # metric of the round's pictures, as they are -> what it is called
    "auroc": "AUROC",
    "tpr_at_fpr_0.01": "true positives at 1 % false positives",
}
LEDGER, RESULTS = "ledger.jsonl", "results"


@dataclass(frozen=True)
class Rules:
    """What a team may learn.

    Args:
        step: of the figures that are told, and what a better one must gain.
        most: evaluations a team.
    """

    step: float = 0.01
    most: int = 5

    def __post_init__(self) -> None:
        """Refuse rules that tell everything, or nothing."""
        if not 0 < self.step <= 0.5:
            raise UserError(f"rules.step={self.step}: give a step of the figures over 0, at most 0.5")
        if self.most < 1:
            raise UserError(f"rules.most={self.most}: give a number of evaluations from 1")

    def told(self, best: float | None, value: float | None) -> float | None:
        """What is told of a figure after the best that was told before.

        >>> rules = Rules(step=0.05)
        >>> rules.told(None, 0.834), rules.told(0.85, 0.87), rules.told(0.85, 0.912)
        (0.85, 0.85, 0.9)
        """
        if value is None or (best is not None and value < best + self.step):
            return best
        return round(round(value / self.step) * self.step, 9)


@dataclass(frozen=True)
class Entry:
    """One evaluation, as the ledger holds it.

    Attributes:
        sequence: from 1, over all teams.
        team: slug.
        date: "YYYY-MM-DD".
        detector: as the table says.
        scores: sha256 of the table.
        told: metric -> what the team was told.
        failed: ids of the checks that it failed; then nothing was told.
    """

    sequence: int
    team: str
    date: str
    detector: str
    scores: str
    told: Mapping[str, float | None]
    failed: tuple[str, ...] = ()


def evaluated(found: Round, path: Path) -> tuple[Result, Draws, list[Check]]:
    """The whole result of a table of scores, its headline draws, and whether canaries and twins tell on it.

    Raises:
        DigestError: the table is of another round.
        UserError: it is no table of scores, or does not have one for every picture.
    """
    answers = found.answers()
    given = tables.read(path)
    if given.origin.benchmark != found.digest:
        raise DigestError(
            f"{path.name} holds scores of {given.origin.benchmark[:16]}, not of round {found.card.name}, "
            f"{found.digest[:16]}"
        )
    known = tables.Scores(given.table, replace(given.origin, benchmark=answers.digest))
    scored = tables.scored(known, answers)
    card = answers.card
    facts = Facts(
        detector=given.origin.detector,
        control=False,
        suite=card.suite,
        corpus=card.name,
        corpus_digest=card.corpus_digest,
        predictions_digest=digest_file(path),
        labels="true",
        seed=card.seed,
        biased=card.biased,
        limits=card.limits,
    )
    result, matrix = measured(answers.evaluation, scored, facts, Slicing(card.styles, card.distances))
    return result, headlines(answers.evaluation, scored, matrix), list(canaries.check(scored, answers))


def figures(result: Result) -> dict[str, Measure]:
    """The figures by which a round is decided: of all its pictures, as they are."""
    return {
        one.metric: one
        for one in result.measures
        if (one.part, one.view, one.by) == ("next", CLEAN, "all") and one.metric in FIGURES
    }


def enter(found: Round, path: Path, team: str, date: str, rules: Rules) -> Entry:
    """Evaluate a team's table, write it down, and give what the team may be told.

    Raises:
        UserError: the team has had its evaluations, or what `evaluated` raises.
    """
    private = found.kept()
    before = ledger(private)
    own = [one for one in before if one.team == team]
    digest = digest_file(path)
    again = next((one for one in own if one.scores == digest), None)
    if again is not None:
        return again
    if len(own) >= rules.most:
        raise UserError(f"team {team} has had its {rules.most} evaluations in round {found.card.name}")
    result, _, checks = evaluated(found, path)
    failed = tuple(check.id for check in checks if check.outcome not in ("passed", "skipped"))
    best = next((one.told for one in reversed(own) if not one.failed), {})
    values = figures(result)
    told = {
        metric: rules.told(best.get(metric), values[metric].figure.value if metric in values else None)
        for metric in FIGURES
    }
    entry = Entry(len(before) + 1, team, date, result.detector, digest, {} if failed else told, failed)
    name = f"{entry.sequence:04d}-{team}.json"
    write_json(private / RESULTS / name, {"result": asdict(result), "checks": [asdict(check) for check in checks]})
    write_text(private / LEDGER, "".join(f"{canonical(asdict(one))}\n" for one in [*before, entry]))
    return entry


def ledger(private: Path) -> list[Entry]:
    """The evaluations so far, in order."""
    path = private / LEDGER
    lines = path.read_text().splitlines() if path.exists() else []
    return [Entry(**_entry(json.loads(line))) for line in lines]


def _entry(told: dict[str, Any]) -> dict[str, Any]:
    return told | {"failed": tuple(told["failed"])}


def line(found: Round, entry: Entry, used: Sequence[Entry], rules: Rules) -> str:
    """All that a team is told of an evaluation."""
    count = f"evaluation {[one.sequence for one in used].index(entry.sequence) + 1} of {rules.most}"
    if entry.failed:
        return f"round {found.card.name}, team {entry.team}, {count}: not scored; the maintainers will say why"
    shown = ", ".join(f"{FIGURES[name]} {_text(value)}" for name, value in entry.told.items())
    return f"round {found.card.name}, team {entry.team}, {count}: {shown} (best so far, in steps of {rules.step:g})"


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:g}"
