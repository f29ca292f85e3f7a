"""One pass over pictures by several processes, a GPU each: they share out its parts, and no part shows who made it."""

from collections.abc import Sequence

import torch
from torch.multiprocessing.spawn import ProcessRaisedException, spawn

from redqueen.console import say
from redqueen.corpus.store import Corpus
from redqueen.detectors import one_pass
from redqueen.detectors.one_pass import Column, Share
from redqueen.perturbations.suite import Suite


def fill(columns: Sequence[Column], corpus: Corpus, suite: Suite, processes: int | None = None) -> None:
    """Compute what is missing of the columns, as `one_pass.fill` does.

    Args:
        columns: what is computed.
        corpus: has the pictures.
        suite: has the views.
        processes: that work at a time, of this machine; None: one a CUDA device, or this one alone where there is none.

    Raises:
        UserError: as `one_pass.fill`.
    """
    many = processes or max(1, torch.cuda.device_count())
    if many > 1 and one_pass.lacking(columns):
        fresh = Corpus(corpus.folder, corpus.card, corpus.known)  # without the files that this process holds open
        threads = max(1, torch.get_num_threads() // many)
        for column in columns:
            column.detector.cpu()
        # of an error: this process does what is left, and meets it where it can be told in one line
        try:
            spawn(_child, (many, threads, columns, fresh, suite), nprocs=many)  # type: ignore[no-untyped-call]
        except ProcessRaisedException as error:
            say(f"{many} processes: {str(error).strip().splitlines()[-1]}; one goes on alone")
    one_pass.fill(columns, corpus, suite)


def _child(rank: int, many: int, threads: int, columns: Sequence[Column], corpus: Corpus, suite: Suite) -> None:
    torch.set_num_threads(threads)
    one_pass.fill(columns, corpus, suite, Share(rank, many))
