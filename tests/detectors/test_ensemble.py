"""An ensemble: each member as by itself, the combination against a grid search, the whole through training."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from sklearn.metrics import log_loss, roc_auc_score

import stand_ins
from redqueen.detectors import inference
from redqueen.detectors.ensemble import Ensemble, pack, unpack
from redqueen.detectors.metadata_probe import MetadataProbe
from redqueen.errors import UserError
from redqueen.perturbations.suite import CLEAN, Suite
from redqueen.training.fit import Recipe, Rows, by_descent, fit

SUITE = Suite("none", 1, {CLEAN: []})


def ensemble(*names):
    return Ensemble({name: stand_ins.detector(name) for name in names or ("spectral", "dct", "lite0_probe")}).eval()


def test_before_training_it_is_the_mean_of_its_members():
    joint = ensemble("spectral", "lite0_probe", "npr")
    pictures = [stand_ins.human_pixels(number) for number in range(4)]
    batch = torch.stack([joint.prepare(picture) for picture in pictures])
    with torch.no_grad():
        found = joint(batch)
        each = [
            member(torch.stack([member.prepare(picture) for picture in pictures])) for member in joint.parts().values()
        ]
    torch.testing.assert_close(found, torch.stack(each).mean(0))


@pytest.mark.parametrize("shapes", [[(3, 4, 4), (5,)], [()], [(1, 1), (2, 0, 3), (2,)]])
def test_packing_loses_nothing(shapes):
    rows = [[torch.randn(shape) for shape in shapes] for _ in range(3)]
    found = unpack(torch.stack([pack(row) for row in rows]))
    for number, one in enumerate(found):
        assert torch.equal(one, torch.stack([row[number] for row in rows]))


def test_pictures_of_different_sizes_are_no_batch():
    rows = [pack([torch.zeros(2, 3)]), pack([torch.zeros(3, 2)])]
    with pytest.raises(UserError, match="different sizes"):
        unpack(torch.stack(rows))


class TestJoin:
    def scores(self, n=400):
        """A good member of a strange scale, a weaker one, and one that knows nothing."""
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 2, n)
        signs = 2 * labels - 1
        logits = [30 * (signs + rng.normal(size=n)) + 50, 0.1 * (signs + 2 * rng.normal(size=n)), rng.normal(size=n)]
        return np.stack(logits, axis=1).astype(np.float32), labels

    def joined(self, logits, labels):
        joint = ensemble()
        joint.join(logits, labels)
        with torch.no_grad():
            return joint, joint.combine(torch.from_numpy(logits)).numpy()

    def test_is_calibrated_and_beats_each_member(self):
        logits, labels = self.scores()
        _, found = self.joined(logits, labels)
        assert roc_auc_score(labels, found) > max(roc_auc_score(labels, one) for one in logits.T)
        chance = 1 / (1 + np.exp(-found))
        for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
            inside = (chance >= low) & (chance <= high)
            assert abs(chance[inside].mean() - labels[inside].mean()) < 0.1

    def test_no_other_weights_near_by_are_much_better(self):
        logits, labels = self.scores()
        joint, found = self.joined(logits, labels)
        best = log_loss(labels, 1 / (1 + np.exp(-found)))
        weight = joint.weight.detach().numpy()
        for number in range(3):
            for factor in (0.8, 1.25):
                other = weight.copy()
                other[number] *= factor
                moved = logits @ other + joint.bias.item()
                assert log_loss(labels, 1 / (1 + np.exp(-moved))) > best - 1e-3  # the penalty moves it that little

    def test_a_failed_picture_counts_for_nothing(self):
        logits, labels = self.scores()
        _, wanted = self.joined(logits, labels)
        more = np.vstack([logits, np.full((1, 3), np.nan, np.float32), [[np.nan, 900, 900]]]).astype(np.float32)
        _, found = self.joined(more, np.append(labels, [0, 1]))
        np.testing.assert_allclose(found[:-2], wanted, rtol=1e-5, atol=1e-5)
        assert np.isnan(found[-2:]).all()

    @pytest.mark.parametrize("left", [0, 1, None])
    def test_one_class_alone_is_told(self, left):
        logits, labels = self.scores(20)
        logits[labels != left, 1] = np.nan
        with pytest.raises(UserError, match=rf"of 20 validation .* score {(labels == left).sum()}, and those are not"):
            ensemble().join(logits, labels)

    def test_a_member_that_says_one_thing_has_no_weight(self):
        logits, labels = self.scores()
        logits[:, 2] = 7.0
        joint, found = self.joined(logits, labels)
        assert joint.weight[2] == 0
        assert np.isfinite(found).all()


def test_every_member_is_fitted_in_its_own_way_then_the_combination(corpus, tmp_path):
    rows = Rows.choose(corpus, ("2026-01", "2026-02"), False, 0)
    joint, alone = ensemble("spectral", "dct"), stand_ins.detector("spectral")
    assert not by_descent(joint)
    assert by_descent(ensemble("spectral", "npr"))
    for detector in (joint, alone):
        fit(detector, rows, Recipe(), 0, tmp_path / "work", tmp_path / "cache")
    assert torch.equal(joint.parts()["spectral"].head.weight, alone.head.weight)
    assert not torch.equal(joint.weight, torch.full((2,), 0.5))
    found = inference.logits(
        inference.Judge(joint, "an id"), inference.Pictures(corpus, rows.val, SUITE, tmp_path / "cache"), CLEAN
    )
    with torch.inference_mode():
        direct = joint(torch.stack([joint.prepare(corpus.pixels(row)) for row in rows.val]))
    np.testing.assert_allclose(found, direct.numpy(), atol=1e-4, rtol=1e-4)
    assert roc_auc_score(rows.val_labels, found) > 0.9


def test_a_checkpoint_holds_what_was_trained_and_no_backbone():
    joint = ensemble()
    state = joint.trained_state()
    assert sum(tensor.numel() for tensor in state.values()) < 5000
    fresh = instantiate(stand_ins.node("ensemble"), _convert_="object")
    fresh.load_trained(state)
    assert all(torch.equal(tensor, state[key]) for key, tensor in fresh.trained_state().items())


@pytest.mark.parametrize("key", ["weight", "members.spectral.weight", "members.other.weight"])
def test_a_state_of_another_ensemble_is_refused(key):
    joint = ensemble()
    state = joint.trained_state()
    if key in state:
        del state[key]
    else:
        state[key] = torch.zeros(1)
    with pytest.raises(RuntimeError):
        joint.load_trained(state)


def test_members_that_cannot_be_joined_are_told():
    with pytest.raises(UserError, match="1 members; it combines at least two"):
        ensemble("spectral")
    with pytest.raises(UserError, match="member 'm' reads metadata; members read pixels"):
        Ensemble({"spectral": stand_ins.detector("spectral"), "m": MetadataProbe()})
