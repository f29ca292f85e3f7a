"""What hardware wants of a network changes no score."""

import pytest
import timm
import torch
from torch import nn

from redqueen.training.hardware import synchronise


@pytest.mark.parametrize("name", ["test_efficientnet", "test_resnet", "mobilenetv4_conv_small"])
def test_synchronised_layers_keep_their_activations(name):
    network = nn.Sequential(timm.create_model(name, num_classes=1)).train()
    pictures = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    network(pictures)  # running statistics that are not those of a fresh network
    network.eval()
    with torch.no_grad():
        before, names = network(pictures), list(network.state_dict())
        synchronise(network)
        after = network(pictures)
    assert any(isinstance(layer, nn.SyncBatchNorm) for layer in network.modules())
    assert list(network.state_dict()) == names
    torch.testing.assert_close(after, before)
