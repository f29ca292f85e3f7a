"""`redqueen corpus audit FOLDER`: what a corpus gives away besides its content, as table, JSON and page."""

from dataclasses import asdict
from pathlib import Path
from typing import cast

from hydra.utils import instantiate
from omegaconf import DictConfig

from redqueen.console import console, say
from redqueen.corpus.codec_swap import Probe
from redqueen.corpus.inspection import Inspection, inspect
from redqueen.corpus.store import Corpus
from redqueen.environment import environment
from redqueen.files import write_json, write_text
from redqueen.report.audit_page import page, strips, terminal
from redqueen.tasks.record import record


def run(cfg: DictConfig, folder: Path) -> int:
    """Audit afresh, write `audit.json` and `audit.html`, show the table; the first line says whether it is biased."""
    probe = cast(Probe, instantiate(cfg.codec_swap, _convert_="all"))
    corpus = Corpus.open(Path(cfg.corpus))
    record(cfg, folder)
    found = inspect(corpus, probe)
    write_json(folder / "audit.json", _facts(corpus, found))
    shown = strips(corpus, cfg.n, cfg.seed)
    made = {"Seed": str(probe.seed), "Bootstrap draws": str(probe.draws)}
    versions = {name: value for name, value in environment().items() if value is not None}
    write_text(folder / "audit.html", page(corpus, found, shown, {**made, **versions}))
    say(found.finding)
    for table in terminal(corpus, found):
        console.print(table)
    for line in found.card_differs:
        say(f"the card says otherwise: {line}")
    say(f"audit: {folder / 'audit.html'}, {folder / 'audit.json'}")
    return 0


def _facts(corpus: Corpus, found: Inspection) -> dict[str, object]:
    return {
        "corpus": corpus.card["name"],
        "corpus_digest": corpus.digest,
        "standing": found.standing,
        "biased": found.biased,
        "finding": found.finding,
        "counts": corpus.card["counts"],
        **asdict(found),
    }
