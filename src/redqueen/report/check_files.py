"""The folder of a regression check: JSON, Markdown, JUnit, annotations, one page, the flips; and what GitHub reads."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import TypeAdapter
from rich.console import Console

from redqueen import __version__
from redqueen.files import write_json, write_text, writing
from redqueen.regression.findings import Checked
from redqueen.regression.flips import SCHEMA, Flip, table
from redqueen.report.checked import annotations, outputs, terminal, xml
from redqueen.report.checked_markdown import markdown
from redqueen.report.checked_page import page
from redqueen.report.data import Data

JSON, FLIPS = "report.json", "flips.parquet"
_WIDTH = 160  # characters a line where the table goes into a file or a pipe


def write(checked: Checked, flips: Sequence[Flip], folder: Path) -> None:
    """Every file of the folder, and what the variables $GITHUB_STEP_SUMMARY and $GITHUB_OUTPUT ask for."""
    write_json(folder / JSON, TypeAdapter(Checked).dump_python(checked, mode="json"))
    write_text(folder / "report.md", markdown(checked))
    write_text(folder / "junit.xml", xml(checked))
    write_text(folder / "annotations.txt", "".join(f"{line}\n" for line in annotations(checked)))
    write_text(folder / "report.html", page(checked, flips, {"Red Queen": __version__}))
    with writing(folder / FLIPS) as part:
        pq.write_table(table(flips), part, compression="zstd")
    rows = [[getattr(one, name) for name in SCHEMA.names] for one in flips]
    write_text(folder / "flips.csv", Data("flips", "", SCHEMA.names, frozenset(), rows).csv())
    _append("GITHUB_STEP_SUMMARY", markdown(checked))
    _append("GITHUB_OUTPUT", "".join(f"{line}\n" for line in outputs(checked)))


def show(checked: Checked) -> None:
    """Print the sentence and the worst findings; under GitHub Actions the annotations too."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    for part in terminal(checked):
        console.print(part, soft_wrap=isinstance(part, str))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in annotations(checked):
            sys.stdout.write(f"{line}\n")


def _append(variable: str, text: str) -> None:
    """Add to the file that a variable names, if it is set."""
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
