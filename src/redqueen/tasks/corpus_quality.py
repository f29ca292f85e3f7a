"""`redqueen corpus quality FOLDER`: KID and CMMD of each generator of a corpus to its held-out photographs."""

from pathlib import Path
from typing import cast

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.table import Table

from redqueen.console import console, say
from redqueen.corpus.store import Corpus
from redqueen.detectors.backbones import Backbone
from redqueen.generation.card import interval_text, write_quality
from redqueen.generation.quality import Comparison, Quality, measure


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has this signature)
    """Measure, write the figures into the corpus's card, show them."""
    corpus = Corpus.open(Path(cfg.corpus))
    comparison = cast(Comparison, instantiate(cfg.comparison))
    backbone = cast(Backbone, instantiate(cfg.backbone, _convert_="all"))
    quality = measure(corpus, backbone, comparison, Path(cfg.store) / "features", cfg.draws, cfg.seed)
    write_quality(corpus.folder, quality)
    console.print(_table(quality))
    say(f"written into {corpus.folder / 'card.json'} under quality")
    return 0


def _table(quality: Quality) -> Table:
    title = f"distance to {quality.photographs} photographs on {quality.backbone}, with 95 % intervals; lower is better"
    table = Table("generator", "pictures", "groups", "KID", "CMMD", title=title)
    for name, one in quality.ranked():
        cells = [one.reason or "", ""] if one.reason else [interval_text(one.kid, 4), interval_text(one.cmmd, 3)]
        table.add_row(name, str(one.pictures), str(one.groups), *cells)
    return table
