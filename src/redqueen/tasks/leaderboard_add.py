"""`redqueen leaderboard add BUNDLE`: what passes verification is published, with its draws and a line of the log."""

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.leaderboard import container, manifest
from redqueen.leaderboard.publish import Publication, publish
from redqueen.leaderboard.schema import CARD, Submission, parse
from redqueen.leaderboard.verify import Options, Report, verify
from redqueen.report.verified import FORMS
from redqueen.tasks.verify import again

_REVIEW = 3  # exit code of a report that asks for a human


def run(cfg: DictConfig, folder: Path, files: Sequence[str] = ()) -> int:  # noqa: ARG001  (every task has it)
    """Verify, publish, and say where; what is refused is printed and ends as `redqueen verify` does."""
    if len(files) != 1:
        raise UserError(f"one bundle, a folder, tar or zip: redqueen leaderboard add BUNDLE; got {len(files)}")
    bundle, results = Path(files[0]), Path(cfg.results)
    options = Options(
        benchmark=Path(cfg.benchmark) if cfg.benchmark else None,
        results=results,
        against=[Path(one) for one in cfg.against],
        run=partial(again, Path(cfg.run_on), cfg.salt) if cfg.run_on else None,
    )
    report = verify(bundle, options)
    if report.code and not (report.code == _REVIEW and cfg.reason.strip()):
        sys.stdout.write(FORMS["text"](report))
        if report.code == _REVIEW:
            say("not published: somebody has to look; then say --reason 'who looked, and why it is published'")
        return report.code
    with tempfile.TemporaryDirectory(prefix="redqueen-add-") as private:
        record = publish(results, _publication(report, container.copied(bundle, Path(private)), cfg))
    say(f"{record.submission} is published as {record.tier}: {record.path}")
    return 0


def _publication(report: Report, copy: Path, cfg: DictConfig) -> Publication:
    """What was verified, with the small files of another copy of the same bundle."""
    assert report.result is not None
    if manifest.read(copy).root != report.root:
        raise UserError(f"{report.bundle}: was changed while it was verified; try again")
    card = parse(Submission, (copy / CARD).read_bytes())
    return Publication(
        submission=card.submission_id,
        result=report.result,
        draws=report.draws,
        tier=report.tier,
        root=report.root,
        checks=report.checks,
        bundle=copy,
        revision_of=card.revision_of,
        date=cfg.date or "",
        reason=cfg.reason.strip(),
    )
