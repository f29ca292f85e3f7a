"""Training: resumable to the bit, honest about what it cannot do."""

from functools import partial

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from sklearn.linear_model import LogisticRegression

import stand_ins
import tiny_detectors
from redqueen.corpus.store import Corpus
from redqueen.detectors import inference
from redqueen.detectors.inference import rows_digest
from redqueen.errors import RejectedPictureError, UserError
from redqueen.metrics.functional import auroc, balanced_accuracy
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.training.augment import BlurJpeg
from redqueen.training.closed_form import fit_head
from redqueen.training.data import Loading
from redqueen.training.fit import Machine, by_descent, calibrated, fit
from redqueen.training.module import DetectorTraining, Task
from redqueen.training.patience import Patience
from redqueen.training.recipe import Recipe
from redqueen.training.rows import Rows

SUITE = Suite("none", 1, {CLEAN: []})
PLAIN = Recipe(steps=7, batch_size=4, steps_a_block=2)
PATIENT = Recipe(
    steps=20, batch_size=8, learning_rate=0.02, steps_a_block=2, balance="generator", patience=3, clip=1.0, accumulate=2
)
MADE = {  # how each is made, and by which recipe it is trained in these tests
    "npr": (partial(stand_ins.detector, "npr"), PLAIN),
    "convolutions": (partial(tiny_detectors.Convolutions, dropout=0.3), PATIENT),
    "contrastive": (tiny_detectors.Contrastive, PLAIN),
    "grid": (partial(tiny_detectors.Grid, dropout=0.3), PATIENT),
}
every = pytest.mark.parametrize("name", MADE)


class StopError(Exception):
    """What a kill looks like from inside."""


class StopAt(pl.Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            raise StopError


class Steps(pl.Callback):
    """How far training got."""

    def on_train_end(self, trainer, _):
        self.taken = trainer.global_step


def trainer(*extra, callbacks, **settings):
    return pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_model_summary=False,
        deterministic=True,
        callbacks=[*callbacks, *extra],
        **settings,
    )


def machine(*extra, workers=0):
    return Machine(partial(trainer, *extra), Loading(workers=workers))


@pytest.fixture(scope="module")
def rows(corpus):
    return Rows.choose(corpus, ("2026-01", "2026-02"), shuffled=False, seed=0)


@pytest.fixture(scope="module")
def hard(corpus):
    """Labels that cannot be learned: validation goes up and down."""
    return Rows.choose(corpus, ("2026-01", "2026-02"), shuffled=True, seed=0)


def made(name, seed=0):
    torch.manual_seed(seed)
    return MADE[name][0](seed=seed) if name == "npr" else MADE[name][0]()


def state(detector):
    return {key: tensor.clone() for key, tensor in detector.state_dict().items()}


def train(name, rows, folder, *extra, recipe=None, seed=0, workers=0):
    detector = made(name, seed)
    fit(
        detector,
        rows,
        recipe or MADE[name][1],
        seed,
        folder / "work",
        folder / "cache",
        machine(*extra, workers=workers),
    )
    return state(detector)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def undisturbed(hard, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return {name: train(name, hard, folder / name) for name in MADE}


@every
def test_training_moves_every_weight(name, undisturbed):
    fresh = made(name).state_dict()
    assert not [key for key in fresh if torch.equal(fresh[key], undisturbed[name][key])]


@every
def test_same_seed_same_weights_another_seed_others(name, hard, tmp_path, undisturbed):
    assert same(train(name, hard, tmp_path / "again"), undisturbed[name])
    assert not same(train(name, hard, tmp_path / "other", seed=1), undisturbed[name])


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6])
@every
def test_resumed_training_ends_with_the_same_bits(name, step, hard, tmp_path, undisturbed):
    with pytest.raises(StopError):
        train(name, hard, tmp_path, StopAt(step))
    assert (tmp_path / "work" / "last.ckpt").exists() == (step >= PLAIN.steps_a_block)
    torch.manual_seed(99)  # what a new process would have is not what the old one had
    assert same(train(name, hard, tmp_path), undisturbed[name])


@every
def test_killed_twice_and_once_more_after_the_end(name, hard, tmp_path, undisturbed):
    for step in (3, 5):
        with pytest.raises(StopError):
            train(name, hard, tmp_path, StopAt(step))
    assert same(train(name, hard, tmp_path), undisturbed[name])
    assert same(train(name, hard, tmp_path), undisturbed[name])  # killed between training and saving


def test_workers_and_kills_change_no_bit(hard, tmp_path):
    recipe = Recipe(steps=6, batch_size=4, steps_a_block=3, balance="generator", patience=5, augment=BlurJpeg())
    alone = train("convolutions", hard, tmp_path / "alone", recipe=recipe)
    with pytest.raises(StopError):
        train("convolutions", hard, tmp_path / "killed", StopAt(4), recipe=recipe, workers=2)
    assert same(train("convolutions", hard, tmp_path / "killed", recipe=recipe, workers=2), alone)
    plain = Recipe(steps=6, batch_size=4, steps_a_block=3, balance="generator", patience=5)
    assert not same(train("convolutions", hard, tmp_path / "plain", recipe=plain), alone), "nothing was augmented"


def on_validation(detector, rows, folder):
    """AUROC, by another path than training takes."""
    return auroc(
        inference.logits(
            inference.Judge(detector, "x"), inference.Pictures(rows.corpus, rows.val, SUITE, folder), CLEAN
        ),
        rows.val_labels,
    )


class Watch(pl.Callback):
    """AUROC on validation after every block."""

    def __init__(self):
        self.seen = []

    def on_validation_end(self, trainer, _):
        self.seen.append(float(trainer.callback_metrics["val/auroc"]))


@pytest.mark.parametrize("name", ["convolutions", "grid"])
def test_patience_stops_and_keeps_the_best_block(name, hard, tmp_path):
    recipe = Recipe(steps=100, batch_size=8, learning_rate=0.05, steps_a_block=2, patience=3)
    steps, watch = Steps(), Watch()
    detector = made(name)
    fit(detector, hard, recipe, 0, tmp_path / "work", tmp_path / "cache", machine(steps, watch))
    best = int(np.argmax(watch.seen))
    assert len(watch.seen) == best + 1 + recipe.patience
    assert steps.taken == 2 * len(watch.seen) < recipe.steps
    assert on_validation(detector.eval(), hard, tmp_path / "other") == pytest.approx(max(watch.seen), abs=1e-6)
    assert len(set(watch.seen)) > 1


def test_without_patience_nothing_is_validated(rows, tmp_path):
    watch = Watch()
    train("convolutions", rows, tmp_path, watch, recipe=PLAIN)
    assert not watch.seen


def test_patience_knows_that_it_had_stopped(hard, tmp_path):
    """Killed after the last block's checkpoint, before the weights were saved."""
    recipe = Recipe(steps=100, batch_size=8, learning_rate=0.05, steps_a_block=2, patience=2)
    whole = train("grid", hard, tmp_path, recipe=recipe)
    watch = Watch()
    assert same(train("grid", hard, tmp_path, watch, recipe=recipe), whole)
    assert not watch.seen


def test_parts_of_a_batch_add_up_to_the_batch(rows, tmp_path):
    found = []
    for parts in (1, 4):
        torch.manual_seed(0)
        detector = tiny_detectors.Convolutions()
        start = state(detector)
        recipe = Recipe(steps=6, batch_size=8, steps_a_block=3, accumulate=parts)
        fit(detector, rows, recipe, 0, tmp_path / str(parts), tmp_path, machine())
        found.append(state(detector))
    for key, value in found[0].items():
        torch.testing.assert_close(value, found[1][key], atol=1e-5, rtol=0)
        assert not torch.allclose(value, start[key], atol=1e-4, rtol=0)


def test_a_batch_that_cannot_be_shared_is_refused(rows, tmp_path):
    with pytest.raises(UserError, match=r"batch_size=4: 1 device\(s\) with 3 part\(s\) each .* multiple of 6"):
        train("convolutions", rows, tmp_path, recipe=Recipe(steps=2, batch_size=4, accumulate=3))


def test_weights_instead_of_sampling(rows, tmp_path):
    recipe = Recipe(steps=4, batch_size=6, steps_a_block=4, balance="generator", balance_by="weights")
    weighted = train("convolutions", rows, tmp_path / "a", recipe=recipe)
    unweighted = train(
        "convolutions", rows, tmp_path / "b", recipe=Recipe(steps=4, batch_size=6, steps_a_block=4, balance="none")
    )
    assert not same(weighted, unweighted)  # the draws are the same
    with pytest.raises(UserError, match="Contrastive has a loss of its own"):
        train("contrastive", rows, tmp_path / "c", recipe=recipe)


def test_closed_form_takes_weights(rows, tmp_path):
    unbalanced = np.concatenate([rows.train[rows.train_labels == 0], rows.train[rows.train_labels == 1][:4]])
    labels = rows.corpus.column("label")[unbalanced].astype(np.int64)
    few = Rows(rows.corpus, unbalanced, rows.val, labels, rows.val_labels)
    biases = {}
    for by in ("sampling", "weights"):
        detector = stand_ins.detector("constant")
        fit(detector, few, Recipe(balance_by=by), 0, tmp_path, tmp_path / "cache")
        biases[by] = detector.head.bias.item()
    assert biases["sampling"] == pytest.approx(np.log(4 / (len(labels) - 4)), abs=1e-3)
    assert biases["weights"] == pytest.approx(0, abs=1e-3)
    x = np.random.default_rng(0).normal(size=(len(labels), 3)).astype(np.float32)
    weights = np.where(labels == 1, 3.0, 0.5)
    head = tiny_detectors.Grid()
    head.shape, head.head = (3,), torch.nn.Linear(3, 1)
    fit_head(head, (x, labels), (x, labels), [0.1], weights)
    scaled = (x - x.mean(0)) / x.std(0)
    expected = LogisticRegression(C=0.1, tol=1e-8).fit(scaled, labels, weights).decision_function(scaled)
    np.testing.assert_allclose(head.score(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-3)


def test_augmented_features_are_not_the_plain_ones(rows, tmp_path):
    found = {}
    for augment in (BlurJpeg(), BlurJpeg(blur=0.0), None):
        recipe = Recipe() if augment is None else Recipe(augment=augment)
        detector = stand_ins.detector("spectral")
        fit(detector, rows, recipe, 0, tmp_path / "work", tmp_path / "cache")
        found[str(augment)] = detector.head.weight.detach().numpy().tobytes()
    assert len(set(found.values())) == 3
    assert len(list((tmp_path / "cache").iterdir())) == 4  # three times the training split, once the validation split


def test_a_detector_with_nothing_to_train_stays_as_it_is(rows, tmp_path):
    detector = tiny_detectors.Repetition()
    assert not by_descent(detector)
    fit(detector, rows, PLAIN, 0, tmp_path / "work", tmp_path / "cache")
    assert not list(tmp_path.iterdir())
    found = calibrated(detector, rows, tmp_path / "cache", "x")
    assert found["temperature"] > 0


@pytest.mark.parametrize(("name", "expected"), [("npr", True), ("grid", True), ("contrastive", True)])
def test_who_needs_a_machine(name, expected):
    assert by_descent(made(name)) is expected
    assert not by_descent(stand_ins.detector("spectral"))


def module(detector, recipe=PLAIN, **task):
    task = {"image_ids": np.asarray(["a", "b"], object), "val_labels": np.zeros(0, int), "folder": None, **task}
    return DetectorTraining(detector, recipe, Task(seed=0, **task))


def test_a_loss_that_is_not_finite_names_the_step_and_the_pictures(tmp_path):
    training = module(stand_ins.detector("npr"), folder=tmp_path)
    batch = torch.full((2, 3, 32, 32), torch.nan), torch.tensor([0.0, 1.0]), torch.tensor([1, 0])
    training.training_step(batch, 0)
    with pytest.raises(
        UserError, match=r"loss is nan at step 0: lower recipe\.learning_rate .*not-finite-step-0.csv"
    ) as told:
        training.on_train_epoch_end()
    assert "\n" not in str(told.value)
    assert "corpus show" in str(told.value)
    assert (tmp_path / "not-finite-step-0.csv").read_text() == "image_id\nb\na\n"


def test_diverging_training_stops_with_one_line(rows, tmp_path):
    recipe = Recipe(steps=20, batch_size=4, learning_rate=1e30, steps_a_block=20)
    with pytest.raises(UserError, match=r"loss is (nan|inf) at step (\d+)"):
        train("npr", rows, tmp_path, recipe=recipe)
    (path,) = (tmp_path / "work").glob("not-finite-*.csv")
    ids = path.read_text().split()[1:]
    assert len(ids) == 4
    assert set(ids) <= set(rows.corpus.column("image_id")[rows.train])
    assert not (tmp_path / "work" / "last.ckpt").exists()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        MemoryError(),
        RuntimeError("… not enough memory: you tried"),
    ],
)
def test_exhausted_memory_says_what_to_try(error, rows, tmp_path, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setattr(tiny_detectors.Convolutions, "forward", fail)
    recipe = Recipe(steps=2, batch_size=12, accumulate=2)
    with pytest.raises(
        UserError,
        match=r"^6 pictures at a time .*recipe\.accumulate=4, the same batch 3 at a time, or recipe\.batch_size=6$",
    ):
        train("convolutions", rows, tmp_path, recipe=recipe)
    with pytest.raises(UserError, match="a single picture does not fit"):
        train("convolutions", rows, tmp_path, recipe=Recipe(steps=2, batch_size=2, accumulate=2))


def test_other_errors_are_not_called_exhausted_memory(rows, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(tiny_detectors.Convolutions, "forward", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        train("convolutions", rows, tmp_path)


def test_a_parameter_without_gradient_is_named(rows, tmp_path):
    detector = tiny_detectors.Convolutions()
    detector.idle = torch.nn.Linear(2, 2)
    with pytest.raises(UserError, match=r"Convolutions: no gradient reaches idle\.weight, idle\.bias, so"):
        fit(detector, rows, PLAIN, 0, tmp_path / "work", tmp_path / "cache", machine())
    detector.idle.requires_grad_(False)
    fit(detector, rows, PLAIN, 0, tmp_path / "work", tmp_path / "cache", machine())


def test_patience_and_shards_do_not_go_together():
    strategy = pl.strategies.FSDPStrategy()
    with pytest.raises(UserError, match=r"recipe\.patience"):
        Patience(tiny_detectors.Grid(), 2).setup(type("Trainer", (), {"strategy": strategy})(), None, "fit")


def test_rate_warms_up_and_ends_at_zero():
    steps = 40
    settings = module(stand_ins.detector("npr"), Recipe(steps=steps, learning_rate=1.0)).configure_optimizers()
    rates = []
    for _ in range(steps + 1):
        rates.append(settings["optimizer"].param_groups[0]["lr"])
        settings["optimizer"].step()
        settings["lr_scheduler"]["scheduler"].step()
    assert rates[0] == pytest.approx(0.5)
    assert max(rates) == rates[1] == pytest.approx(1.0, abs=0.01)
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_linear_heads_need_no_trainer(rows, tmp_path):
    detector = stand_ins.detector("spectral")
    before = detector.head.weight.clone()
    fit(detector, rows, PLAIN, 0, tmp_path / "work", tmp_path / "cache")
    assert not torch.equal(detector.head.weight, before)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("split", ["train", "val"])
def test_rows_are_the_matched_ones_of_the_windows(corpus, rows, split):
    chosen, labels = getattr(rows, split), getattr(rows, f"{split}_labels")
    assert set(corpus.column("split")[chosen]) == {split}
    assert (corpus.windows["2026-01"] | corpus.windows["2026-02"])[chosen].all()
    assert set(corpus.column("generator")[chosen]) == {None, "generator-2026-01", "generator-2026-02"}
    np.testing.assert_array_equal(labels, corpus.column("label")[chosen])


def test_shuffled_labels_keep_their_count_and_lose_their_meaning(corpus, rows):
    shuffled, again = (Rows.choose(corpus, ("2026-01", "2026-02"), shuffled=True, seed=0) for _ in range(2))
    for split in ("train_labels", "val_labels"):
        assert sorted(getattr(shuffled, split)) == sorted(getattr(rows, split))
        np.testing.assert_array_equal(getattr(shuffled, split), getattr(again, split))
    assert (shuffled.train_labels != rows.train_labels).any()
    np.testing.assert_array_equal(shuffled.train, rows.train)


def test_one_class_alone_is_refused(corpus):
    with pytest.raises(UserError, match="none is human-made and none is generated; both classes are needed"):
        Rows.choose(corpus, (), shuffled=False, seed=0)


@pytest.mark.parametrize(("label", "missing"), [(0, "generated"), (1, "human-made")])
def test_the_missing_class_is_named(label, missing, corpus, monkeypatch):
    found = type(corpus).rows

    def one_class(self, split, windows):
        chosen = found(self, split, windows)
        return chosen[self.column("label")[chosen] == label] if split == "val" else chosen

    monkeypatch.setattr(type(corpus), "rows", one_class)
    with pytest.raises(UserError, match=rf"windows 2026-01: the val split has \d+ .* none is {missing};"):
        Rows.choose(corpus, ("2026-01",), shuffled=False, seed=0)


def test_makers_are_generators_or_kinds(rows):
    found = set(zip(rows.makers, rows.train_labels.tolist(), strict=True))
    kinds = {(kind, 0) for kind in set(rows.corpus.column("kind")[rows.train]) - {"generated"}}
    assert found == {("generator-2026-01", 1), ("generator-2026-02", 1)} | kinds


def test_threshold_and_temperature_are_fitted_on_validation(rows, tmp_path):
    detector = stand_ins.detector("spectral")
    fit(detector, rows, PLAIN, 0, tmp_path, tmp_path / "cache")
    found = calibrated(detector, rows, tmp_path / "cache", "x")
    with torch.no_grad():
        scores = [detector(detector.prepare(rows.corpus.pixels(row))[None]).item() for row in rows.val]
    best = max(balanced_accuracy(scores, rows.val_labels, t) for t in [*scores, max(scores) + 1])
    assert balanced_accuracy(scores, rows.val_labels, found["threshold"]) == best

    def loss(t):
        return torch.nn.functional.binary_cross_entropy_with_logits(
            torch.tensor(scores) / t, torch.tensor(rows.val_labels).float()
        ).item()

    grid = np.geomspace(0.01, 100, 2000)
    assert loss(found["temperature"]) <= min(map(loss, grid)) + 1e-6
    digest = rows_digest(rows.corpus, rows.val)
    made = int(rows.val_labels.sum())
    assert found["fitted_on"] == {"split": "val", "pictures": len(rows.val), "generated": made, "rows": digest}


def test_pictures_that_fail_are_left_out_of_the_fit(rows, tmp_path, monkeypatch):
    detector = tiny_detectors.Repetition()
    whole = inference.logits(
        inference.Judge(detector, "x"), inference.Pictures(rows.corpus, rows.val, SUITE, tmp_path), CLEAN
    )
    broken = np.where(np.arange(len(whole)) < 3, np.nan, whole)
    monkeypatch.setattr("redqueen.training.fit.logits", lambda *_: broken)
    assert calibrated(detector, rows, tmp_path, "x")["fitted_on"]["pictures"] == len(whole) - 3
    monkeypatch.setattr("redqueen.training.fit.logits", lambda *_: np.where(rows.val_labels == 1, np.nan, whole))
    with pytest.raises(UserError, match="of one class"):
        calibrated(detector, rows, tmp_path, "x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch_size": 3},
        {"batch_size": 0},
        {"steps_a_block": 0},
        {"accumulate": 0},
        {"patience": 0},
        {"clip": 0.0},
    ],
)
def test_recipes_that_cannot_be_followed_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(UserError, match=f"recipe.{name}"):
        Recipe(**wrong)


def test_an_odd_batch_is_fine_where_nothing_is_sampled():
    assert Recipe(batch_size=3, balance="none").batch_size == Recipe(batch_size=3, balance_by="weights").batch_size == 3


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(("name", "workers"), [("spectral", 0), ("grid", 0), ("convolutions", 0), ("convolutions", 2)])
def test_a_picture_that_cannot_be_read_is_named_in_one_line(name, workers, split, rows, tmp_path, monkeypatch):
    bad, original = int(getattr(rows, split)[3]), Corpus.pixels

    def pixels(self, row):
        if int(row) == bad:
            raise RejectedPictureError("cannot be decoded: broken")
        return original(self, row)

    monkeypatch.setattr(Corpus, "pixels", pixels)
    detector = stand_ins.detector(name) if name == "spectral" else made(name)
    with pytest.raises(UserError) as told:
        fit(detector, rows, PATIENT, 0, tmp_path / "work", tmp_path / "cache", machine(workers=workers))
    message = str(told.value)
    assert "\n" not in message
    assert rows.corpus.column("image_id")[bad] in message
    assert "strict=true" in message
