"""What a person sees while work goes on: one rich console on stderr, and one shape of progress bar."""

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

T = TypeVar("T")

console = Console(stderr=True, highlight=False)


def say(message: str) -> None:
    """Tell the user one line about what goes on."""
    console.print(message, markup=False, soft_wrap=True)


@contextmanager
def bar(label: str, total: int | None, done: int = 0, shown: bool = True) -> Iterator[Progress]:
    """A progress bar with the count, the time left and `progress.advance(progress.task_ids[0])` to move it."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        progress.add_task(label, total=total, completed=done)
        yield progress


def track(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield the items while a bar shows how far it is."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with bar(label, total) as progress:
        for item in items:
            yield item
            progress.advance(progress.task_ids[0])
