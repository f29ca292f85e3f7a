"""What a detector of this package says of a round's pictures: the table of scores that a team hands in."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit

from redqueen.console import track
from redqueen.corpus.decode import pixels
from redqueen.detectors.one_pass import BATCH, scores
from redqueen.errors import UserError
from redqueen.evaluation.scores import Origin, Scores, table_of
from redqueen.leaderboard.rounds import Round
from redqueen.perturbations.suite import Suite
from redqueen.training.restored import restored


def scored(found: Round, checkpoint: Path, suite: Suite) -> Scores:
    """Scores of every picture of a round under its views, at the threshold that validation fixed.

    Args:
        found: the round.
        checkpoint: folder of a trained detector.
        suite: the round's.

    Raises:
        UserError: the suite is another one, the checkpoint is none, or its detector does not read pixels.
    """
    card = found.card
    if suite.label != card.suite:
        raise UserError(f"round {card.name} is scored under suite {card.suite}, not {suite.label}: set suite=NAME")
    detector, opened = restored(checkpoint)
    if detector.reads != "pixels":
        raise UserError(f"{opened.record['detector']} reads {detector.reads}, no pixels: a round has nothing else")
    detector.eval()
    names = list(card.pictures)
    threshold, temperature = float(opened.record["threshold"]), float(opened.record["temperature"])
    found_: dict[str, list[float]] = {view: [] for view in card.views}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the pass that makes prediction tables: the same picture, the same score
    try:
        for batch in track(list(_batches(names)), str(opened.record["detector"])):
            read = [pixels(found.picture(name)) for name in batch]
            for view in card.views:
                seen = [suite.apply(view, one, name) for one, name in zip(read, batch, strict=True)]
                found_[view] += scores(detector, [detector.prepare(one) for one in seen])
    finally:
        torch.set_num_threads(threads)
    logits = {(card.cutoff, view): np.asarray(values) / temperature for view, values in found_.items()}
    origin = Origin(
        found.digest, card.suite, str(opened.record["detector"]), {card.cutoff: float(expit(threshold / temperature))}
    )
    return Scores(table_of([card.cutoff], card.views, names, logits), origin)


def _batches(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]
