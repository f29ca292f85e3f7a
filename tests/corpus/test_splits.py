"""Splits: whole groups, near the shares, the same in any order, and no photograph moved by a new generator."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redqueen.corpus.splits import Group, assign
from redqueen.errors import UserError
from redqueen.types import SPLITS, Split

SHARES: dict[Split, float] = {"train": 0.6, "val": 0.15, "test": 0.25}


def _groups(count: int, label: int = 0, strata: int = 1, seed: int = 0, most: int = 4) -> list[Group]:
    rng = random.Random(seed)
    return [Group(f"{label}/{i}", f"s{i % strata}", rng.randint(1, most), label) for i in range(count)]


def _rows(groups: list[Group], split: dict[str, Split]) -> Counter[str]:
    found: Counter[str] = Counter()
    for group in groups:
        found[split[group.group_id]] += group.rows
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "shares", [SHARES, {"train": 1, "val": 1, "test": 1}, {"train": 80, "val": 10, "test": 10}], ids=str
)
def test_shares_are_met_within_a_group(shares: dict[Split, float], seed: int) -> None:
    """In all, and in each class: no split is off by more than the largest group."""
    groups = _groups(150, seed=seed) + _groups(90, label=1, strata=7, seed=seed)
    split = assign(groups, shares, seed)
    assert set(split) == {group.group_id for group in groups}  # each group once, so it cannot cross
    for label in (0, 1):
        mine = [group for group in groups if group.label == label]
        total, found = sum(group.rows for group in mine), _rows(mine, split)
        for name in SPLITS:
            assert abs(found[name] - shares[name] / sum(shares.values()) * total) <= 4


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(24)), seed=st.integers(0, 3))
def test_the_order_of_groups_is_immaterial(order: list[int], seed: int) -> None:
    groups = _groups(12, strata=3) + _groups(12, label=1, strata=5)
    assert assign([groups[i] for i in order], SHARES, seed) == assign(groups, SHARES, seed)


def test_splits_are_pinned() -> None:
    """On every machine and in every process: another answer here means that every published corpus changes."""
    split = assign([Group(f"g{i}", "photo/", 1, 0) for i in range(10)], SHARES)
    assert " ".join(split[f"g{i}"] for i in range(10)) == "train test train val test train train train train val"


def test_another_seed_is_another_split() -> None:
    groups = _groups(60)
    assert assign(groups, SHARES, 0) != assign(groups, SHARES, 1)


@pytest.mark.parametrize("added", [1, 5, 50])
def test_adding_generated_groups_moves_no_photograph(added: int) -> None:
    human, made = _groups(40, strata=3), _groups(30, label=1, strata=4)
    before = assign(human + made, SHARES)
    extra = [Group(f"new/{i}", f"a{i % 2}", 3, 1) for i in range(added)]
    after = assign(human + made + extra, SHARES)
    assert {g.group_id: after[g.group_id] for g in human} == {g.group_id: before[g.group_id] for g in human}


def test_adding_photographs_moves_no_generated_group() -> None:
    human, made = _groups(41, strata=3), _groups(30, label=1, strata=4)
    alone, both = assign(made, SHARES), assign(human + made, SHARES)
    assert {group.group_id: both[group.group_id] for group in made} == alone


def test_small_strata_are_spread() -> None:
    """Fifty strata of one group each: were each split on its own, all would go to the largest split."""
    groups = [Group(f"g{i}", f"stratum {i:02d}", 1, 1) for i in range(50)]
    assert _rows(groups, assign(groups, SHARES)) == {"train": 30, "val": 7, "test": 13} or _rows(
        groups, assign(groups, SHARES)
    ) == {"train": 30, "val": 8, "test": 12}


def test_large_strata_are_balanced_each() -> None:
    groups = _groups(400, strata=4, most=1)
    split = assign(groups, SHARES)
    for stratum in {group.stratum for group in groups}:
        mine = [group for group in groups if group.stratum == stratum]
        found = _rows(mine, split)
        for name in SPLITS:
            assert abs(found[name] - SHARES[name] * len(mine)) <= 2


def test_a_share_of_nothing_gets_nothing() -> None:
    groups = _groups(50)
    assert _rows(groups, assign(groups, {"train": 0.7, "val": 0.0, "test": 0.3}))["val"] == 0


def test_one_group_goes_to_the_largest_share() -> None:
    assert assign([Group("only", "photo/", 9, 0)], SHARES) == {"only": "train"}
    assert assign([], SHARES) == {}


def test_reconstructions_follow_their_photographs_and_move_none() -> None:
    """Generated rows of a human-made group: the photographs stay where they were, and the class is balanced anew."""
    human, made = _groups(40, strata=3), _groups(60, label=1, most=1)
    before = assign(human, SHARES)
    mixed = [Group(g.group_id, g.stratum, g.rows, 0, made=2) for g in human]
    after = assign(mixed + made, SHARES)
    assert {g.group_id: after[g.group_id] for g in human} == before
    counts = {name: sum(g.made for g in mixed if after[g.group_id] == name) for name in SHARES}
    for g in made:
        counts[after[g.group_id]] += g.rows
    total = sum(counts.values())
    for name, share in SHARES.items():
        assert abs(counts[name] - share / sum(SHARES.values()) * total) <= 2


def test_shares_of_nothing_are_a_user_error() -> None:
    with pytest.raises(UserError, match="shares: all are 0; give at least one split a share"):
        assign(_groups(3), {"train": 0.0, "val": 0.0, "test": 0.0})
