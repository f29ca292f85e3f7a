"""How fast a leaderboard of many submissions sorts, in Debian's chromium: 500 of them with 60 slices each by default.

Headings of the slices and of the first table are clicked; a click counts until the browser has laid the page out anew.
Prints the median and the slowest in milliseconds of the page's own thread, which what else the machine does leaves as
they are, and by the clock; fails where the median of the slices is not under 200 ms.
"""

import argparse
import dataclasses
import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from redqueen.files import write_text
from redqueen.leaderboard.board import Board, board_of
from redqueen.leaderboard.records import Record, read_result
from redqueen.report.site import pages
from redqueen.types import Interval, Measure, Result

ROOT = Path(__file__).resolve().parents[1]
TARGET = 200  # milliseconds
CLICK = """(() => {
  const start = performance.now();
  document.querySelectorAll("table[data-table=%s] thead th:not([hidden]) button.sort")[%d].click();
  document.body.offsetHeight;
  return performance.now() - start;
})()"""


def main(arguments: list[str] | None = None) -> int:
    given = argument_parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        site, size = written(board(given.submissions, given.slices), Path(folder) / "site")
        sys.stdout.write(f"{given.submissions} submissions, {given.slices} slices: {size / 1e6:.1f} MB\n")
        medians = {name: clicked(site, Path(folder) / name, name) for name in ("slices", "overview")}
    return 0 if medians["slices"] < TARGET else 1


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=500)
    parser.add_argument("--slices", type=int, default=60)
    return parser


def board(submissions: int, slices: int) -> Board:
    """Claims made of a committed result: its clean pictures, and slices of one sort."""
    base = read_result(ROOT / "results" / "field" / "field-v1" / "lite0_probe.json")
    parts = ("cells", "next_period", "same_period", "false_positives", "half_life")
    clean = dataclasses.replace(
        base,
        **{part: tuple(one for one in getattr(base, part) if one.view == "clean") for part in parts},
        measures=tuple(one for one in base.measures if one.view == "clean" and one.by == "all"),
    )
    made = [varied(clean, at, slices) for at in range(submissions)]
    folder = ROOT / "results" / "field" / "field-v1"
    return board_of(folder, [Record(one.detector, one, folder / f"{one.detector}.json") for one in made])


def varied(base: Result, at: int, slices: int) -> Result:
    """The same with other figures, in an order that no column shares with another."""
    figures = [0.5 + (at * 7919 + slot * 104729) % 4999 / 10000 for slot in range(slices + 1)]
    spread = [Interval(value, value - 0.02, value + 0.02, 100, 50) for value in figures]
    own = tuple(Measure("auroc", "next", "clean", "family", f"slice {n:02d}", one) for n, one in enumerate(spread[1:]))
    later = tuple(dataclasses.replace(one, auroc=spread[0]) for one in base.next_period)
    name = f"detector-{at:03d}"
    return dataclasses.replace(base, detector=name, next_period=later, measures=(*base.measures, *own))


def written(made: Board, folder: Path) -> tuple[Path, int]:
    """The first page with its files, and their size in bytes."""
    page, figures = pages.front([made], made, "")
    texts = {"index.html": page, "data.js": figures, **dict(pages.shared())}
    for name, text in texts.items():
        write_text(folder / name, text)
    return folder / "index.html", sum(len(text.encode()) for text in texts.values())


def clicked(site: Path, profile: Path, table: str, clicks: int = 11) -> float:
    """The median click on a heading of a table, in milliseconds of the page's thread, after one that warms up."""
    took, clock = list[float](), list[float]()
    with browser().Browser(profile) as page:
        page.look(1280)
        page.open(site.as_uri())
        page.send("Performance.enable", timeDomain="threadTicks")
        for at in range(1, clicks + 1):
            before = busy(page)
            clock.append(page.run(CLICK % (table, at)))
            took.append(1000 * (busy(page) - before))
    took, clock = sorted(took[1:]), sorted(clock[1:])
    median, middle = took[len(took) // 2], clock[len(clock) // 2]
    told = f"median {median:.0f} ms, slowest {took[-1]:.0f} ms; by the clock {middle:.0f} ms, {clock[-1]:.0f} ms"
    sys.stdout.write(f"{table}: {told}\n")
    return median


def busy(page: Any) -> float:
    """Seconds that the page's thread has worked."""
    found = page.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))


def browser() -> ModuleType:
    """tests/browser.py."""
    spec = importlib.util.spec_from_file_location("browser", ROOT / "tests" / "browser.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
