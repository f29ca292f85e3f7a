"""Which materials may meet in one picture: groups of materials dealt to pools that have nothing in common.

All pictures of a pool end in one split, whatever they share; the fewer materials a pool has, the more independent
groups there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from redqueen.corpus.schema import Material
from redqueen.files import seed_from

Groups = Mapping[str, Sequence[Material]]  # the materials of each group, groups in an order that a seed decides

_PER_POOL = 6  # collages, at least, that a pool is opened for
_PER_PHOTO = 8  # collages, about, that share a photograph where there are enough photographs
_CUTOUTS = 4  # groups of cut-outs, at least, in a pool
_DRAWINGS = (12, 16)  # groups of drawings in a pool, at least and at most
_SCENES = 4  # scenes, at least, that a pool is opened for
_IN_A_GROUP = 32  # materials of one group that are used


@dataclass(frozen=True)
class Hand:
    """What was dealt to one pool."""

    key: str
    photos: tuple[Material, ...] = ()
    others: tuple[Material, ...] = ()

    @property
    def by_name(self) -> dict[str, Material]:
        """Every material of the pool."""
        return {material.name: material for material in (*self.photos, *self.others)}


def by_lot(materials: Iterable[Material], most: int, seed: int) -> Groups:
    """The materials of at most `most` groups, those to whom the seed gives the lowest numbers; memory stays bounded."""
    kept: dict[str, list[Material]] = {}
    bar = 2**63
    for material in materials:
        if seed_from(seed, material.group_id) >= bar:
            continue
        group = kept.setdefault(material.group_id, [])
        if len(group) < _IN_A_GROUP:
            group.append(material)
        if len(kept) > 2 * most:
            kept, bar = _lowest(kept, most, seed)
    return _lowest(kept, most, seed)[0]


def _lowest(groups: Mapping[str, list[Material]], most: int, seed: int) -> tuple[dict[str, list[Material]], int]:
    """The groups with the lowest numbers, in their order, and the number from which on none is needed."""
    order = sorted(groups, key=lambda group: (seed_from(seed, group), group))
    bar = seed_from(seed, order[most]) if len(order) > most else 2**63
    return {group: groups[group] for group in order[:most]}, bar


def for_collages(photos: Groups, cutouts: Groups, number: int) -> list[Hand]:
    """Pools for that many collages: about three for every four photographs, or fewer where cut-outs are rare."""
    pools = min(-(-3 * len(photos) // 4), -(-number // _PER_POOL))
    if cutouts:
        pools = min(pools, max(1, len(cutouts) // _CUTOUTS))
    wanted = max(-(-4 * pools // 3), pools * min(round(number / pools / _PER_PHOTO), 4))
    backs = _dealt(photos, pools, wanted)
    fronts = _dealt(cutouts, pools, len(cutouts))
    return [Hand(back[0].group_id, tuple(back), tuple(front)) for back, front in zip(backs, fronts, strict=True)]


def for_scenes(drawings: Groups, number: int) -> list[Hand]:
    """Pools of a dozen drawings for that many scenes; one pool where there are fewer."""
    least, most = _DRAWINGS
    pools = max(1, min(len(drawings) // least, number // _SCENES))
    return [Hand(hand[0].group_id, others=tuple(hand)) for hand in _dealt(drawings, pools, most * pools)]


def _dealt(groups: Groups, pools: int, wanted: int) -> list[list[Material]]:
    """The first `wanted` groups, one after the other to each pool in turn."""
    hands: list[list[Material]] = [[] for _ in range(pools)]
    for number, group in enumerate(list(groups.values())[:wanted]):
        hands[number % pools] += group
    return hands
