"""`redqueen check explain REPORT.json --slice generator=x`: the pictures whose verdict flipped."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from omegaconf import DictConfig
from rich.console import Console

from redqueen.console import say
from redqueen.errors import UserError
from redqueen.regression import findings
from redqueen.regression.flips import SCHEMA, Flip, of_slice
from redqueen.report.check_files import FLIPS
from redqueen.report.checked import flipped


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Print the sentence of the report, then the flips of the slices that were named, largest change first."""
    report = Path(cfg.report)
    checked = findings.read(report)
    found = _flips(report.parent / FLIPS)
    for words in cfg.slices:
        found = of_slice(found, words)
    console = Console(highlight=False, width=160)
    console.print(checked.sentence, markup=False)
    if found:
        console.print(flipped(found, cfg.n))
    wrong = sum(one.now == "wrong" for one in found)
    where = f" of {', '.join(cfg.slices)}" if cfg.slices else ""
    right = len(found) - wrong
    say(f"{len(found)} verdicts{where} flipped: {wrong} are wrong now, {right} right; {min(cfg.n, len(found))} shown")
    return 0


def _flips(path: Path) -> list[Flip]:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from None
    if table.schema.remove_metadata() != SCHEMA:
        raise UserError(f"{path}: its columns are not those of flips")
    return [Flip(**row) for row in table.to_pylist()]
