"""Headers of safetensors files, against what the library itself writes, and against those who write their own."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save

from redqueen.leaderboard.safetensors_file import UnsafeTensorsError, header, not_finite

GOOD = {
    "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "b": {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]},
}
KINDS = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int16, torch.uint8, torch.bool)


def written(path, entries, data=bytes(11)):
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_what_the_library_writes_is_read(tmp_path):
    tensors = {str(kind): torch.ones(3, 4).to(kind) for kind in KINDS} | {
        "none": torch.zeros(0, 5),
        "one": torch.tensor(1.0),
    }
    (tmp_path / "a").write_bytes(save(tensors, {"format": "pt"}))
    found = header(tmp_path / "a")
    assert {name: tuple(entry["shape"]) for name, entry in found.items()} == {
        n: tuple(t.shape) for n, t in tensors.items()
    }
    assert list(not_finite(tmp_path / "a")) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", KINDS[:4], ids=str)
def test_a_value_that_is_no_number_is_found(kind, value, tmp_path):
    bad = torch.ones(1000, dtype=kind)
    bad[997] = value
    largest = torch.full((5,), torch.finfo(kind).max, dtype=kind)
    (tmp_path / "a").write_bytes(save({"good": largest, "bad": bad, "whole": torch.full((9,), -1, dtype=torch.int64)}))
    assert list(not_finite(tmp_path / "a")) == ["bad"]


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}, "b": GOOD["b"]}


BAD = {
    "gap": (
        entry(offsets=(0, 8)) | {"b": {"dtype": "U8", "shape": [2], "data_offsets": [9, 11]}},
        "overlap or leave a gap",
    ),
    "overlap": (entry() | {"b": {"dtype": "U8", "shape": [7], "data_offsets": [4, 11]}}, "overlap or leave a gap"),
    "same place": (entry() | {"b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, "overlap"),
    "data behind": ({"a": GOOD["a"]}, "has 11 bytes of data, and its tensors fill 8"),
    "data missing": (GOOD | {"c": {"dtype": "U8", "shape": [1], "data_offsets": [11, 12]}}, "its tensors fill 12"),
    "shape": (entry(shape=(3,)), "do not fit its offsets"),
    "negative shape": (entry(shape=(-1, -2)), "no counts"),
    "huge shape": (entry(shape=(2**40, 2**40)), "do not fit"),
    "shape of truths": (entry(shape=(True, 2)), "no counts"),
    "shape of fractions": (entry(shape=(2.0,)), "no counts"),
    "offsets backwards": (entry(offsets=(8, 0)), "do not fit"),
    "offsets beyond": (entry(offsets=(0, 2**60)), "2\\*\\*53"),
    "three offsets": (entry(offsets=(0, 8, 8)), "no counts"),
    "dtype": (entry(dtype="OBJECT"), "dtype 'OBJECT'"),
    "dtype of a list": (entry(dtype=["F32"]), "dtype"),
    "one key more": (entry(more=1), "something else than"),
    "no object": ([1], "no object"),
    "entry of text": ({"a": "x"}, "something else than"),
    "metadata": (GOOD | {"__metadata__": {"a": 1}}, "no object of texts"),
    "twice": (b'{"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]},"a":1}', "twice"),
    "no JSON": (b"{" * 100, "levels"),
    "NaN": (b'{"a": NaN}', "NaN"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_header_made_to_mislead(name, tmp_path):
    entries, reason = BAD[name]
    with pytest.raises(UnsafeTensorsError, match=reason) as caught:
        header(written(tmp_path / "a", entries))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 5 * 2**20, 100, 0])
def test_a_header_of_another_length(length, tmp_path):
    (tmp_path / "a").write_bytes(length.to_bytes(8, "little") + b"{}")
    with pytest.raises(UnsafeTensorsError, match="header"):
        header(tmp_path / "a")


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_is_called_one(protocol, tmp_path):
    (tmp_path / "a").write_bytes(pickle.dumps({"w": np.ones(9)}, protocol))
    with pytest.raises(UnsafeTensorsError, match="pickle"):
        header(tmp_path / "a")
