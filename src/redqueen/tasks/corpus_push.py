"""`redqueen corpus push FOLDER OWNER/NAME`: a corpus to the Hub, with its card."""

from pathlib import Path

from huggingface_hub import HfApi
from omegaconf import DictConfig

from redqueen.console import say
from redqueen.corpus.push import push
from redqueen.corpus.store import Corpus


def run(cfg: DictConfig, folder: Path) -> int:  # noqa: ARG001  (every task has this signature)
    """Upload and say what lies where, at which revision."""
    corpus = Corpus.open(Path(cfg.corpus))
    done = push(corpus, cfg.to, HfApi(), cfg.private, cfg.replace, list(cfg.allow_licences))
    say(f"{done.url}: {done.files} files, {done.size / 1e6:,.1f} MB, digest {corpus.digest[:12]}")
    say(f"revision {done.revision}")
    return 0
