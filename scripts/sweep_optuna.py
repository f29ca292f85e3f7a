"""Search settings of `redqueen train` with Optuna: each trial is one run in this process, judged by validation AUROC.

usage: python scripts/sweep_optuna.py [--trials 20] [--seed 0] [--study FILE.db] WORD …

A WORD is an override as `redqueen train` takes it, or a range to search:
  recipe.learning_rate=log(1e-4,1e-2)  recipe.weight_decay=float(0,0.1)  recipe.steps=int(100,400)
  recipe.batch_size=choice(16,32)
The value of a trial is the mean AUROC on validation pictures over its detectors and cutoffs; no test picture is looked
at. With --study trials are kept, and the same command goes on where it stopped. Needs redqueen[sweeps]. Exit code 2 for
bad input.
"""

import argparse
import logging
import re
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import optuna
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from redqueen.errors import UserError, unknown
from redqueen.files import configs
from redqueen.hydra_errors import one_line
from redqueen.settings import accepted, check
from redqueen.tasks.corpus import build
from redqueen.tasks.train import jobs, trained

RANGE = re.compile(r"([^=]+)=(\w+)\((.+)\)")
KINDS = ("log", "float", "int", "choice")


def drawn(trial: optuna.Trial, word: str) -> str:
    """The override that a trial draws from a range; any other word as it is."""
    found = RANGE.fullmatch(word)
    if found is None:
        return word
    key, kind, text = found.groups()
    ends = [part.strip() for part in text.split(",")]
    if kind not in KINDS:
        raise unknown(f"range of {key}", kind, KINDS)
    if kind == "choice":
        return f"{key}={trial.suggest_categorical(key, ends)}"
    try:
        low, high = (int(end) if kind == "int" else float(end) for end in ends)
    except ValueError:
        raise UserError(f"{word}: give two numbers, {key}={kind}(LOW,HIGH)") from None
    if kind == "int":
        return f"{key}={trial.suggest_int(key, low, high)}"
    return f"{key}={trial.suggest_float(key, low, high, log=kind == 'log')}"


def value(words: Sequence[str], folder: Path) -> float:
    """Mean AUROC on validation pictures of what `redqueen train` makes of these overrides."""
    GlobalHydra.instance().clear()
    with one_line(configs(), "train", words):
        settings = accepted(configs(), "train", words)
        with initialize_config_dir(str(configs()), version_base="1.3"):
            cfg = compose("train", settings)
        check(cfg)
        work = list(jobs(cfg))
        corpus = build(cfg)
        records = [trained(cfg, corpus, name, cutoff, folder).record for name, cutoff in work]
    return statistics.mean(record["val_auroc"] for record in records)


def study_of(file: Path | None, seed: int, words: Sequence[str]) -> optuna.Study:
    """The study of these words, its finished trials included."""
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        storage=f"sqlite:///{file}" if file else None,
        study_name=" ".join(words),
        sampler=optuna.samplers.TPESampler(seed=seed),
        direction="maximize",
        load_if_exists=True,
    )


def search(study: optuna.Study, trials: int, words: Sequence[str]) -> None:
    done = len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))

    def objective(trial: optuna.Trial) -> float:
        return value([drawn(trial, word) for word in words], Path("runs", "sweep", str(trial.number)))

    study.optimize(objective, n_trials=max(trials - done, 0))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="+", metavar="WORD")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--study", type=Path)
    given = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        study = study_of(given.study, given.seed, given.words)
        search(study, given.trials, given.words)
    except UserError as error:
        print(f"sweep_optuna: {error}", file=sys.stderr)
        return 2
    for trial in study.get_trials(states=[optuna.trial.TrialState.COMPLETE]):
        print(f"{trial.number:>4}  {trial.value:.4f}  {' '.join(f'{key}={one}' for key, one in trial.params.items())}")
    print(f"best {study.best_value:.4f}: {' '.join(f'{key}={one}' for key, one in study.best_params.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
