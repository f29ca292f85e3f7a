"""Other submissions, as far as they are known: whole bundles, or what a published log says of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from redqueen.errors import UserError
from redqueen.evaluation import scores as tables
from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.leaderboard import fingerprint
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.predictions import table
from redqueen.leaderboard.records import LOG, read_log
from redqueen.leaderboard.schema import CARD, Submission, parse, problems
from redqueen.leaderboard.strict_json import StrictJsonError


@dataclass(frozen=True)
class Rival:
    """Another submission on the same benchmark.

    Attributes:
        name: its submission_id.
        contact: who answers for it; None where that is not known.
        scored: its scores; empty where they are not known.
        fingerprint: of its ranks; None where its scores are known, or nothing is.
    """

    name: str
    contact: str | None = None
    scored: Sequence[Scored] = ()
    fingerprint: str | None = None


def read(folders: Sequence[Path], benchmark: Benchmark) -> tuple[list[Rival], list[Check]]:
    """Rivals in these folders and beside the benchmark, and a line for each that cannot be compared.

    A folder is that of a bundle, or `results/<corpus>/<protocol>/` with a log.
    """
    found: list[Rival] = []
    checks: list[Check] = []
    beside = benchmark.folder.parent / benchmark.card.protocol
    for folder in [*folders, *([beside] if (beside / LOG).is_file() else [])]:
        try:
            found += _logged(folder) if (folder / LOG).is_file() else [_bundle(folder, benchmark)]
        except UserError as error:
            checks.append(
                Check("forensics.rivals", "noted", ascii(f"not compared with {folder.name}: {error}")[1:-1][:300])
            )
    known = {one.name for one in found if one.scored}
    return [one for one in found if one.scored or one.name not in known], checks


def _bundle(folder: Path, benchmark: Benchmark) -> Rival:
    """A bundle, read with the same care as the one that is verified."""
    try:
        card = parse(Submission, (folder / CARD).read_bytes())
    except (OSError, ValidationError, StrictJsonError) as error:
        raise UserError(f"{CARD}: {error if isinstance(error, OSError) else problems(error)[0]}") from None
    scores, checks = table(folder, benchmark)
    if scores is None:
        raise UserError(checks[-1].message)
    return Rival(card.submission_id, card.team.contact, tables.scored(scores, benchmark))


def _logged(folder: Path) -> Iterator[Rival]:
    """What a log of published results says; those withdrawn or superseded can be copied as well."""
    for event in read_log(folder):
        text = fingerprint.published(event.checks)
        if text is not None:
            yield Rival(event.submission, fingerprint=text)
