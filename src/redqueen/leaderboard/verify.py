"""Verification of one submission, stage after stage, from its container to a run of its weights.

Nothing of a bundle is believed, built or run before the stages ahead have passed; a stage that would have nothing safe
to read is not reached. Each stage is a function of the module that it is about.
"""

import datetime
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from redqueen.errors import UserError
from redqueen.evaluation.benchmark import CARD, Benchmark
from redqueen.leaderboard import container, forensics, manifest, model, predictions, recompute, statements
from redqueen.leaderboard.archives import UnsafeError
from redqueen.leaderboard.findings import Check, exit_code
from redqueen.types import Result

Tier = Literal["claimed", "recomputed", "re-run", "hidden"]
CRASHED = 5  # exit code of an error of ours
RUN_AGAIN = "run.scores"  # the check that passes where the weights of every cutoff give the scores
_STOPPING = (1, 4)  # codes after which nothing that follows is safe or worth it


@dataclass(frozen=True)
class Options:
    """What a submission is verified with.

    Attributes:
        benchmark: folder of the benchmark; None: the one that the submission names, among those of `results`.
        results: folder of published results.
        against: folders of submissions that it must be no copy of.
        today: no submission is from later.
        run: runs the weights again, given folder and benchmark; None where they are not to be run.
    """

    benchmark: Path | None = None
    results: Path = Path("results")
    against: Sequence[Path] = ()
    today: datetime.date = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).date())
    run: Callable[[Path, Benchmark], Sequence[Check]] | None = None


@dataclass(frozen=True)
class Report:
    """What verification found.

    Attributes:
        bundle: name of the file or folder.
        submission: its id, as far as it could be read.
        detector: its name, as far as it could be read.
        benchmark: name and version of the benchmark; None where none was reached.
        benchmark_digest: of that benchmark.
        root: root digest of the bundle, if the manifest is whole.
        tier: what has been verified of its figures.
        checks: all that were made, in order.
        stage: the last one that was reached.
        result: computed from its scores; None where that was not reached.
        draws: bootstrap draws of its headline figures.
        crash: what went wrong with us, in one line.
    """

    bundle: str
    submission: str | None = None
    detector: str | None = None
    benchmark: str | None = None
    benchmark_digest: str | None = None
    root: str | None = None
    tier: Tier = "claimed"
    checks: tuple[Check, ...] = ()
    stage: str = ""
    result: Result | None = None
    draws: Mapping[str, Any] = field(default_factory=dict)
    crash: str = ""

    @property
    def code(self) -> int:
        """The exit code: 0 accepted, 1 rejected, 3 needs a human, 4 unsafe, 5 an error of ours."""
        return CRASHED if self.crash else exit_code(self.checks)


def verify(bundle: Path, options: Options) -> Report:
    """Verify a folder, tar or zip; whatever it holds, this ends in a report.

    Raises:
        UserError: there is no such bundle, no benchmark for it, or what it is to be run on is something else.
    """
    if not bundle.is_symlink() and not bundle.exists():
        raise UserError(f"no bundle at {bundle}; make one with 'redqueen submit RUN'")
    with tempfile.TemporaryDirectory(prefix="redqueen-verify-") as private:
        work = _Verification(bundle, Path(private), options)
        crash = ""
        try:
            work.run()
        except UserError:
            raise
        except Exception as error:  # an error of ours must end in a report and a code of its own
            reason = " ".join(str(error).split())[:300]
            crash = f"internal error in stage {work.stage}: {type(error).__name__}: {reason}"
        return work.report(crash)


@dataclass
class _Verification:
    """How far it has come."""

    bundle: Path
    private: Path
    options: Options
    stage: str = "container"
    checks: list[Check] = field(default_factory=list)
    folder: Path = Path()
    said: statements.Statements | None = None
    benchmark: Benchmark | None = None
    result: Result | None = None
    draws: Mapping[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        """Stage after stage, up to one that leaves nothing safe for those behind it."""
        for stage, made in (
            ("container", self._copied),
            ("statements", self._stated),
            ("predictions", self._scored),
            ("recomputation", self._recomputed),
            ("forensics", self._compared),
            ("run", self._run_again),
        ):
            self.stage = stage
            self.checks += made()
            if exit_code(self.checks) in _STOPPING:
                return

    def _copied(self) -> Sequence[Check]:
        try:
            self.folder = container.copied(self.bundle, self.private)
        except UnsafeError as error:
            return [error.check]
        except PermissionError as error:
            raise UserError(f"bundle {self.bundle}: {error.strerror}") from None
        return [
            Check("container", "passed", f"{len(manifest.files(self.folder))} files, of names and kinds that are read")
        ]

    def _stated(self) -> Sequence[Check]:
        self.said, found = statements.read(self.folder)
        found += [*manifest.check(self.folder), *model.check(self.folder)]
        if self.said is None or exit_code(found) in _STOPPING:
            return found
        self.benchmark = _benchmark(self.options, self.said.card.benchmark.digest)
        return [*found, *statements.check(self.said, self.benchmark, self.options.today)]

    def _scored(self) -> Sequence[Check]:
        said, benchmark = self._known
        return predictions.check(self.folder, said.card, benchmark)

    def _recomputed(self) -> Sequence[Check]:
        _, benchmark = self._known
        self.result, self.draws, found = recompute.recomputed(self.folder, benchmark)
        return found

    def _compared(self) -> Sequence[Check]:
        said, benchmark = self._known
        return forensics.check(self.folder, said.card, benchmark, self.options.against)

    def _run_again(self) -> Sequence[Check]:
        _, benchmark = self._known
        if self.options.run is None:
            return [Check("run", "skipped", "no corpus was given: the weights were not run again")]
        return self.options.run(self.folder, benchmark)

    @property
    def _known(self) -> tuple[statements.Statements, Benchmark]:
        assert self.said is not None
        assert self.benchmark is not None
        return self.said, self.benchmark

    def report(self, crash: str) -> Report:
        """What has been found so far."""
        said, card = self.said, self.benchmark.card if self.benchmark else None
        passed = {check.id for check in self.checks if check.outcome == "passed"}
        return Report(
            bundle=ascii(self.bundle.name)[1:-1][:120],
            submission=said.card.submission_id if said else None,
            detector=said.card.detector.name if said else None,
            benchmark=f"{card.name} version {card.version}" if card else None,
            benchmark_digest=self.benchmark.digest if self.benchmark else None,
            root=manifest.read(self.folder).root if "manifest" in passed else None,
            tier=_tier(self.checks, self.result),
            checks=tuple(self.checks),
            stage=self.stage,
            result=self.result,
            draws=self.draws,
            crash=crash,
        )


def _tier(checks: Sequence[Check], result: Result | None) -> Tier:
    """What has been verified: nothing of a bundle that a check refuses."""
    if result is None or exit_code(checks) in _STOPPING:
        return "claimed"
    again = any(check.id == RUN_AGAIN and check.outcome == "passed" for check in checks)
    return "re-run" if again else "recomputed"


def _benchmark(options: Options, digest: str) -> Benchmark:
    """The benchmark that was given, or the one that the submission names."""
    if options.benchmark is not None:
        return Benchmark.open(options.benchmark)
    places = sorted(path.parent for path in options.results.glob(f"*/*/{CARD}"))
    found = next((one for one in map(Benchmark.open, places) if one.digest == digest), None)
    if found is None:
        known = ", ".join(map(str, places)) or f"none in {options.results}/"
        raise UserError(
            f"the submission is of benchmark {digest[:12]}, not of those here ({known}): give --benchmark FOLDER"
        )
    return found
