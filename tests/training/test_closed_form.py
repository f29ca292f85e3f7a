"""The closed-form head against scikit-learn's own pipeline."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from redqueen.detectors.base import FeatureDetector
from redqueen.training.closed_form import MAX_ITERATIONS, STRENGTHS, fit_head


class Raw(FeatureDetector):
    """The features are the input."""

    identity = "raw"

    def prepare(self, pixels, rng=None):
        return torch.from_numpy(pixels)

    def features(self, batch):
        return batch


def data(n, width, seed):
    """Features of very different scales, of which three tell something."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 2)
    x = rng.normal(size=(n, width))
    x[:, :3] += labels[:, None] * [0.8, -0.5, 0.3]
    return (x * 10.0 ** np.arange(-2, width - 2) + 100).astype(np.float32), labels


@pytest.fixture
def split():
    return data(120, 6, seed=1), data(60, 6, seed=2)


def pipelines(train, strengths=STRENGTHS):
    models = [make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=MAX_ITERATIONS)) for c in strengths]
    return [model.fit(train[0].astype(np.float64), train[1]) for model in models]


@pytest.mark.parametrize("strength", STRENGTHS)
def test_folded_head_is_the_pipeline(split, strength):
    train, val = split
    detector = Raw((6,))
    assert fit_head(detector, train, val, [strength]) == strength
    (model,) = pipelines(train, [strength])
    with torch.no_grad():
        found = detector(torch.from_numpy(val[0])).numpy()
    np.testing.assert_allclose(found, model.decision_function(val[0].astype(np.float64)), atol=2e-3)


def test_strength_is_the_best_on_validation_and_the_smallest_of_equals(split):
    train, val = split
    scores = [roc_auc_score(val[1], model.decision_function(val[0].astype(np.float64))) for model in pipelines(train)]
    assert fit_head(Raw((6,)), train, val) == STRENGTHS[int(np.argmax(scores))]  # argmax takes the first of equals
    one_feature = (train[0][:, :1], train[1]), (val[0][:, :1], val[1])  # the ranking cannot depend on the strength
    assert fit_head(Raw((1,)), *one_feature) == STRENGTHS[0]


@pytest.mark.parametrize("value", [0.0, 1.0, -3e5, 1e-9])
def test_a_constant_feature_gets_no_weight(split, value):
    (x, y), (held, truth) = split
    for part in (x, held):
        part[:, 2] = value
    held[:5, 2] += 1000  # must not matter
    detector = Raw((6,))
    fit_head(detector, (x, y), (held, truth))
    weight = detector.head.weight[0]
    assert weight[2] == 0
    assert weight[[0, 1, 3, 4, 5]].all()
    assert torch.isfinite(detector.head.bias).all()


def test_only_constant_features_give_the_base_rate():
    labels = np.array([1, 1, 1, 0])
    detector = Raw((2,))
    fit_head(detector, (np.ones((4, 2), np.float32), labels), (np.ones((4, 2), np.float32), labels))
    assert not detector.head.weight.any()
    assert torch.sigmoid(detector.head.bias).item() == pytest.approx(0.75, abs=1e-3)


def test_scores_do_not_depend_on_the_batch(split):
    train, val = split
    detector = Raw((6,))
    fit_head(detector, train, val)
    x = torch.from_numpy(val[0])
    with torch.no_grad():
        assert torch.equal(detector(x), torch.cat([detector(row[None]) for row in x]))
