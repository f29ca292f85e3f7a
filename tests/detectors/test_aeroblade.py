"""AEROBLADE: the paper's score on the published distance, re-implemented here in numpy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

import stand_ins
import tiny_diffusion
from redqueen.detectors import diffusion
from redqueen.detectors.aeroblade import Aeroblade
from redqueen.detectors.perceptual import Perceptual, Vgg16, lite0_stage, lpips_vgg
from redqueen.errors import UserError

# torchvision's vgg16: number in `features` -> (inputs, outputs) of its convolutions
VGG = {
    0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256),
    17: (256, 512), 19: (512, 512), 21: (512, 512), 24: (512, 512), 26: (512, 512), 28: (512, 512),
}  # fmt: skip
WIDTHS = (64, 128, 256, 512, 512)


def vgg_state(classifier=True):
    """What torchvision publishes, at random; the classifier's tensors have other shapes, since none is read."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for number, (inputs, outputs) in VGG.items():
        scale = (2 / (9 * inputs)) ** 0.5
        state[f"features.{number}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator) * scale
        state[f"features.{number}.bias"] = torch.randn(outputs, generator=generator) * 0.1
    if classifier:
        state |= {f"classifier.{n}.{kind}": torch.zeros(1) for n in (0, 3, 6) for kind in ("weight", "bias")}
    return state


def linear_state():
    """What github.com/richzhang/PerceptualSimilarity publishes as lpips/weights/v0.1/vgg.pth, at random."""
    generator = torch.Generator().manual_seed(1)
    return {f"lin{n}.model.1.weight": torch.rand(1, width, 1, 1, generator=generator) for n, width in enumerate(WIDTHS)}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lpips")
    torch.save(vgg_state(), folder / "vgg16.pth")
    torch.save(linear_state(), folder / "linear.pth")
    return str(folder / "vgg16.pth"), str(folder / "linear.pth")


def convolved(x, weight, bias):
    """3 x 3 convolution of (C, H, W) with a border of zeros, then ReLU."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, [(0, 0), (1, 1), (1, 1)]), (3, 3), axis=(1, 2))
    return np.maximum(np.einsum("chwij,ocij->ohw", windows, weight) + bias[:, None, None], 0)


def halved(x):
    channels, height, width = x.shape
    return x[:, : height // 2 * 2, : width // 2 * 2].reshape(channels, height // 2, 2, width // 2, 2).max(axis=(2, 4))


def lpips_in_numpy(first, second, layer):
    """Zhang et al., equation 1 without the mean over places, of two pictures (3, H, W) in [-1, 1]."""
    state = {key: value.numpy().astype(np.float64) for key, value in vgg_state().items()}
    lin = linear_state()[f"lin{layer - 1}.model.1.weight"].numpy().astype(np.float64).reshape(-1, 1, 1)
    groups = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
    found = []
    for picture in (first, second):
        x = np.asarray(picture, np.float64) - np.array([-0.030, -0.088, -0.188])[:, None, None]
        x /= np.array([0.458, 0.448, 0.450])[:, None, None]
        for number, convolutions in enumerate(groups[:layer]):
            x = halved(x) if number else x
            for one in convolutions:
                x = convolved(x, state[f"features.{one}.weight"], state[f"features.{one}.bias"])
        found.append(x / (np.sqrt((x**2).sum(axis=0, keepdims=True)) + 1e-10))
    return (lin * (found[0] - found[1]) ** 2).sum(axis=0)


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_lpips_is_the_published_formula(layer, published):
    distance = lpips_vgg(*published, layer=layer)
    first, second = (torch.rand(1, 3, 16, 20, generator=torch.Generator().manual_seed(n)) * 2 - 1 for n in (3, 4))
    found = distance(first, second)
    np.testing.assert_allclose(found[0].numpy(), lpips_in_numpy(first[0], second[0], layer), rtol=1e-3, atol=1e-6)
    assert found.shape == (1, 16 // 2 ** (layer - 1), 20 // 2 ** (layer - 1))
    assert not distance(first, first).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda vgg, lin: vgg.pop("features.5.weight"), r"features\.5\.weight missing"),
        (lambda vgg, lin: vgg.update({"features.9.weight": torch.zeros(1)}), r"features\.9\.weight left over"),
        (lambda vgg, lin: vgg.update({"features.0.bias": torch.zeros(3)}), r"features\.0\.bias is \(3,\)"),
        (lambda vgg, lin: lin.pop("lin4.model.1.weight"), r"lin4\.model\.1\.weight missing"),
        (lambda vgg, lin: lin.update({"lin5.model.1.weight": torch.zeros(1)}), r"lin5\.model\.1\.weight left over"),
        (lambda vgg, lin: lin.update({"lin1.model.1.weight": torch.zeros(1, 3, 1, 1)}), r"lin1\.model\.1\.weight is"),
    ],
)
def test_weights_that_are_not_the_published_ones_are_refused(change, said, tmp_path):
    vgg, lin = vgg_state(), linear_state()
    change(vgg, lin)
    torch.save(vgg, tmp_path / "vgg.pth")
    torch.save(lin, tmp_path / "lin.pth")
    with pytest.raises(UserError, match=said):
        lpips_vgg(str(tmp_path / "vgg.pth"), str(tmp_path / "lin.pth"))


def test_layers_and_stages_that_do_not_exist_are_refused(published):
    with pytest.raises(UserError, match="layer 6"):
        lpips_vgg(*published, layer=6)
    with pytest.raises(UserError, match="stage 7"):
        lite0_stage(7)


def test_offline_distance_is_lpips_formula_on_lite0():
    """By the features that timm gives at that stage, and the formula in numpy."""
    import timm

    from redqueen.detectors.backbones import efficientnet_lite0

    distance = lite0_stage(1)
    whole = timm.create_model("tf_efficientnet_lite0", pretrained=False, features_only=True, out_indices=(1,)).eval()
    ours = efficientnet_lite0().network.state_dict()
    whole.load_state_dict({key: ours[key] for key in whole.state_dict()})
    first, second = (torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(n)) * 2 - 1 for n in (3, 4))
    with torch.no_grad():
        a, b = (whole(one)[0][0].double().numpy() for one in (first, second))
        found = distance(first, second)[0].numpy()
    a, b = (one / (np.sqrt((one**2).sum(axis=0)) + 1e-10) for one in (a, b))
    np.testing.assert_allclose(found, ((a - b) ** 2).sum(axis=0), rtol=1e-4, atol=1e-6)


class Colours(torch.nn.Module):
    """A network whose features are the colours themselves."""

    def forward(self, batch):
        return batch


def colours():
    return Perceptual(Colours(), torch.ones(3), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


FOLDERS = [str(tiny_diffusion.autoencoder(seed)) for seed in (0, 1)]


def distances_in_numpy(pixels, folder):
    part = diffusion.autoencoder(folder)
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        again = part.network.decode(part.network.encode(picture).latent_dist.mean).sample.clamp(-1, 1)
    a, b = (one[0].double().numpy() for one in (picture, again))
    a, b = (one / np.sqrt((one**2).sum(axis=0)) for one in (a, b))
    return ((a - b) ** 2).sum(axis=0)


def test_the_score_falls_with_the_smallest_error_of_all_autoencoders():
    detector = Aeroblade(FOLDERS, colours(), crop=16).eval()
    pictures = [stand_ins.human_pixels(n, 16) for n in range(6)]
    batch = torch.stack([detector.prepare(one) for one in pictures])
    errors = [min(distances_in_numpy(one, folder).mean() for folder in FOLDERS) for one in pictures]
    with torch.no_grad():
        np.testing.assert_allclose(detector.features(batch)[:, 0].numpy(), np.log(errors), rtol=1e-4)
        assert np.argsort(detector(batch).numpy()).tolist() == np.argsort(errors)[::-1].tolist()


def test_fitting_can_never_turn_the_order_round():
    detector = Aeroblade(FOLDERS[:1], colours(), crop=16)
    features = torch.tensor([[-3.0], [-1.0]])
    labels = torch.tensor([0.0, 1.0])  # the larger error is called generated
    optimiser = torch.optim.AdamW(detector.head.parameters(), lr=1e-2)
    for _ in range(300):
        optimiser.zero_grad()
        detector.head_loss(features, labels).backward()
        optimiser.step()
    first, second = detector.score(features).tolist()
    assert first > second


def test_fitting_with_the_usual_rate_finds_the_border():
    detector = Aeroblade(FOLDERS[:1], colours(), crop=16)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    values = rng.normal(-4.0 - labels, 0.5)  # by Bayes: logit = (-1 / 0.25) * (x + 4.5)
    features, target = torch.tensor(values[:, None]).float(), torch.tensor(labels).float()
    optimiser = torch.optim.AdamW(detector.head.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 300)
    for _ in range(300):
        optimiser.zero_grad()
        detector.head_loss(features, target).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        middle, slope = detector.score(torch.tensor([[-4.5], [-5.5]]))
    assert abs(float(middle)) < 0.5
    assert float(slope - middle) > 1.5  # from 1; the temperature that is fitted afterwards does the rest


def test_error_map_is_the_distance_at_each_pixel():
    pixels = stand_ins.human_pixels(1, 18)[:, :16]
    best = min((distances_in_numpy(pixels, folder) for folder in FOLDERS), key=lambda one: one.mean())
    found = Aeroblade(FOLDERS, colours(), crop=16).error_map(pixels)
    assert found.shape == (18, 16)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, best, rtol=1e-4, atol=1e-6)
    coarse = Aeroblade(FOLDERS[:1], lite0_stage(1), crop=16).error_map(stand_ins.human_pixels(1, 32))
    assert coarse.shape == (32, 32)
    assert coarse.std() > 0


def test_the_map_of_a_coarse_distance_is_enlarged_bilinearly():
    detector = Aeroblade(FOLDERS[:1], Perceptual(torch.nn.AvgPool2d(4), torch.ones(3), (0, 0, 0), (1, 1, 1)), crop=16)
    pixels = stand_ins.human_pixels(2, 16)
    (coarse,) = detector._errors(detector.prepare(pixels)[None])
    places = np.clip((np.arange(16) + 0.5) / 4 - 0.5, 0, 3)  # of the pixels' middles among the cells' middles
    expected = map_coordinates(coarse[0].numpy(), np.meshgrid(places, places, indexing="ij"), order=1)
    np.testing.assert_allclose(detector.error_map(pixels), expected, atol=1e-5)


def test_a_picture_is_cropped_and_never_resized():
    detector = Aeroblade(FOLDERS[:1], colours(), crop=16)
    pixels = stand_ins.human_pixels(0, 20)
    expected = pixels[2:18, 2:18].astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
    for rng in (None, np.random.default_rng(0)):
        np.testing.assert_allclose(detector.prepare(pixels, rng).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(11, 13), (16, 9), (5, 40)])
def test_a_smaller_picture_is_taken_whole_so_that_its_grid_stays(size):
    detector = Aeroblade(FOLDERS[:1], colours(), crop=16)
    pixels = stand_ins.human_pixels(0, 48)[: size[0], : size[1]]
    left = max((size[1] - 16) // 2, 0)
    expected = pixels[:, left : left + 16].astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
    prepared = detector.prepare(pixels)
    np.testing.assert_allclose(prepared.numpy(), expected, atol=1e-6)
    with torch.no_grad():
        (errors,) = detector._errors(prepared[None])
    assert errors.shape == (1, *expected.shape[1:])
    assert detector.features(prepared[None])[0, 0].item() == pytest.approx(errors.mean().log().item(), abs=1e-6)
    assert detector.error_map(pixels).shape == size


def test_a_picture_that_no_reflection_can_fill_up_is_told():
    with pytest.raises(UserError, match="a picture of 1 x 3 pixels is too small"):
        Aeroblade(FOLDERS[:1], colours(), crop=16).prepare(stand_ins.human_pixels(0, 20)[:3, :1])


def test_identity_names_what_the_features_depend_on():
    made = [
        Aeroblade(FOLDERS, colours(), crop=16),
        Aeroblade(FOLDERS[:1], colours(), crop=16),
        Aeroblade(FOLDERS, lite0_stage(0), crop=16),
        Aeroblade(FOLDERS, colours(), crop=18),
    ]
    assert len({one.identity for one in made}) == 4
    assert Aeroblade(FOLDERS, colours(), crop=16).identity == made[0].identity


def test_an_autoencoder_that_is_not_there_is_told_in_one_line():
    with pytest.raises(UserError, match="'runs/store/autoencoder': no such folder"):
        Aeroblade(["runs/store/autoencoder"])
    with pytest.raises(UserError, match="no autoencoder; set autoencoders"):
        Aeroblade([])


def test_vgg_ends_behind_a_relu():
    features = list(Vgg16(2).features)
    assert isinstance(features[-1], torch.nn.ReLU)
    assert [type(one).__name__ for one in features].count("MaxPool2d") == 1
