"""`redqueen corpus show FOLDER by=…`: contact sheets of a corpus."""

from pathlib import Path
from typing import cast

from hydra.utils import instantiate
from omegaconf import DictConfig

from redqueen.console import say, track
from redqueen.corpus.store import Corpus
from redqueen.files import write_bytes
from redqueen.report.contact_sheet import Sheet, jpeg, png, strips

LARGE = 2_000_000  # bytes of a PNG beside which a JPEG is of use


def run(cfg: DictConfig, folder: Path) -> int:
    """Draw the pages, say where they lie; a large one is there as JPEG too."""
    sheet = cast(Sheet, instantiate(cfg.sheet))
    corpus = Corpus.open(Path(cfg.corpus))
    found = strips(corpus, cfg.by, cfg.n, cfg.seed)
    for old in folder.glob(f"{cfg.by}-*.*g"):
        old.unlink()  # of an earlier run with more pages
    for number, page in enumerate(track(sheet.pages(corpus, found, cfg.by), "drawing pages"), start=1):
        path = folder / f"{cfg.by}-{number:02d}.png"
        data = png(page)
        write_bytes(path, data)
        if len(data) > LARGE:
            write_bytes(path.with_suffix(".jpg"), jpeg(page))
        say(f"contact sheet: {path}, {page.width} x {page.height}")
    return 0
