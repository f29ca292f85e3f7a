"""A suite: named views of a picture, versioned as a whole; `clean` always comes first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from redqueen.errors import UserError, unknown
from redqueen.files import digest_of, seed_from
from redqueen.perturbations.functional import Operation, Pixels

CLEAN = "clean"


@dataclass(frozen=True)
class Suite:
    """Views by name, each a chain of operations.

    Args:
        name: slug.
        version: raised whenever any view changes; part of every seed.
        views: view name -> operations in order; the first must be `clean` with none.
    """

    name: str
    version: int
    views: Mapping[str, Sequence[Operation]]

    def __post_init__(self) -> None:
        """Refuse a suite that does not begin with `clean`."""
        if next(iter(self.views), None) != CLEAN or self.views[CLEAN]:
            raise UserError(f"suite '{self.name}': the first view must be '{CLEAN}' without operations")

    @property
    def label(self) -> str:
        """Name and version, as results record them."""
        return f"{self.name}-v{self.version}"

    @property
    def digest(self) -> str:
        """Of the label and of all that views do: who changes one and forgets the version gets no old numbers."""
        return digest_of([self.label, {name: _spelled(list(done)) for name, done in self.views.items()}])

    def key(self, view: str) -> str:
        """What names a view's pictures: a view without operations is the same in every suite."""
        done = self.views[view]
        return digest_of([self.label, view, _spelled(list(done))]) if done else CLEAN

    def apply(self, view: str, pixels: Pixels, image_id: str) -> Pixels:
        """The picture under a view, (height, width, 3) uint8; randomness comes from (image_id, view, suite) alone."""
        if view not in self.views:
            raise unknown("view", view, self.views)
        rng = np.random.default_rng(seed_from(image_id, view, self.label))
        for operation in self.views[view]:
            pixels = operation(pixels, rng)
        return pixels


def _spelled(what: Any) -> Any:
    """An operation with its settings, or a setting, as plain values."""
    if isinstance(what, partial):
        return [_spelled(what.func), _spelled(what.args), _spelled(what.keywords)]
    if isinstance(what, Mapping):
        return {str(name): _spelled(one) for name, one in what.items()}
    if isinstance(what, Sequence) and not isinstance(what, str):
        return [_spelled(one) for one in what]
    named = getattr(what, "__qualname__", None)
    return repr(what) if named is None else f"{what.__module__}.{named}"
