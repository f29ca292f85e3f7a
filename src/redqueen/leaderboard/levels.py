"""Whether scores are probabilities, as detectors give them: finite, in [0, 1], of many levels."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from redqueen.leaderboard.blocks import Block, some
from redqueen.leaderboard.findings import Check

FEW = 10  # different scores
_STEPS = {100: "hundredths", 255: "255 steps", 1000: "thousandths"}
_EVEN = 1e-9  # relative difference of steps that are equal


def check(blocks: Sequence[Block], *, control: bool) -> list[Check]:
    """Every score of every block; `control` is what says of itself that it is no detector."""
    for problem in (_finite(blocks), _in_range(blocks)):
        if problem is not None:
            return [problem]
    scores = np.concatenate([block.scores for block in blocks])
    found = f"{len(scores)} finite scores from {scores.min():.4g} to {scores.max():.4g}"
    return [Check("predictions.range", "passed", found), *_levels(blocks, control=control), *_steps(blocks)]


def _finite(blocks: Sequence[Block]) -> Check | None:
    for block in blocks:
        bad = np.flatnonzero(~np.isfinite(block.scores))
        if len(bad):
            first = f"first {str(block.ids[bad[0]])[:16]}: {block.scores[bad[0]]}"
            message = f"{block.where}: {len(bad)} scores are not finite numbers, {first}"
            return Check("predictions.finite", "rejected", message, "give every picture a finite score in [0, 1]")
    return None


def _in_range(blocks: Sequence[Block]) -> Check | None:
    scores = np.concatenate([block.scores for block in blocks])
    outside = (scores < 0) | (scores > 1)
    if not outside.any():
        return None
    block = next(one for one in blocks if ((one.scores < 0) | (one.scores > 1)).any())
    first = int(np.flatnonzero((block.scores < 0) | (block.scores > 1))[0])
    message = (
        f"{outside.sum()} of {len(scores)} scores lie outside of [0, 1], from {scores.min():.6g} to "
        f"{scores.max():.6g}, first at {block.where}: {str(block.ids[first])[:16]}: {block.scores[first]:.6g}"
    )
    guess, fix = _guess(scores)
    return Check("predictions.range", "rejected", f"{message}{guess}", fix)


def _guess(scores: NDArray[np.float64]) -> tuple[str, str]:
    """What scores outside of [0, 1] look like, and how they become probabilities."""
    over = float((scores > 1).mean())
    if scores.min() >= 0 and 1 < scores.max() <= 100 and over > 0.2:
        return "; these look like percent", "divide by 100"
    if scores.min() < 0 and float((scores < 0).mean()) + over > 0.2:
        return "; these look like logits", "apply the sigmoid: 1 / (1 + exp(-score))"
    return "", "give probabilities; rounding must not leave [0, 1]"


def _levels(blocks: Sequence[Block], *, control: bool) -> Iterator[Check]:
    """Blocks whose scores are all one, or of so few levels that they are verdicts and no probabilities."""
    counts = [len(np.unique(block.scores)) for block in blocks]
    constant = [block for block, count in zip(blocks, counts, strict=True) if count == 1]
    few = [(b, n) for b, n in zip(blocks, counts, strict=True) if 1 < n < min(FEW, len(b.scores))]
    if constant:
        message = f"every picture has the score {constant[0].scores[0]:.6g} in {_share(constant, blocks)}"
        if control:
            yield Check("predictions.constant", "noted", f"{message}: a control")
        else:
            yield Check("predictions.constant", "rejected", message, "a constant is a control, not a detector")
    if few:
        block, count = few[0]
        values = np.unique(block.scores)
        named = "only 0 and 1" if values.tolist() == [0.0, 1.0] else f"only {count} different scores"
        message = f"{named} in {_share([one for one, _ in few], blocks)}: verdicts, not probabilities"
        yield Check("predictions.levels", "review", message, "give the score behind the verdict")
    if not constant and not few:
        yield Check("predictions.levels", "passed", f"at least {min(counts, default=0)} different scores a block")


def _steps(blocks: Sequence[Block]) -> Iterator[Check]:
    """Scores that were rounded, and scores that are evenly spread, which are places in a list."""
    scores = np.unique(np.concatenate([block.scores for block in blocks]))
    for step, name in _STEPS.items():
        if len(scores) > 2 and np.abs(scores * step - np.round(scores * step)).max() < 1e-9:
            yield Check("predictions.rounded", "noted", f"scores are rounded to {name}: ties count half")
            break
    even = [block for block in blocks if _evenly_spread(block.scores)]
    if even:
        message = (
            f"scores are evenly spread in {_share(even, blocks)}: they are ranks or row numbers, not probabilities"
        )
        yield Check("predictions.even", "review", message, "give the calibrated probability of each picture by itself")


def _evenly_spread(scores: NDArray[np.float64]) -> bool:
    """Whether each picture has a score of its own and neighbouring ones lie equally far apart."""
    steps = np.diff(np.sort(scores))
    return len(steps) >= FEW and bool(steps.min() > 0 and np.ptp(steps) <= 1e-6 * steps.mean() + _EVEN / len(steps))


def _share(some_blocks: Sequence[Block], blocks: Sequence[Block]) -> str:
    named = some([block.where for block in some_blocks][:1])
    return f"{len(some_blocks)} of {len(blocks)} blocks ({named})"
