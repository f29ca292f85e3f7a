"""Training pictures under the views of a suite, but for one that is left out: does robustness carry over to it?

Leaving one platform out: `augment=views augment.without=whatsapp suite=platforms` learns from pictures that went
through every other platform and chain; the result's view `whatsapp` is the one that is new. Without this augmentation
no view of a suite is part of training, and all of them are new.
"""

from dataclasses import dataclass, field

import numpy as np

from redqueen.errors import UserError, unknown
from redqueen.perturbations.functional import Operation, Pixels, check_range
from redqueen.perturbations.suite import CLEAN, Suite


@dataclass(frozen=True)
class Views:
    """A picture as it is, or under a view that is drawn.

    Args:
        suite: whose views are drawn, each as likely.
        without: a view that is never drawn, nor any whose name holds it between underscores, as a chain's does; None
            draws from all.
        share: of pictures that meet a view, 0-1.
    """

    suite: Suite = field(repr=False)
    without: str | None = None
    share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a view that the suite does not have, and a suite that has no other."""
        check_range("augment.share", self.share, 0, 1)
        if self.without is not None and self.without not in self.suite.views:
            raise unknown("view", self.without, self.suite.views)
        if not self.views:
            raise UserError(f"augment=views: suite {self.suite.label} has no view to learn from; choose another suite")

    @property
    def views(self) -> tuple[str, ...]:
        """The views that may be drawn."""
        left_out = {CLEAN, self.without}
        return tuple(view for view in self.suite.views if not left_out & {view, *view.split("_")})

    def __repr__(self) -> str:
        """Class and settings: what caches are named by."""
        return f"Views(suite={self.suite.label} {self.suite.digest[:16]}, without={self.without}, share={self.share})"

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Perhaps under a view."""
        if rng.random() >= self.share:
            return pixels
        operations: tuple[Operation, ...] = tuple(self.suite.views[self.views[int(rng.integers(len(self.views)))]])
        for operation in operations:
            pixels = operation(pixels, rng)
        return pixels
