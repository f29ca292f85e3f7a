"""The dated vocabulary: every generator in `configs/generator`, found by its name or any other name it is known by."""

import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from omegaconf import OmegaConf

from redqueen.errors import UserError, unknown
from redqueen.files import configs
from redqueen.types import Generator

_NOT_OURS = ("_target_", "recipe")  # what Hydra builds and how a generator of our own is trained


class Vocabulary:
    """Generators by name.

    Args:
        generators: entries whose names and aliases differ even without their punctuation.

    Raises:
        UserError: two entries answer to one name.
    """

    def __init__(self, generators: Iterable[Generator]) -> None:
        self._entries = sorted(generators, key=lambda entry: (entry.released, entry.name))
        self._known: dict[str, Generator] = {}
        for entry in self._entries:
            for name in (entry.name, *entry.aliases):
                other = self._known.setdefault(plain(name), entry)
                if other != entry:
                    raise UserError(f"generators '{other.name}' and '{entry.name}' both answer to '{name}'")

    @classmethod
    def read(cls, folder: Path) -> "Vocabulary":
        """The vocabulary of a folder of YAMLs, one generator each."""
        return cls(_read(path) for path in sorted(folder.glob("*.yaml")))

    def __iter__(self) -> Iterator[Generator]:
        """Yield the entries by release month, then name."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def resolve(self, name: str) -> Generator:
        """The generator of that name or alias, whatever its case and punctuation; UserError with the nearest names."""
        found = self._known.get(plain(name))
        if found is None:
            raise unknown("generator", name, [entry.name for entry in self._entries])
        return found


def plain(name: str) -> str:
    """A name without case and punctuation.

    >>> plain("FLUX.1-dev") == plain("flux1 dev")
    True
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read(path: Path) -> Generator:
    node = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    assert isinstance(node, dict)
    return Generator(**{str(key): value for key, value in node.items() if key not in _NOT_OURS})


@functools.cache
def packaged() -> Vocabulary:
    """The vocabulary that comes with the package."""
    return Vocabulary.read(configs() / "generator")
