"""The digest of a detector changes with everything that its scores rest on, and with nothing else."""

import pytest
import torch

import stand_ins
from redqueen.detectors.digests import of_frozen, of_tensors, of_weights


@pytest.mark.parametrize("name", stand_ins.names("detector"))
def test_the_same_detector_has_the_same_digest(name):
    _, first, second = (stand_ins.detector(name) for _ in range(3))  # the first one may write its weights
    assert of_weights(first) == of_weights(second)


@pytest.mark.parametrize("name", ["npr", "aide", "lite0_probe", "rine_lite0", "ensemble"])
def test_training_changes_the_digest_of_the_weights_and_not_of_what_is_frozen(name):
    detector = stand_ins.detector(name)
    before = of_weights(detector), of_frozen(detector)
    state = detector.trained_state()
    detector.load_trained({key: tensor + 1 if tensor.is_floating_point() else tensor for key, tensor in state.items()})
    assert of_weights(detector) != before[0]
    assert of_frozen(detector) == before[1]


def test_a_frozen_branch_counts():
    detector = stand_ins.detector("aide")
    frozen = {key for key in detector.state_dict() if key not in detector.trained_state()}
    key = next(key for key in sorted(frozen) if detector.state_dict()[key].is_floating_point())
    before = of_frozen(detector)
    with torch.no_grad():
        detector.state_dict()[key].add_(1)
    assert of_frozen(detector) != before


def test_names_shapes_and_types_count():
    values = torch.arange(4.0)
    digests = {
        of_tensors(state)
        for state in ({"a": values}, {"b": values}, {"a": values.reshape(2, 2)}, {"a": values.double()}, {})
    }
    assert len(digests) == 5
    assert of_tensors({"a": values, "b": values + 1}) == of_tensors({"b": values + 1, "a": values})
