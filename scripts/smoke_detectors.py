"""Whether every detector trains: a handful of steps on a tenth of field, one process after the other.

usage: python scripts/smoke_detectors.py FIELD [NAME …] [--store runs/smoke] [--all]

FIELD is the folder with field's metadata.csv. Without names, every detector that needs nothing from the Hub is trained;
--all adds the others, and what is missing is then their error. Exit code 0 if all of them ended well, 1 if not.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

COMMAND = (sys.executable, "-c", "import sys; from redqueen.cli import main; sys.exit(main())")


class Outcome(NamedTuple):
    """How the training of one detector ended; an empty error is a success."""

    name: str
    seconds: float
    error: str


def main(words: Sequence[str] | None = None) -> int:
    """Train each detector, print the table, return the exit code."""
    options = parse(words)
    names = options.name or listed(options.store, options.all)
    console = Console()
    found = [smoke(name, options.field, options.store) for name in track(names, "detectors", console=console)]
    console.print(table(found))
    return int(any(one.error for one in found))


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("field", type=Path)
    parser.add_argument("name", nargs="*")
    parser.add_argument("--store", type=Path, default=Path("runs/smoke"))
    parser.add_argument("--all", action="store_true")
    return parser.parse_args(words)


def listed(store: Path, everything: bool) -> list[str]:
    """The names of the detectors, those alone that need nothing else unless `everything`."""
    ended = run("detectors", f"hydra.run.dir={json.dumps(str(store / 'detectors'))}")
    if ended.returncode:
        sys.exit(ended.stderr)
    entries = json.loads((store / "detectors" / "detectors.json").read_text())
    return [entry["name"] for entry in entries if everything or not entry["needs"]]


def smoke(name: str, field: Path, store: Path) -> Outcome:
    """Train one detector in a process of its own."""
    begun = time.monotonic()
    ended = run(
        "train",
        "experiment=field-smoke",
        f"detector=[{name}]",
        f"source.path={json.dumps(str(field))}",
        f"store={json.dumps(str(store))}",
    )
    lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
    return Outcome(name, time.monotonic() - begun, lines[-1] if ended.returncode else "")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """One command of redqueen."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)


def table(found: Sequence[Outcome]) -> Table:
    """One line a detector."""
    made = Table(box=SIMPLE_HEAD, title=f"{sum(not one.error for one in found)} of {len(found)} detectors train")
    made.add_column("detector", no_wrap=True)
    made.add_column("seconds", justify="right")
    made.add_column("outcome", overflow="fold")
    for one in found:
        made.add_row(Text(one.name), f"{one.seconds:.0f}", Text(one.error or "ok", style="red" if one.error else ""))
    return made


if __name__ == "__main__":
    sys.exit(main())
