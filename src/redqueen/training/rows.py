"""Which rows of a corpus a detector learns from, and which it is validated on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redqueen.corpus.store import Corpus
from redqueen.errors import UserError
from redqueen.files import seed_from

CLASSES = ("human-made", "generated")


@dataclass(frozen=True)
class Rows:
    """Training and validation rows with the labels to learn, which in the shuffled control are not the true ones."""

    corpus: Corpus
    train: NDArray[np.int64]
    val: NDArray[np.int64]
    train_labels: NDArray[np.int64]
    val_labels: NDArray[np.int64]

    @classmethod
    def choose(
        cls,
        corpus: Corpus,
        windows: Sequence[str],
        shuffled: bool,
        seed: int,
        replayed: Sequence[int] | NDArray[np.int64] = (),
    ) -> "Rows":
        """The matched rows of these windows, and rows to replay in training; UserError where a class is missing."""
        labels = corpus.column("label").astype(np.int64)
        rows = {split: corpus.rows(split, windows) for split in ("train", "val")}
        rows["train"] = np.union1d(rows["train"], np.asarray(replayed, np.int64))
        for split, chosen in rows.items():
            _check_both_classes(labels[chosen], split, windows)
        found = {split: labels[chosen] for split, chosen in rows.items()}
        if shuffled:
            for split, values in found.items():
                found[split] = np.random.default_rng(seed_from("shuffle", seed, split)).permutation(values)
        return cls(corpus, rows["train"], rows["val"], found["train"], found["val"])

    @property
    def makers(self) -> list[str]:
        """Of each training row its generator, or what kind of human-made picture it is."""
        columns = (self.corpus.column(name)[self.train] for name in ("generator", "kind"))
        return [str(generator or kind) for generator, kind in zip(*columns, strict=True)]


def _check_both_classes(labels: NDArray[np.int64], split: str, windows: Sequence[str]) -> None:
    missing = [name for label, name in enumerate(CLASSES) if not (labels == label).any()]
    if missing:
        raise UserError(
            f"windows {', '.join(windows)}: the {split} split has {len(labels)} matched pictures, of which none is "
            f"{' and none is '.join(missing)}; both classes are needed: widen the windows or change the shares"
        )
