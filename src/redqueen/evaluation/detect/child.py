"""The process in which strangers' files are decoded and judged: bytes in, JSON out, nothing else in common."""

import base64
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from redqueen.corpus.decode import pixels
from redqueen.corpus.normalise import Treatment
from redqueen.corpus.schema import image_id
from redqueen.detectors.base import Detector
from redqueen.detectors.one_pass import scores
from redqueen.errors import RejectedPictureError, UserError, unknown
from redqueen.evaluation.detect.bounds import Bounds
from redqueen.evaluation.detect.opened import opened
from redqueen.evaluation.detect.overlay import overlay, words
from redqueen.evaluation.detect.verdict import Basis, Heat, Judgement, Seen, probability, verdict
from redqueen.evaluation.detect.worker import Setup
from redqueen.perturbations.suite import CLEAN, Suite


@dataclass(frozen=True)
class Judge:
    """A detector with all that it takes to judge one picture.

    Attributes:
        detector: ready to judge.
        treatment: of every picture, as of those it was trained on.
        basis: threshold and temperature among it.
        suite: has the views.
        views: names of those that a picture is judged under, `clean` first.
        close: odds within this factor of the threshold's are undecided.
        heat: whether to draw heat maps.
    """

    detector: Detector
    treatment: Treatment
    basis: Basis
    suite: Suite
    views: Sequence[str]
    close: float
    heat: bool = False

    @classmethod
    def open(cls, setup: Setup) -> "Judge":
        """Load the checkpoint; raises UserError."""
        for view in setup.views:
            if view not in setup.suite.views:
                raise unknown(f"view of suite {setup.suite.label}", view, setup.suite.views)
        detector, treatment, basis = opened(setup.checkpoint, setup.trained_on)
        views = [CLEAN, *(view for view in setup.views if view != CLEAN)]
        return cls(detector, treatment, basis, setup.suite, views, setup.close, setup.heat)

    def __call__(self, data: bytes) -> Judgement:
        """Judge one encoded picture; raises RejectedPictureError with the reason why it cannot be."""
        treated = self.treatment(data).data
        picture, identity = pixels(treated), image_id(treated)
        seen = [self.suite.apply(view, picture, identity) for view in self.views]
        logits = scores(self.detector, [self.detector.prepare(one) for one in seen])
        found = tuple(self._seen(view, logit) for view, logit in zip(self.views, logits, strict=True))
        return Judgement(identity, found, self._heat(picture) if self.heat else None)

    def _seen(self, view: str, logit: float) -> Seen:
        if not np.isfinite(logit):
            raise RejectedPictureError(f"the detector gives no finite score under view {view}")
        one = self.basis
        return Seen(
            view,
            logit,
            probability(logit, one.temperature),
            verdict(logit, one.threshold, one.temperature, self.close),
        )

    def _heat(self, picture: NDArray[np.uint8]) -> Heat | None:
        found = self.detector.heat_map(picture)
        if found is None:
            return None
        threshold = self.basis.threshold
        return Heat(base64.b64encode(overlay(picture, found, threshold)).decode(), words(found, threshold))


def serve(pipe: Connection, setup: Setup, bounds: Bounds) -> None:
    """Load the detector, say what it rests on, then judge picture after picture until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; this process ends with its pipe
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)  # no library that a file upsets writes to the terminal
    torch.set_num_threads(1)  # as in the pass that makes prediction tables
    try:
        judge = Judge.open(setup)
    except UserError as error:
        _tell(pipe, {"error": str(error)})
        return
    except Exception as error:  # whatever a damaged checkpoint sets off is told, since nothing else is heard from here
        _tell(pipe, {"error": f"{setup.checkpoint.name} cannot be loaded: {type(error).__name__}: {error}"})
        return
    bounds.enter()
    _tell(pipe, {"basis": asdict(judge.basis)})
    while True:
        try:
            data = pipe.recv_bytes()
        except EOFError:
            return
        bounds.begin()
        if not _answered(pipe, judge, data):
            return


def _answered(pipe: Connection, judge: Judge, data: bytes) -> bool:
    """Judge one picture and tell; False where this process cannot be trusted with another one."""
    try:
        _tell(pipe, {"judgement": asdict(judge(data))})
    except (RejectedPictureError, UserError) as error:
        _tell(pipe, {"failure": str(error)})
    except MemoryError:
        _tell(pipe, {"failure": "needs more memory than it is given", "ends": True})
        return False
    except Exception as error:  # whatever a stranger's file sets off is that file's failure, and is told as such
        _tell(pipe, {"failure": f"could not be judged: {type(error).__name__}: {error}", "ends": True})
        return False
    return True


def _tell(pipe: Connection, message: dict[str, Any]) -> None:
    pipe.send_bytes(json.dumps(message).encode())
