"""`redqueen benchmark RUN output=FOLDER`: what the run was measured against, to be handed out without its pictures."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.errors import DigestError, UserError
from redqueen.evaluation import benchmark
from redqueen.evaluation.benchmark import Benchmark, Definition
from redqueen.evaluation.protocols import Protocol
from redqueen.evaluation.quality import distances
from redqueen.tasks.evaluate import ARTEFACTS
from redqueen.tasks.predict import suite_of
from redqueen.tasks.train import cutoffs


@dataclass(frozen=True)
class Run:
    """A finished run: its settings, and where what it made lies."""

    folder: Path
    cfg: DictConfig
    artefacts: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open the folder of a run; raises UserError where it is none, or was made elsewhere."""
        try:
            cfg = OmegaConf.load(folder / "config.yaml")
            artefacts = json.loads((folder / ARTEFACTS).read_text())
        except (OSError, ValueError) as error:
            raise UserError(
                f"run={folder}: no finished run ({type(error).__name__}); give the folder of `redqueen track`"
            ) from None
        assert isinstance(cfg, DictConfig)
        return cls(folder, cfg, artefacts)

    def corpus(self) -> Corpus:
        """The corpus that it was trained and measured on."""
        path = Path(self.artefacts["corpus"])
        if not path.exists():
            raise UserError(f"run={self.folder}: no corpus at {path}; call this from the folder the run was started in")
        return Corpus.open(path)


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has it)
    """Write the benchmark and say its digest."""
    made = frozen(Run.open(Path(cfg.run)), Path(cfg.output), cfg.version)
    say(f"benchmark {made.card.name}: {made.table.num_rows} test pictures, digest {made.digest}: {cfg.output}")
    return 0


def frozen(run: Run, output: Path, version: int) -> Benchmark:
    """Write the benchmark of a run; the same again costs nothing, another one in its place is an error."""
    corpus, cfg = run.corpus(), run.cfg
    protocol, suite = cast(Protocol, instantiate(cfg.protocol)), suite_of(cfg)
    table = benchmark.answers(corpus, protocol.windows)
    card = Definition(
        name=str(corpus.card["name"]),
        version=version,
        corpus_digest=corpus.digest,
        windows_digest=corpus.windows_digest,
        protocol=protocol.label,
        suite=suite.label,
        views=tuple(suite.views),
        cutoffs=tuple(window.name for window in cutoffs(cfg)),
        windows=protocol.windows,
        last=protocol.last,
        nominal_dates=protocol.nominal,
        draws=cfg.draws,
        seed=cfg.corpus_seed,
        answers_digest=benchmark.answers_digest(table),
        biased=corpus.audit.biased,
        reason=corpus.audit.reason,
        styles=cast(Any, OmegaConf.to_container(cfg.styles)),
        limits=tuple(cfg.limits),
        distances=distances(corpus.card),
    )
    if (output / benchmark.CARD).exists() and Benchmark.open(output).card != card:
        raise DigestError(f"output={output}: holds another benchmark; choose another folder, or delete that one")
    return benchmark.write(output, card, table)
