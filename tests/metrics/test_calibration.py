"""The temperature, against scikit-learn's logistic regression without intercept, and against what is known of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from redqueen.errors import UserError
from redqueen.metrics.calibration import HIGHEST, LOWEST, temperature


def drawn(seed, n=4000, scale=1.0):
    """Logits whose sigmoid is the true chance, times `scale`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, n)
    return logits * scale, (rng.random(n) < 1 / (1 + np.exp(-logits))).astype(int)


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_finds_what_the_logits_were_multiplied_by(scale):
    assert temperature(*drawn(0, scale=scale)) == pytest.approx(scale, rel=0.06)


@given(seed=st.integers(0, 50), scale=st.floats(0.3, 4))
def test_is_the_slope_of_a_logistic_regression(seed, scale):
    scores, labels = drawn(seed, n=300, scale=scale)
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(scores[:, None], labels)
    assert temperature(scores, labels) == pytest.approx(1 / model.coef_[0, 0], rel=1e-3)


@pytest.mark.parametrize(("scores", "expected"), [([-1.0, 1.0], LOWEST), ([1.0, -1.0], HIGHEST)])
def test_ends_at_the_bounds(scores, expected):
    assert temperature(scores, [0, 1]) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("scores", "labels"), [([], []), ([1.0], [0, 1]), ([np.nan, 1.0], [0, 1])])
def test_refuses_what_cannot_be_fitted(scores, labels):
    with pytest.raises(UserError, match="temperature"):
        temperature(scores, labels)
