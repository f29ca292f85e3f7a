"""DRCT: its loss by a second implementation, and what it drives apart."""

import numpy as np
import pytest
import torch

import stand_ins
from redqueen.detectors.drct import DRCT, contrast
from redqueen.detectors.timm_finetune import untrained
from redqueen.errors import UserError


def contrast_in_numpy(embeddings, labels, margin):
    """Pair by pair, as the contrastive loss of pytorch-metric-learning says it: means over what is above zero."""
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    same, other = [], []
    for i in range(len(labels)):
        for j in range(len(labels)):
            distance = np.linalg.norm(unit[i] - unit[j])
            if i != j and labels[i] == labels[j]:
                same.append(max(distance, 0.0))
            elif i != j:
                other.append(max(margin - distance, 0.0))
    means = [np.mean([value for value in values if value > 0] or [0.0]) for values in (same, other)]
    return sum(means)


@pytest.mark.parametrize("labels", [[0, 1, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 1]])
@pytest.mark.parametrize("margin", [0.7, 1.0, 1.6])
def test_contrast_is_the_published_one(labels, margin):
    embeddings = np.random.default_rng(0).normal(size=(6, 5))
    found = contrast(torch.tensor(embeddings), torch.tensor(labels).float(), margin)
    assert float(found) == pytest.approx(contrast_in_numpy(embeddings, labels, margin), rel=1e-6)


def test_contrast_of_equal_pictures_has_a_gradient():
    embeddings = torch.ones(4, 3, requires_grad=True)
    contrast(embeddings, torch.tensor([0.0, 0.0, 1.0, 1.0]), 1.0).backward()
    assert embeddings.grad.isfinite().all()


@pytest.fixture
def detector():
    torch.manual_seed(0)
    return DRCT(untrained("test_efficientnet"), embedding=8, crop=32)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_loss_weighs_cross_entropy_and_contrast(detector, alpha):
    detector.alpha = alpha
    batch = torch.stack([detector.prepare(stand_ins.human_pixels(n)) for n in range(4)])
    labels = torch.tensor([0.0, 1.0, 1.0, 0.0])
    with torch.no_grad():
        found = float(detector.eval().loss(batch, labels))
        embeddings, logits = detector.embed(batch).double().numpy(), detector(batch).double().numpy()
    entropy = np.mean(np.logaddexp(0, np.where(labels.numpy() == 1, -logits, logits)))
    expected = (1 - alpha) * entropy + alpha * contrast_in_numpy(embeddings, labels.numpy(), 1.0)
    assert found == pytest.approx(expected, rel=1e-4)


def test_every_weight_learns(detector):
    batch = torch.stack([detector.prepare(stand_ins.human_pixels(n), np.random.default_rng(n)) for n in range(4)])
    detector.train().loss(batch, torch.tensor([0.0, 1.0, 1.0, 0.0])).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in detector.parameters())


def test_it_drives_pictures_and_their_copies_apart(detector):
    """Each picture and the same a little blurred: after training pairs of one label are nearer than pairs of two."""
    pictures = [stand_ins.human_pixels(n) for n in range(8)]
    blurred = [((one.astype(int) + np.roll(one, 1, axis=1)) // 2).astype(np.uint8) for one in pictures]
    batch = torch.stack([detector.prepare(one) for one in (*pictures, *blurred)])
    labels = torch.tensor([0.0] * 8 + [1.0] * 8)
    detector.train()
    optimiser = torch.optim.AdamW(detector.parameters(), lr=3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        detector.loss(batch, labels).backward()
        optimiser.step()
    with torch.no_grad():
        found = torch.nn.functional.normalize(detector.embed(batch))
    distances = torch.cdist(found, found)
    assert distances[:8, 8:].mean() > 2 * distances[:8, :8].mean()


def test_shares_that_are_none_are_refused():
    with pytest.raises(UserError, match=r"alpha=1\.5: must be between 0 and 1"):
        DRCT(untrained("test_efficientnet"), alpha=1.5)
