"""Community Forensics: the authors' preprocessing through torchvision and Pillow, and their state dict."""

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from PIL import Image
from torchvision import transforms

from redqueen.detectors.community_forensics import CommunityForensics
from redqueen.errors import UserError

TINY = {"model": "test_vit", "size": 32, "resize": 36}


def tiny(**settings):
    torch.manual_seed(0)
    return CommunityForensics(**{**TINY, **settings})


def photograph():
    from skimage import data

    return data.coffee()


def authors(pixels, size, resize):
    """https://github.com/JeongsooP/Community-Forensics at 5e52ed6, models.py: `preprocess_input`."""
    steps = [
        transforms.Resize(resize),
        transforms.CenterCrop(size),
        transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
    return transforms.Compose(steps)(Image.fromarray(pixels)).numpy()


@pytest.mark.parametrize("size", [(400, 600), (90, 70), (36, 36), (20, 61)])
@pytest.mark.parametrize("sides", [(32, 36), (96, 110)])
def test_prepares_a_picture_as_the_authors_do(size, sides):
    pixels = photograph()[: size[0], : size[1]]
    found = tiny(size=sides[0], resize=sides[1]).prepare(pixels).numpy()
    difference = np.abs(found - authors(pixels, *sides))
    assert difference.max() <= 1.01 / 255 / 0.224, "one level: Pillow and torch round differently"
    assert (difference < 1e-5).mean() > 0.8


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2)])
def test_takes_a_picture_of_any_shape(size):
    pixels = np.full((*size, 3), 128, np.uint8)
    found = tiny().prepare(pixels)
    assert found.shape == (3, 32, 32)
    torch.testing.assert_close(found, found[:, :1, :1].expand(3, 32, 32))


def test_training_crops_and_mirrors_at_random():
    detector = tiny()
    views = [detector.prepare(photograph(), np.random.default_rng(seed)) for seed in range(8)]
    assert len({view.numpy().tobytes() for view in views}) > 4
    assert torch.equal(views[3], detector.prepare(photograph(), np.random.default_rng(3)))


class TestPublished:
    """The Hub's model.safetensors is the state dict of a module whose one child, `vit`, is timm's with one logit."""

    def state(self):
        torch.manual_seed(1)
        network = timm.create_model("test_vit", pretrained=False, img_size=32)
        network.head = torch.nn.Linear(64, 1)  # as the authors replace it
        return network.eval(), {f"vit.{key}": value for key, value in network.state_dict().items()}

    def save(self, state, folder):
        safetensors.torch.save_file(state, folder / "model.safetensors")
        return str(folder)

    def test_scores_as_the_authors_network(self, tmp_path):
        network, state = self.state()
        detector = tiny(weights=self.save(state, tmp_path), frozen=True).eval()
        batch = torch.rand(3, 3, 32, 32)
        with torch.no_grad():
            torch.testing.assert_close(detector(batch), network(batch).squeeze(-1))
        assert not any(parameter.requires_grad for parameter in detector.parameters())

    def test_the_network_has_the_published_shapes(self):
        ours = CommunityForensics().state_dict()
        assert len(ours) == 152
        assert tuple(ours["vit.head.weight"].shape) == (1, 384)
        assert tuple(ours["vit.pos_embed"].shape) == (1, 1 + 24 * 24, 384)
        assert sum(value.numel() for value in ours.values()) == pytest.approx(21.8e6, rel=0.01)  # the Hub: 21.8M

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("vit.cls_token", None, r"vit\.cls_token missing"),
            ("vit.head_dist.weight", torch.ones(1), r"vit\.head_dist\.weight left over"),
            ("vit.head.bias", torch.ones(1000), r"vit\.head\.bias is \(1000,\), ours is \(1,\)"),
        ],
    )
    def test_what_does_not_fit_is_named(self, key, value, message, tmp_path):
        state = {k: v for k, v in {**self.state()[1], key: value}.items() if v is not None}
        with pytest.raises(UserError, match=message):
            tiny(weights=self.save(state, tmp_path))

    def test_without_a_hub_it_says_which_file_to_put_where(self, monkeypatch, tmp_path):
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(UserError, match=r"model\.safetensors into a folder and give that as weights=FOLDER"):
            tiny(weights="hub:OwensLab/commfor-model-384@" + 40 * "0")


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"frozen": True}, "frozen=true needs weights"), ({"size": 64}, "size=64 is more than resize=36")],
)
def test_settings_that_make_no_sense_are_told(settings, message):
    with pytest.raises(UserError, match=message):
        tiny(**settings)
