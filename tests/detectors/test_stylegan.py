"""StyleGAN's discriminator against a second implementation that keeps the fused kernels and the groups of the first."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import save_file

from redqueen.detectors.stylegan import Discriminator, discriminator
from redqueen.errors import UserError


def published(size: int, base: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a discriminator in genforce's models/stylegan_discriminator.py."""

    def width(side: int) -> int:
        return min(base // side, 512)

    shapes, sides = {"lod": ()}, [size]
    while sides[-1] > 4:
        sides.append(sides[-1] // 2)
    for block, side in enumerate(sides):
        own, next_, first, second = width(side), width(side // 2), 2 * block, 2 * block + 1
        shapes |= {f"input{block}.weight": (own, 3, 1, 1), f"input{block}.bias": (own,)}
        shapes |= {f"layer{first}.bias": (own,), f"layer{second}.bias": (next_,)}
        if side > 4:
            shapes |= {f"layer{first}.weight": (own, own, 3, 3), f"layer{second}.weight": (next_, own, 3, 3)}
            shapes[f"layer{second}.blur.kernel"] = (own, 1, 3, 3)
        else:
            shapes |= {f"layer{first}.weight": (own, own + 1, 3, 3), f"layer{second}.weight": (next_, own * 16)}
            shapes |= {f"layer{second + 1}.weight": (1, next_), f"layer{second + 1}.bias": (1,)}
    return shapes


def state(size: int, base: int) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    found = {name: torch.randn(shape, generator=draw) for name, shape in published(size, base).items()}
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    found |= {name: kernel.expand_as(value).clone() for name, value in found.items() if "kernel" in name}
    return found | {"lod": torch.zeros(())}


def reference(weights: dict[str, torch.Tensor], picture: torch.Tensor) -> torch.Tensor:
    """The score of one picture, (1, 3, size, size), layer by layer as the paper's code computes it."""

    def scaled(name, gain=2**0.5):
        weight = weights[f"{name}.weight"]
        return weight * gain / weight[0].numel() ** 0.5, weights[f"{name}.bias"]

    x, block = F.leaky_relu(F.conv2d(picture, *scaled("input0")), 0.2), 0
    while (side := x.shape[-1]) > 4:
        x = F.leaky_relu(F.conv2d(x, *scaled(f"layer{2 * block}"), padding=1), 0.2)
        x = F.conv2d(x, weights[f"layer{2 * block + 1}.blur.kernel"], padding=1, groups=x.shape[1])
        weight, bias = scaled(f"layer{2 * block + 1}")
        if side >= 128:  # convolution and average in one kernel
            w = F.pad(weight, (1, 1, 1, 1))
            w = (w[..., 1:, 1:] + w[..., :-1, 1:] + w[..., 1:, :-1] + w[..., :-1, :-1]) / 4
            x = F.conv2d(x, w, bias, stride=2, padding=1)
        else:
            x = F.avg_pool2d(F.conv2d(x, weight, bias, padding=1), 2)
        x, block = F.leaky_relu(x, 0.2), block + 1
    deviation = ((x - x.mean(dim=0)).square().mean(dim=0) + 1e-8).sqrt().mean()
    x = torch.cat([x, deviation.expand(1, 1, 4, 4)], dim=1)
    x = F.leaky_relu(F.conv2d(x, *scaled(f"layer{2 * block}"), padding=1), 0.2)
    x = F.leaky_relu(F.linear(x.flatten(1), *scaled(f"layer{2 * block + 1}")), 0.2)
    return F.linear(x, *scaled(f"layer{2 * block + 2}", gain=1.0))


@pytest.mark.parametrize(("size", "base"), [(8, 64), (32, 64), (128, 512)])
def test_scores_are_the_published_networks(size, base, tmp_path):
    weights = state(size, base)
    torch.save(weights, tmp_path / "discriminator.pth")
    found = discriminator(str(tmp_path / "discriminator.pth"), size, base)
    pictures = torch.rand(3, 3, size, size) * 2 - 1
    with torch.no_grad():
        expected = torch.cat([reference(weights, picture[None]) for picture in pictures])
        torch.testing.assert_close(found.network(pictures), expected, atol=1e-5, rtol=1e-5)
    assert (found.mean, found.std, found.size, found.width) == ((0.5,) * 3, (0.5,) * 3, size, 1)


def test_names_and_shapes_of_the_bedrooms_are_the_published_ones():
    with torch.device("meta"):
        ours = Discriminator(256).state_dict()
    expected = published(256, 16384)
    unused = {"lod"} | {name for name in expected if name.startswith("input") and not name.startswith("input0.")}
    assert {key: tuple(value.shape) for key, value in ours.items()} == {
        key: shape for key, shape in expected.items() if key not in unused
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("layer3.bias"), "layer3.bias missing"),
        (lambda s: s.update({"mapping.weight": torch.zeros(1)}), "mapping.weight left over"),
        (lambda s: s.update({"layer0.bias": torch.zeros(3)}), r"layer0.bias is \(3,\), ours is \(8,\)"),
        (lambda s: s.update({"lod": torch.ones(())}), "has not grown to its full resolution"),
    ],
)
def test_weights_that_do_not_fit_are_told(change, message, tmp_path):
    weights = state(8, 64)
    change(weights)
    save_file(weights, tmp_path / "discriminator.safetensors")
    with pytest.raises(UserError, match=message):
        discriminator(str(tmp_path / "discriminator.safetensors"), 8, 64)
