"""Training: resumable to the bit, honest about what it cannot do."""

from functools import partial

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

import stand_ins
from redqueen.errors import UserError
from redqueen.metrics.functional import balanced_accuracy
from redqueen.training.fit import Recipe, Rows, fit, threshold
from redqueen.training.module import DetectorTraining

RECIPE = Recipe(steps=7, batch_size=4, steps_a_block=2)


class StopError(Exception):
    """What a kill looks like from inside."""


class StopAt(pl.Callback):
    def __init__(self, step: int, error: type[BaseException] = StopError) -> None:
        self.step, self.error = step, error

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            raise self.error


def trainer(*extra, callbacks, **settings):
    return pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_model_summary=False,
        deterministic=True,
        callbacks=[*callbacks, *extra],
        **settings,
    )


@pytest.fixture
def rows(corpus):
    return Rows.choose(corpus, ("2026-01",), shuffled=False, seed=0)


def train(rows, folder, *extra, recipe=RECIPE, name="npr", seed=0):
    detector = stand_ins.detector(name, seed)
    fit(detector, rows, recipe, seed, folder / "work", folder / "cache", partial(trainer, *extra))
    return {key: tensor.clone() for key, tensor in detector.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def undisturbed(corpus, tmp_path_factory):
    return train(Rows.choose(corpus, ("2026-01",), False, 0), tmp_path_factory.mktemp("whole"))


def test_training_moves_every_weight(undisturbed):
    fresh = stand_ins.detector("npr", 0).state_dict()
    assert not [key for key in fresh if torch.equal(fresh[key], undisturbed[key])]


def test_same_seed_same_weights_another_seed_others(rows, tmp_path, undisturbed):
    assert same(train(rows, tmp_path / "again"), undisturbed)
    assert not same(train(rows, tmp_path / "other", seed=1), undisturbed)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6])
def test_resumed_training_ends_with_the_same_bits(step, rows, tmp_path, undisturbed):
    with pytest.raises(StopError):
        train(rows, tmp_path, StopAt(step))
    assert (tmp_path / "work" / "last.ckpt").exists() == (step >= RECIPE.steps_a_block)
    torch.manual_seed(99)  # what a new process would have is not what the old one had
    assert same(train(rows, tmp_path), undisturbed)


def test_killed_twice_and_once_more_after_the_end(rows, tmp_path, undisturbed):
    for step in (3, 5):
        with pytest.raises(StopError):
            train(rows, tmp_path, StopAt(step))
    assert same(train(rows, tmp_path), undisturbed)
    assert same(train(rows, tmp_path), undisturbed)  # killed between training and saving


def test_a_loss_that_is_not_finite_is_the_users_to_mend():
    module = DetectorTraining(stand_ins.detector("npr"), 5, 1e-3, 0.0)
    batch = torch.full((2, 3, 32, 32), torch.nan), torch.tensor([0.0, 1.0])
    with pytest.raises(UserError, match=r"loss is nan at step 0: lower recipe\.learning_rate"):
        module.training_step(batch, 0)


def test_diverging_training_stops_with_one_line(rows, tmp_path):
    with pytest.raises(UserError, match=r"loss is (nan|inf) at step"):
        train(rows, tmp_path, recipe=Recipe(steps=20, batch_size=4, learning_rate=1e30, steps_a_block=20))


def test_rate_warms_up_and_ends_at_zero():
    steps = 40
    module = DetectorTraining(stand_ins.detector("npr"), steps, 1.0, 0.0)
    settings = module.configure_optimizers()
    rates = []
    for _ in range(steps + 1):
        rates.append(settings["optimizer"].param_groups[0]["lr"])
        settings["optimizer"].step()
        settings["lr_scheduler"]["scheduler"].step()
    assert rates[0] == pytest.approx(0.5)
    assert max(rates) == rates[1] == pytest.approx(1.0, abs=0.01)
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_feature_detectors_need_no_trainer(rows, tmp_path):
    state = train(rows, tmp_path, name="spectral")
    assert state["head.weight"].any()
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("split", ["train", "val"])
def test_rows_are_the_matched_ones_of_the_windows(corpus, rows, split):
    chosen, labels = getattr(rows, split), getattr(rows, f"{split}_labels")
    assert set(corpus.column("split")[chosen]) == {split}
    assert corpus.windows["2026-01"][chosen].all()
    assert set(corpus.column("generator")[chosen]) == {None, "generator-2026-01"}
    np.testing.assert_array_equal(labels, corpus.column("label")[chosen])


def test_shuffled_labels_keep_their_count_and_lose_their_meaning(corpus, rows):
    shuffled = Rows.choose(corpus, ("2026-01",), shuffled=True, seed=0)
    again = Rows.choose(corpus, ("2026-01",), shuffled=True, seed=0)
    for split in ("train_labels", "val_labels"):
        assert sorted(getattr(shuffled, split)) == sorted(getattr(rows, split))
        np.testing.assert_array_equal(getattr(shuffled, split), getattr(again, split))
    assert (shuffled.train_labels != rows.train_labels).any()
    np.testing.assert_array_equal(shuffled.train, rows.train)


def test_one_class_alone_is_refused(corpus):
    with pytest.raises(UserError, match="both are needed"):
        Rows.choose(corpus, (), shuffled=False, seed=0)


def test_threshold_is_the_best_on_validation(rows, tmp_path):
    detector = stand_ins.detector("spectral")
    fit(detector, rows, RECIPE, 0, tmp_path, tmp_path / "cache", trainer=None)
    found = threshold(detector, rows, tmp_path / "cache", "x")
    with torch.no_grad():
        scores = [detector(detector.prepare(rows.corpus.pixels(row))[None]).item() for row in rows.val]
    best = max(balanced_accuracy(scores, rows.val_labels, t) for t in [*scores, max(scores) + 1])
    assert balanced_accuracy(scores, rows.val_labels, found) == best


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch_size": 3}, {"batch_size": 0}, {"steps_a_block": 0}])
def test_recipes_that_cannot_be_followed_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(UserError, match=f"recipe.{name}"):
        Recipe(**wrong)
