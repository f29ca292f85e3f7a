"""Windows that could leak the future into the past are refused."""

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

import stand_ins
from redqueen.errors import UserError
from redqueen.evaluation.protocols import Counted, LeaveFamilyOut, Temporal, by_count
from redqueen.files import configs
from redqueen.vocabulary import packaged


def built(name):
    return instantiate(OmegaConf.load(configs() / "protocol" / f"{name}.yaml"))


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
    protocol = built(name)
    assert protocol.name == name
    names = [window.name for window in protocol.windows]
    assert len(set(names)) == len(names)
    assert protocol.label.startswith(name) and protocol.label.endswith(f"-v{protocol.version}")
    for number, window in enumerate(protocol.windows):
        assert protocol.seen(window) == tuple(names[: number + 1][-(protocol.last or 99) :])
        assert not {one.name for one in protocol.future(window)} & set(protocol.seen(window))
        assert "/" not in window.name  # it names a folder


def test_a_sliding_protocol_learns_from_its_last_windows():
    protocol = temporal(*[(f"2022-{month:02d}",) * 2 for month in range(1, 6)], last=2)
    assert [protocol.seen(window) for window in protocol.windows][1::3] == [
        ("2022-01", "2022-02"),
        ("2022-04", "2022-05"),
    ]
    assert built("field-sliding").windows == built("field").windows
    with pytest.raises(UserError, match="protocol.last=0: give a number of windows from 1"):
        temporal(("2022-01", "2022-01"), last=0)


def test_the_static_protocol_is_one_window_of_every_dated_generator():
    (window,) = built("static").windows
    assert all(window.holds(entry.released, entry.name) for entry in packaged())
    assert not window.holds(None)


DATED = {"a": "2022-01", "b": "2022-01", "c": "2022-01", "d": "2022-02", "e": "2022-03"}


def test_windows_by_count_keep_the_generators_of_one_date_together():
    found = {size: [window.generators for window in by_count(DATED, size)] for size in (1, 2, 5)}
    assert found == {
        1: [("a", "b", "c"), ("d",), ("e",)],
        2: [("a", "b", "c", "d"), ("e",)],
        5: [("a", "b", "c", "d", "e")],
    }
    shuffled = dict(sorted(DATED.items(), reverse=True))
    assert by_count(shuffled, 2) == by_count(DATED, 2)
    assert [(w.name, w.start, w.end) for w in by_count(DATED, 2)] == [
        ("2022-01..2022-02", "2022-01", "2022-02"),
        ("2022-03", "2022-03", "2022-03"),
    ]


@pytest.mark.parametrize(
    ("released", "size", "message"),
    [
        (DATED, 0, "protocol.size=0"),
        ({"a": "2022"}, 4, "protocol 't': a is dated '2022': give YYYY-MM-DD"),
        ({"a": "2022-13-01"}, 4, "a is dated '2022-13-01'"),
        ({"a": "2022-01-01", "b": "2022-02"}, 4, "some dates are days and some are months"),
    ],
)
def test_a_list_that_has_no_order_is_refused(released, size, message):
    with pytest.raises(UserError, match=message):
        Counted("t", 1, released, size)


# (last generator of a window by AI-GenBench's own name, first and last date of the window): BENCHMARK_GENERATORS in
# training_and_evaluation/ai_gen_bench_metadata/benchmark_generators.py of MI-BioLab/AI-GenBench, four to a window
AI_GENBENCH = [
    ("2017-03-30", "2017-11-24", ["CycleGAN", "Cascaded Refinement Networks", "ProGAN", "StarGAN"]),
    ("2018-06-10", "2018-12-12", ["SN-PatchGAN", "BigGAN", "IMLE", "StyleGAN1"]),
    ("2019-03-18", "2020-11-27", ["GauGAN", "StyleGAN2", "DDPM", "CIPS"]),
    ("2020-12-17", "2021-06-23", ["VQGAN", "GANformer", "ADM", "StyleGAN3"]),
    ("2021-09-15", "2021-11-10", ["LaMa", "FaceSynthetics", "ProjectedGAN", "Palette"]),
    ("2021-11-29", "2021-12-21", ["VQ-Diffusion", "Denoising Diffusion GAN", "Glide", "Latent Diffusion"]),
    ("2022-02-01", "2022-06-06", ["midjourney-v5", "MAT", "Diffusion GAN (ProjectedGAN)", "Diffusion GAN (StyleGAN2)"]),
    (
        "2022-08-22",
        "2023-04-26",
        ["Stable Diffusion 1.4", "Stable Diffusion 1.5", "Stable Diffusion 2.1", "DeepFloyd IF"],
    ),
    ("2023-07-26", "2024-08-02", ["Stable Diffusion XL 1.0", "DALL-E 3", "FLUX 1 Dev", "FLUX 1 Schnell"]),
]


def test_ai_genbenchs_windows_are_those_that_it_published():
    found = [(w.start, w.end, list(w.generators)) for w in built("ai-genbench").windows]
    assert found == [(a, b, [packaged().resolve(name).name for name in names]) for a, b, names in AI_GENBENCH]


def test_ai_genbenchs_generators_fall_into_their_windows_whatever_month_the_corpus_gives():
    """Palette and VQ-Diffusion came out in one month, and Midjourney is dated otherwise than its pictures' version."""
    windows = built("ai-genbench").windows
    where = {
        entry.name: [n for n, w in enumerate(windows) if w.holds(entry.released, entry.name)] for entry in packaged()
    }
    found = {name: where[name] for name in ("palette", "vq-diffusion", "midjourney-v5", "midjourney-v1", "flux-1-pro")}
    assert found == {"palette": [4], "vq-diffusion": [5], "midjourney-v5": [6], "midjourney-v1": [], "flux-1-pro": []}
    assert sum(map(len, where.values())) == 36


@pytest.mark.parametrize("family", ["stable-diffusion", "flux"])
def test_a_family_that_is_left_out_is_in_its_own_window_and_all_others_in_the_other(family):
    protocol = LeaveFamilyOut("leave-family-out", 1, family, "2014-06", "2026-12")
    others, own = protocol.windows
    assert (others.name, own.name) == (f"without-{family}", family)
    for entry in packaged():
        held = (others.holds(entry.released, entry.name), own.holds(entry.released, entry.name))
        assert held == (entry.family != family, entry.family == family), entry.name
    assert protocol.label == f"leave-family-out-{family}-v1"


def test_leaving_out_what_is_no_family_or_runs_backwards_is_refused():
    with pytest.raises(UserError, match="unknown family 'fluxx'; did you mean 'flux'"):
        LeaveFamilyOut("t", 1, "fluxx", "2014-06", "2026-12")
    with pytest.raises(UserError, match="since=2027-01 is after until=2026-12"):
        LeaveFamilyOut("t", 1, "flux", "2027-01", "2026-12")


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
