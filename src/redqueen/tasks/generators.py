"""`redqueen generators`: the dated vocabulary as a table, and its timeline as a picture."""

import sys
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.files import write_bytes
from redqueen.report.canvas import to_png
from redqueen.report.timeline import to_svg, vocabulary_timeline
from redqueen.types import Generator
from redqueen.vocabulary import Vocabulary, select

_WIDTH = 220  # characters a line where the table goes into a file or a pipe


def run(cfg: DictConfig, folder: Path) -> int:
    """Print the table, draw the timeline, say where it lies."""
    entries = chosen(cfg)
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH).print(table(entries))
    figure = vocabulary_timeline(entries)
    for name, data in (("timeline.png", to_png(figure)), ("timeline.svg", to_svg(figure))):
        write_bytes(folder / name, data)
        say(f"{folder / name}")
    return 0


def chosen(cfg: DictConfig) -> list[Generator]:
    """The entries that the settings choose, of the package and of the user's own folder of settings.

    Raises:
        UserError: there are none.
    """
    sources = HydraConfig.get().runtime.config_sources
    folders = [Path(source.path) / "generator" for source in sources if source.schema == "file"]
    entries = select(
        Vocabulary.read(*dict.fromkeys(folder.resolve() for folder in folders)),
        family=cfg.family,
        country=cfg.country,
        runnable=cfg.runnable,
        since=cfg.since,
        until=cfg.until,
    )
    if not entries:
        raise UserError("no generator fits all of family, country, runnable, since and until: leave one out")
    return entries


def table(entries: Sequence[Generator]) -> Table:
    """One line a generator, by month of release."""
    made = Table(title=_title(entries), title_justify="left", box=SIMPLE_HEAD)
    for name, least in (("generator", 34), ("released", 9), ("family", 8), ("developer", 8), ("seat", 4)):
        made.add_column(name, no_wrap=True, min_width=least)
    for name in ("runs with", "licence"):
        made.add_column(name, no_wrap=True)
    for entry in entries:
        released = f"({entry.released})" if entry.nominal else entry.released
        runs = entry.pipeline or "pictures only"
        cells = (entry.name, released, entry.family, entry.developer, entry.country, runs, entry.licence)
        made.add_row(*map(Text, cells), style="" if entry.pipeline else "dim")
    return made


def _title(entries: Sequence[Generator]) -> str:
    runs = sum(entry.pipeline is not None for entry in entries)
    nominal = " A month in brackets is nominal." * any(entry.nominal for entry in entries)
    return f"{len(entries)} generators, {runs} of which can be run.{nominal}"
