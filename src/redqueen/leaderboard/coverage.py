"""Whether a table of scores has a score of each test picture, exactly once, under every cutoff and view."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redqueen.evaluation.benchmark import Benchmark
from redqueen.leaderboard.blocks import Block, some
from redqueen.leaderboard.findings import Check

STATES = ("ok", "failed")
_SHOWN = 5
_CONCENTRATED = 2.0  # times as often as elsewhere


def check(blocks: Sequence[Block], benchmark: Benchmark) -> list[Check]:
    """The ids of every block are those of the benchmark, each once; an unusual order of rows is noted."""
    wanted = np.unique(np.asarray(benchmark.ids, np.str_))
    wrong = [(block, problem) for block in blocks if (problem := _problem(block.ids, wanted))]
    if wrong:
        block, (message, fix) = wrong[0]
        more = f" (and {len(wrong) - 1} more of {len(blocks)} blocks)" if len(wrong) > 1 else ""
        return [Check("predictions.ids", "rejected", f"{block.where}: {message}{more}", fix)]
    checks = [Check("predictions.ids", "passed", f"each of {len(wanted)} pictures once in {len(blocks)} blocks")]
    if any(np.any(block.ids[1:] < block.ids[:-1]) for block in blocks):
        checks.append(Check("predictions.order", "noted", "rows are not in the order of their ids; it is not used"))
    return checks


def _problem(found: NDArray[np.str_], wanted: NDArray[np.str_]) -> tuple[str, str] | None:
    """What is wrong with the ids of one block, and how to mend it."""
    if np.array_equal(found, wanted):
        return None
    each, counts = np.unique(found, return_counts=True)
    missing, extra = np.setdiff1d(wanted, each), np.setdiff1d(each, wanted)
    parts = [
        f"{len(names)} {word} ({', '.join(ascii(str(name))[1:-1][:16] for name in names[:_SHOWN])})"
        for word, names in (("missing", missing), ("unknown", extra), ("more than once", each[counts > 1]))
        if len(names)
    ]
    if not parts:
        return None
    message = f"ids: {', '.join(parts)}; the benchmark has {len(wanted)}"
    mended = np.isin([str(name).strip().lower() for name in extra], wanted).sum()
    if len(extra) and mended == len(extra):
        return message, "write ids as the benchmark does: lower case, no blanks"
    if len(extra) and len(missing) > len(wanted) / 2:
        return f"{message}: most are pictures of something else", "score the pictures of this version of the benchmark"
    return message, "give every test picture one score under every cutoff and view"


def statuses(blocks: Sequence[Block], benchmark: Benchmark) -> list[Check]:
    """Every picture has a score: one that fails is not left out of the figures, and has no score to be measured by."""
    strange = sorted({str(one)[:40] for block in blocks for one in np.unique(block.status)} - set(STATES))
    if strange:
        message = f"status {', '.join(map(ascii, strange[:_SHOWN]))} is unknown; allowed are {', '.join(STATES)}"
        return [Check("predictions.status", "rejected", message, "say ok or failed")]
    total = sum(len(block.ids) for block in blocks)
    failed = [(block, np.sort(block.ids[block.status == "failed"])) for block in blocks]
    count = sum(len(names) for _, names in failed)
    if not count:
        return [Check("predictions.status", "passed", f"all {total} scores are there")]
    every = "every picture" if count == total else f"{count} of {total} scores"
    message = f"{every} failed{_slices(failed, benchmark)}; test pictures can be decoded, so each needs a score"
    fix = "mend what fails, or give the score that the detector gives when it cannot tell"
    return [Check("predictions.status", "rejected", message, fix)]


def _slices(failed: Sequence[tuple[Block, NDArray[np.str_]]], benchmark: Benchmark) -> str:
    """On which views, kinds and generators a score is missing at least twice as often as on all others."""
    places = {name: at for at, name in enumerate(benchmark.ids)}
    makers, kinds = benchmark.column("generator"), benchmark.column("kind")
    origin = np.asarray([str(kind if maker is None else maker) for maker, kind in zip(makers, kinds, strict=True)])
    lost, all_rows = Counter[str](), Counter[str]()
    for block, names in failed:
        all_rows.update({f"view {block.view}": len(block.ids)})
        lost.update({f"view {block.view}": len(names)})
        lost.update(origin[[places[str(name)] for name in names]].tolist())
    for name, rows in Counter(origin.tolist()).items():
        all_rows[name] = rows * len(failed)
    whole, bad = sum(len(block.ids) for block, _ in failed), sum(len(names) for _, names in failed)
    worst = [
        f"{name} ({lost[name]} of {all_rows[name]})"
        for name in sorted(lost, key=lambda name: (-lost[name] / all_rows[name], name))
        if lost[name] / all_rows[name] >= _CONCENTRATED * max(bad - lost[name], 0.5) / max(whole - all_rows[name], 1)
    ]
    return f", above all of {some(worst)}" if worst and bad < whole else ""
