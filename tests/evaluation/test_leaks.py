"""A protocol with a leak ends in one line; what pretraining may have seen is said."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

import stand_ins
from redqueen.detectors.pretrained import PRETRAINED, Pretraining, pretraining
from redqueen.errors import UserError
from redqueen.evaluation.leaks import check, pretraining_limit
from redqueen.evaluation.protocols import Counted, LeaveFamilyOut, Temporal
from redqueen.files import configs

MONTHS = Temporal("t", 1, [("2022-01", "2022-06"), ("2022-07", "2022-12")])


class Rows(SimpleNamespace):
    """As much of a corpus as a check reads: (window, split, generator, released, group), each row in one window."""

    def __init__(self, *rows):
        window, split, generator, released, group = zip(*rows, strict=True)
        given = {"split": split, "generator": generator, "released": released}
        columns = {name: np.asarray(values, object) for name, values in given.items()}
        columns["label"] = np.asarray([1 if name else 0 for name in generator])
        known = pa.table({"group_id": list(group), "split": list(split)})
        super().__init__(column=columns.__getitem__, known=known, folder=SimpleNamespace(name="c"))
        self._where = list(zip(window, split, strict=True))

    def rows(self, split, windows):
        return np.asarray([n for n, one in enumerate(self._where) if one[1] == split and one[0] in windows], np.int64)


EARLY, LATE = (window.name for window in MONTHS.windows)


def rows(*more):
    return Rows(
        (EARLY, "train", "a", "2022-02", "1"),
        (EARLY, "test", "a", "2022-02", "2"),
        (LATE, "test", "b", "2022-08", "3"),
        (LATE, "test", None, None, "4"),
        *more,
    )


def refused(protocol, corpus):
    with pytest.raises(UserError) as error:
        check(protocol, corpus)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_real_corpus_passes(corpus):
    check(Temporal("t", 1, [(w.start, w.end) for w in stand_ins.WINDOWS]), corpus)


def test_a_group_on_both_sides_of_the_split():
    check(MONTHS, rows())
    torn = rows((EARLY, "val", None, None, "4"))
    assert refused(MONTHS, torn) == "corpus c: group '4' lies on both sides of a split: build it again"


def test_a_generator_that_was_learned_from_does_not_count_as_new():
    text = refused(MONTHS, rows((LATE, "test", "a", "2022-02", "5")))
    assert text.endswith(f"trained up to {EARLY}: generator 'a' is learned from and counts as new in {LATE}")
    assert "'b'" in refused(MONTHS, rows((EARLY, "val", "b", "2022-08", "5")))  # validation sets the threshold


def test_a_generator_that_came_out_before_the_cutoff_does_not_count_as_new():
    listed = Counted("t", 1, {"a": "2022-02-05", "b": "2022-08-07"}, size=1)
    early, late = (window.name for window in listed.windows)

    def make(month):
        return Rows((early, "train", "a", "2022-02", "1"), (late, "test", "b", month, "2"))

    check(listed, make("2022-08"))
    check(listed, make("2022-02"))  # the month of the cutoff's day: which came first cannot be told
    assert "'b' counts as new in 2022-08-07, but came out in 2022-01, before 2022-02-05" in refused(
        listed, make("2022-01")
    )


def test_of_a_family_that_is_left_out_nothing_is_learned_under_any_name():
    protocol = LeaveFamilyOut("t", 1, "flux", "2014-06", "2026-12")

    def make(name):
        return Rows(("without-flux", "train", name, "2024-08", "1"), ("flux", "test", "flux-1-dev", "2024-08", "2"))

    check(protocol, make("stable-diffusion-xl"))
    check(protocol, make("my own generator"))
    assert "'FLUX-dev' is flux-1-dev, of the family that is left out" in refused(protocol, make("FLUX-dev"))


def test_what_pretraining_may_have_seen_is_said_of_the_windows_that_it_may_have_seen():
    three = Temporal("t", 1, [("2020-01", "2020-12"), ("2021-01", "2021-12"), ("2022-01", "2022-12")])
    assert pretraining_limit(Pretraining("2020-12", "x"), three) is None
    assert pretraining_limit(None, three) is None
    text = pretraining_limit(Pretraining("2021-06", "the paper"), three)
    assert "up to 2021-06 at the latest (the paper)" in text
    assert "1 of the 2 windows that count as new to it, 2021-01..2021-12." in text
    nominal = Temporal("t", 1, three.periods, nominal=True)
    assert pretraining_limit(Pretraining("2021-06", "the paper"), nominal) is None


@pytest.mark.parametrize("name", stand_ins.names("detector"))
def test_the_pretraining_of_every_encoder_that_a_detector_names_is_known(name):
    text = (configs() / "detector" / f"{name}.yaml").read_text()
    encoder = any(word in text.split("_target_", 1)[1] for word in ("weights: hub:", "efficientnet_lite0"))
    found = pretraining(OmegaConf.to_container(OmegaConf.create(text)))
    assert (found is not None) == encoder
    assert found is None or found in PRETRAINED.values()


def test_an_encoder_from_a_folder_is_taken_for_the_one_that_the_settings_name():
    node = OmegaConf.to_container(OmegaConf.load(configs() / "detector" / "clip_b16_probe.yaml"))
    node["backbone"]["weights"] = "somewhere/else"
    assert pretraining(node).until == "2021-01"


def test_on_field_an_encoder_of_2021_has_seen_no_new_window_and_one_of_2023_has():
    field = instantiate(OmegaConf.load(configs() / "protocol" / "field.yaml"))
    assert pretraining_limit(PRETRAINED["openai/clip-vit"], field) is None
    assert "3 of the 8" in pretraining_limit(PRETRAINED["Dinov2Model"], field)
