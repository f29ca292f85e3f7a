"""Frozen backbones: where weights come from, and the preprocessing that travels with them; one file a library."""

from redqueen.detectors.backbones.backbone import Backbone, Interpolation, Triple
from redqueen.detectors.backbones.lite0 import efficientnet_lite0
from redqueen.detectors.backbones.open_clip import open_clip_backbone
from redqueen.detectors.backbones.timm import timm_backbone
from redqueen.detectors.backbones.transformers import transformers_backbone

__all__ = [
    "Backbone",
    "Interpolation",
    "Triple",
    "efficientnet_lite0",
    "open_clip_backbone",
    "timm_backbone",
    "transformers_backbone",
]
