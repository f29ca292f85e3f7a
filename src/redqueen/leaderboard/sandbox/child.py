"""The process in which a submitted detector is built and judges: pixels in, logits out.

It is given pixels and nothing else: no file, no name, no id, no label, no size in bytes, and in an order that says
nothing. It answers in JSON, which the parent checks.
"""

import json
import math
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from redqueen.detectors.base import Detector, FeatureDetector
from redqueen.detectors.one_pass import scores
from redqueen.errors import AbsentError, UserError
from redqueen.evaluation.detect.bounds import Bounds
from redqueen.leaderboard.sandbox.confine import HOOK, NAMESPACE, Guard, Streams, without_network, without_secrets
from redqueen.leaderboard.sandbox.pixels import Pixels, unpacked
from redqueen.training.restored import restored

Built = Callable[[], tuple[Detector, float]]  # a detector, and the temperature that its logits are divided by


def of_checkpoint(folder: Path, precision: str = "float32") -> tuple[Detector, float]:
    """The detector of a bundle's `model/CUTOFF`, in the precision that its scores are said to have.

    Raises:
        UserError: it cannot be built, or is none that sees pixels.
        AbsentError: this machine lacks something.
    """
    detector, checkpoint = restored(folder)
    if detector.reads != "pixels":
        raise UserError(
            f"{type(detector).__name__} reads {detector.reads}, no pixels: a control, which is not run again"
        )
    temperature = checkpoint.record.get("temperature")
    if not isinstance(temperature, int | float) or not (math.isfinite(temperature) and temperature > 0):
        raise UserError(f"record.json: temperature {temperature!r:.40} is no number over 0")
    if precision == "bfloat16":  # as the prediction engine: the network, or what gives the features of a head
        what = "features" if isinstance(detector, FeatureDetector) else "forward"
        setattr(detector, what, torch.autocast("cpu", torch.bfloat16)(getattr(detector, what)))
    return detector, float(temperature)


def serve(pipe: Connection, built: Built, bounds: Bounds) -> None:
    """Give everything up, build the detector, then judge batch after batch until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; this process ends with its pipe
    alone = without_network()  # while there is one thread
    streams, guard = Streams(), Guard()
    without_secrets()
    torch.set_num_threads(1)
    try:
        detector, temperature = built()
    except UserError as error:
        _tell(pipe, {"absent" if isinstance(error, AbsentError) else "unfit": str(error)})
        return
    detector.eval()
    bounds.enter()
    bounds.begin()
    streams.forget()
    guard.close()
    _tell(pipe, {"temperature": temperature, "isolation": NAMESPACE if alone else HOOK})
    while True:
        try:
            pictures = unpacked(pipe.recv_bytes())
        except EOFError:
            return
        answer = _judged(detector, pictures)
        _tell(pipe, {**answer, "attempted": guard.attempted, "printed": streams.printed()})


def _judged(detector: Detector, pictures: Sequence[Pixels]) -> dict[str, Any]:
    try:
        found = scores(detector, [detector.prepare(np.array(one)) for one in pictures])
    except MemoryError:
        return {"failed": "needs more memory than it is given"}
    except Exception as error:  # whatever a submitted detector sets off is told as its failure
        lacks = "allocate memory" in str(error)
        said = "needs more memory than it is given" if lacks else f"{type(error).__name__}: {error}"
        return {"failed": said}
    return {"logits": [one if math.isfinite(one) else None for one in found]}


def _tell(pipe: Connection, message: dict[str, Any]) -> None:
    pipe.send_bytes(json.dumps(message).encode())


def entered(pipe: Connection, built: Built, bounds: Bounds) -> None:
    """The process's first function; it leaves without running what others registered for the end."""
    serve(pipe, built, bounds)
    pipe.close()
    os._exit(0)
