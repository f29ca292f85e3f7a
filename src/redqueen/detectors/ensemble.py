"""An ensemble of any detectors, calibrated: a logistic combination of their logits, fitted on validation pictures.

Stacking (Wolpert, Neural Networks 1992) whose combiner is Platt's scaling of several logits at once: one weight a
member, which takes the place of its temperature (Guo et al., ICML 2017, arXiv 1706.04599), and one bias.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from redqueen.detectors.base import Detector, JointDetector, Pixels
from redqueen.errors import UserError

STRENGTH = 1.0  # inverse of the L2 penalty on the weights of standardised logits


class Ensemble(JointDetector):
    """Members that are fitted each in its own way (`parts`), then combined (`join`); before that their mean logit.

    Args:
        members: built detectors that read pixels, by name.
    """

    paper: ClassVar[str] = "calibration: Guo et al., ICML 2017, arXiv 1706.04599"
    input: ClassVar[str] = "what each member sees"
    weights: ClassVar[str] = ""

    def __init__(self, members: Mapping[str, Detector]) -> None:
        super().__init__()
        if len(members) < 2:
            raise UserError(f"ensemble: {len(members)} members; it combines at least two")
        blind = [name for name, member in members.items() if member.reads != "pixels"]
        if blind:
            raise UserError(f"ensemble: member '{blind[0]}' reads {members[blind[0]].reads}; members read pixels")
        self.members = nn.ModuleDict(dict(members.items()))
        self.weight = nn.Parameter(torch.full((len(members),), 1 / len(members)))
        self.bias = nn.Parameter(torch.zeros(()))

    def parts(self) -> Mapping[str, Detector]:
        """The members by name."""
        return dict(self.members.items())  # type: ignore[arg-type]  # a ModuleDict forgets what its modules are

    def prepare(self, pixels: Pixels, rng: np.random.Generator | None = None) -> Tensor:
        """What each member makes of the picture, packed into one row of numbers."""
        return pack([member.prepare(pixels, rng) for member in self.parts().values()])

    def forward(self, batch: Tensor) -> Tensor:
        """Logits, (B,), of packed pictures, (B, n)."""
        inputs = unpack(batch)
        each = [member(one) for member, one in zip(self.parts().values(), inputs, strict=True)]
        return self.combine(torch.stack(each, dim=1))

    def combine(self, logits: Tensor) -> Tensor:
        """The ensemble's logits, (B,), of the members', (B, members) in the order of `parts`."""
        return (logits * self.weight).sum(dim=1) + self.bias

    def join(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        """Fit weights and bias to the members' logits, (n, members), of validation pictures; a failed one is NaN.

        Raises UserError if those without a failure are not of both classes.
        """
        good = np.isfinite(logits).all(axis=1)
        if len(set(labels[good].tolist())) < 2:
            raise UserError(
                f"ensemble: of {len(logits)} validation pictures every member could score {int(good.sum())}, and those "
                "are not of both classes: its weights cannot be fitted; look at which pictures cannot be read, by "
                "'redqueen corpus build' with strict=true"
            )
        values = logits[good].astype(np.float64)
        mean, scale = values.mean(axis=0), values.std(axis=0)
        scale[scale < 1e-12 + 1e-6 * np.abs(mean)] = np.inf  # a member that says one thing has no weight
        model = LogisticRegression(C=STRENGTH).fit((values - mean) / scale, labels[good])
        weight = model.coef_[0] / scale
        with torch.no_grad():
            self.weight.copy_(torch.from_numpy(weight))
            self.bias.fill_(float(model.intercept_[0]) - float(weight @ np.where(np.isfinite(scale), mean, 0.0)))

    def trained_state(self) -> dict[str, Tensor]:
        """What training changed of every member, and the combination."""
        state = {"weight": self.weight.detach(), "bias": self.bias.detach()}
        for name, member in self.parts().items():
            state |= {f"members.{name}.{key}": tensor for key, tensor in member.trained_state().items()}
        return state

    def load_trained(self, state: dict[str, Tensor]) -> None:
        """Take up what `trained_state` gave; raises RuntimeError on any missing or unexpected key."""
        left = dict(state)
        for name, member in self.parts().items():
            prefix = f"members.{name}."
            member.load_trained({k.removeprefix(prefix): left.pop(k) for k in list(left) if k.startswith(prefix)})
        if set(left) != {"weight", "bias"}:
            raise RuntimeError(f"an ensemble of {', '.join(self.parts())} has weight and bias, not {sorted(left)}")
        with torch.no_grad():
            self.weight.copy_(left["weight"])
            self.bias.copy_(left["bias"])


def pack(inputs: Sequence[Tensor]) -> Tensor:
    """Float tensors of any shapes as one row that says the shapes: of each its ndim, its sizes, its numbers.

    >>> pack([torch.zeros(1, 2), torch.ones(3)]).tolist()
    [2.0, 1.0, 2.0, 0.0, 0.0, 1.0, 3.0, 1.0, 1.0, 1.0]
    """
    heads = [torch.tensor([one.ndim, *one.shape], dtype=torch.float32) for one in inputs]
    return torch.cat([part for head, one in zip(heads, inputs, strict=True) for part in (head, one.float().flatten())])


def unpack(batch: Tensor) -> list[Tensor]:
    """The tensors of a batch of packed rows, (B, n), each (B, *shape); UserError if the rows' shapes differ."""
    found, start = [], 0
    while start < batch.shape[1]:
        ndim = int(batch[0, start])
        head = batch[:, start : start + 1 + ndim]
        if not (head == head[:1]).all():
            raise UserError(
                "ensemble: the pictures of a batch were prepared to different sizes: lower its members' crops to the "
                "shortest side of all pictures, or build the corpus with normalise.size"
            )
        shape = [int(size) for size in head[0, 1:]]
        start += 1 + ndim
        count = int(np.prod(shape))
        found.append(batch[:, start : start + count].reshape(len(batch), *shape))
        start += count
    return found
