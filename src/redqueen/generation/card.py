"""What cards say of measured quality: the lineage's model card, and the figures in the card of a corpus."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from redqueen.corpus.store import CARD
from redqueen.files import write_json, write_text
from redqueen.generation.quality import Quality
from redqueen.types import Interval

README = "README.md"
_START, _END = "<!-- quality: written by redqueen corpus quality -->", "<!-- end of quality -->"

_HEAD = """# Model card: the lineage

Five generations of small unconditional diffusion models (64 x 64 pixels), in diffusers' layout with fp16 weights. They
exist so that a benchmark of detectors can run without a model hub: each generation is better than the last, as the
real ones are. They make textures that resemble a few photographs, and are of no other use.

- **Training data**: crops of {photos} photographs of the training split that lie in installed wheels, left 70 % of
  each ({groups}). {pictures} crops, mirrored at random.
- **Quality**: KID (Binkowski et al., ICLR 2018) on EfficientNet-Lite0 features of {generated} rendered pictures to
  {real} crops that no training saw: the right-hand 30 % of the same photographs. Lower is better. The interval
  resamples pictures and crops; it says nothing about other photographs.
- **Release months are nominal**, one a generation: a made-up timeline.
- **Made again by** `scripts/make_lineage`.

| generation | net | training pictures | target, schedule | average of weights | sampler, steps | KID | 95 % interval |
|---|---|---|---|---|---|---|---|
"""


def model_card(records: Mapping[str, Mapping[str, Any]], kids: Mapping[str, Interval], facts: Mapping[str, Any]) -> str:
    """Markdown: what the models are, what they learned from, how good they are; one table row a generation."""
    first = next(iter(records.values()))
    text = _HEAD.format(
        photos=len(first["training_groups"]),
        groups=", ".join(first["training_groups"]),
        pictures=first["training_pictures"],
        generated=facts["generated"],
        real=facts["real"],
    )
    return text + "\n".join(_row(name, records, kids[name]) for name in records) + "\n"


def _row(name: str, records: Mapping[str, Mapping[str, Any]], kid: Interval) -> str:
    recipe = records[name]["recipe"]
    start = recipe["start_from"]
    seen = recipe["pictures"] + (_seen(start, records) if start else 0)
    average = "none" if recipe["ema_decay"] is None else f"EMA {recipe['ema_decay']}"
    cells = [
        name,
        "-".join(str(width) for width in recipe["channels"]),
        f"{seen}" + (f" (from {start})" if start else ""),
        f"{recipe['prediction']}, {recipe['beta_schedule']}",
        average,
        f"{recipe['sampler'].removesuffix('Scheduler')}, {recipe['sampling_steps']}",
        f"{kid.value:.4f}",
        f"{kid.low:.4f} to {kid.high:.4f}",
    ]
    return f"| {' | '.join(cells)} |"


def _seen(name: str, records: Mapping[str, Mapping[str, Any]]) -> int:
    """Pictures drawn by a generation and all that it started from; 0 for one that is not among the records."""
    recipe: Mapping[str, Any] = records[name]["recipe"] if name in records else {"pictures": 0, "start_from": None}
    return int(recipe["pictures"]) + (_seen(recipe["start_from"], records) if recipe["start_from"] else 0)


def write_quality(folder: Path, quality: Quality) -> None:
    """Put the figures into a corpus's card.json, under `quality` and the backbone's digest, and into its README.md.

    Figures of other backbones stay. The README is left out where there is none. The corpus's digest does not change.
    """
    card = json.loads((folder / CARD).read_text())
    found = {**card.get("quality", {}), quality.backbone_digest: asdict(quality)}
    write_json(folder / CARD, {**card, "quality": found})
    readme = folder / README
    if readme.is_file():
        known = TypeAdapter(list[Quality]).validate_python(list(found.values()))
        write_text(readme, _with_section(readme.read_text(), quality_section(known)))


def quality_section(found: list[Quality]) -> str:
    """Markdown: one table a backbone, one row a generator, the nearest first."""
    lines = [_START, "", "## Quality of the generators", ""]
    lines += [
        "Squared MMD to held-out photographs (test split); lower is better. KID: cubic kernel on features (Binkowski"
    ]
    lines += [
        "et al., ICLR 2018); CMMD: 1,000 x Gaussian kernel on their directions (Jayasumana et al., CVPR 2024; its"
    ]
    lines += [
        "published figures are of CLIP ViT-L/14 at 336 pixels). Both unbiased, with 95 % intervals over groups.",
        "",
    ]
    for quality in sorted(found, key=lambda one: (one.backbone, one.backbone_digest)):
        matched = "matched " if quality.matched else ""
        lines += [
            f"On `{quality.backbone}` (digest `{quality.backbone_digest[:12]}`), to {quality.photographs} {matched}"
        ]
        lines[-1] += f"photographs of {quality.photograph_groups} groups, {quality.draws} draws, seed {quality.seed}:"
        lines += ["", "| generator | pictures | groups | KID | CMMD |", "|---|---|---|---|---|"]
        for name, one in quality.ranked():
            figures = (
                f"{one.reason} | " if one.reason else f"{interval_text(one.kid, 4)} | {interval_text(one.cmmd, 3)}"
            )
            lines += [f"| {name} | {one.pictures} | {one.groups} | {figures} |"]
        lines += [""]
    return "\n".join([*lines, _END])


def interval_text(interval: Interval | None, digits: int) -> str:
    """A figure and its interval.

    >>> interval_text(Interval(0.25, 0.2, 0.31, 90, 90), 2)
    '0.25 (0.20 to 0.31)'
    """
    if interval is None or interval.value is None:
        return "-"
    ends = ("?" if end is None else f"{end:.{digits}f}" for end in (interval.low, interval.high))
    return f"{interval.value:.{digits}f} ({' to '.join(ends)})"


def _with_section(text: str, section: str) -> str:
    """The text with its section replaced, or added at the end where it has none."""
    before, mark, after = text.partition(_START)
    if not mark:
        return f"{text.rstrip()}\n\n{section}\n"
    return before + section + after.partition(_END)[2]
