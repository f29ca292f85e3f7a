"""A check from its files: the policy, its benchmark, the candidate, and the baselines wherever they lie."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from redqueen.errors import DigestError
from redqueen.evaluation.benchmark import Benchmark
from redqueen.regression import baselines, policy
from redqueen.regression.accept import held
from redqueen.regression.baselines import GIT
from redqueen.regression.check import check, refused
from redqueen.regression.findings import Checked
from redqueen.regression.flips import Flip


def checked(
    path: Path, candidate: Path, given: Sequence[str] = (), today: datetime.date | None = None
) -> tuple[Checked, list[Flip]]:
    """Read everything and compare; files that were made for different things give a result that says so.

    Args:
        path: of the policy.
        candidate: a table of scores, or the folder of a bundle.
        given: baselines in place of the policy's, as `baselines.located` takes them.
        today: what waivers are held against; None for the day in UTC.

    Raises:
        UserError: a file is missing or is not what it should be.
    """
    asked = policy.read(path)
    day = today or datetime.datetime.now(datetime.UTC).date()
    try:
        benchmark = Benchmark.open(asked.folder / asked.benchmark)
        places = baselines.located(asked, given)
        found = baselines.read(asked, places)
        for name, (place, folder) in places.items():
            if not place.startswith(GIT):
                held(folder / place, found[name])
        return check(asked, benchmark, baselines.candidate(candidate, benchmark.card.suite), found, day)
    except DigestError as error:
        return refused(asked, str(error)), []
