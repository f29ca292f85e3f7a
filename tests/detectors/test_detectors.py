"""Every detector in configs/detector, one suite: a new YAML is tested on the day it lands."""

import numpy as np
import pytest
import torch

import stand_ins
from redqueen.detectors.base import Detector, FeatureDetector
from redqueen.training import checkpoint
from redqueen.training.closed_form import fit_head
from redqueen.training.module import DetectorTraining

CORPUS = "0" * 64
BLIND = {  # controls that cannot tell these pictures apart, and why
    "constant": "reads nothing",
    "metadata_probe": "reads metadata, and these pictures differ in pixels alone",
}
LABELS = np.arange(16) % 2

every = pytest.mark.parametrize("name", stand_ins.names("detector"))


def batch(detector: Detector, rng: np.random.Generator | None = None) -> torch.Tensor:
    """Sixteen prepared pictures, human-made and generated in turn."""
    if detector.reads == "metadata":
        rows = np.random.default_rng(0).normal(size=(16, 7)).astype(np.float32)
        return torch.stack([detector.prepare(row) for row in rows])
    draw = (stand_ins.human_pixels, stand_ins.generated_pixels)
    return torch.stack([detector.prepare(draw[label](number), rng) for number, label in enumerate(LABELS)])


def warmed_up(name: str) -> Detector:
    """A detector in evaluation mode whose running statistics are not those of a fresh one."""
    detector = stand_ins.detector(name).train()
    detector(batch(detector))
    return detector.eval()


@torch.no_grad()
def logits(detector: Detector, pictures: torch.Tensor) -> torch.Tensor:
    return detector(pictures)


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
    detector = stand_ins.detector(name).train()
    detector(batch(detector)).square().sum().backward()
    for key, parameter in detector.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert parameter.grad.abs().max() > 0 or name == "constant", key
        else:
            assert parameter.grad is None, key
    if isinstance(detector, FeatureDetector):  # the closed form fits the head and can fit nothing else
        assert {key for key, one in detector.named_parameters() if one.requires_grad} == {"head.weight", "head.bias"}


@every
def test_batch_size_and_batch_mates_leave_no_trace(name):
    detector = warmed_up(name)
    pictures = batch(detector)
    together = logits(detector, pictures)
    alone = torch.cat([logits(detector, one[None]) for one in pictures])
    reversed_ = logits(detector, pictures.flip(0)).flip(0)
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(reversed_, together, atol=1e-5, rtol=1e-5)


@every
def test_same_seed_same_logits(name):
    first, second, other = (stand_ins.detector(name, seed).eval() for seed in (0, 0, 1))
    found = [logits(detector, batch(detector)) for detector in (first, second, other)]
    assert torch.equal(found[0], found[1])
    assert name == "constant" or not torch.equal(found[0], found[2])
    draws = [batch(first, np.random.default_rng(5)) for _ in range(2)]
    assert torch.equal(*draws)


@every
def test_training_mode_changes_no_frozen_statistics(name):
    detector = stand_ins.detector(name).train()
    before = {key: tensor.clone() for key, tensor in detector.state_dict().items()}
    detector(batch(detector))
    changed = {key for key, tensor in detector.state_dict().items() if not torch.equal(tensor, before[key])}
    assert changed <= set(detector.trained_state())


@every
def test_a_restored_checkpoint_gives_identical_logits(name, tmp_path):
    detector = warmed_up(name)
    saved = checkpoint.save(tmp_path, detector, "_target_: x\n", {"corpus_digest": CORPUS})
    fresh = stand_ins.detector(name, seed=7).eval()
    pictures = batch(detector)
    assert name == "constant" or not torch.equal(logits(fresh, pictures), logits(detector, pictures))
    restored = saved.restore(fresh, CORPUS)
    assert torch.equal(logits(restored, pictures), logits(detector, pictures))


@every
def test_learns_sixteen_pictures_by_heart(name):
    detector = stand_ins.detector(name)
    if name in BLIND:
        assert detector.control, f"{name} is no control: it must learn"
        pytest.skip(f"{name}: {BLIND[name]}")
    pictures = batch(detector)
    if isinstance(detector, FeatureDetector):
        with torch.no_grad():
            features = detector.eval().features(pictures).numpy()
        fit_head(detector, (features, LABELS), (features, LABELS))
    else:
        _descend(detector, pictures)
    found = logits(detector.eval(), pictures).numpy()
    pairs = found[LABELS == 1][:, None] - found[LABELS == 0][None]
    assert np.mean(np.where(pairs == 0, 0.5, pairs > 0)) > 0.95  # AUROC, by its definition


def _descend(detector: Detector, pictures: torch.Tensor, steps: int = 60) -> None:
    """Plain gradient descent with the optimiser and the schedule of the real training."""
    settings = DetectorTraining(detector.train(), steps, learning_rate=1e-2, weight_decay=0.0).configure_optimizers()
    for _ in range(steps):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(detector(pictures), torch.tensor(LABELS).float())
        settings["optimizer"].zero_grad()
        loss.backward()
        settings["optimizer"].step()
        settings["lr_scheduler"]["scheduler"].step()


@every
def test_says_whether_it_is_a_control(name):
    detector = stand_ins.detector(name)
    assert detector.control == (name in BLIND)
    assert detector.control or "arXiv" in detector.paper


@every
def test_prepare_leaves_the_picture_as_it_was(name):
    detector = stand_ins.detector(name)
    if detector.reads == "pixels":
        pixels = stand_ins.human_pixels(3, side=48)
        before = pixels.copy()
        pixels.flags.writeable = False
        detector.prepare(pixels, np.random.default_rng(0))
        np.testing.assert_array_equal(pixels, before)
