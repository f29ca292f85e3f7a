"""Verify the submission that a pull request adds: run by continuous integration, with the code of the base branch.

usage: python scripts/verify_pull_request.py BASE HEAD OUTPUT

BASE and HEAD are commits that this repository has fetched; OUTPUT is a folder, which gets report.json and report.md.
Exit codes are those of redqueen verify; 2 also where the pull request changes anything but one new submission.
"""

import sys
import tempfile
from pathlib import Path

from redqueen.cli import main as redqueen
from redqueen.errors import UserError
from redqueen.leaderboard.pull_request import changes, exported, submission_of

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    base, head, output = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    output.mkdir(parents=True, exist_ok=True)
    try:
        name = submission_of(changes(Path.cwd(), base, head))
        with tempfile.TemporaryDirectory() as folder:
            bundle = str(exported(Path.cwd(), head, name, Path(folder) / f"{name}.tar"))
            against = [word for one in rivals(name) for word in ("--against", str(one))]
            words = ["verify", bundle, "--results", "results", *against]
            redqueen([*words, "--format", "md", "--output", str(output / "report.md")])
            return redqueen([*words, "--format", "json", "--output", str(output / "report.json")])
    except UserError as error:
        sys.stderr.write(f"verify_pull_request: {error}\n")
        return 2


def rivals(name: str) -> list[Path]:
    """Submissions of the base branch, which the new one must be no copy of."""
    return sorted(path for path in Path("submissions").glob("*") if path.is_dir() and path.name != name)


if __name__ == "__main__":
    sys.exit(main())
