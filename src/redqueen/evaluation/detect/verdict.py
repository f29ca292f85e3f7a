"""What a picture is judged to be, in words that a person and a program can use; light: no tensor is in sight."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

Verdict = Literal["generated", "human", "undecided"]

WORDS: Mapping[Verdict, str] = {
    "generated": "looks AI-generated",
    "human": "looks human-made",
    "undecided": "too close to call",
}
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Basis:
    """What a detector's verdicts rest on.

    Attributes:
        detector: its name.
        checkpoint: digest of the checkpoint.
        trained_up_to: the last window that it learned from.
        cutoff: the last month of that window.
        labels: "shuffled" for a control that learned nothing.
        threshold: on the logit, fitted on validation pictures.
        temperature: divides logits before the sigmoid, fitted on the same.
        pictures: how many validation pictures.
        generated: how many of them are AI-generated; None where nobody recorded it.
        corpus: name of the corpus, or the beginning of its digest.
        corpus_digest: of the corpus.
        treatment: what was done to its pictures, and is done to every picture that is judged.
    """

    detector: str
    checkpoint: str
    trained_up_to: str
    cutoff: str
    labels: str
    threshold: float
    temperature: float
    pictures: int
    generated: int | None
    corpus: str
    corpus_digest: str
    treatment: Mapping[str, Any]


@dataclass(frozen=True, config=_STRICT)
class Seen:
    """The picture under one view; the probability is calibrated."""

    view: str
    logit: float
    probability: float
    verdict: Verdict


@dataclass(frozen=True, config=_STRICT)
class Heat:
    """A heat map: base64 of a PNG, and in words where the strongest signs lie."""

    png: str
    words: str


@dataclass(frozen=True, config=_STRICT)
class Judgement:
    """One picture: as it is, then under each platform's view."""

    image_id: str  # sha256 of the treated bytes
    seen: tuple[Seen, ...]
    heat: Heat | None = None

    @property
    def clean(self) -> Seen:
        """The picture as it is."""
        return self.seen[0]

    @property
    def changed(self) -> tuple[Seen, ...]:
        """The views that change the verdict."""
        return tuple(one for one in self.seen if one.verdict != self.clean.verdict)


@dataclass(frozen=True, config=_STRICT)
class Failure:
    """A file that could not be judged, and why."""

    reason: str


def probability(logit: float, temperature: float) -> float:
    """Sigmoid of the logit over the temperature.

    >>> probability(0.0, 2.0), round(probability(-1500.0, 1.0), 3), round(probability(1.0, 0.5), 3)
    (0.5, 0.0, 0.881)
    """
    odds = logit / temperature
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))


def verdict(logit: float, threshold: float, temperature: float, close: float) -> Verdict:
    """Undecided where the calibrated odds are within a factor of `close` of the odds at the threshold.

    >>> [verdict(logit, 1.0, 1.0, 2.0) for logit in (0.0, 0.5, 1.0, 1.5, 2.0)]
    ['human', 'undecided', 'undecided', 'undecided', 'generated']
    """
    distance = (logit - threshold) / temperature  # log of the ratio of the odds
    if abs(distance) < math.log(close):
        return "undecided"
    return "generated" if distance >= 0 else "human"
