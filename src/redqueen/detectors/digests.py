"""What a detector is made of, as digests: settings name weights by their place, and another file may lie there."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

from redqueen.detectors.base import Detector, FeatureDetector, JointDetector
from redqueen.files import digest_of


def of_tensors(state: Mapping[str, Tensor]) -> str:
    """Digest of names, types, shapes and values, in any order."""
    digest = hashlib.sha256()
    for key, tensor in sorted(state.items()):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def of_frozen(detector: Detector) -> str:
    """Digest of what a checkpoint leaves out: what frozen features depend on, or the weights that are not trained."""
    if isinstance(detector, JointDetector):
        return digest_of({name: of_frozen(part) for name, part in detector.parts().items()})
    if isinstance(detector, FeatureDetector):
        return digest_of(detector.identity)
    trained = detector.trained_state()
    return of_tensors({key: tensor for key, tensor in detector.state_dict().items() if key not in trained})


def of_weights(detector: Detector) -> str:
    """Digest of everything that its scores depend on, apart from its settings."""
    return digest_of([of_frozen(detector), of_tensors(detector.trained_state())])
