"""The records that pass between stages: frozen, typed, strict (an unknown or missing key is an error).

Floor 0: imports nothing of ours. Months are strings "YYYY-MM", which sort as dates do.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, StringConstraints
from pydantic.dataclasses import dataclass

Kind = Literal["photo", "collage", "drawing", "generated"]
Split = Literal["train", "val", "test"]
Precision = Literal["float32", "bfloat16"]
Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]

KINDS: tuple[Kind, ...] = ("photo", "collage", "drawing", "generated")
HUMAN_KINDS: tuple[Kind, ...] = ("photo", "collage", "drawing")
SPLITS: tuple[Split, ...] = ("train", "val", "test")

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Generator:
    """One entry of the dated vocabulary of image generators; one without a pipeline is known from its pictures alone.

    Attributes:
        name: slug, unique.
        released: month of release, "YYYY-MM".
        family: slug shared by the versions of one model line.
        developer: who made it.
        country: ISO 3166-1 alpha-2 code of the developer's seat; "XX" for a community without one.
        date_source: where the date comes from.
        licence: of the weights; for a service, its terms.
        pipeline: class of diffusers that runs it.
        weights: where the pipeline lies: "hub:OWNER/NAME", "package:FOLDER" in this package, or a folder on disk.
        resolution: native side in pixels.
        call: arguments of the pipeline's call.
        aliases: other names under which data sets know it.
        nominal: True where `released` is a place on a made-up timeline, not a date of the calendar.
        revision: branch or tag of the weights on the hub; None for the default branch.
        parts: components that the weights leave out: argument of the pipeline's constructor -> where it lies.
    """

    name: str
    released: Month
    family: str
    developer: str
    country: Country
    date_source: str
    licence: str
    pipeline: str | None = None
    weights: str | None = None
    resolution: int | None = None
    call: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    nominal: bool = False
    revision: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, config=_STRICT)
class Window:
    """A period of release dates, both ends included, or a closed list of generators.

    Attributes:
        name: unique within its protocol.
        start: first month, "YYYY-MM"; of a list of generators, their first date as the protocol gives it.
        end: last month, or date.
        generators: if not empty, these alone and whatever their month, which then only says where the window lies.
        without: generators that are left out.
    """

    name: str
    start: str
    end: str
    generators: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def holds(self, released: str | None, generator: str | None = None) -> bool:
        """Whether a generator, its month "YYYY-MM" (or longer, or None) and its slug, falls into this window."""
        if self.generators:
            return generator in self.generators
        return released is not None and self.start <= released[:7] <= self.end and generator not in self.without

    def facts(self) -> dict[str, Any]:
        """Its fields but for empty lists: what a card and the key of a stage say of it."""
        return {name: value for name, value in vars(self).items() if value != ()}


@dataclass(frozen=True, config=_STRICT)
class Interval:
    """A figure with its 95 % interval from a bootstrap over groups.

    Attributes:
        value: the point estimate; None where it is undefined (for example AUROC of a single class).
        low: lower end; None where undefined.
        high: upper end; None where undefined.
        n: pictures behind the figure.
        n_groups: independent groups behind the figure.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_groups: int


@dataclass(frozen=True, config=_STRICT)
class Cell:
    """AUROC of a detector trained on all windows up to `trained_up_to`, tested on `tested_on`, under one view."""

    trained_up_to: str
    tested_on: str
    view: str
    auroc: Interval


@dataclass(frozen=True, config=_STRICT)
class FalsePositives:
    """Share of human-made test pictures of one kind that score over the validation threshold."""

    trained_up_to: str
    kind: Kind
    view: str
    rate: Interval


@dataclass(frozen=True, config=_STRICT)
class PeriodMean:
    """Mean AUROC over all cutoffs that have a next window: on that window, or on the last one trained on."""

    view: str
    auroc: Interval


@dataclass(frozen=True, config=_STRICT)
class Change:
    """Mean over cutoffs of AUROC on the next window minus AUROC on the last one trained on, both of the same draws."""

    view: str
    auroc: Interval


@dataclass(frozen=True, config=_STRICT)
class WindowAudit:
    """What a probe that sees metadata alone can tell within one window: AUROC before and after matching.

    `verdict` is of the matched rows: "leak" (the interval lies above 0.5), "clear" (its upper end is at most 0.55),
    or "undetermined" (it includes 0.5, but the rows are too few to exclude 0.55).
    """

    window: str
    before: Interval
    after: Interval
    verdict: Literal["leak", "clear", "undetermined"]


@dataclass(frozen=True, config=_STRICT)
class GeneratorScore:
    """AUROC on one generator's matched test pictures against the human-made ones of its window, before it is known.

    Attributes:
        generator: slug.
        released: its month.
        trained_up_to: the window before its own.
        tested_on: its window.
        view: of the suite.
        auroc: of its pictures against all human-made ones of the window.
        pictures: its own among them.
    """

    generator: str
    released: str
    trained_up_to: str
    tested_on: str
    view: str
    auroc: Interval
    pictures: int


@dataclass(frozen=True, config=_STRICT)
class Measure:
    """One figure over several cells: the mean over the cutoffs that have them.

    Attributes:
        metric: name of the metric, as in `metrics/`, such as "auroc" or "tpr_at_fpr_0.01".
        part: of the windows: the one after the cutoff, the last one trained on, those before it, or all.
        view: of the suite.
        by: what the test pictures are sliced by, such as "family" or "kind"; "all" for none.
        name: which slice; "all" for none.
        figure: with its interval.
    """

    metric: str
    part: Literal["next", "same", "past", "whole"]
    view: str
    by: str
    name: str
    figure: Interval


@dataclass(frozen=True, config=_STRICT)
class Cost:
    """What training at one cutoff took: steps of descent, and pictures shown, again and again.

    The seconds stand in the checkpoint's record and in the run's `cost.json`: no two runs take the same.
    """

    trained_up_to: str
    steps: int
    pictures: int


@dataclass(frozen=True, config=_STRICT)
class HalfLife:
    """Months after the training cutoff at which skill, 2 AUROC - 1, is half of what it is at the cutoff.

    Fitted to all cells of windows after a cutoff: skill = s(cutoff) exp(-rate age), one rate for all cutoffs.

    Attributes:
        view: of the suite.
        months: the estimate; None where the fitted skill does not fall, or there is none to lose.
        low: lower end of the 95 % interval, in months, which is the bound where no decay is detectable; None where the
            data allow none.
        high: upper end; None where the interval includes that skill does not fall.
        detectable: whether the interval excludes that skill does not fall.
        slope: change of AUROC per year, by a straight line through the same cells.
        skill: at the cutoff, mean over the cutoffs.
        cells: how many (cutoff, later window) pairs.
        span: months from a cutoff to the middle of the furthest window after it.
    """

    view: str
    months: float | None
    low: float | None
    high: float | None
    detectable: bool
    slope: Interval
    skill: Interval
    cells: int
    span: float


@dataclass(frozen=True, config=_STRICT)
class Reliability:
    """One point of a reliability diagram: pictures that were given like probabilities, over all that a report is about.

    Attributes:
        view: of the suite.
        low: the lowest probability inside.
        high: the highest probability inside.
        probability: the mean probability.
        share: the share that is AI-generated.
    """

    view: str
    low: float
    high: float
    probability: float
    share: Interval


@dataclass(frozen=True, config=_STRICT)
class Mistake:
    """A test picture on the wrong side of the threshold, by its id: pictures are no part of a result.

    Attributes:
        image_id: of the corpus.
        kind: "generated" or a kind of human-made picture.
        generator: slug; None for a human-made picture.
        topic: slug; None if unknown.
        trained_up_to: cutoff of the detector.
        tested_on: window.
        probability: that it is AI-generated, as the detector says, calibrated.
    """

    image_id: str
    kind: Kind
    generator: str | None
    topic: str | None
    trained_up_to: str
    tested_on: str
    probability: float


@dataclass(frozen=True, config=_STRICT)
class Audit:
    """The bias audit of a corpus: per window, and the mean over windows, which decides `biased`."""

    windows: tuple[WindowAudit, ...]
    mean_before: Interval
    mean_after: Interval
    biased: bool
    reason: str


@dataclass(frozen=True, config=_STRICT)
class Reported:
    """A figure that somebody published about a method: read beside what is measured here, never computed with it.

    Attributes:
        detector: which of the detectors it speaks of.
        metric: as published, with its unit.
        dataset: what it was trained and tested on.
        figure: in the unit of the metric.
        source: the paper or page, and its table.
        beside: which of our figures comes nearest to it.
    """

    detector: str
    metric: str
    dataset: str
    figure: float
    source: str
    beside: Literal["next period", "same period", "each window"] = "each window"


@dataclass(frozen=True, config=_STRICT)
class Result:
    """One detector under one protocol on one corpus: the unit of a leaderboard. Never edited, only superseded."""

    detector: str
    control: bool
    protocol: str
    suite: str
    corpus: str
    corpus_digest: str
    predictions_digest: str
    windows: tuple[Window, ...]
    nominal_dates: bool
    labels: Literal["true", "shuffled"]
    seed: int
    draws: int
    biased: bool
    cells: tuple[Cell, ...]
    next_period: tuple[PeriodMean, ...]
    same_period: tuple[PeriodMean, ...]
    false_positives: tuple[FalsePositives, ...]
    thresholds: Mapping[str, float]  # trained_up_to -> threshold on the logit, fitted on validation
    change: tuple[Change, ...] = ()
    generators: tuple[GeneratorScore, ...] = ()
    measures: tuple[Measure, ...] = ()
    half_life: tuple[HalfLife, ...] = ()  # of each view
    reliability: tuple[Reliability, ...] = ()  # clean, from the lowest probabilities to the highest
    mistakes: tuple[Mistake, ...] = ()  # clean, of either class the worst first
    limits: tuple[str, ...] = ()  # what must be said wherever these numbers are quoted
    strategy: str = "cumulative"  # of continual training, with its settings
    cost: tuple[Cost, ...] = ()  # of each cutoff
    examples: str = "corpus"  # what was learned from, with its settings
    augment: str = "none"  # what happened to training pictures, with its settings
    reported: tuple[Reported, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    superseded_by: str | None = None
    schema_version: int = 1
