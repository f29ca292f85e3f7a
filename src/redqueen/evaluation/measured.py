"""From scored pictures to a result: the one way, whether a run measures itself or somebody verifies its scores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from redqueen.evaluation.decay import half_lives
from redqueen.evaluation.evaluate import Evaluation, Matrix, Scored
from redqueen.evaluation.measures import Measures
from redqueen.evaluation.mistakes import mistakes
from redqueen.evaluation.quality import against_quality
from redqueen.evaluation.reliability import reliability
from redqueen.evaluation.transfer import transfers
from redqueen.types import Cost, Generator, Reported, Result
from redqueen.vocabulary import packaged


@dataclass(frozen=True)
class Facts:
    """What a result says besides what is measured: what the detector is, and what it was measured on.

    Attributes:
        fields: are those of `types.Result` with the same names.
    """

    detector: str
    control: bool
    suite: str
    corpus: str
    corpus_digest: str
    predictions_digest: str
    labels: Literal["true", "shuffled"]
    seed: int
    biased: bool
    limits: tuple[str, ...] = ()
    strategy: str = "cumulative"
    cost: tuple[Cost, ...] = ()
    examples: str = "corpus"
    augment: str = "none"
    reported: tuple[Reported, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Slicing:
    """How human-made and generated pictures are sliced and compared besides what their rows say.

    Attributes:
        styles: named lists of styles that human-made pictures have.
        distances: of each generator's pictures to photographs, by backbone.
    """

    styles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    distances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def measured(evaluation: Evaluation, scored: Sequence[Scored], facts: Facts, slicing: Slicing) -> tuple[Result, Matrix]:
    """The result of one detector, and the matrix with the draws behind its cells."""
    matrix = evaluation.matrix(scored)
    result = Result(
        **vars(facts),
        protocol=evaluation.protocol.label,
        windows=evaluation.protocol.windows,
        nominal_dates=evaluation.protocol.nominal,
        draws=evaluation.draws,
        cells=matrix.cells,
        next_period=matrix.next_period,
        same_period=matrix.same_period,
        false_positives=evaluation.false_positives(scored),
        change=matrix.change,
        generators=evaluation.generators(scored),
        measures=(
            *Measures(evaluation, known(evaluation.makers), slicing.styles).of(scored),
            *against_quality(evaluation, scored, slicing.distances),
            *transfers(evaluation, matrix.cells, matrix.draws),
        ),
        half_life=half_lives(evaluation, matrix.cells, matrix.draws),
        reliability=reliability(evaluation, scored),
        mistakes=mistakes(evaluation, scored),
        thresholds={one.cutoff.name: one.threshold for one in scored},
    )
    return result, matrix


def known(makers: Iterable[str | None]) -> dict[str, Generator]:
    """The vocabulary's entries of the generators in a corpus; one that it does not know is left out."""
    names, vocabulary = {str(name) for name in makers if name is not None}, packaged()
    return {name: entry for name in sorted(names) if (entry := vocabulary.find(name)) is not None}
