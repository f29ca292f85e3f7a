"""`redqueen corpus diff BEFORE AFTER`: what changed from one corpus to another; exit code 0 either way."""

from dataclasses import asdict
from pathlib import Path

from omegaconf import DictConfig

from redqueen.console import console, say
from redqueen.corpus.compare import compare
from redqueen.corpus.store import Corpus
from redqueen.files import write_json
from redqueen.report.changes import lines


def run(cfg: DictConfig, folder: Path) -> int:
    """Compare, show the differences, write `diff.json`."""
    before, after = (Corpus.open(Path(path)) for path in (cfg.before, cfg.after))
    found = compare(before, after)
    for line in lines(found):
        console.print(line, soft_wrap=True)
    write_json(folder / "diff.json", asdict(found))
    say(f"diff: {folder / 'diff.json'}")
    return 0
