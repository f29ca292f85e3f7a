"""PGD: within its bounds, against a case that can be counted, and on detectors as they read pictures."""

import numpy as np
import pytest
import torch

import stand_ins
from redqueen.errors import UserError
from redqueen.evaluation.attack import PGD, attacked, exposed

SIDE = 40
OPEN = ("cnndetection", "dct", "freqnet", "npr", "safe", "timm_finetune")
CLOSED = ("constant", "dire", "jpeg_quality_probe", "lgrad", "metadata_probe", "patchcraft", "spectral", "ssp")


def test_against_a_linear_score_every_value_goes_to_the_end_of_what_is_allowed():
    weight = torch.tensor([[1.0, -2.0, 3.0, -1.0]])
    pictures = torch.tensor([[0.5, 0.5, 0.01, 0.99], [0.5, 0.5, 0.01, 0.99]])
    found = PGD(epsilon=0.1)(lambda seen: (seen * weight).sum(dim=1), pictures, torch.tensor([1, 0]))
    expected = torch.tensor([[0.4, 0.6, 0.0, 1.0], [0.6, 0.4, 0.11, 0.89]])
    torch.testing.assert_close(found, expected)


def test_a_saturated_score_still_shows_the_way():
    found = PGD(epsilon=0.1)(lambda seen: 1e4 * seen.sum(dim=1), torch.full((1, 3), 0.5), torch.tensor([1]))
    torch.testing.assert_close(found, torch.full((1, 3), 0.4))


def test_a_picture_that_no_step_makes_worse_stays():
    picture = torch.full((1, 3), 0.5)
    found = PGD(epsilon=0.1)(lambda seen: ((seen - 0.5) ** 2).sum(dim=1), picture, torch.tensor([1]))
    torch.testing.assert_close(found, picture)


def pictures(side=SIDE):
    return [stand_ins.human_pixels(number, side) for number in range(3)]


def clean(detector, given):
    with torch.inference_mode():
        return detector.eval()(torch.stack([detector.prepare(one) for one in given])).float()


@pytest.mark.parametrize("name", OPEN)
def test_scores_of_generated_pictures_fall_and_of_human_made_ones_rise(name):
    detector, given, labels = stand_ins.detector(name), pictures(), [1, 1, 0]
    before, kept = clean(detector, given), [one.copy() for one in given]
    state = {key: value.clone() for key, value in detector.state_dict().items()}
    made, after = attacked(detector, given, labels, PGD(epsilon=8 / 255, steps=5))
    assert (after[:2] < before[:2]).all() and after[2] > before[2]
    for one, old, copy in zip(made, given, kept, strict=True):
        change = np.abs(one.astype(int) - old)
        assert (one.dtype, one.shape) == (np.uint8, old.shape)
        assert 0 < change.max() <= 8
        np.testing.assert_array_equal(old, copy)
    torch.testing.assert_close(clean(detector, made), after)  # as anybody would score the saved pictures
    again, _ = attacked(detector, given, labels, PGD(epsilon=8 / 255, steps=5))
    np.testing.assert_array_equal(made, again)
    assert all(torch.equal(value, state[key]) for key, value in detector.state_dict().items())
    assert all(parameter.grad is None for parameter in detector.parameters())


@pytest.mark.parametrize("name", CLOSED)
def test_who_reads_no_fixed_window_or_has_no_gradient_is_refused_in_one_line(name):
    detector = stand_ins.detector(name)
    with pytest.raises(UserError, match=rf"^attack: [^\n]*{type(detector).__name__}[^\n]*$"):
        exposed(detector.eval(), (SIDE, SIDE, 3))


class Blind(torch.nn.Module):
    """Takes no gradient back to the picture, though it has weights of its own."""

    reads = "pixels"

    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def prepare(self, pixels, rng=None):
        return torch.from_numpy(pixels.transpose(2, 0, 1) / 255.0)

    def forward(self, batch):
        return batch.detach().mean(dim=(1, 2, 3)) + self.bias


def test_a_score_without_a_gradient_is_refused():
    with pytest.raises(UserError, match="^attack: the score of Blind has no gradient$"):
        exposed(Blind(), (SIDE, SIDE, 3))


def test_the_window_is_where_the_detector_reads_whatever_the_picture_s_size():
    detector = stand_ins.detector("safe").eval()
    view = exposed(detector, (47, 301, 3))
    assert (view.top, view.left, tuple(view.low.shape)) == ((47 - 32) // 2, (301 - 32) // 2, (3, 32, 32))
    with pytest.raises(UserError, match="no fixed window of a picture of 31 x 40 pixels"):
        exposed(detector, (40, 31, 3))


def test_pictures_of_several_sizes_and_what_is_no_attack_are_refused():
    detector = stand_ins.detector("safe")
    with pytest.raises(UserError, match="attack: pictures of 2 sizes"):
        attacked(detector, [*pictures(40), *pictures(44)], [1] * 6, PGD())
    for settings in ({"epsilon": 2}, {"steps": 0}, {"rate": -1}):
        with pytest.raises(UserError, match=f"attack.{next(iter(settings))} .* is not allowed"):
            PGD(**settings)
