"""The parent's hand on the process that runs a submitted detector: pictures out, logits back, so long and no longer.

Nothing that the process says is trusted: it is JSON of bounded length, checked against a type.
"""

import multiprocessing
import signal
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Timer
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from redqueen.evaluation.detect.bounds import Bounds
from redqueen.evaluation.detect.files import shown
from redqueen.leaderboard.findings import Check, Outcome
from redqueen.leaderboard.sandbox.pixels import Pixels, packed

if TYPE_CHECKING:
    from redqueen.leaderboard.sandbox.child import Built

LARGEST = 2**20  # bytes of an answer
_CHILD = "redqueen.leaderboard.sandbox.child"
_SIGNALS: Mapping[int, str] = {
    signal.SIGXCPU: "took more processor time than the {processor} s that it is given",
    signal.SIGKILL: "was ended by the system (out of memory?)",
    signal.SIGXFSZ: "tried to write a file",
}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Start:
    """What the process says once the detector is there, or is not."""

    temperature: float = 1.0
    isolation: str = ""
    absent: str = ""
    unfit: str = ""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Answer:
    """What the process says of a batch: a logit a picture, None where it is not finite, or why there is none."""

    attempted: tuple[str, ...]
    printed: int
    logits: tuple[float | None, ...] = ()
    failed: str = ""


class StoppedError(Exception):
    """A detector that could not be run to the end, as a check says it."""

    def __init__(self, name: str, outcome: Outcome, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.check = Check(name, outcome, message, fix)


@dataclass(frozen=True)
class Ran:
    """Logits in the order of the pictures, NaN where one is not finite, and under what isolation."""

    logits: tuple[float, ...]
    temperature: float
    isolation: str


def ran(built: "Built", batches: Iterable[Sequence[Pixels]], bounds: Bounds) -> Ran:
    """Build a detector in a process of its own and let it judge; raises StoppedError."""
    session = _Session(built, bounds)
    try:
        start = session.started()
        found: list[float] = []
        for pictures in batches:
            logits = session.judged(pictures)
            found += [float("nan") if one is None else one for one in logits]
        return Ran(tuple(found), start.temperature, start.isolation)
    finally:
        session.end()


class _Session:
    """One process, from its start to its end; bounds hold for all of its batches together."""

    def __init__(self, built: "Built", bounds: Bounds) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([_CHILD, "timm"])  # of which most detectors are made
        self.bounds, self.late = bounds, ""
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_entered, args=(theirs, built, bounds), daemon=True)
        self.process.start()
        theirs.close()
        self.clock = self._clock(bounds.start, f"was not built in {bounds.start:g} s")

    def _clock(self, seconds: float, late: str) -> Timer:
        """Ends the process after so long: it may not read, or not answer, and either would hold the parent up."""

        def ring() -> None:
            self.late = late
            self.process.kill()

        clock = Timer(seconds, ring)
        clock.daemon = True
        clock.start()
        return clock

    def started(self) -> Start:
        """Wait until the detector is there."""
        try:
            start = TypeAdapter(Start).validate_json(self.pipe.recv_bytes(LARGEST))
        except (EOFError, OSError):
            raise StoppedError("run.weights", "rejected", self._why()) from None
        if start.absent:
            raise StoppedError("run.weights", "skipped", f"cannot be built on this machine: {shown(start.absent)}")
        if start.unfit:
            raise StoppedError("run.weights", "rejected", f"cannot be built: {shown(start.unfit)}")
        self.clock.cancel()
        seconds = self.bounds.seconds
        self.clock = self._clock(seconds, f"took more than the {seconds:g} s that the sample is given")
        return start

    def judged(self, pictures: Sequence[Pixels]) -> tuple[float | None, ...]:
        """The logits of a batch."""
        try:
            self.pipe.send_bytes(packed(pictures))
            answer = TypeAdapter(Answer).validate_json(self.pipe.recv_bytes(LARGEST))
        except (EOFError, OSError):
            raise StoppedError("run.limits", "rejected", self._why()) from None
        except ValidationError:
            raise StoppedError("run.limits", "rejected", "gave no sensible answer") from None
        _check(answer, len(pictures))
        return answer.logits

    def _why(self) -> str:
        """How the process ended, in words."""
        self.process.join(5)
        code = self.process.exitcode
        if self.late:
            return self.late
        if code is not None and code < 0:
            known = _SIGNALS.get(-code, f"crashed ({signal.Signals(-code).name})")
            return known.format(**vars(self.bounds))
        return f"ended its process with exit code {code}"

    def end(self) -> None:
        """End the process, whatever it does."""
        self.clock.cancel()
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _check(answer: Answer, pictures: int) -> None:
    """Raise StoppedError for what no detector does."""
    if answer.attempted:
        raise StoppedError(
            "run.forbidden", "rejected", f"reached for what it may not have: {shown(answer.attempted[0])}"
        )
    if answer.printed:
        raise StoppedError("run.output", "rejected", f"wrote {answer.printed} bytes to standard output")
    if answer.failed:
        raise StoppedError("run.limits", "rejected", f"failed on a picture: {shown(answer.failed)}")
    if len(answer.logits) != pictures:
        raise StoppedError("run.limits", "rejected", f"gave {len(answer.logits)} scores for {pictures} pictures")


def _entered(pipe: Connection, built: "Built", bounds: Bounds) -> None:
    from redqueen.leaderboard.sandbox.child import entered  # noqa: PLC0415  (torch, which the parent can do without)

    entered(pipe, built, bounds)
