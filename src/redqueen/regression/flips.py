"""The pictures behind a change: those whose verdict flipped, for the better or for the worse."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from scipy.special import expit

from redqueen.errors import UserError
from redqueen.regression.figures import Measured


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Flip:
    """One test picture that a baseline and the candidate judge differently, by one cutoff's detector under one view.

    Attributes:
        baseline: its name.
        cutoff: window after which training stopped.
        view: of the suite.
        image_id: of the picture.
        now: whether the candidate is right, or wrong.
        label: 1 if AI-generated, else 0.
        kind: of the picture.
        generator: slug; None for human-made.
        topic: None if unknown.
        group_id: as the benchmark has it.
        before: the baseline's score.
        after: the candidate's score.
    """

    baseline: str
    cutoff: str
    view: str
    image_id: str
    now: str
    label: int
    kind: str
    generator: str | None
    topic: str | None
    group_id: str
    before: float
    after: float


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("baseline", "cutoff", "view", "image_id", "now")),
        ("label", pa.int8()),
        *((name, pa.string()) for name in ("kind", "generator", "topic", "group_id")),
        *((name, pa.float64()) for name in ("before", "after")),
    ]
)


def flips(new: Measured, old: Mapping[str, Measured]) -> list[Flip]:
    """Every flip, the largest changes of score first within each baseline, cutoff and view."""
    found = []
    for name, before in old.items():
        for was, now in zip(before.scored, new.scored, strict=True):
            for view in was.logits:
                found += _flips(name, view, before, new, (was.cutoff.name, was.logits[view], now.logits[view]))
    return found


def _flips(name: str, view: str, before: Measured, new: Measured, where: tuple[str, Any, Any]) -> list[Flip]:
    cutoff, was, now = where
    evaluation = new.sliced.evaluation
    flagged = new.verdicts[cutoff, view]
    rows = np.flatnonzero(flagged != before.verdicts[cutoff, view])
    scores = expit(np.asarray(was, np.float64)), expit(np.asarray(now, np.float64))
    ordered = rows[np.argsort(-np.abs(scores[1] - scores[0])[rows], kind="stable")]
    return [
        Flip(
            baseline=name,
            cutoff=cutoff,
            view=view,
            image_id=evaluation.ids[row],
            now="right" if bool(flagged[row]) == bool(evaluation.labels[row]) else "wrong",
            label=int(evaluation.labels[row]),
            kind=str(evaluation.kinds[row]),
            generator=evaluation.makers[row],
            topic=evaluation.topics[row],
            group_id=str(evaluation.groups[row]),
            before=float(scores[0][row]),
            after=float(scores[1][row]),
        )
        for row in ordered
    ]


def counted(found: Sequence[Flip], baselines: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Of each baseline, how many are right now, and how many wrong."""
    return {
        name: (
            sum(one.baseline == name and one.now == "right" for one in found),
            sum(one.baseline == name and one.now == "wrong" for one in found),
        )
        for name in baselines
    }


def table(found: Sequence[Flip]) -> pa.Table:
    """As a table for Parquet."""
    return pa.Table.from_pylist([vars(one) for one in found], schema=SCHEMA)


def of_slice(found: Sequence[Flip], words: str) -> list[Flip]:
    """The flips of a slice such as "generator=x", "kind=photo", "view=jpeg50", "topic=t", "baseline=release", or all.

    Raises:
        UserError: a sort of slice that a flip does not know.
    """
    if words == "all":
        return list(found)
    by, equals, name = words.partition("=")
    allowed = ("generator", "kind", "topic", "view", "cutoff", "baseline", "label", "now")
    if not equals or by not in allowed:
        raise UserError(f"slice '{words}': give all, or one of {', '.join(allowed)} with =NAME, such as kind=photo")
    return [one for one in found if str(getattr(one, by)) == name]
