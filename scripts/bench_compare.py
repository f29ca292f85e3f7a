"""Two sides of a benchmark, run in turns: medians, the ratio of neighbouring runs with its spread, and the target."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timed:
    """Seconds of one run, by the clock and of the CPU."""

    clock: float
    cpu: float


@dataclass(frozen=True)
class Comparison:
    """Ours against theirs: medians in a unit, and the ratio with its spread; `target` bounds the ratio."""

    name: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    cpu_ratio: float
    target: str

    @property
    def met(self) -> bool:
        """Whether the ratio keeps the target; one without a target is kept."""
        sign, _, bound = self.target.partition(" ")
        return not bound or (self.ratio <= float(bound) if sign == "<=" else self.ratio >= float(bound))


def timed(work: Callable[[], object], times: int = 1) -> Timed:
    """What the work takes once; done several times in a row, a moment's disturbance weighs less."""
    began = time.perf_counter(), _processor()
    for _ in range(times):
        work()
    return Timed((time.perf_counter() - began[0]) / times, (_processor() - began[1]) / times)


def _processor() -> float:
    """Processor seconds of this process and of those that it has started and that have ended, such as loaders."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def compared(
    name: str, unit: str, runs: list[tuple[Timed, Timed]], amount: Callable[[float], float], target: str
) -> Comparison:
    """Medians over (ours, theirs) of neighbouring runs; `amount` turns seconds into the unit, in which ratios are."""
    ratios = [amount(ours.clock) / amount(theirs.clock) for ours, theirs in runs]
    medians = [statistics.median(amount(pair[side].clock) for pair in runs) for side in (0, 1)]
    cpu = statistics.median(amount(ours.cpu) / amount(theirs.cpu) for ours, theirs in runs)
    return Comparison(name, unit, *medians, statistics.median(ratios), min(ratios), max(ratios), cpu, target)


def show(found: list[Comparison]) -> None:
    print(f"{'':<44} {'ours':>9} {'theirs':>9}  ratio (spread)        CPU   target")
    for one in found:
        spread = f"{one.ratio:.3g} ({one.low:.3g}-{one.high:.3g})"
        end = f"{one.target:<8} {'met' if one.met else 'MISSED'}" if one.target else ""
        print(
            f"{one.name:<44} {one.ours:>9.4g} {one.theirs:>9.4g}  {spread:<20} {one.cpu_ratio:>6.3g}  {end}  {one.unit}"
        )
