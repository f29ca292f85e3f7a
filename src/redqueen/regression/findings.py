"""What a regression check found: one record a gate, slice and baseline, and what all of them mean together."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from redqueen.errors import UserError
from redqueen.regression.policy import Period

Verdict = Literal["identical", "pass", "waived", "inconclusive", "fail", "unmeasured"]
Outcome = Literal["pass", "fail", "inconclusive", "not comparable"]
EXIT_PASS, EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_NOT_COMPARABLE, EXIT_CRASH = 0, 1, 3, 4, 5

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Finding:
    """One gate, slice and baseline, or one floor.

    Changes are oriented: negative is worse, whichever way the metric points.

    Attributes:
        gate: name of the gate, with its slice if it is of one.
        metric: name, as in results.
        title: of the metric, as a reader knows it.
        higher: whether higher is better.
        period: of the windows.
        view: of the suite.
        by: what the slice is of; "all" for all pictures.
        name: which slice.
        baseline: names of those that are compared with; "" for a floor.
        margin: what is tolerated; of a floor, its limit.
        alpha: of this gate.
        verdict: see `decide`.
        note: more about it, for a reader; "" for nothing.
        before: the baseline's figure; None for a floor, or where there is none.
        after: the candidate's figure; None where there is none.
        change: after less before, oriented; of a floor, after less the limit.
        low: the truth lies above it with a chance of 1 - alpha.
        high: the truth lies under it with a chance of 1 - alpha.
        p: one-sided, of no change for the worse.
        adjusted: the same, for being one of many.
        pictures: behind the figure; of a slice of one label, its own.
        groups: of these pictures.
        needed: about how many groups it would take to tell; None where it is told.
        counts: whether too little to tell here makes the check inconclusive.
    """

    gate: str
    metric: str
    title: str
    higher: bool
    period: Period
    view: str
    by: str
    name: str
    baseline: str
    margin: float
    alpha: float
    verdict: Verdict
    note: str = ""
    before: float | None = None
    after: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    adjusted: float | None = None
    pictures: int = 0
    groups: int = 0
    needed: int | None = None
    counts: bool = True

    @property
    def floor(self) -> bool:
        """Whether it is of the candidate alone."""
        return not self.baseline

    @property
    def place(self) -> str:
        """The slice and what else is not the default, in words: " on generator=x"."""
        where = [] if self.by == "all" else [f"{self.by}={self.name}"]
        where += [f"view={self.view}"] * (self.view != "clean" and self.by != "view")
        where += [f"period={self.period}"] * (self.period != "next")
        return f" on {', '.join(where)}" if where else ""


@dataclass(frozen=True, config=_STRICT)
class Skipped:
    """A slice with too few groups to be gated."""

    by: str
    name: str
    groups: int


@dataclass(frozen=True, config=_STRICT)
class Table:
    """A table of scores that was compared: its name in the policy, detector, and digest of its content."""

    name: str
    detector: str
    digest: str


@dataclass(frozen=True, config=_STRICT)
class Checked:
    """One check.

    Attributes:
        outcome: of the whole check.
        sentence: the first line of every output.
        on_inconclusive: as the policy has it.
        benchmark: name and version.
        benchmark_digest: of the benchmark.
        policy_digest: of the policy.
        alpha: chance that the check fails though nothing got worse.
        candidate: what was checked.
        baselines: what it was compared with.
        findings: the worst first.
        skipped: slices that were too small to be gated.
        flips: of each baseline, pictures that are right now and were wrong, and the reverse.
        notes: what else a reader must know.
    """

    outcome: Outcome
    sentence: str
    on_inconclusive: Literal["warn", "fail"]
    benchmark: str
    benchmark_digest: str
    policy_digest: str
    alpha: float
    candidate: Table
    baselines: tuple[Table, ...]
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    flips: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    schema_version: int = 1

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 inconclusive where the policy says so, 4 not comparable."""
        inconclusive = EXIT_INCONCLUSIVE if self.on_inconclusive == "fail" else EXIT_PASS
        codes = {"pass": EXIT_PASS, "fail": EXIT_FAIL, "not comparable": EXIT_NOT_COMPARABLE}
        return codes.get(self.outcome, inconclusive)


def outcome(findings: Sequence[Finding]) -> Outcome:
    """A regression that was found outweighs what could not be measured, which is never a pass."""
    verdicts = {one.verdict for one in findings}
    if "fail" in verdicts:
        return "fail"
    if "unmeasured" in verdicts or not findings:
        return "not comparable"
    return "inconclusive" if any(one.verdict == "inconclusive" and one.counts for one in findings) else "pass"


def read(path: Path) -> Checked:
    """A report that was written; raises UserError for a file that is none."""
    try:
        return TypeAdapter(Checked).validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"report {path}: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{path} is no report.json of a check: {place}: {first['msg']}") from None
