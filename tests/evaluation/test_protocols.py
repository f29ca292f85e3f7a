"""Windows that could leak the future into the past are refused."""

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

import stand_ins
from redqueen.errors import UserError
from redqueen.evaluation.protocols import Temporal
from redqueen.files import configs


def temporal(*periods, **settings):
    return Temporal("t", 1, periods, **settings)


@pytest.mark.parametrize(
    "periods",
    [
        [("2022-01", "2022-06"), ("2022-06", "2022-12")],  # share June
        [("2022-01", "2022-06"), ("2022-05", "2022-12")],  # overlap
        [("2022-06", "2022-01")],  # backwards within
        [("2023-01", "2023-06"), ("2022-01", "2022-06")],  # backwards
        [("2022-01", "2022-06"), ("2022-02", "2022-03")],  # one inside the other
        [("2022-01",)],
        [("2022-01", "2022-02", "2022-03")],
    ],
)
def test_windows_out_of_order_are_refused(periods):
    with pytest.raises(UserError, match="protocol 't'"):
        temporal(*periods)


def test_windows_are_named_by_their_months():
    protocol = temporal(("2022-01", "2022-01"), ("2022-02", "2022-12"))
    assert [(w.name, w.start, w.end) for w in protocol.windows] == [
        ("2022-01", "2022-01", "2022-01"),
        ("2022-02..2022-12", "2022-02", "2022-12"),
    ]
    assert protocol.label == "t-v1"


def test_what_is_seen_grows_by_one_window_at_each_cutoff():
    protocol = temporal(("2022-01", "2022-01"), ("2022-02", "2022-12"), ("2023-03", "2024-01"))
    names = [window.name for window in protocol.windows]
    assert [protocol.seen(window) for window in protocol.windows] == [tuple(names[: n + 1]) for n in range(3)]


@pytest.mark.parametrize("name", stand_ins.names("protocol"))
def test_every_protocol_builds_and_names_itself(name):
    protocol = instantiate(OmegaConf.load(configs() / "protocol" / f"{name}.yaml"))
    assert protocol.name == name
    assert protocol.seen(protocol.windows[-1]) == tuple(window.name for window in protocol.windows)


def test_field_has_nine_windows():
    protocol = instantiate(OmegaConf.load(configs() / "protocol" / "field.yaml"))
    assert len(protocol.windows) == 9
    assert (protocol.windows[0].start, protocol.windows[-1].end) == ("2021-07", "2026-07")
    assert not protocol.nominal


def test_every_generation_of_the_lineage_has_a_window_of_its_own():
    protocol = instantiate(OmegaConf.load(configs() / "protocol" / "lineage.yaml"))
    entries = [OmegaConf.load(configs() / "generator" / f"{name}.yaml") for name in stand_ins.names("generator")]
    released = sorted(entry.released for entry in entries if entry.family == "lineage")
    assert [(window.start, window.end) for window in protocol.windows] == [(month, month) for month in released]
    assert protocol.nominal
    assert all(entry.nominal for entry in entries if entry.family == "lineage")
