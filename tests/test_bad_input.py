"""Bad input ends with exit code 2 and one line on stderr that names the value and what is allowed."""

import re

import pytest

from redqueen.cli import main

CASES = {
    "unknown task": (["trak"], r"unknown task 'trak'; did you mean 'track'\? Allowed: benchmark, .*train, verify"),
    "missing folder": (
        ["track", "source=folder", "source.path=/nonexistent"],
        r"source\.path=/nonexistent: no such folder; give the folder that holds metadata\.csv, or one of pictures",
    ),
    "no path": (["track", "experiment=field"], r"source\.path has no value yet: add source\.path=… to the command"),
    "unknown generator": (
        ["track", "generator=[lineage-9]"],
        r"unknown generator 'lineage-9'; did you mean 'lineage-\d'\? Allowed: lineage-5, .* and \d+ more",
    ),
    "unknown detector": (
        ["track", "detector=[nrp]"],
        r"unknown detector 'nrp'; did you mean 'npr'\? Allowed: aeroblade, .*univfd",
    ),
    "unknown experiment": (
        ["track", "experiment=quickstar"],
        r"unknown experiment 'quickstar'; did you mean 'quickstart'\? Allowed: field, .*",
    ),
    "unknown source": (
        ["corpus", "build", "source=whels"],
        r"unknown source 'whels'; did you mean 'wheels'\? Allowed: .*",
    ),
    "unknown group": (["track", "detektor=npr"], r".*'detektor'; did you mean 'detector'\? Allowed: .*"),
    "unknown key": (
        ["track", "recipe.stepz=3"],
        r"no setting 'recipe\.stepz'; did you mean 'recipe\.steps'\? Allowed under recipe: accumulate, .*",
    ),
    "unknown key at the top": (["track", "sed=3"], r"no setting 'sed'; did you mean 'seed'\? Allowed: .*"),
    "key of a detector that is not chosen": (
        ["track", "detector.npr.size=64"],
        r"no setting 'detector\.npr'; Allowed under detector: spectral",
    ),
    "unknown key, forced in": (
        ["track", "+detector.spectral.sise=3"],
        r"unknown setting of detector\.spectral 'sise'; did you mean 'size'\? Allowed: size",
    ),
    "wrong type": (["track", "recipe.steps=abc"], r"recipe\.steps=abc: input should be a valid integer.*"),
    "wrong type of a plain setting": (["track", "draws=many"], r"draws=many: input should be a valid integer.*"),
    "impossible value": (["track", "recipe.steps=0"], r"recipe\.steps=0: must be at least 1"),
    "odd batch": (["track", "recipe.batch_size=5"], r"recipe\.batch_size=5: must be even.*"),
    "odd crop": (["track", "detector=[npr]", "detector.npr.size=33"], r"npr: size 33 .* must be even.*"),
    "malformed override": (["track", "foo=[1,"], r".*'\[1,'.*"),
    "no override": (["track", "foo"], r".*'foo'.*"),
    "unknown cutoff": (["track", "cutoff=never"], r"unknown cutoff 'never'; Allowed: 2026-01, .*2026-05"),
    "no detector": (["track", "detector=[]"], r"no detector chosen: add detector=\[spectral\].*"),
    "no generator": (["generate"], r"no generator chosen: add generator=\[lineage-1\].*"),
    "two generators to fit": (
        ["fit_generator", "generator=[lineage-1,lineage-2]"],
        r"one generation .*, got 2",
    ),
    "no weights": (
        ["generate", "generator=[lineage-1]", "generator.lineage-1.weights=nowhere"],
        r"weights 'nowhere': no pipeline at nowhere \(model_index\.json is missing\)",
    ),
    "overlapping windows": (
        ["track", "protocol.periods=[[2022-01,2022-03],[2022-03,2022-04]]"],
        r"protocol 'lineage': two windows share the month 2022-03",
    ),
    "no such family": (
        ["track", "protocol=leave-family-out", "protocol.family=fluxx"],
        r"unknown family 'fluxx'; did you mean 'flux'\?.*",
    ),
    "no such view": (
        ["track", "augment=views", "augment.without=jpeg5"],
        r"unknown view 'jpeg5'; did you mean 'jpeg50'\? Allowed: clean, jpeg50",
    ),
    "labels": (["track", "labels=wrong"], r"labels=wrong: input should be 'true' or 'shuffled'"),
    "no config folder": (["track", "--config-dir", "/nonexistent"], r".*'/nonexistent' not found"),
}


@pytest.mark.parametrize(("words", "expected"), CASES.values(), ids=CASES)
def test_one_line_and_exit_code_2(words, expected, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(rf"redqueen: {expected}\n", err)


def test_nothing_is_built_before_a_wrong_choice_is_told(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["track", "cutoff=never", "store=store"]) == 2
    assert not (tmp_path / "store").exists()


def interrupted_in_lightning():
    """Lightning turns KeyboardInterrupt into sys.exit(1)."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise SystemExit(1)  # noqa: B904  (as Lightning does)


def failing_with(error):
    def fail():
        raise error

    return fail


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """The main job, made to fail: its exit code."""
    from redqueen.tasks import track

    def run(fail):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(track, "run", lambda cfg, folder: fail())
        return main(["track"])

    return run


INTERRUPTED = "redqueen: interrupted; the same command goes on where it stopped\n"


@pytest.mark.parametrize(
    ("fail", "code", "told"),
    [
        (failing_with(KeyboardInterrupt()), 130, INTERRUPTED),
        (interrupted_in_lightning, 130, INTERRUPTED),
        (
            failing_with(OSError(28, "No space left on device", "store/x")),
            1,
            "redqueen: [Errno 28] No space left on device: 'store/x'\n",
        ),
    ],
    ids=["interruption", "interruption in Lightning", "a full disk"],
)
def test_other_ends_are_one_line_with_a_code_of_their_own(fail, code, told, failing, capfd):
    assert failing(fail) == code
    assert capfd.readouterr().err == told


def test_a_bug_is_not_hidden(failing):
    with pytest.raises(ZeroDivisionError, match="a bug"):
        failing(failing_with(ZeroDivisionError("a bug")))
