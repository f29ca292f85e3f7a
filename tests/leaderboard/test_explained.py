"""Scores made of metadata are found, whatever their form; scores made of pictures are not."""

import numpy as np
import pytest

from redqueen.leaderboard.explained import explained as each_explained
from redqueen.metrics.functional import auroc

N = 600


def explained(scores, *rows):
    return each_explained(scores[None], *rows)[0]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    metadata = np.stack([rng.choice([4.1, 4.6, 4.9], N), rng.normal(size=N), np.full(N, 0.9)], axis=1)
    return metadata, np.arange(N) % 2, np.repeat(np.arange(N // 2), 2).astype(str)


@pytest.mark.parametrize(
    "score", [lambda m: m[:, 1], lambda m: np.sin(4 * m[:, 1]), lambda m: m[:, 0] + 0.3 * m[:, 1], lambda m: -m[:, 0]]
)
def test_metadata_explain_what_is_made_of_them(rows, score):
    metadata, labels, groups = rows
    noise = np.random.default_rng(1).normal(0, 0.05, N)
    found = explained(score(metadata) + noise, metadata, labels, groups)
    assert found.share > 0.75
    assert abs(found.within - 0.5) < 0.1


def test_metadata_do_not_explain_an_honest_detector(rows):
    metadata, labels, groups = rows
    scores = np.random.default_rng(2).normal(size=N) + 2 * labels
    found = explained(scores, metadata, labels, groups)
    assert found.share < 0.05
    assert found.within == pytest.approx(auroc(scores, labels), abs=0.03)
    assert abs(found.metadata - 0.5) < 0.1


def test_a_leak_falls_to_chance_among_like_pictures(rows):
    metadata, labels, groups = rows
    leaky = metadata.copy()
    leaky[:, 1] += 2 * labels
    found = explained(leaky[:, 1], leaky, labels, groups)
    assert found.share > 0.9
    assert found.metadata > 0.85  # as good as the scores themselves
    assert found.within < 0.75


def test_groups_are_not_learned_by_heart(rows):
    _, labels, _ = rows
    places = np.repeat(np.arange(N // 20), 20)
    own = np.random.default_rng(3).normal(size=(2, N // 20))
    found = explained(own[0][places], own[1][places][:, None], labels, places.astype(str))
    assert found.share < 0.1
    torn = explained(own[0][places], own[1][places][:, None], labels, np.arange(N).astype(str))
    assert torn.share > 0.9  # what it would say if groups were torn


def test_nothing_that_varies_explains_nothing(rows):
    metadata, labels, groups = rows
    assert explained(metadata[:, 1], metadata[:, 2:], labels, groups) is None
    assert explained(np.full(N, 0.5), metadata, labels, groups) is None
    assert explained(metadata[:3, 1], metadata[:3], labels[:3], groups[:3]) is None


def test_of_several_detectors_the_one_made_of_metadata_is_found(rows):
    metadata, labels, groups = rows
    rng = np.random.default_rng(4)
    honest = rng.normal(size=(4, N)) + labels
    found = each_explained(np.stack([*honest, np.sin(4 * metadata[:, 1])]), metadata, labels, groups)
    assert max(one.share for one in found[:4]) < 0.05 and found[4].share > 0.75
