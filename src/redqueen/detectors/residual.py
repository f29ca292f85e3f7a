"""ResNet-50 with the names that its published weights have, and smaller ones of its kind."""

from collections.abc import Sequence

from timm.models.resnet import Bottleneck, ResNet

from redqueen.detectors.published import load, read
from redqueen.errors import UserError

DEPTHS, WIDTH = (3, 4, 6, 3), 64  # ResNet-50's

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def residual_network(
    inputs: int, outputs: int, depths: Sequence[int] = DEPTHS, width: int = WIDTH, imagenet: str | None = None
) -> ResNet:
    """A network of bottleneck blocks that maps (B, inputs, H, W) to (B, outputs).

    Args:
        inputs: channels; the first convolution of any number but 3 starts at random.
        outputs: 0 for the pooled features, width * 32 of them.
        depths: blocks in each of the four stages.
        width: channels of the first stage's bottlenecks.
        imagenet: weights of an ImageNet classifier to start from, under torchvision's names; None: random ones.

    Raises:
        UserError: not four stages, or weights that do not fit.
    """
    if len(depths) != len(DEPTHS):
        raise UserError(f"depths={list(depths)}: a residual network has four stages")
    channels = tuple(width * 2**stage for stage in range(len(depths)))
    network = ResNet(
        Bottleneck, tuple(depths), num_classes=outputs, in_chans=inputs, channels=channels, zero_init_last=False
    )
    if imagenet is not None:
        _start(network, inputs, imagenet)
    return network


def _start(network: ResNet, inputs: int, imagenet: str) -> None:
    """Load everything but the classifier, and the first convolution where it takes no colours."""
    own = {key: tensor for key, tensor in network.state_dict().items() if key.startswith("fc.")}
    if inputs != 3:
        own["conv1.weight"] = network.conv1.weight.detach()
    load(network, {**read(imagenet), **own}, str, dropped=("fc.weight", "fc.bias"))
