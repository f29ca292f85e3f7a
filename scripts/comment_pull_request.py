"""Write the comment of a verified pull request from two files that are not to be trusted.

usage: python scripts/comment_pull_request.py REPORT.json FILES.json > comment.md

REPORT.json is what the pull request's own workflow left behind; FILES.json is the code host's list of the files that it
changes ([{"filename": …, "status": "added"}, …]). Exit code 2 where the report is none.
"""

import json
import sys
from pathlib import Path

from redqueen.errors import UserError
from redqueen.leaderboard.pull_request import Change
from redqueen.report.pull_request import LARGEST, comment


def main() -> int:
    report, files = Path(sys.argv[1]), Path(sys.argv[2])
    changed = [Change("A" if one["status"] == "added" else one["status"], one["filename"]) for one in read(files)]
    try:
        with report.open("rb") as file:
            sys.stdout.write(comment(file.read(LARGEST + 1), changed))
    except UserError as error:
        sys.stderr.write(f"comment_pull_request: {error}\n")
        return 2
    return 0


def read(files: Path) -> list[dict[str, str]]:
    return json.loads(files.read_text("utf-8"))


if __name__ == "__main__":
    sys.exit(main())
