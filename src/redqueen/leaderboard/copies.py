"""Whether a submission is another one in disguise: copied, bent by a rising map, rounded, or with noise on it.

What was measured on `field`: linear heads on frozen features of 1,682 pictures (AUROC 0.89), compared with each other.
Fitted to samples of 90 % of the same training pictures, order and shape were at most 0.996 and 0.993; fitted to the
same ones but stopped early, 0.997 and 0.996; with another strength of regularisation, 0.988 and 0.981; networks of one
hidden layer from other seeds, 0.93 and 0.83, and 0.97 and 0.92 where they tell more (AUROC 0.95). Copies: through x^3,
as float16 or with another temperature, the same order to the last picture; with noise of 1 % of the scale, order 0.96
to 0.998 but shape 0.998 to 0.9995. So the limit is 0.998 of either. A method without chance passes it too where it was
fitted again to the same pictures, or to 99 % of them (0.9997): whether that is a reproduction is for people to say.
Noise that is as large as what another seed would change hides a copy: 1 % of the scale is, where the scores spread over
a tenth of it.
"""

from collections.abc import Iterator, Sequence

from scipy.special import expit

from redqueen.evaluation.benchmark import Benchmark
from redqueen.evaluation.evaluate import Scored
from redqueen.leaderboard import fingerprint
from redqueen.leaderboard.findings import Check
from redqueen.leaderboard.kinship import Kinship, kinship
from redqueen.leaderboard.rivals import Rival
from redqueen.leaderboard.schema import Submission

LIMIT = 0.998
_FIX = "say revision_of for your own earlier submission; a reproduction confirms the other one and is not ranked twice"


def check(card: Submission, scored: Sequence[Scored], benchmark: Benchmark, rivals: Sequence[Rival]) -> Iterator[Check]:
    """A line for each rival that this is too much like, or one that says how many it was compared with."""
    others = [one for one in rivals if one.name != card.submission_id]
    suspicions = [found for one in others if (found := _check(card, scored, benchmark, one)) is not None]
    yield from suspicions
    if not suspicions and others:
        yield Check("forensics.copy", "passed", f"unlike {len(others)} other submissions")
    elif not others:
        yield Check("forensics.copy", "skipped", "no other submission to compare with")


def _check(card: Submission, scored: Sequence[Scored], benchmark: Benchmark, rival: Rival) -> Check | None:
    found = _compared(scored, benchmark, rival)
    same = [one for one in found if one.same]
    near = [one for one in found if one.same or max(one.order, one.shape) >= LIMIT]
    if not near:
        return None
    name = ascii(rival.name)[1:-1][:64]
    closest = max(near, key=lambda one: (one.same, max(one.order, one.shape)))
    where = f"in {len(near)} of {len(found)} blocks" if rival.scored else "by its fingerprint"
    told = (
        f"{where}: the same order of pictures (order {closest.order:.4f})"
        if closest.same
        else f"{where}: order {closest.order:.4f}, shape {closest.shape:.4f}, limit {LIMIT}"
    )
    if card.revision_of == rival.name:
        if rival.contact == card.team.contact:
            return Check("forensics.copy", "noted", f"like {name}, which it revises, {told}")
        whose = "another contact" if rival.contact else "an unknown contact"
        return Check("forensics.copy", "review", f"says that it revises {name}, of {whose}, and is like it {told}")
    whole = bool(rival.scored) and len(same) == len(found)
    return Check("forensics.copy", "rejected" if whole else "review", f"like {name} {told}", _FIX)


def _compared(scored: Sequence[Scored], benchmark: Benchmark, rival: Rival) -> list[Kinship]:
    """Of each cutoff and view, or of the fingerprint; those that say nothing are left out."""
    if rival.scored:
        found = [
            kinship(expit(own.logits[view]), expit(other.logits[view]), benchmark.evaluation.labels)
            for own, other in zip(scored, rival.scored, strict=True)
            for view in own.logits
        ]
    else:
        found = [fingerprint.compared(scored, rival.fingerprint or "", benchmark)]
    return [one for one in found if one is not None]
