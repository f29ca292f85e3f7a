"""The dated vocabulary: every generator in `configs/generator`, found by its name or any other name it is known by."""

import difflib
import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from omegaconf import OmegaConf
from pydantic import ValidationError

from redqueen.errors import UserError, unknown
from redqueen.files import configs
from redqueen.types import Generator

HUB = "hub:"
_NOT_OURS = ("_target_", "recipe")  # what Hydra builds and how a generator of our own is trained


class Vocabulary:
    """Generators by name.

    Args:
        generators: entries whose names, aliases and Hub ids differ even without their punctuation.

    Raises:
        UserError: two entries answer to one name.
    """

    def __init__(self, generators: Iterable[Generator]) -> None:
        self._entries = sorted(generators, key=lambda entry: (entry.released, entry.name))
        self._known: dict[str, Generator] = {}
        for entry in self._entries:
            for name in names_of(entry):
                other = self._known.setdefault(plain(name), entry)
                if other != entry:
                    raise UserError(f"generators '{other.name}' and '{entry.name}' both answer to '{name}'")

    @classmethod
    def read(cls, *folders: Path) -> "Vocabulary":
        """The vocabulary of folders of YAMLs, one generator each."""
        return cls(_read(path) for folder in folders for path in sorted(folder.glob("*.yaml")))

    def __iter__(self) -> Iterator[Generator]:
        """Yield the entries by release month, then name."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def find(self, name: str) -> Generator | None:
        """As `resolve`, but None where nothing answers to the name."""
        return self._known.get(plain(name))

    def resolve(self, name: str) -> Generator:
        """The generator of that name, alias or Hub id, whatever its case and punctuation.

        Raises:
            UserError: nothing answers to the name; says what comes nearest.
        """
        found = self.find(name)
        if found is None:
            near = difflib.get_close_matches(plain(name), self._known, n=5, cutoff=0.6)
            close = ", ".join(f"'{each}'" for each in dict.fromkeys(self._known[each].name for each in near))
            hint = f"did you mean {close}?" if close else "nothing comes near;"
            raise UserError(f"unknown generator '{name}'; {hint} `redqueen generators` lists all {len(self)}")
        return found


def names_of(entry: Generator) -> tuple[str, ...]:
    """Every name that a generator answers to: its own, its aliases, and the id of its weights on the Hub."""
    on_hub = hub_id(entry.weights or "")
    return (entry.name, *entry.aliases, *([on_hub] if on_hub else []))


def hub_id(weights: str) -> str:
    """The "OWNER/NAME" of weights on the Hub; empty for weights that lie anywhere else.

    >>> hub_id("hub:stabilityai/sdxl-turbo"), hub_id("package:lineage/lineage-1")
    ('stabilityai/sdxl-turbo', '')
    """
    return weights.removeprefix(HUB) if weights.startswith(HUB) else ""


def plain(name: str) -> str:
    """A name without case and punctuation.

    >>> plain("FLUX.1-dev") == plain("flux1 dev")
    True
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def select(
    entries: Iterable[Generator],
    *,
    family: str | None = None,
    country: str | None = None,
    runnable: bool | None = None,
    since: str | None = None,
    until: str | None = None,
) -> list[Generator]:
    """The entries that fit every filter that is given, in their order; months are "YYYY-MM", both ends included.

    Raises:
        UserError: no entry at all is of that family or country.
    """
    entries = list(entries)
    for what, value, allowed in (
        ("family", family, {entry.family for entry in entries}),
        ("country", country, {entry.country for entry in entries}),
    ):
        if value is not None and value not in allowed:
            raise unknown(what, value, allowed)
    return [
        entry
        for entry in entries
        if family in (None, entry.family)
        and country in (None, entry.country)
        and runnable in (None, entry.pipeline is not None)
        and (since or "") <= entry.released <= (until or "9999")
    ]


def _read(path: Path) -> Generator:
    node = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    assert isinstance(node, dict)
    try:
        return Generator(**{str(key): value for key, value in node.items() if key not in _NOT_OURS})
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


@functools.cache
def packaged() -> Vocabulary:
    """The vocabulary that comes with the package."""
    return Vocabulary.read(configs() / "generator")
