"""Train, validation and test: assigned to whole groups, the same on every machine, balanced in every stratum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redqueen.errors import UserError
from redqueen.files import seed_from
from redqueen.types import SPLITS, Split


@dataclass(frozen=True, slots=True)
class Group:
    """A source group.

    Attributes:
        group_id: its name.
        stratum: splits are balanced over the groups of one stratum.
        rows: of its class.
        label: its class, 0 human-made, 1 AI-generated; human-made if it has rows of both.
        made: AI-generated rows of a human-made group, as reconstructions of its photographs are; they follow it.
    """

    group_id: str
    stratum: str
    rows: int
    label: int
    made: int = 0


def assign(groups: Sequence[Group], shares: Mapping[Split, float], seed: int = 0) -> dict[str, Split]:
    """Map each group_id to a split, so that rows come as near to `shares` as whole groups allow.

    Groups are walked in the order (class, stratum, seeded hash) and each goes to the split that is furthest behind its
    share. The shortfall is carried from stratum to stratum, so that many small strata are spread over the splits
    rather than all going to the largest one. The two classes are walked apart: adding generators moves no photograph.

    Raises:
        UserError: all shares are 0.
    """
    total_share = sum(shares.values())
    if total_share <= 0:
        raise UserError("shares: all are 0; give at least one split a share")
    result: dict[str, Split] = {}
    rows = {label: dict.fromkeys(SPLITS, 0) for label in (0, 1)}
    for group in sorted(groups, key=lambda g: (g.label, g.stratum, seed_from(seed, g.group_id), g.group_id)):
        counts = rows[group.label]
        seen = sum(counts.values()) + group.rows
        behind = {split: shares[split] / total_share * seen - counts[split] for split in SPLITS}
        chosen = max(SPLITS, key=lambda split: behind[split])
        counts[chosen] += group.rows
        rows[1][chosen] += group.made
        result[group.group_id] = chosen
    return result
