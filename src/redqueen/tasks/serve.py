"""`redqueen serve --detector FOLDER`: what `redqueen detect` says, on a page of this machine alone."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.evaluation.detect.local import Local
from redqueen.evaluation.detect.verdict import Failure
from redqueen.evaluation.detect.worker import Worker
from redqueen.report.judging_page import answer, page
from redqueen.report.verdicts import facts
from redqueen.tasks.detect import known_of, result_of, worker


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Serve until Ctrl-C; the address is the only line on stdout."""
    result = result_of(cfg)
    with worker(cfg, heat=True) as process:
        known = known_of(process.basis, result)
        about = facts(process.basis, known, cfg.close)
        shown = partial(page, process.basis, about, known.warnings)
        with Local(cfg.port, shown, partial(_judged, process)) as server, suppress(KeyboardInterrupt):
            sys.stdout.write(f"{server.address}\n")
            sys.stdout.flush()
            say("open this address on this machine; Ctrl-C ends it, and nothing is kept")
            server.serve_forever()
    return 0


def _judged(process: Worker, data: bytes) -> Mapping[str, Any]:
    try:
        return answer(process.judge(data))
    except UserError as error:  # the checkpoint is gone, or damaged, since the process was first started
        return answer(Failure(str(error)))
