"""The parent's hand on the process that judges: it gives bytes, gets JSON, waits so long and no longer.

Nothing that the process says is run here: it is checked against the types of a judgement. A process that dies or takes
too long costs one file; the next file gets a new process. The first one is forked from a server that has loaded the
libraries already, so that a new one costs no more than loading the detector.
"""

import json
import multiprocessing
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from redqueen.errors import UserError
from redqueen.evaluation.detect.bounds import Bounds
from redqueen.evaluation.detect.files import shown
from redqueen.evaluation.detect.verdict import Basis, Failure, Judgement
from redqueen.perturbations.suite import Suite

LARGEST = 64 * 2**20  # bytes of an answer
_CHILD = "redqueen.evaluation.detect.child"
_SIGNALS: Mapping[int, str] = {
    signal.SIGXCPU: "took more processor time than it is given",
    signal.SIGKILL: "the system ended the process that judged it (out of memory?)",
}


@dataclass(frozen=True)
class Setup:
    """What the process is started with.

    Attributes:
        checkpoint: folder.
        trained_on: folder of its corpus; None: as the record says.
        suite: has the views.
        views: under which each picture is judged besides `clean`.
        close: odds within this factor of the threshold's are undecided.
        heat: whether to draw heat maps.
    """

    checkpoint: Path
    trained_on: Path | None
    suite: Suite
    views: Sequence[str]
    close: float
    heat: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.close < 1:
            raise UserError(f"close={self.close}: a factor of odds, at least 1")


class Worker:
    """A process that judges pictures, for use in a `with`; started anew whenever a file has cost it its life.

    Args:
        setup: of the process.
        bounds: of each file.
    """

    def __init__(self, setup: Setup, bounds: Bounds) -> None:
        self.setup, self.bounds = setup, bounds
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self.starts = 0

    def __enter__(self) -> "Worker":
        """Load the detector; raises UserError if it cannot be."""
        self.basis = self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._end()

    def judge(self, data: bytes) -> Judgement | Failure:
        """Judge one encoded picture; whatever the process does with it, this returns within the time allowed."""
        if self._pipe is None:
            self._start()
        assert self._pipe is not None, "started"
        with _Limit(self._process, self.bounds.seconds) as limit:
            try:
                self._pipe.send_bytes(data)
                answer, ends = _answer(self._pipe.recv_bytes(LARGEST))
            except (EOFError, OSError):
                answer, ends = None, True
        if limit.passed:
            self._end()
            return answer or Failure(f"took more than {self.bounds.seconds:g} seconds")
        if answer is None:
            return Failure(self._why())
        if ends:
            self._end()
        return answer

    def _start(self) -> Basis:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([_CHILD])
        ours, theirs = context.Pipe()
        process = context.Process(target=_child, args=(theirs, self.setup, self.bounds), daemon=True)
        process.start()
        theirs.close()
        self._process, self._pipe, self.starts = process, ours, self.starts + 1
        try:
            message = ours.recv_bytes(LARGEST) if ours.poll(self.bounds.start) else None
        except (EOFError, OSError):
            raise UserError(f"the detector could not be loaded: {self._why()}") from None
        if message is None:
            self._end()
            raise UserError(f"the detector was not loaded within {self.bounds.start:g} seconds; raise bounds.start")
        told = json.loads(message)
        if "error" in told:
            self._end()
            raise UserError(shown(str(told["error"])))  # a checkpoint from elsewhere may name what it likes
        return TypeAdapter(Basis).validate_python(told["basis"])

    def _why(self) -> str:
        """How the process ended, in words; it is put away."""
        assert self._process is not None, "it was started"
        self._process.join(5)
        code = self._process.exitcode
        self._end()
        if code is not None and code < 0:
            return _SIGNALS.get(-code, f"the process that judged it crashed ({signal.Signals(-code).name})")
        return f"the process that judged it ended with exit code {code}"

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


class _Limit:
    """Ends a process that is not done in time, for use in a `with`: who waits for it, to write or to read, goes on."""

    def __init__(self, process: BaseProcess | None, seconds: float) -> None:
        assert process is not None, "started"
        self._process, self.passed = process, False
        self._timer = threading.Timer(seconds, self._pass)

    def __enter__(self) -> "_Limit":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()

    def _pass(self) -> None:
        self.passed = True
        self._process.kill()


def _child(pipe: Connection, setup: Setup, bounds: Bounds) -> None:
    from redqueen.evaluation.detect.child import serve  # noqa: PLC0415  (torch, which the parent can do without)

    serve(pipe, setup, bounds)


def _answer(message: bytes) -> tuple[Judgement | Failure, bool]:
    """What the process says, and whether it ends with that."""
    try:
        told: dict[str, Any] = json.loads(message)
        if "judgement" in told:
            return TypeAdapter(Judgement).validate_python(told["judgement"]), False
        return Failure(" ".join(str(told["failure"]).split())), bool(told.get("ends"))
    except (ValueError, KeyError, TypeError, ValidationError):
        return Failure("the process that judged it gave no sensible answer"), True
