"""The lineage's model card, written from the training records and the measured quality."""

from collections.abc import Mapping
from typing import Any

from redqueen.types import Interval

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
