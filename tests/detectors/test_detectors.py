"""Every detector in configs/detector, one suite: a new YAML is tested on the day it lands.

Beside them stand a few of tests/tiny_detectors.py, so that every way of fitting a detector is tested.
"""

import pickle
import re

import numpy as np
import pytest
import torch
from torch import nn

import stand_ins
import tiny_detectors
from redqueen.detectors.base import Detector, FeatureDetector, JointDetector
from redqueen.errors import UserError
from redqueen.training import checkpoint
from redqueen.training.closed_form import fit_head
from redqueen.training.fit import by_descent
from redqueen.training.module import DetectorTraining, Task
from redqueen.training.recipe import Recipe

CORPUS = "0" * 64
BLIND = {  # controls that cannot tell these pictures apart, and why
    "constant": "reads nothing",
    "metadata_probe": "reads metadata, and these pictures differ in pixels alone",
}
SIGHTED = {"dire", "jpeg_quality_probe"}  # controls that see pixels and learn from them
LABELS = np.arange(16) % 2
OURS = {one.__name__: one for one in (tiny_detectors.Contrastive, tiny_detectors.Grid, tiny_detectors.Repetition)}

every = pytest.mark.parametrize("name", [*stand_ins.names("detector"), *OURS])
every_yaml = pytest.mark.parametrize("name", stand_ins.names("detector"))


def build(name: str, seed: int = 0) -> Detector:
    torch.manual_seed(seed)
    return OURS[name]() if name in OURS else stand_ins.detector(name, seed)


def batch(detector: Detector, rng: np.random.Generator | None = None) -> torch.Tensor:
    """Sixteen prepared pictures, human-made and generated in turn."""
    if detector.reads == "metadata":
        rows = np.random.default_rng(0).normal(size=(16, 7)).astype(np.float32)
        return torch.stack([detector.prepare(row) for row in rows])
    draw = (stand_ins.human_pixels, stand_ins.generated_pixels)
    return torch.stack([detector.prepare(draw[label](number), rng) for number, label in enumerate(LABELS)])


def labels() -> torch.Tensor:
    return torch.tensor(LABELS).float()


def learns(detector: Detector) -> bool:
    return any(parameter.requires_grad for parameter in detector.parameters())


def same_weights(first: Detector, second: Detector) -> bool:
    a, b = first.trained_state(), second.trained_state()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def warmed_up(name: str) -> Detector:
    """A detector in evaluation mode whose running statistics are not those of a fresh one."""
    detector = build(name).train()
    with torch.no_grad():
        detector(batch(detector))
    return detector.eval()


@torch.no_grad()
def logits(detector: Detector, pictures: torch.Tensor) -> torch.Tensor:
    return detector(pictures)


@torch.no_grad()
def logits_of(detector: Detector, inputs: torch.Tensor, cached: bool) -> torch.Tensor:
    return detector.score(inputs) if cached else detector(inputs)


def test_there_is_something_to_test():
    assert stand_ins.names("detector") == sorted(path.stem for path in (stand_ins.configs() / "detector").iterdir())
    assert len(stand_ins.names("detector")) >= 5


@every
def test_gives_one_finite_logit_a_picture(name):
    detector = warmed_up(name)
    for count in (1, 2, 16):
        found = logits(detector, batch(detector)[:count])
        assert found.shape == (count,)
        assert found.dtype == torch.float32
        assert found.isfinite().all()


@every
def test_gradient_reaches_what_is_trained_and_nothing_else(name):
    detector = build(name).train()
    if not learns(detector):
        assert not by_descent(detector)
        return
    loss = detector.loss(batch(detector), labels())
    assert loss.shape == ()
    loss.backward()
    saved = {tensor.data_ptr() for tensor in detector.trained_state().values()}
    for key, parameter in detector.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert parameter.grad.abs().max() > 0 or name == "constant", key
            assert parameter.data_ptr() in saved, f"{key} is trained and not saved"
        else:
            assert parameter.grad is None, key
    if isinstance(detector, FeatureDetector):  # features are cached: nothing below the head may change
        trained = {key for key, one in detector.named_parameters() if one.requires_grad}
        assert trained <= {f"head.{key}" for key, _ in detector.head.named_parameters()}


@every
def test_batch_size_and_batch_mates_leave_no_trace(name):
    detector = warmed_up(name)
    pictures = batch(detector)
    together = logits(detector, pictures)
    alone = torch.cat([logits(detector, one[None]) for one in pictures[:6]])
    reversed_ = logits(detector, pictures.flip(0)).flip(0)
    torch.testing.assert_close(alone, together[:6], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(reversed_, together, atol=1e-5, rtol=1e-5)


@every
def test_same_seed_same_logits(name):
    first, second, other = (build(name, seed).eval() for seed in (0, 0, 1))
    pictures = batch(first)
    found = [logits(detector, pictures) for detector in (first, second, other)]
    assert torch.equal(found[0], found[1])
    if name != "constant" and not same_weights(first, other):
        assert not torch.equal(found[0], found[2])
    draws = [batch(first, np.random.default_rng(5)) for _ in range(2)]
    assert torch.equal(*draws)


@every
def test_training_mode_changes_no_frozen_statistics(name):
    detector = build(name).train()
    before = {key: tensor.clone() for key, tensor in detector.state_dict().items()}
    logits(detector, batch(detector))
    saved = {tensor.data_ptr() for tensor in detector.trained_state().values()}
    for key, tensor in detector.state_dict().items():
        assert torch.equal(tensor, before[key]) or tensor.data_ptr() in saved, key


@every
def test_a_restored_checkpoint_gives_identical_logits(name, tmp_path):
    detector = warmed_up(name)
    saved = checkpoint.save(tmp_path, detector, "_target_: x\n", {"corpus_digest": CORPUS})
    fresh = build(name, seed=7).eval()
    for tensor in fresh.trained_state().values():
        tensor.detach().add_(1)
    pictures = batch(detector)
    assert not learns(fresh) or not torch.equal(logits(fresh, pictures), logits(detector, pictures))
    restored = saved.restore(fresh, CORPUS)
    assert torch.equal(logits(restored, pictures), logits(detector, pictures))


@every
def test_learns_sixteen_pictures_by_heart(name):
    detector = build(name)
    if name in BLIND:
        assert detector.control, f"{name} is no control: it must learn"
        pytest.skip(f"{name}: {BLIND[name]}")
    if not learns(detector):
        pytest.skip(f"{name} has nothing to train")
    pictures = batch(detector)
    _learn(detector, pictures)
    assert area(logits(detector.eval(), pictures)) > 0.95


def area(found: torch.Tensor) -> float:
    """AUROC, by its definition."""
    pairs = found.numpy()[LABELS == 1][:, None] - found.numpy()[LABELS == 0][None]
    return float(np.mean(np.where(pairs == 0, 0.5, pairs > 0)))


def _learn(detector: Detector, pictures: torch.Tensor) -> None:
    """As training would fit it."""
    if isinstance(detector, JointDetector):
        raw = [stand_ins.human_pixels(n) if n % 2 == 0 else stand_ins.generated_pixels(n) for n in range(16)]
        found = []
        for part in detector.parts().values():
            inputs = torch.stack([part.prepare(pixels) for pixels in raw])
            _learn(part, inputs)
            found.append(logits(part.eval(), inputs))
        detector.join(torch.stack(found, dim=1).numpy(), LABELS)
    elif isinstance(detector, FeatureDetector):
        with torch.no_grad():
            features = detector.eval().features(pictures)
        if by_descent(detector):
            _descend(detector, features, cached=True)
        else:
            fit_head(detector, (features.numpy(), LABELS), (features.numpy(), LABELS))
    else:
        _descend(detector, pictures)


def _descend(detector: Detector, inputs: torch.Tensor, cached: bool = False) -> None:
    """Plain gradient descent with the loss, the optimiser and the schedule of the real training."""
    steps = 300 if cached else 60
    recipe = Recipe(steps=steps, learning_rate=1e-2, weight_decay=0.0)
    task = Task(np.empty(16, object), LABELS, None, seed=0)
    settings = DetectorTraining(detector.train(), recipe, task, cached).configure_optimizers()
    for step in range(steps):
        if step in (10, 20, 40, 80, 160) and area(logits_of(detector.eval(), inputs, cached)) == 1:
            return
        detector.train()
        loss = detector.head_loss(inputs, labels()) if cached else detector.loss(inputs, labels())
        settings["optimizer"].zero_grad()
        loss.backward()
        settings["optimizer"].step()
        settings["lr_scheduler"]["scheduler"].step()


@every_yaml
def test_says_what_it_is(name):
    detector = stand_ins.detector(name)
    assert detector.control == (name in {*BLIND, *SIGHTED})
    assert detector.control or re.search(r"arXiv \d{4}\.\d{4,5}|proceedings\.", detector.paper)
    assert detector.input, "what it sees of a picture"


@every
def test_prepare_leaves_the_picture_as_it_was(name):
    detector = build(name)
    if detector.reads == "pixels":
        pixels = stand_ins.human_pixels(3, side=48)
        before = pixels.copy()
        pixels.flags.writeable = False
        detector.prepare(pixels, np.random.default_rng(0))
        np.testing.assert_array_equal(pixels, before)


@every
def test_prepare_asks_nothing_of_the_network(name):
    """It runs in other processes, while the network is on a device that they cannot use."""
    detector = build(name)
    expected = batch(detector, np.random.default_rng(0))
    assert expected.is_contiguous()
    assert torch.equal(batch(detector.to("meta"), np.random.default_rng(0)), expected)


@every_yaml
def test_any_picture_can_be_prepared_or_is_told_to_be_too_small(name):
    detector = build(name).eval()
    for size in [(1, 1), (5, 70), (71, 9)] * (detector.reads == "pixels"):
        pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        try:
            prepared = [detector.prepare(pixels), detector.prepare(pixels, np.random.default_rng(0))]
        except UserError as error:
            assert f"{size[1]} x {size[0]}" in str(error)
        else:
            assert all(logits(detector, one[None]).isfinite().all() for one in prepared)


@every
def test_travels_to_another_process(name):
    detector = build(name).eval()
    pictures = batch(detector)[:2]
    copied = pickle.loads(pickle.dumps(detector))
    assert torch.equal(logits(copied, pictures), logits(detector, pictures))


def test_only_a_linear_head_is_fitted_in_closed_form():
    assert not by_descent(build("spectral"))
    assert isinstance(build("spectral").head, nn.Linear)
    assert by_descent(build("Grid"))
    with pytest.raises(UserError, match="Grid has a head that is not linear"):
        fit_head(
            build("Grid"), (np.zeros((2, 2, 8), np.float32), LABELS[:2]), (np.zeros((2, 2, 8), np.float32), LABELS[:2])
        )
