"""The JPEG probe tells qualities apart by pixels alone, and takes its numbers from the audit."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score

from redqueen.corpus.jpeg_traces import traces
from redqueen.detectors.jpeg_quality_probe import JpegQualityProbe
from redqueen.perturbations.functional import jpeg
from redqueen.training.closed_form import fit_head


def scene(number, side=96):
    """Something with edges, gradients and grain."""
    rng = np.random.default_rng(number)
    smooth = gaussian_filter(rng.normal(size=(side, side, 3)), (6, 6, 0))
    steps = np.sign(gaussian_filter(rng.normal(size=(side, side, 1)), (10, 10, 0)))
    values = 128 + 300 * smooth + 30 * steps + rng.normal(size=(side, side, 3)) * 4
    return values.clip(0, 255).astype(np.uint8)


def features(detector, version, numbers):
    return torch.stack([detector.prepare(version(scene(number))) for number in numbers]).numpy()


VERSIONS = {
    "never": lambda pixels: pixels,
    "95": lambda pixels: jpeg(pixels, np.random.default_rng(0), 95),
    "60": lambda pixels: jpeg(pixels, np.random.default_rng(0), 60),
}


@pytest.mark.parametrize(("one", "other"), [("60", "95"), ("never", "60"), ("never", "95")])
def test_tells_histories_apart(one, other):
    detector, labels = JpegQualityProbe(), np.arange(48) % 2
    pairs = [VERSIONS[one], VERSIONS[other]]
    parts = [np.empty((48, *detector.shape), np.float32) for _ in range(3)]
    for number, part in enumerate(parts):
        for at in range(48):
            part[at] = features(detector, pairs[at % 2], [100 * number + at])[0]
    fit_head(detector, (parts[0], labels), (parts[1], labels))
    with torch.no_grad():
        scores = detector.score(torch.from_numpy(parts[2])).numpy()
    assert roc_auc_score(labels, scores) > 0.95


def test_numbers_are_the_audits():
    pixels = VERSIONS["60"](scene(0))
    expected = traces(np.asarray(Image.fromarray(pixels).convert("L")))
    np.testing.assert_array_equal(JpegQualityProbe().prepare(pixels).numpy(), expected.astype(np.float32))


@pytest.mark.parametrize("shape", [(1, 1), (31, 400)])
def test_a_picture_without_a_grid_is_zeros(shape):
    assert not JpegQualityProbe().prepare(np.zeros((*shape, 3), np.uint8)).any()


def test_is_a_control():
    assert JpegQualityProbe.control
