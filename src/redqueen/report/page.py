"""What every page of this project shares: tables, the look (templates/style.css), and one environment for templates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first cell of a row is its heading."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def environment() -> Environment:
    """Templates of this package: everything is escaped, and a name that does not exist is an error."""
    made = Environment(
        loader=PackageLoader("redqueen.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["unbroken"] = unbroken
    return made


def unbroken(text: str) -> Markup:
    """The text with its intervals and months kept from breaking at the end of a line."""
    pattern = r"(\([+-]?[\d.]+(?:-| to )[+-]?[\d.]+\)|(?:\d{4}-\d\d\.\.)?\d{4}-\d\d)"
    return Markup(re.sub(pattern, r"<span class=n>\1</span>", str(escape(text))))
