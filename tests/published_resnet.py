"""ResNets as their published files name them: names and shapes of the tensors, and the network written in functions.

The names are torchvision's (`torchvision/models/resnet.py`), which the authors of CNNDetection, NPR, SAFE and FreqNet
copied: conv1, bn1, layerN.M.convK, layerN.M.bnK, layerN.0.downsample.0 and .1, fc or fc1.
"""

import torch
from torch.nn.functional import batch_norm, conv2d

NORM = {"weight": None, "bias": None, "running_mean": None, "running_var": None, "num_batches_tracked": ()}


def norm_shapes(name, channels):
    return {f"{name}.{key}": (channels,) if shape is None else shape for key, shape in NORM.items()}


def stage_shapes(name, inputs, planes, depth):
    shapes = {}
    for number in range(depth):
        sides = {1: (planes, inputs, 1, 1), 2: (planes, planes, 3, 3), 3: (4 * planes, planes, 1, 1)}
        for layer, shape in sides.items():
            shapes[f"{name}.{number}.conv{layer}.weight"] = shape
            shapes |= norm_shapes(f"{name}.{number}.bn{layer}", shape[0])
        if number == 0:
            shapes[f"{name}.0.downsample.0.weight"] = (4 * planes, inputs, 1, 1)
            shapes |= norm_shapes(f"{name}.0.downsample.1", 4 * planes)
        inputs = 4 * planes
    return shapes


def random_state(shapes, seed=0):
    """Tensors of these shapes, such that what goes through a deep network neither dies nor explodes."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(9)
        elif len(shape) > 1:
            state[name] = torch.randn(shape, generator=generator) * (2 / torch.Size(shape[1:]).numel()) ** 0.5
        elif name.endswith(("weight", "running_var")):
            state[name] = torch.rand(shape, generator=generator) * 0.5 + 0.75
        else:
            state[name] = torch.randn(shape, generator=generator) * 0.1
    return state


def norm(state, name, hidden):
    parts = [state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
    return batch_norm(hidden, *parts)


def stage(state, name, hidden, depth, stride):
    for number in range(depth):
        here, step = f"{name}.{number}", stride if number == 0 else 1
        found = norm(state, f"{here}.bn1", conv2d(hidden, state[f"{here}.conv1.weight"])).relu()
        found = conv2d(found, state[f"{here}.conv2.weight"], stride=step, padding=1)
        found = norm(state, f"{here}.bn2", found).relu()
        found = norm(state, f"{here}.bn3", conv2d(found, state[f"{here}.conv3.weight"]))
        if number == 0:
            hidden = conv2d(hidden, state[f"{here}.downsample.0.weight"], stride=step)
            hidden = norm(state, f"{here}.downsample.1", hidden)
        hidden = (found + hidden).relu()
    return hidden


def cut_resnet_shapes(outputs):
    """NPR's and SAFE's network."""
    stem = {"conv1.weight": (64, 3, 3, 3), **norm_shapes("bn1", 64)}
    stages = stage_shapes("layer1", 64, 64, 3) | stage_shapes("layer2", 256, 128, 4)
    return stem | stages | {"fc1.weight": (outputs, 512), "fc1.bias": (outputs,)}


def cut_resnet(state, pictures):
    """Its output, (B, outputs)."""
    hidden = norm(state, "bn1", conv2d(pictures, state["conv1.weight"], stride=2, padding=1)).relu()
    hidden = torch.nn.functional.max_pool2d(hidden, 3, 2, 1)
    hidden = stage(state, "layer2", stage(state, "layer1", hidden, 3, 1), 4, 2)
    return hidden.mean((2, 3)) @ state["fc1.weight"].T + state["fc1.bias"]
