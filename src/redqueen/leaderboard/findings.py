"""What verification found: one line a check, and what all of them mean together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "noted", "skipped", "review", "rejected", "unsafe"]


@dataclass(frozen=True)
class Check:
    """One check of a submission.

    Attributes:
        id: slug such as "container.link", "predictions.ids", "forensics.copy".
        outcome: what came of it.
        message: one line: the value, what is allowed.
        fix: what the submitter can do.
    """

    id: str
    outcome: Outcome
    message: str
    fix: str = ""


def exit_code(checks: Iterable[Check]) -> int:
    """4 if any is unsafe, else 1 if any is rejected, else 3 if any needs a human, else 0.

    >>> exit_code([Check("a", "passed", ""), Check("b", "review", ""), Check("c", "noted", "")])
    3
    """
    found = {check.outcome for check in checks}
    codes: tuple[tuple[Outcome, int], ...] = (("unsafe", 4), ("rejected", 1), ("review", 3))
    return next((code for outcome, code in codes if outcome in found), 0)
