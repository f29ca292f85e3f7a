"""Published weights: every tensor is accounted for, and a file of weights runs nothing."""

import argparse
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from redqueen.detectors import published
from redqueen.errors import UserError


class Ours(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)


KEYS = {
    "stem.weight": "conv1.weight",
    "norm.weight": "bn1.weight",
    "norm.bias": "bn1.bias",
    "norm.running_mean": "bn1.running_mean",
    "norm.running_var": "bn1.running_var",
    "norm.num_batches_tracked": "bn1.num_batches_tracked",
}


def by_function(key):
    return key.replace("stem", "conv1").replace("norm", "bn1")


def theirs():
    generator = torch.Generator().manual_seed(0)
    state = {name: torch.rand(4, generator=generator) for name in list(KEYS.values())[1:5]}
    return {"conv1.weight": torch.rand(4, 3, 3, 3, generator=generator), **state, KEYS[by_last()]: torch.tensor(7)}


def by_last():
    return "norm.num_batches_tracked"


@pytest.mark.parametrize("keys", [KEYS, by_function], ids=["mapping", "function"])
def test_every_tensor_lands_where_the_keys_say(keys):
    ours, state = Ours(), theirs()
    published.load(ours, state, keys)
    for key, tensor in ours.state_dict().items():
        assert torch.equal(tensor, state[KEYS[key]]), key


def test_half_precision_becomes_single():
    ours, state = Ours(), {name: tensor.half() for name, tensor in theirs().items()}
    published.load(ours, state, KEYS)
    assert ours.stem.weight.dtype == torch.float32
    assert torch.equal(ours.stem.weight, state["conv1.weight"].float())


def test_a_file_older_than_the_counter_of_batches_loads():
    ours, state = Ours(), theirs()
    del state["bn1.num_batches_tracked"]
    published.load(ours, state, KEYS)
    assert torch.equal(ours.norm.bias, state["bn1.bias"])


def test_a_missing_tensor_is_named_and_nothing_is_changed():
    ours, state = Ours(), theirs()
    before = {key: tensor.clone() for key, tensor in ours.state_dict().items()}
    del state["bn1.running_var"]
    with pytest.raises(UserError, match=r"do not fit Ours: bn1\.running_var missing"):
        published.load(ours, state, KEYS)
    assert all(torch.equal(tensor, before[key]) for key, tensor in ours.state_dict().items())


def test_a_tensor_left_over_is_named_unless_it_is_dropped_by_name():
    state = {**theirs(), "fc2.weight": torch.zeros(1)}
    with pytest.raises(UserError, match=r"fc2\.weight left over"):
        published.load(Ours(), state, KEYS)
    published.load(Ours(), state, KEYS, dropped=["fc2.weight"])


def test_of_many_names_some_are_shown():
    with pytest.raises(UserError, match=r"a0, a1, a2 and 2 more left over"):
        published.load(Ours(), {**theirs(), **{f"a{n}": torch.zeros(1) for n in range(5)}}, KEYS)


def test_another_shape_is_named_with_both_shapes():
    state = {**theirs(), "conv1.weight": torch.zeros(4, 3, 7, 7)}
    with pytest.raises(UserError, match=r"conv1\.weight is \(4, 3, 7, 7\), ours is \(4, 3, 3, 3\)"):
        published.load(Ours(), state, KEYS)


@pytest.mark.parametrize("flat", [True, False])
def test_reads_a_pickle_of_tensors(tmp_path, flat):
    path = tmp_path / "model.pth"
    torch.save(theirs() if flat else {"model": theirs(), "total_steps": 4, "args": argparse.Namespace(a=1)}, path)
    found = published.read(str(path), inside="model")
    assert found.keys() == theirs().keys()
    assert torch.equal(found["conv1.weight"], theirs()["conv1.weight"])


def test_reads_safetensors_and_a_folder(tmp_path):
    save_file(theirs(), tmp_path / "model.safetensors")
    for name in (tmp_path, tmp_path / "model.safetensors"):
        assert published.read(str(name), inside="model").keys() == theirs().keys()


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the file of weights was run",))


def test_a_pickle_runs_nothing(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"conv1.weight": torch.zeros(1), "x": Bomb()}, path)
    with pytest.raises(UserError, match="save its state dict as safetensors") as caught:
        published.read(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.pth", b"", "cannot be read"),
        ("m.pth", b"PK\x03\x04 no zip", "cannot be read"),
        ("m.pth", b"\x80\x02}q", "cannot be read"),
        ("m.pth", pickle.dumps({"a": Ours}, protocol=2), "no pickle of tensors alone"),
        ("m.safetensors", b"no tensors", "cannot be read"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        published.read(str(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [([torch.zeros(1)], "no state dict but a list"), ({"net": {}, "step": 3}, "net, step of it is no tensor")],
)
def test_what_is_no_state_dict_is_told(tmp_path, content, message):
    torch.save(content, tmp_path / "m.pth")
    with pytest.raises(UserError, match=message):
        published.read(str(tmp_path / "m.pth"), inside="model")
