"""`redqueen detectors`: every detector with its paper, input and size, and what it needs. Nothing is downloaded."""

import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from redqueen.console import say
from redqueen.detectors.base import Detector
from redqueen.detectors.weights import HUB, title
from redqueen.errors import UserError
from redqueen.files import write_json

_WIDTH = 220  # characters a line where the table goes into a file or a pipe


@dataclass(frozen=True)
class Entry:
    """A line of the table; numbers of parameters are None where a detector cannot be built without what it needs."""

    name: str
    control: bool
    paper: str
    input: str
    trained: int | None
    parameters: int | None
    needs: tuple[str, ...]
    weights: str


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001
    """Print the table, write the same as JSON, say where it lies."""
    found = entries()
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH).print(table(found))
    write_json(folder / "detectors.json", [asdict(entry) for entry in found])
    say(f"{folder / 'detectors.json'}")
    return 0


def entries() -> list[Entry]:
    """Every detector of the package and of the user's own folder of settings: candidates, then controls, by name."""
    names = GlobalHydra.instance().config_loader().get_group_options("detector")
    nodes = compose("train", [f"detector=[{','.join(names)}]"]).detector
    found = [entry(name, nodes[name]) for name in sorted(names)]
    return sorted(found, key=lambda one: one.control)


def entry(name: str, node: DictConfig) -> Entry:
    """What there is to say about one detector."""
    kind = cast(type[Detector], get_object(node._target_))
    needs = tuple(dict.fromkeys(_needs(node, f"detector.{name}")))
    trained = parameters = None
    if not needs:
        try:
            made = cast(Detector, instantiate(node))
            sizes = [(one.numel(), one.requires_grad) for one in made.parameters()]
            trained, parameters = sum(size for size, free in sizes if free), sum(size for size, _ in sizes)
        except InstantiationException as error:
            if not isinstance(error.__cause__, UserError):
                raise
            needs = (str(error.__cause__),)  # a file is missing here, and the message says which
    return Entry(name, kind.control, kind.paper, kind.input, trained, parameters, needs, kind.weights)


def _needs(node: Any, where: str) -> Iterator[str]:
    """What a node names on the Hub, and what the user has to give."""
    if OmegaConf.is_list(node):
        for number in range(len(node)):
            yield from _needs(node[number], f"{where}.{number}")
    elif OmegaConf.is_dict(node):
        for key in node:
            if OmegaConf.is_missing(node, key):
                yield f"{where}.{key}=…"
            else:
                yield from _needs(node[key], f"{where}.{key}")
        for key, value in _defaults(node):
            yield from _needs(value, f"{where}.{key}")
    elif isinstance(node, str) and node.startswith(HUB):
        yield f"Hub: {title(node)}"


def _defaults(node: DictConfig) -> Iterator[tuple[str, Any]]:
    """The defaults of what a node builds, as far as it does not set them."""
    if "_target_" in node:
        for key, parameter in inspect.signature(get_object(node._target_)).parameters.items():
            if key not in node and parameter.default is not parameter.empty:
                yield key, parameter.default


def table(found: Sequence[Entry]) -> Table:
    """One line a detector; controls dimmed."""
    made = Table(title=_title(found), title_justify="left", box=SIMPLE_HEAD)
    made.add_column("detector", no_wrap=True)
    for name in ("paper", "input"):
        made.add_column(name, overflow="fold")
    for name in ("trained", "all"):
        made.add_column(f"{name}\nparameters", justify="right", no_wrap=True)
    for name in ("needs", "published weights"):
        made.add_column(name, overflow="fold")
    for one in found:
        made.add_row(*map(Text, _cells(one)), style="dim" if one.control else "")
    return made


def _title(found: Sequence[Entry]) -> str:
    offline = sum(not one.needs for one in found)
    return f"{len(found)} detectors, {sum(one.control for one in found)} of them controls; {offline} need nothing else."


def _cells(one: Entry) -> tuple[str, ...]:
    name = f"{one.name} (control)" if one.control else one.name
    sizes = ["needs weights" if size is None else f"{size:,}" for size in (one.trained, one.parameters)]
    return name, one.paper, one.input, *sizes, ", ".join(one.needs) or "nothing", one.weights
