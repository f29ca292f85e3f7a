"""Every command of the command line, one record each; loads nothing but the standard library."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """What a command does, and which words it takes besides settings.

    Attributes:
        does: one line for the help.
        places: settings that may be given by their place alone, without `name=`.
        many: a setting that takes all words without `name=`, as a list.
        files: whether its bare words are files, which never pass through Hydra: it would read ${…} in a name.
        options: `--option value` -> the setting that it stands for.
        several: of these settings, those whose option may be given several times.
        crash: its exit code for an error of ours, told in one line; None for a traceback.
        codes: its exit codes besides those of every command.
    """

    does: str
    places: tuple[str, ...] = ()
    many: str | None = None
    files: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    several: tuple[str, ...] = ()
    crash: int | None = None
    codes: str = ""


NUMBERS = ("port",)  # settings that are no text
TASKS: Mapping[str, Command] = {
    "corpus build": Command("build a corpus: treat, group, split, match and audit the pictures of a source"),
    "corpus audit": Command(
        "what a corpus gives away besides its content: metadata, compression history; a page to look at",
        places=("corpus",),
    ),
    "corpus show": Command("contact sheets of a corpus by kind, generator, topic, split or source", places=("corpus",)),
    "corpus diff": Command("what changed from one corpus to another", places=("before", "after")),
    "corpus push": Command(
        "upload a corpus to the Hub with its card, private unless told otherwise", places=("corpus", "to")
    ),
    "corpus quality": Command(
        "measure each generator of a corpus: KID and CMMD to its held-out photographs", places=("corpus",)
    ),
    "fit_generator": Command("train one generation of the lineage"),
    "fit_autoencoder": Command("train a small autoencoder on a corpus's training photographs"),
    "quality": Command("measure each generation of the lineage: KID to photographs that it never saw"),
    "generators": Command("list the dated vocabulary of generators and draw its timeline"),
    "generators pin": Command("resolve the generators' weights on the Hub to commits and write the lock"),
    "detectors": Command("list every detector: paper, input, size, what it needs"),
    "generate": Command("render pictures with a generator"),
    "train": Command("train detectors on everything up to a cutoff"),
    "predict": Command("score the test pictures under every view of a suite"),
    "evaluate": Command("turn predictions into a result with intervals"),
    "track": Command("the whole job: corpus, detectors at every cutoff, predictions, results, report"),
    "report": Command(
        "make the report again, of the folders of finished runs or of what the settings describe", many="runs"
    ),
    "benchmark": Command(
        "write what a run was measured against without its pictures: RUN output=FOLDER", places=("run",)
    ),
    "submit": Command(
        "a bundle that anyone can verify: RUN detector=NAME [card=FILE] [benchmark=FOLDER] [model=true]",
        places=("run",),
        options={"detector": "submitted", "benchmark": "benchmark", "card": "card", "output": "output"},
    ),
    "verify": Command(
        "whether a submission is what it says: BUNDLE [--benchmark FOLDER] [--against FOLDER …] [--format md]",
        files=True,
        options={
            "benchmark": "benchmark",
            "against": "against",
            "results": "results",
            "corpus": "run_on",
            "salt": "salt",
            "format": "form",
            "output": "written",
        },
        several=("against",),
        crash=5,
        codes="0 accepted; 1 rejected; 3 needs a human; 4 unsafe or no container; 5 an error of ours",
    ),
    "leaderboard add": Command(
        "publish a bundle that passes verification: BUNDLE [--benchmark FOLDER] [--corpus FOLDER]",
        files=True,
        options={
            "benchmark": "benchmark",
            "against": "against",
            "results": "results",
            "corpus": "run_on",
            "salt": "salt",
            "reason": "reason",
        },
        several=("against",),
        codes="0 published; 1, 3, 4, 5 as verify, and nothing is published (3: with --reason it is)",
    ),
    "leaderboard build": Command("published results as a site that opens from disk: [results=FOLDER] [output=FOLDER]"),
    "leaderboard withdraw": Command("put a tombstone on a submission: SUBMISSION reason=…", places=("submission",)),
    "round new": Command("make a hidden round of a corpus: CORPUS output=FOLDER name=NAME", places=("corpus",)),
    "round commit": Command("promise a round's answers before they are out: ROUND", places=("round",)),
    "round predict": Command(
        "score a round's pictures: ROUND --detector FOLDER output=FILE",
        places=("round",),
        options={"detector": "checkpoint", "output": "output"},
    ),
    "round score": Command(
        "evaluate a team's scores and say what it may know: SCORES ROUND team=NAME",
        places=("scores", "round"),
        codes="1 canaries or twins tell on the scores",
    ),
    "round reveal": Command(
        "publish a round's answers, or check published ones: ROUND [check=true]",
        places=("round",),
        codes="1 the answers are not those that were promised",
    ),
    "check run": Command(
        "has a detector got worse: --policy FILE --candidate PREDICTIONS [--baseline PATH|git:REF …]",
        options={
            "policy": "policy",
            "candidate": "candidate",
            "baseline": "against",
            "command": "command",
            "output": "output",
        },
        several=("against",),
        crash=5,
        codes="0 pass; 1 a regression; 3 too little to tell, where the policy says fail; 4 not comparable, or "
        "something that the policy asks for was not measured; 5 the check itself, or what makes its candidate, crashed",
    ),
    "check accept": Command(
        "make a candidate the new baseline: --policy FILE --candidate PREDICTIONS --reason TEXT",
        options={
            "policy": "policy",
            "candidate": "candidate",
            "reason": "reason",
            "baseline": "baseline_name",
            "date": "day",
        },
    ),
    "check power": Command(
        "what a check can see before anything is spent: --policy FILE [--candidate PREDICTIONS]",
        options={"policy": "policy", "candidate": "candidate", "baseline": "against"},
        several=("against",),
    ),
    "check explain": Command(
        "the pictures behind a change: REPORT.json [--slice generator=NAME …]",
        places=("report",),
        options={"slice": "slices"},
        several=("slices",),
    ),
    "detect": Command(
        "judge pictures: FILE… (folders; - for paths from stdin) --detector FOLDER [--result JSON]",
        files=True,
        options={"detector": "checkpoint", "result": "result", "format": "format", "heatmaps": "heatmaps"},
        codes="0 every file was judged, none looks AI-generated; 3 at least one looks AI-generated; 4 none does, but "
        "at least one file could not be judged (the others were)",
    ),
    "serve": Command(
        "the same as a page of this machine alone: --detector FOLDER [--result JSON] [--port N]",
        options={"detector": "checkpoint", "result": "result", "port": "port"},
        codes="0 ended by Ctrl-C",
    ),
}
