"""LGrad: gradients against finite differences, pictures of them against the authors' formula, what is looked at."""

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from redqueen.detectors.backbones import Backbone
from redqueen.detectors.lgrad import LGrad, gradient, scaled
from redqueen.errors import UserError

SMALL = {"size": 16, "crop": 12, "depths": (1, 1, 1, 1), "width": 4}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def backbone(seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 196, 2))
    return Backbone(network, 2, (0.5,) * 3, (0.5,) * 3, "0", "small", 16)


@pytest.fixture
def detector():
    return LGrad(backbone(), **SMALL).eval()


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (20, 31, 3), dtype=np.uint8)


def authors_picture(gradient: np.ndarray) -> np.ndarray:
    """`normlize_np` of their gen_imggrad.py, before 255."""
    found = gradient - gradient.min()
    return found / found.max() if found.max() != 0 else found


def seen(detector, batch):
    """What the classifier is given."""
    given = []
    handle = detector.classifier.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    detector(batch)
    handle.remove()
    return given[0].detach() * STD + MEAN


def test_gradient_is_that_of_finite_differences():
    network = backbone().network.double().eval()
    picture = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    found = gradient(network, picture)
    for place in ((0, 0, 0), (1, 7, 3), (2, 15, 15)):
        step = torch.zeros_like(picture)
        step[(0, *place)] = 1e-5
        expected = (network(picture + step) - network(picture - step)).sum() / 2e-5
        torch.testing.assert_close(found[(0, *place)], expected.detach(), atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_gradient_is_the_same_whatever_the_caller_has_switched_off(mode, detector, picture):
    expected = detector(detector.prepare(picture)[None]).detach()
    with mode():
        found = detector(detector.prepare(picture)[None])
    assert torch.equal(found.detach(), expected)


def test_a_pictures_gradient_knows_nothing_of_its_batch_mates(detector):
    pictures = torch.rand(5, 3, 16, 16)
    together = gradient(detector.network, pictures)
    alone = torch.cat([gradient(detector.network, one[None]) for one in pictures])
    torch.testing.assert_close(together, alone, atol=1e-7, rtol=1e-5)
    assert not pictures.requires_grad


def test_scaled_is_the_authors_formula():
    found = torch.randn(4, 3, 5, 6)
    found[2] = 0.7
    expected = np.stack([authors_picture(one) for one in found.numpy()])
    np.testing.assert_allclose(scaled(found).numpy(), expected, atol=1e-6)
    assert not scaled(found)[2].any()


def test_evaluation_sees_the_whole_gradient(detector, picture):
    prepared = detector.prepare(picture)
    inputs = prepared[:-4].reshape(1, 3, 16, 16)
    expected = authors_picture(gradient(detector.network, inputs)[0].numpy())
    np.testing.assert_allclose(seen(detector, prepared[None])[0].numpy(), expected, atol=1e-5)


def test_the_picture_is_scaled_as_pillow_does(detector, picture):
    found = (detector.prepare(picture)[:-4].reshape(3, 16, 16) * 0.5 + 0.5).permute(1, 2, 0).numpy() * 255
    expected = np.asarray(Image.fromarray(picture).resize((16, 16), Image.Resampling.BILINEAR), np.float32)
    assert np.abs(found - expected).max() < 1.5  # Pillow rounds after each of its two passes
    assert detector.prepare(picture[:1, :1]).isfinite().all()


def test_training_sees_a_crop_of_the_same_gradient_mirrored_or_not(detector, picture):
    whole = seen(detector, detector.prepare(picture)[None])[0]
    places = set()
    for seed in range(30):
        part = seen(detector, detector.prepare(picture, np.random.default_rng(seed))[None])[0]
        assert part.shape == (3, 12, 12)
        hits = {
            (top, left, mirrored)
            for top in range(5)
            for left in range(5)
            for mirrored in (False, True)
            if torch.allclose(
                part.flip(-1) if mirrored else part, whole[:, top : top + 12, left : left + 12], atol=1e-5
            )
        }
        assert len(hits) == 1
        places |= hits
    assert len(places) > 15
    assert {mirrored for *_, mirrored in places} == {False, True}


def test_the_frozen_network_is_not_trained_and_not_stored(detector, picture):
    detector.train()
    assert not detector.network.training
    before = {key: value.clone() for key, value in detector.network.state_dict().items()}
    detector(torch.stack([detector.prepare(picture[i:]) for i in range(3)])).sum().backward()
    assert all(torch.equal(value, before[key]) for key, value in detector.network.state_dict().items())
    state = detector.trained_state()
    assert {key.partition(".")[0] for key in state} == {"classifier"}
    other = LGrad(backbone(seed=1), **SMALL)
    other.load_trained(state)
    assert torch.equal(other.classifier.conv1.weight, detector.classifier.conv1.weight)
    for broken in ({key: value for key, value in state.items() if "fc" not in key}, {**state, "more": torch.zeros(1)}):
        with pytest.raises(RuntimeError, match=r"fc\.weight|more"):
            other.load_trained(broken)


def test_names_and_shapes_are_the_published_ones():
    """The authors' classifier is torchvision's ResNet-50 with one output."""
    theirs = torchvision.models.resnet50(num_classes=1).state_dict()
    ours = LGrad(backbone()).classifier.state_dict()
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: None, None),
        (lambda s: s.pop("layer2.0.bn1.bias"), "layer2.0.bn1.bias missing"),
        (lambda s: s.update({"layer5.bias": torch.zeros(1)}), "layer5.bias left over"),
        (lambda s: s.update({"fc.bias": torch.zeros(2)}), r"fc.bias is \(2,\), ours is \(1,\)"),
    ],
)
def test_published_weights_are_taken_whole_or_not(change, message, tmp_path):
    published = {key: value + 1 for key, value in LGrad(backbone(), **SMALL).classifier.state_dict().items()}
    change(published)
    path = tmp_path / "lgrad.safetensors"
    save_file(published, path)
    if message is None:
        ours = LGrad(backbone(), **SMALL, weights=str(path)).classifier.state_dict()
        assert all(torch.equal(value, published[key]) for key, value in ours.items())
    else:
        with pytest.raises(UserError, match=message):
            LGrad(backbone(), **SMALL, weights=str(path))
