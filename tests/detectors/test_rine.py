"""RINE's head and loss, against the paper's formulas computed one picture at a time, and the authors' state dict."""

import numpy as np
import pytest
import torch
from PIL import Image

import stand_ins
import tiny_backbones
from redqueen.detectors.backbones import transformers_backbone
from redqueen.detectors.rine import RINE, RINEHead, contrastive
from redqueen.errors import UserError

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's


def rine(**settings):
    folder = tiny_backbones.transformers_folder("CLIPVisionModelWithProjection")
    backbone = transformers_backbone(str(folder), "CLIPVisionModelWithProjection", "image_embeds", MEAN, STD)
    torch.manual_seed(0)
    return RINE(backbone, **{"width": 8, "crop": 32, **settings})


def numbers(tensor):
    return tensor.detach().double().numpy()


def by_hand(head: RINEHead, tokens: np.ndarray) -> tuple[np.ndarray, float]:
    """What Q2 gives and the logit, of one picture's tokens, (blocks, channels), without dropout."""
    state = {key: numbers(value) for key, value in head.state_dict().items()}

    def layers(name, values):
        for key in sorted({int(k.split(".")[1]) for k in state if k.startswith(f"{name}.")}):
            values = np.maximum(values @ state[f"{name}.{key}.weight"].T + state[f"{name}.{key}.bias"], 0)
        return values

    projected = layers("proj1", tokens)
    shares = np.exp(state["alpha"][0]) / np.exp(state["alpha"][0]).sum(axis=0)
    embedded = layers("proj2", (shares * projected).sum(axis=0))
    hidden = embedded
    for key in (0, 3):
        hidden = np.maximum(hidden @ state[f"head.{key}.weight"].T + state[f"head.{key}.bias"], 0)
    return embedded, (hidden @ state["head.6.weight"].T + state["head.6.bias"]).item()


def test_the_head_is_the_papers():
    detector = rine(projections=2).eval()
    tokens = torch.randn(5, 2, 32)
    with torch.no_grad():
        found, embedded = detector.score(tokens), detector.head.embed(tokens)
    for number in range(5):
        wanted = by_hand(detector.head, numbers(tokens[number]))
        np.testing.assert_allclose(embedded[number], wanted[0], atol=1e-5)
        np.testing.assert_allclose(found[number], wanted[1], atol=1e-5)


@pytest.mark.parametrize("labels", [[0, 1, 0, 1, 1], [0, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 1]])
def test_the_contrastive_term_is_equation_2_of_its_paper(labels):
    vectors = np.random.default_rng(len(labels)).normal(size=(len(labels), 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    terms = []
    for anchor, own in enumerate(labels):
        others = [other for other in range(len(labels)) if other != anchor]
        alike = [other for other in others if labels[other] == own]
        below = np.log(sum(np.exp(vectors[anchor] @ vectors[other] / 0.07) for other in others))
        if alike:
            terms.append(-np.mean([vectors[anchor] @ vectors[other] / 0.07 - below for other in alike]))
    found = contrastive(torch.tensor(vectors), torch.tensor(labels).float(), 0.07)
    np.testing.assert_allclose(found.item(), np.mean(terms) if terms else 0.0, rtol=1e-6)


def test_the_loss_is_the_authors_sum_over_the_batch_divided_by_its_size():
    detector = rine(xi=0.3).eval()
    tokens, labels = torch.randn(6, 2, 32), torch.tensor([0.0, 1, 0, 1, 1, 0])
    with torch.no_grad():
        each = [by_hand(detector.head, numbers(one)) for one in tokens]
        found = detector.head_loss(tokens, labels)
    logits, embedded = np.array([logit for _, logit in each]), np.array([vector for vector, _ in each])
    entropy = np.sum(np.log1p(np.exp(logits)) - logits * labels.numpy())
    unit = torch.tensor(embedded / np.linalg.norm(embedded, axis=1, keepdims=True))
    np.testing.assert_allclose(found.item(), (entropy + 0.3 * contrastive(unit, labels, 0.07).item()) / 6, rtol=1e-5)


def test_gradient_reaches_the_head_and_nothing_else():
    detector = rine().train()
    loss = detector.loss(torch.rand(8, 3, 32, 32), torch.tensor([0.0, 1] * 4))
    loss.backward()
    for name, parameter in detector.named_parameters():
        assert (parameter.grad is not None) == name.startswith("head."), name
    assert detector.network.training is False


def test_a_picture_is_cropped_as_by_pillow_and_never_resized():
    pixels = stand_ins.human_pixels(0, side=48)
    crop = np.asarray(Image.fromarray(pixels).crop((8, 8, 40, 40)), np.float64) / 255
    np.testing.assert_allclose(rine().prepare(pixels), ((crop - MEAN) / STD).transpose(2, 0, 1), atol=1e-5)
    assert rine().prepare(pixels[:5, :7]).shape == (3, 32, 32)


def test_identity_names_what_features_depend_on_and_nothing_of_the_head():
    assert rine(blocks=r".*layer_norm1").identity != rine().identity == rine(width=16, projections=4, xi=0.1).identity


def test_learns_what_is_linear_in_one_block():
    detector = rine(width=16)
    rng = np.random.default_rng(0)
    labels = torch.tensor(rng.integers(0, 2, 64)).float()
    tokens = torch.tensor(rng.normal(size=(64, 2, 32)), dtype=torch.float32)
    tokens[:, 1, :4] += 3 * labels[:, None]
    optimizer = torch.optim.AdamW(detector.head.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        detector.train().head_loss(tokens, labels).backward()
        optimizer.step()
    with torch.no_grad():
        found = detector.eval().score(tokens)
    assert found[labels == 1].min() > found[labels == 0].max() - 1
    assert ((found > 0) == (labels == 1)).float().mean() > 0.95


class TestPublishedHead:
    """The authors save what is not CLIP's: `alpha`, `proj1`, `proj2` and `head`.

    https://github.com/mever-team/rine at 325a1c9, src/models.py and src/utils.py. Their model of four classes has two
    projections of 1024 on the 24 blocks of 1024 channels of CLIP ViT-L/14.
    """

    def state(self, blocks=2, channels=32, width=8, projections=2):
        def layer(outputs, inputs):
            return {"weight": torch.randn(outputs, inputs), "bias": torch.randn(outputs)}

        places = {"proj1": [(1 + 3 * n, channels if n == 0 else width, width) for n in range(projections)]}
        places["proj2"] = [(1 + 3 * n, width, width) for n in range(projections)]
        places["head"] = [(0, width, width), (3, width, width), (6, width, 1)]
        found = {"alpha": torch.randn(1, blocks, width)}
        for name, layers in places.items():
            for place, inputs, outputs in layers:
                found |= {f"{name}.{place}.{key}": value for key, value in layer(outputs, inputs).items()}
        return found

    @pytest.mark.parametrize("projections", [2, 4])
    def test_every_tensor_has_its_place(self, projections, tmp_path):
        state = self.state(projections=projections)
        torch.save(state, tmp_path / "model.pth")
        found = rine(projections=projections, weights=str(tmp_path / "model.pth")).head.state_dict()
        assert set(found) == set(state)
        assert all(torch.equal(found[key], value) for key, value in state.items())

    def test_the_shapes_on_clip_vit_l14_are_the_published_ones(self):
        ours = RINEHead(24, 1024, 1024, 2).state_dict()
        theirs = self.state(24, 1024, 1024, 2)
        assert {key: value.shape for key, value in ours.items()} == {k: v.shape for k, v in theirs.items()}

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("proj1.4.bias", None, r"proj1\.4\.bias missing"),
            ("clip.visual.proj", torch.ones(1), r"clip\.visual\.proj left over"),
            ("alpha", torch.ones(1, 24, 8), r"alpha is \(1, 24, 8\), ours is \(1, 2, 8\)"),
        ],
    )
    def test_what_does_not_fit_is_named(self, key, value, message, tmp_path):
        state = {k: v for k, v in {**self.state(), key: value}.items() if v is not None}
        torch.save(state, tmp_path / "model.pth")
        with pytest.raises(UserError, match=message):
            rine(weights=str(tmp_path / "model.pth"))
