"""The comment under a pull request: what a verification said, which is somebody's word until this has checked it.

The verification ran in the pull request's own workflow, which the pull request may have changed. So its report is read
strictly, in bounds, its verdict is drawn from its checks once more, every text in it is neutralised, and whether the
pull request adds one submission and nothing else is asked of the code host, not of the report.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from redqueen.errors import UserError
from redqueen.leaderboard import strict_json
from redqueen.leaderboard.findings import Check, Outcome
from redqueen.leaderboard.pull_request import Change, submission_of
from redqueen.leaderboard.verify import Report, Tier
from redqueen.report.verified import escaped, markdown

MARK = "<!-- redqueen: verification -->"  # by which an earlier comment is found and replaced
LARGEST = 2**20  # bytes of a report
_Text = Annotated[str, Field(max_length=20_000)]


class _Check(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: _Text
    outcome: Outcome
    message: _Text
    fix: _Text


class _Said(BaseModel):
    """What of a report is repeated; whatever else it holds is left where it is."""

    model_config = ConfigDict(extra="ignore")

    tier: Tier
    stage: _Text
    crash: _Text
    checks: Annotated[list[_Check], Field(max_length=500)]


def comment(report: bytes, files: Sequence[Change]) -> str:
    """The whole comment, in Markdown.

    Args:
        report: JSON of `redqueen verify --format json`.
        files: what the pull request changes, as the code host says.

    Raises:
        UserError: the report is none.
    """
    said = _read(report)
    try:
        name = submission_of(files)
    except UserError as error:
        return (
            f"{MARK}\n**Not a submission alone:** {escaped(str(error))}\n\nIts verification may have been changed "
            "along with it and is not shown. Open a pull request that adds one submission and nothing else.\n"
        )
    checks = tuple(Check(one.id, one.outcome, one.message, one.fix) for one in said.checks)
    shown = markdown(
        Report(bundle=name, submission=name, tier=said.tier, checks=checks, stage=said.stage, crash=said.crash)
    )
    return (
        f"{MARK}\nVerification of a submission by the code of the base branch:\n\n{shown}\n"
        "A maintainer publishes it with `redqueen leaderboard add`, which verifies it once more.\n"
    )


def _read(report: bytes) -> _Said:
    if len(report) > LARGEST:
        raise UserError(f"the report has {len(report)} bytes; at most {LARGEST} are read")
    try:
        return _Said.model_validate(strict_json.loads(report))
    except strict_json.StrictJsonError as error:
        raise UserError(f"the report is no JSON of redqueen verify: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"the report: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
