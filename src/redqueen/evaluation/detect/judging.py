"""File after file through one worker: none stops the others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from redqueen.errors import RejectedPictureError
from redqueen.evaluation.detect.files import Found, read, shown
from redqueen.evaluation.detect.verdict import Failure, Judgement
from redqueen.evaluation.detect.worker import Worker

EXIT_HUMAN, EXIT_GENERATED, EXIT_FAILED = 0, 3, 4


@dataclass(frozen=True)
class Outcome:
    """A file and what came of it."""

    path: Path
    judged: Judgement | Failure


def outcomes(files: Iterable[Found], worker: Worker) -> Iterator[Outcome]:
    """Each file in turn: judged, or failed with a reason that is safe to print."""
    for path, trouble in files:
        judged = Failure(trouble) if trouble else _judged(path, worker)
        yield Outcome(path, Failure(shown(judged.reason)) if isinstance(judged, Failure) else judged)


def _judged(path: Path, worker: Worker) -> Judgement | Failure:
    try:
        return worker.judge(read(path))
    except RejectedPictureError as error:
        return Failure(str(error))


def exit_code(found: Iterable[Outcome]) -> int:
    """3 if a picture looks AI-generated; else 4 if a file could not be judged; else 0."""
    codes = [EXIT_HUMAN]
    for one in found:
        if isinstance(one.judged, Failure):
            codes.append(EXIT_FAILED)
        elif one.judged.clean.verdict == "generated":
            return EXIT_GENERATED
    return max(codes)
