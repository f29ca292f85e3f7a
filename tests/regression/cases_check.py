"""Bad inputs of the regression check, R1 to R15 of the list of those that leaderboards meet."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leaderboard.cases import Case
from redqueen.evaluation import scores
from redqueen.evaluation.scores import Scores
from regression import world as small

AUROC = {"metric": "auroc", "margin": 0.02}
ACCURACY = {"metric": "balanced_accuracy", "margin": 0.05}


class Bench:
    """A small benchmark below the case's folder, and the words that check a candidate on it."""

    def __init__(self, folder: Path, **shape: Any) -> None:
        self.folder = folder / "check"
        self.folder.mkdir()
        self.made = small.bench(self.folder / "benchmark", **{"groups": 100, "draws": 200, **shape})

    def release(self, by_view: Any = None, **origin: Any) -> Scores:
        """Write the baseline."""
        found = small.table(self.made, small.logits(self.made) if by_view is None else by_view, **origin)
        scores.write(self.folder / "release.parquet", found)
        return found

    def words(self, candidate: Scores, *more: str, **said: Any) -> list[str]:
        """Write the candidate and the policy."""
        scores.write(self.folder / "candidate.parquet", candidate)
        policy = small.policy(self.folder, **said)
        return ["check", "run", "--policy", str(policy), "--candidate", str(self.folder / "candidate.parquet"), *more]


def _identical(world: Any) -> list[str]:
    bench = Bench(world.folder)
    return bench.words(bench.release())


def _without_a_slice(world: Any) -> list[str]:
    bench = Bench(world.folder)
    whole = bench.release()
    gone = [one for one, maker in zip(bench.made.ids, bench.made.evaluation.makers, strict=True) if maker == "gen-1"]
    kept = whole.table.filter(pc.invert(pc.is_in(whole.table.column("image_id"), pa.array(gone))))
    return bench.words(replace(whole, table=kept))


def _renamed_metric(world: Any) -> list[str]:
    bench = Bench(world.folder)
    return bench.words(bench.release(), gates=[AUROC, {"metric": "roc_auc", "margin": 0.02}])


def _other_digest(world: Any) -> list[str]:
    bench = Bench(world.folder)
    bench.release(benchmark="e" * 64)
    return bench.words(small.table(bench.made, small.logits(bench.made)))


def _by_exactly_the_margin(world: Any) -> list[str]:
    """Right about every picture; the candidate is wrong about 5 % of those of each label."""
    bench = Bench(world.folder, groups=400)
    labels = bench.made.evaluation.labels
    right = 3.0 * (2 * labels - 1)
    bench.release(dict.fromkeys(small.VIEWS, right))
    return bench.words(small.table(bench.made, dict.fromkeys(small.VIEWS, _wrong(right, labels, 20))), gates=[ACCURACY])


def _wrong(right: Any, labels: Any, each: int) -> Any:
    """The first `each` pictures of each label judged wrongly."""
    found = np.array(right)
    for label in (0, 1):
        found[np.flatnonzero(labels == label)[:each]] *= -1
    return found


def _twenty_groups(world: Any) -> list[str]:
    """Two of twenty collages are lost: a fall of 5 points, and no proof."""
    bench = Bench(world.folder)
    labels, kinds = bench.made.evaluation.labels, bench.made.evaluation.kinds
    right = 3.0 * (2 * labels - 1)
    found = np.array(right)
    found[np.flatnonzero(kinds == "collage")[:2]] *= -1
    bench.release(dict.fromkeys(small.VIEWS, right))
    gate = {**ACCURACY, "slice": "kind=collage", "margin": 0.03}
    return bench.words(small.table(bench.made, dict.fromkeys(small.VIEWS, found)), gates=[gate], on_inconclusive="fail")


def _nan(world: Any) -> list[str]:
    bench = Bench(world.folder)
    whole = bench.release()
    values = whole.table.column("score").to_numpy().copy()
    values[0] = np.nan
    return bench.words(replace(whole, table=whole.table.set_column(3, "score", pa.array(values, from_pandas=False))))


def _expired_waiver(world: Any) -> list[str]:
    bench = Bench(world.folder)
    bench.release()
    waivers = [{"gate": "auroc", "until": "2026-01-31", "issue": "#7"}]
    worse = small.table(bench.made, small.logits(bench.made, 1, skill=1.0))
    return bench.words(worse, "today=2026-02-01", gates=[AUROC], waivers=waivers)


def _many_slices(world: Any) -> list[str]:
    """200 generators of 20 pictures each; how often any of them fails is counted by `scripts/simulate_check.py`."""
    bench = Bench(world.folder, groups=4000, generators=200, draws=100)
    bench.release()
    other = small.table(bench.made, small.logits(bench.made, 1))
    return bench.words(other, gates=[{**ACCURACY, "margin": 0.02}], slices={"by": ["generator"], "min_groups": 20})


def _copies(world: Any) -> list[str]:
    """60 groups of 20 copies each: by pictures the fall would be beyond doubt, by groups it is chance."""
    bench = Bench(world.folder, groups=60, per_group=20)
    labels, groups = bench.made.evaluation.labels, bench.made.evaluation.groups
    right = 3.0 * (2 * labels - 1)
    bench.release(dict.fromkeys(small.VIEWS, right))
    lost = np.isin(groups, ["g000000", "g100000"])
    found = dict.fromkeys(small.VIEWS, np.where(lost, -right, right))
    return bench.words(small.table(bench.made, found), gates=[{**ACCURACY, "margin": 0.01}], on_inconclusive="fail")


def _slow_slide(world: Any) -> list[str]:
    """Ten changes of -0.4 points: the last one passes against the one before it, and not against the release."""
    bench = Bench(world.folder, groups=2500, draws=100)
    labels = bench.made.evaluation.labels
    right = 3.0 * (2 * labels - 1)
    bench.release(dict.fromkeys(small.VIEWS, right))
    before, after = (small.table(bench.made, dict.fromkeys(small.VIEWS, _wrong(right, labels, n))) for n in (90, 100))
    scores.write(bench.folder / "merge_base.parquet", before)
    baselines = {"release": "release.parquet", "merge_base": "merge_base.parquet"}
    return bench.words(after, gates=[{**ACCURACY, "margin": 0.01}], baselines=baselines)


def _long_comment(world: Any) -> list[str]:
    """300 slices of a long name, all of which fail."""
    bench = Bench(world.folder, groups=3000, generators=300, draws=50)
    bench.release()
    worse = small.table(bench.made, small.logits(bench.made, 1, skill=-2.5))
    gates = [{**ACCURACY, "name": f"accuracy {'x' * 200}"}]
    return bench.words(worse, gates=gates, slices={"by": ["generator"], "min_groups": 10})


def _zero_baseline(world: Any) -> list[str]:
    bench = Bench(world.folder)
    labels = bench.made.evaluation.labels
    bench.release(dict.fromkeys(small.VIEWS, -3.0 * (2 * labels - 1)))
    better = small.table(bench.made, small.logits(bench.made))
    return bench.words(better, gates=[{"metric": "tpr_at_fpr_0.01", "margin": 0.05}])


def _no_gpu(world: Any) -> list[str]:
    bench = Bench(world.folder)
    words = bench.words(bench.release())
    (bench.folder / "predict.py").write_text("raise SystemExit('no CUDA device')\n", "utf-8")
    return [*words, "--command", f"{sys.executable} {bench.folder / 'predict.py'}"]


def _typo(world: Any) -> list[str]:
    bench = Bench(world.folder)
    return bench.words(bench.release(), gates=[{"metric": "auroc", "margn": 0.02}])


CASES = [
    Case("R1", "identical files", _identical, 0, "^PASS: the scores are identical to those of release"),
    Case("R2", "the candidate lacks a slice", _without_a_slice, 4, "^NOT COMPARABLE: scores, .*33 missing"),
    Case("R3", "a renamed metric", _renamed_metric, 4, "no metric 'roc_auc'; did you mean 'auroc'"),
    Case("R4", "a baseline of another benchmark", _other_digest, 4, "^NOT COMPARABLE: scores of small are of bench"),
    Case("R5", "worse by exactly the margin", _by_exactly_the_margin, 1, "^FAIL: balanced accuracy fell 5.0 points"),
    Case("R6", "a slice of 20 groups", _twenty_groups, 3, "^INCONCLUSIVE: .*kind=collage fell 5.0 .*groups would tell"),
    Case("R7", "a score that is no number", _nan, 4, "^NOT COMPARABLE: scores, .*no score in"),
    Case("R8", "an expired waiver", _expired_waiver, 1, r"^FAIL: AUROC fell .*its waiver expired on 2026-01-31 \(#7\)"),
    Case("R9", "200 slices, none of which changed", _many_slices, 0, "^(PASS|INCONCLUSIVE): "),
    Case("R10", "copies that pose as pictures of their own", _copies, 3, "^INCONCLUSIVE: .*fell 1.7 .*120 groups"),
    Case("R11", "a slow slide", _slow_slide, 1, "^FAIL: balanced accuracy fell 4.0 points .*against release$"),
    Case("R12", "a report longer than a comment", _long_comment, 1, "^FAIL: .* more failures"),
    Case("R13", "a baseline of zero", _zero_baseline, 0, "^PASS: nothing fell"),
    Case("R14", "no device to evaluate on", _no_gpu, 5, "CRASHED: .* ended with exit code 1: no candidate was made"),
    Case("R15", "a typo in the policy", _typo, 2, "unknown key of policy .* 'margn'; did you mean 'margin'"),
]
