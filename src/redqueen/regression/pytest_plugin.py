"""A pytest plugin: the fixture `redqueen_check` fails a test where a detector got worse. Imports nothing heavy itself.

@pytest.mark.redqueen_check(policy="ci/policy.yaml")
def test_detector_is_no_worse(redqueen_check):
    redqueen_check("out/predictions.parquet")
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from redqueen.regression.findings import Checked

MARKER = "redqueen_check(policy, baselines=()): what the fixture `redqueen_check` checks with by default"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def redqueen_check(request: pytest.FixtureRequest) -> "Callable[..., Checked]":
    """A function of a candidate's table of scores; paths are relative to pytest's root.

    It fails the test on a regression, on what is not comparable or not measured, and on too little to tell where the
    policy says so; else it returns the whole result.
    """
    mark = request.node.get_closest_marker("redqueen_check")
    marked = dict(mark.kwargs) if mark else {}
    if mark and mark.args:
        marked.update(zip(("policy", "baselines"), mark.args, strict=False))
    unknown = set(marked) - {"policy", "baselines"}
    if unknown:
        pytest.fail(f"redqueen_check: no such argument of the marker: {', '.join(sorted(unknown))}", pytrace=False)
    root = request.config.rootpath

    def check(candidate: str | Path, policy: str | Path | None = None, baselines: Sequence[str] = ()) -> "Checked":
        chosen = policy or marked.get("policy")
        if chosen is None:
            pytest.fail("redqueen_check: name a policy, in the call or with the marker", pytrace=False)
        return _checked(root / candidate, root / chosen, baselines or marked.get("baselines", ()))

    return check


def _checked(candidate: Path, path: Path, given: Sequence[str]) -> "Checked":
    from redqueen.errors import UserError  # noqa: PLC0415
    from redqueen.regression.run import checked  # noqa: PLC0415
    from redqueen.regression.sentence import spelled  # noqa: PLC0415

    wrong = ""
    try:
        found, _ = checked(path, candidate, given)
    except UserError as error:
        wrong = str(error)
    if wrong:
        pytest.fail(f"redqueen check: {wrong}", pytrace=False)
    if found.exit_code:
        bad = [one for one in found.findings if one.verdict in ("fail", "unmeasured", "inconclusive")]
        pytest.fail(
            "\n".join([found.sentence, *(f"  {one.verdict}: {spelled(one)}" for one in bad[:10])]), pytrace=False
        )
    return found
