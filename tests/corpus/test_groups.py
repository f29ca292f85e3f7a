"""Groups: what a picture names and what looks alike ends in one group, whatever the way it is connected."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redqueen.corpus.groups import Grouping, grouped, groups
from redqueen.corpus.splits import Group

_NAMES = st.sampled_from("abcdefgh")


def _grouped(own: list[str], linked: list[list[str]] | None = None, same: list[int] | None = None) -> list[str]:
    lists = pa.chunked_array([pa.array(linked or [[]] * len(own), pa.list_(pa.string()))])
    rows = np.array(same if same is not None else range(len(own)), np.int64)
    return grouped(pa.chunked_array([own], pa.string()), lists, rows).column.to_pylist()


def test_nothing_in_common_changes_nothing() -> None:
    assert _grouped(["d", "c", "c", "a"]) == ["d", "c", "c", "a"]
    assert _grouped([]) == []


def test_near_duplicates_join_and_the_first_name_stays() -> None:
    """Rows of "d" meet "c", another row of "c" meets "b": one group; "a" stays alone."""
    assert _grouped(["d", "c", "c", "b", "a", "d"], same=[0, 0, 2, 2, 4, 5]) == ["b", "b", "b", "b", "a", "b"]


def test_all_groups_that_a_picture_names_become_one() -> None:
    """A collage of x and y, another of y and z: photographs of x and z must not be in two splits."""
    own = ["photo/x", "photo/z", "collage/1", "collage/2", "photo/w"]
    linked = [[], [], ["photo/x", "photo/y"], ["photo/y", "photo/z"], []]
    assert _grouped(own, linked) == ["collage/1"] * 4 + ["photo/w"]


def test_material_that_is_no_row_joins_too() -> None:
    """No row shows the cut-out alone, and yet two collages share it."""
    assert _grouped(["m", "n", "o"], [["cutout"], ["cutout"], []]) == ["cutout", "cutout", "o"]


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(_NAMES, st.lists(_NAMES, max_size=3), st.integers(0, 99)), min_size=1, max_size=10),
)
def test_joining_against_repeated_relabelling(rows: list[tuple[str, list[str], int]]) -> None:
    own, linked = [row[0] for row in rows], [row[1] for row in rows]
    same = [min(i, row[2] % len(rows)) for i, row in enumerate(rows)]
    name = {one: one for one in "abcdefgh"}
    ties = [(own[i], other) for i, others in enumerate(linked) for other in others]
    ties += [(own[i], own[j]) for i, j in enumerate(same)]
    for _ in name:
        for a, b in ties:
            low, high = sorted((name[a], name[b]))
            name = {one: low if now == high else now for one, now in name.items()}
    assert _grouped(own, linked, same) == [name[one] for one in own]


@pytest.mark.parametrize("flip", [False, True])
def test_a_group_of_both_classes_counts_as_human_made(flip: bool) -> None:
    """Two photographs and a reconstruction in "a"; the order of the rows decides nothing but which is first."""
    rows = [(0, 1, "generated/2022-08"), (0, 0, "photo/"), (0, 0, "photo/"), (1, 1, "generated/2023-01")]
    codes, labels, strata = zip(*(rows[::-1] if flip else rows), strict=True)
    found = list(groups(Grouping(np.array(codes), pa.array(["a", "b"])), np.array(labels, np.int8), strata))
    assert found == [Group("a", "photo/", 2, 0, 1), Group("b", "generated/2023-01", 1, 1, 0)]
