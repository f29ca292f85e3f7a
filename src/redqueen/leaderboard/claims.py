"""The figures of a result that a submission claims, by name: what verification compares with its own."""

from redqueen.perturbations.suite import CLEAN
from redqueen.types import Result

AREA = "auroc"


def headline(result: Result) -> dict[str, float]:
    """`METRIC/PERIOD/VIEW` -> value: all metrics of the next period, clean; AUROC of all periods and views.

    A figure that is undefined is left out.
    """
    found = {}
    for one in result.measures:
        chosen = one.metric == AREA or (one.part == "next" and one.view == CLEAN)
        if one.by == "all" and chosen and one.figure.value is not None:
            found[f"{one.metric}/{one.part}/{one.view}"] = one.figure.value
    return found
