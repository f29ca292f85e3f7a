"""`redqueen check power`: what each gate of a policy can see on each slice, before anything is spent."""

from dataclasses import asdict
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.evaluation import scores
from redqueen.evaluation.benchmark import Benchmark
from redqueen.files import write_json
from redqueen.regression import baselines, policy
from redqueen.regression.figures import Measured
from redqueen.regression.power import another, sights
from redqueen.regression.sliced import Sliced
from redqueen.report.check_power import table


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Print pictures, groups and the detectable fall of every gate and slice."""
    asked = policy.read(Path(cfg.policy))
    benchmark = Benchmark.open(asked.folder / asked.benchmark)
    before = _measured(cfg, asked, benchmark)
    if cfg.against:
        (other, *_) = baselines.read(asked, baselines.located(asked, cfg.against)).values()
        after = Measured(scores.scored(other, benchmark), before.sliced)
    else:
        after = another(before, cfg.flips)
    found, skipped = sights(asked, before, after, cfg.power)
    Console(highlight=False, width=160).print(table(found, cfg.power))
    for one in skipped:
        say(f"{one.by}={one.name}: {one.groups} groups, too few to be gated")
    if cfg.output:
        write_json(Path(cfg.output) / "power.json", [asdict(one) for one in found])
    return 0


def _measured(cfg: DictConfig, asked: policy.Policy, benchmark: Benchmark) -> Measured:
    """The detector as it is: what was given, or the policy's first baseline."""
    if cfg.candidate:
        table_of = baselines.candidate(Path(cfg.candidate), benchmark.card.suite)
    elif asked.baselines:
        first = dict([next(iter(baselines.located(asked, []).items()))])
        (table_of,) = baselines.read(asked, first).values()
    else:
        raise UserError("power needs scores of the detector as it is: --candidate PREDICTIONS")
    sliced = Sliced(benchmark.evaluation, benchmark.card.views, benchmark.card.styles)
    return Measured(scores.scored(table_of, benchmark), sliced)
