"""Backbones of timm."""

from redqueen.detectors.backbones.backbone import (
    UNREADABLE,
    Backbone,
    Interpolation,
    Look,
    checked,
    no_such,
    short,
    triple,
)
from redqueen.detectors.weights import locate, weight_file
from redqueen.errors import UserError


def timm_backbone(model: str, weights: str) -> Backbone:
    """The pooled features of a model of timm, with the preprocessing that timm records for its pretrained weights.

    Args:
        model: timm's name with the tag of the weights, as "vit_small_patch14_dinov2.lvd142m".
        weights: "hub:OWNER/NAME@COMMIT" (40 hex digits), a folder with model.safetensors, or a file of weights.

    Raises:
        UserError: no such model, weights that are not there or do not fit, or a hub that does not answer.
    """
    import timm  # noqa: PLC0415

    if not timm.is_model(model.partition(".")[0]):
        raise no_such("timm model", model, [*timm.list_models(), *timm.list_pretrained()])
    path = locate(weights)
    file = weight_file(path, weights) if path.is_dir() else path
    try:
        network = timm.create_model(model, pretrained=True, pretrained_cfg_overlay={"file": str(file)})
    except UNREADABLE as error:
        raise UserError(f"weights '{weights}' do not fit timm's {model}: {short(error)}") from None
    network.reset_classifier(0)  # not before: without its classifier timm loads a model that misses any other tensor
    facts = timm.data.resolve_model_data_config(network)
    interpolation: Interpolation = "bilinear" if facts["interpolation"] == "bilinear" else "bicubic"
    look = Look(triple(facts["mean"]), triple(facts["std"]), int(facts["input_size"][-1]), interpolation)
    return checked(network, look, model, {"timm": model})
