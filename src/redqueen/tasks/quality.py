"""`redqueen quality`: KID of each chosen generation of the lineage to crops that its training never saw."""

from dataclasses import asdict
from pathlib import Path
from typing import cast

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.table import Table

from redqueen.console import console, say
from redqueen.corpus.decode import pixels
from redqueen.detectors.backbones import efficientnet_lite0
from redqueen.errors import UserError
from redqueen.files import write_json, write_text
from redqueen.generation import pipelines
from redqueen.generation.card import model_card
from redqueen.generation.quality import embed
from redqueen.metrics.distances import kid_interval
from redqueen.tasks.corpus import assemble
from redqueen.tasks.fit_generator import fit_rows
from redqueen.tasks.generate import rendered
from redqueen.types import Interval


def run(cfg: DictConfig, folder: Path) -> int:
    """Measure, write `quality.json` and the model card; exit code 1 if a generation does not beat the one before it."""
    if not cfg.get("generator"):
        raise UserError("no generator chosen: add generator=[lineage-1,lineage-2]")
    corpus = assemble(cfg, instantiate(cfg.source), windows=())
    backbone = efficientnet_lite0()
    real = embed([corpus.pixels(row) for row in fit_rows(corpus, "held-out")], backbone)
    found: dict[str, Interval] = {}
    for name, path in rendered(cfg).items():
        pictures = [pixels(picture.read_bytes()) for picture in sorted((path / "images").glob("*.png"))]
        found[name] = kid_interval(embed(pictures, backbone), real, draws=cfg.draws, seed=cfg.seed)
        say(f"{name}: KID {found[name].value}")
    facts = {"real": len(real), "generated": cfg.render.n, "corpus_digest": corpus.digest, "backbone": backbone.digest}
    write_json(folder / "quality.json", {"kid": {name: asdict(kid) for name, kid in found.items()}, **facts})
    records = {name: pipelines.record(cfg.generator[name].weights) for name in found}
    write_text(folder / "MODEL_CARD.md", model_card(records, found, facts))
    console.print(_table(found))
    return 0 if _falls(found) else 1


def _falls(found: dict[str, Interval]) -> bool:
    values = [cast(float, kid.value) for kid in found.values()]
    return all(later < earlier for earlier, later in zip(values, values[1:], strict=False))


def _table(found: dict[str, Interval]) -> Table:
    table = Table("generator", "KID", "95 % interval", title="lower is better")
    for name, kid in found.items():
        table.add_row(name, f"{kid.value:.4f}", f"{kid.low:.4f} to {kid.high:.4f}")
    return table
