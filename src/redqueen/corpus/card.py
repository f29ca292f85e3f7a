"""What a corpus says of itself: `card.json` for programs, `README.md` for people, the Hub and `datasets`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from redqueen.corpus.match import Mask, Matched, inside
from redqueen.corpus.schema import COLUMNS
from redqueen.types import SPLITS, Window

PACKAGES = ("redqueen", "pillow", "pyarrow", "numpy", "scikit-learn")
_HUB_LICENCES = ("mit", "apache-2.0", "cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0")
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def counts(table: pa.Table, matched: Matched, rejected: int) -> dict[str, Any]:
    """How many rows there are, in all and by kind, split and generator."""
    split = tally(table.column("split"))
    return {
        "rows": table.num_rows,
        "groups": len(pc.unique(table.column("group_id"))),
        "kind": tally(table.column("kind")),
        "split": {name: split.get(name, 0) for name in SPLITS},
        "generator": tally(table.column("generator")),
        "rejected": rejected,
        "matched": {name: int(mask.sum()) for name, mask in matched.items()},
    }


def tally(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each value stands in a column of text; nulls are left out."""
    found = {row["values"].as_py(): row["counts"].as_py() for row in pc.value_counts(column)}
    return {value: found[value] for value in sorted(value for value in found if value is not None)}


def kept_and_dropped(table: pa.Table, windows: Sequence[Window], matched: Matched) -> dict[str, Any]:
    """For each window and class: rows that could serve it, those that matching kept, and those that it dropped."""
    human = table.column("label").to_numpy() == 0
    found = {}
    for window in windows:
        sides = {"human-made": human, "generated": inside(table, window) & ~human}
        found[window.name] = {name: _kept(side, matched[window.name]) for name, side in sides.items()}
    return found


def _kept(side: Mask, matched: Mask) -> dict[str, int]:
    rows, kept = int(side.sum()), int((side & matched).sum())
    return {"rows": rows, "kept": kept, "dropped": rows - kept}


def cells(table: pa.Table, windows: Sequence[Window], matched: Matched) -> list[dict[str, Any]]:
    """Rows by kind, window and topic, before and after matching; null is no topic, and outside of all windows.

    Human-made rows have no date: they stand under every window, since they may serve any.
    """
    human = table.column("label").to_numpy() == 0
    dated = {window.name: inside(table, window) for window in windows}
    outside = ~human & ~np.logical_or.reduce([np.zeros(len(human), bool), *dated.values()])
    found = []
    for name, mask in [*((name, human | mask) for name, mask in dated.items()), (None, outside)]:
        kept = matched[name] if name else np.zeros(len(human), bool)
        found += [{"window": name, **cell} for cell in _by_kind_and_topic(table, mask, kept)]
    return found


def _by_kind_and_topic(table: pa.Table, mask: NDArray[np.bool_], kept: Mask) -> Iterator[dict[str, Any]]:
    some = table.select(["kind", "topic"]).append_column("matched", pa.array(kept.astype(np.int64)))
    totals = some.filter(pa.array(mask)).group_by(["kind", "topic"]).aggregate([("matched", "sum"), ([], "count_all")])
    for row in sorted(totals.to_pylist(), key=lambda row: (row["kind"], row["topic"] or "")):
        yield {"kind": row["kind"], "topic": row["topic"], "rows": row["count_all"], "matched": row["matched_sum"]}


def versions() -> dict[str, str]:
    """Of what the rows depend on."""
    return {name: version(name) for name in PACKAGES}


def readme(card: Mapping[str, Any]) -> str:
    """The dataset card: a header that the Hub and `datasets` read, then counts, audit, licences and provenance."""
    return f"---\n{_header(card)}---\n\n{_body(card)}"


def _header(card: Mapping[str, Any]) -> str:
    licences = [name.lower() for name in card["licences"]]
    one = licences[0] if len(licences) == 1 and licences[0] in _HUB_LICENCES else "other"
    size = next((text for limit, text in _SIZES if card["counts"]["rows"] < limit), "n>10M")
    lines = [
        f"pretty_name: {json.dumps(card['name'], ensure_ascii=False)}",
        f"license: {one}",
        *(["license_name: see-below", "license_link: README.md"] if one == "other" else []),
        "task_categories: [image-classification]",
        "tags: [ai-generated-images, synthetic, image-forensics, red-queen]",
        f"size_categories: [{size}]",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/*.parquet",
        "dataset_info:",
        "  features:",
    ]
    for column in COLUMNS:
        kind = "image" if column.name == "image" else str(column.type).replace("double", "float64")
        lines += [f"  - name: {column.name}", f"    dtype: {kind}"]
    return "\n".join(lines) + "\n"


def _body(card: Mapping[str, Any]) -> str:
    count, audit = card["counts"], card["audit"]
    made = count["kind"].get("generated", 0)
    treatment = json.dumps(card["made_of"].get("treatment", {}), sort_keys=True)
    verdict = "**Biased**" if audit["biased"] else "Not marked as biased"
    return "\n\n".join(
        [
            f"# {card['name']}",
            f"**This data set contains AI-generated pictures: {made} of {count['rows']} rows.** They are the rows with "
            "`label` 1 and `kind` generated; `generator` says by what. It is meant for research on detecting such "
            "pictures. It makes no claim about any person, and no picture in it is evidence of anything.",
            "`datasets` shows all rows as one split. Detectors are trained and tested by the column `split`, which "
            "keeps the pictures of one `group_id` together.",
            "## Counts",
            _table(["kind", "rows"], count["kind"].items()),
            _table(["split", "rows"], count["split"].items()),
            *([_table(["generator", "rows"], count["generator"].items())] if count["generator"] else []),
            f"{count['groups']} groups; {count['rejected']} pictures could not be used.",
            "## Matching",
            f"Within a window, human-made and generated rows are alike in {_alike(card['matching'])}; the others are "
            "left out there.",
            _table(["window", "class", "rows", "kept", "dropped"], _matching(card)),
            "## What metadata give away",
            f"{verdict}: {audit['reason']}.",
            f"The files that the rows were made from, before treatment: {card['source_audit']['reason']}.",
            "## Licences",
            "Each row names its own in `licence`, and where it came from in `source`.",
            _table(["licence", "rows"], card["licences"].items()),
            "## Provenance",
            f"Digest `{card['digest']}`, schema version {card['schema_version']}, treatment `{treatment}`. The column "
            "`provenance` says how each picture was made, as far as that is known. Where treatment has removed EXIF, "
            "XMP or C2PA from the files, so that no detector can read them, `label` and `generator` stand in for them.",
        ]
    ) + "\n"  # fmt: skip


def _alike(matching: Mapping[str, Any]) -> str:
    names = [name for name in (matching["column"], *matching["exactly"]) if name]
    return ", ".join(f"`{name}`" for name in names) or "number alone"


def _matching(card: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for window, sides in card["matching"]["windows"].items():
        for side, one in sides.items():
            yield window, side, one["rows"], one["kept"], one["dropped"]


def _table(head: Sequence[str], rows: Any) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: Any) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
