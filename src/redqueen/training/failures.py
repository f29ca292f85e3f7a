"""What goes wrong in training and a user can mend: one line each, with what to do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl
from torch import nn
from torch.multiprocessing.spawn import ProcessRaisedException

from redqueen.detectors.memory import exhausted
from redqueen.errors import UserError
from redqueen.files import write_text
from redqueen.training.recipe import Recipe

_OURS = f"{UserError.__module__}.{UserError.__name__}: "


def not_finite(loss: float, step: int, image_ids: Sequence[str], folder: Path) -> UserError:
    """The error for a loss that is NaN or infinite; writes the batch's pictures to `folder`, one id a line."""
    path = folder / f"not-finite-step-{step}.csv"
    write_text(path, "\n".join(["image_id", *image_ids]) + "\n")
    return UserError(
        f"the loss is {loss} at step {step}: lower recipe.learning_rate or set recipe.clip=1; the {len(image_ids)} "
        f"pictures of that batch are listed in {path}, the first is {image_ids[0]} ('redqueen corpus show' draws the "
        "corpus that they are in)"
    )


def unreadable(corpus: Path, image_id: str, reason: str, more: int = 0) -> UserError:
    """The error for a picture that is to be trained or validated on and cannot be; `more` of them follow."""
    others = f" (and {more} more pictures)" if more else ""
    return UserError(
        f"picture {image_id}{others} of corpus {corpus} cannot be used: {' '.join(reason.split())}; delete the corpus "
        "and build it again by 'redqueen corpus build' with strict=true, which stops at a file that cannot be read"
    )


def check_gradients(network: nn.Module) -> None:
    """Raise UserError if, after a backward pass, a parameter that is to be trained has no gradient."""
    names = [name for name, one in network.named_parameters() if one.requires_grad and one.grad is None]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise UserError(
            f"{type(network).__name__}: no gradient reaches {', '.join(names[:3])}{more}, so training would leave it "
            "as it is: use it in the detector's loss or freeze it with requires_grad_(False)"
        )


@contextmanager
def told(recipe: Recipe, data: pl.LightningDataModule) -> Iterator[None]:
    """Turn exhausted memory, and what a started process or a worker raised for the user, into one line."""
    try:
        yield
    except (ProcessRaisedException, UserError) as error:  # torch gives a worker's error with its whole traceback
        last = str(error).strip().splitlines()[-1]
        if last.startswith(_OURS):
            raise UserError(last.removeprefix(_OURS)) from None
        if exhausted(error):
            raise _out_of_memory(recipe, data) from None
        raise
    except (RuntimeError, MemoryError) as error:
        if not exhausted(error):
            raise
        raise _out_of_memory(recipe, data) from None


def _out_of_memory(recipe: Recipe, data: pl.LightningDataModule) -> UserError:
    """What to try: the same batch in more parts, or a smaller one."""
    parts, devices = (data.trainer.accumulate_grad_batches, data.trainer.world_size) if data.trainer else (1, 1)
    piece = max(recipe.batch_size // (parts * devices), 1)
    if piece == 1:
        return UserError(
            "a single picture does not fit into memory in training: choose a smaller crop or network, "
            "or a device with more memory"
        )
    times = next(factor for factor in range(2, piece + 1) if piece % factor == 0)
    return UserError(
        f"{piece} pictures at a time do not fit into memory: try recipe.accumulate={times * parts}, the same batch "
        f"{piece // times} at a time, or recipe.batch_size={max(recipe.batch_size // 4 * 2, 2)}"
    )
