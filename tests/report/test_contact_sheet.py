"""Contact sheets show what they say: the right pictures, in order, each in its place, with any name."""

import numpy as np
import pytest

import stand_ins
from redqueen.corpus.build import Plan, finish, treat
from redqueen.corpus.normalise import Keep
from redqueen.errors import UserError
from redqueen.report.contact_sheet import HUMAN, MADE, PAPER, RULE, Sheet, jpeg, png, strips, thumbnail


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))


class Named:
    """One flat picture for each (group, colour, size), of one source."""

    name = "named"

    def __init__(self, *pictures, source="here"):
        self.all, self.source = pictures, source

    def fingerprint(self):
        return "named"

    def pictures(self):
        for number, (group, colour, size) in enumerate(self.all):
            picture = np.full((size[1], size[0], 3), colour, np.uint8)
            picture[0, 0, 0] = number  # no two files alike
            data = stand_ins.png(picture)
            yield stand_ins.SourcePicture(
                name=str(number),
                read=lambda data=data: data,
                kind="photo",
                group_id=group,
                source=self.source,
                licence="MIT",
            )


def named(folder, *pictures, **options):
    treat(Named(*pictures, **options), Keep(), folder / "treated", strict=True)
    return finish(folder / "treated", folder / "corpus", Plan("named", stand_ins.SHARES, ()))


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("kind", ["photographs", "collages", "drawings", "generated pictures"]),
        ("generator", ["generator-2026-01", "generator-2026-02", "no generator"]),
        ("split", ["train", "val", "test"]),
        ("source", ["stand-in"]),
    ],
)
def test_a_strip_for_each_value_in_order(corpus, by, names):
    found = strips(corpus, by, 5)
    assert [strip.name for strip in found] == names
    values = corpus.column(by)
    for strip in found:
        shown = {values[picture.row] for picture in strip.pictures}
        assert len(shown) == 1
        (value,) = shown
        count = sum(one == value for one in values)
        assert f"{count} pictures" in strip.notes
        assert len({picture.row for picture in strip.pictures}) == min(5, count)
        for picture in strip.pictures:
            assert picture.generated == (corpus.column("kind")[picture.row] == "generated")
            assert corpus.column("image_id")[picture.row].startswith(picture.identity)
    if by == "generator":
        assert found[0].notes[0] == "2026-01"


def test_the_seed_chooses(corpus):
    assert strips(corpus, "kind", 3) == strips(corpus, "kind", 3)
    assert strips(corpus, "kind", 3) != strips(corpus, "kind", 3, seed=1)


def test_a_picture_of_each_group_before_a_second_of_any(tmp_path):
    many = [("crowd", (n * 9, 200, 40), (50 + n, 50)) for n in range(12)]
    alone = [(f"alone-{n}", (40, 20 + n * 40, 250 - n * 50), (80, 60 + n)) for n in range(3)]
    made = named(tmp_path, *many, *alone)
    (strip,) = strips(made, "kind", 5)
    groups = sorted(made.column("group_id")[picture.row] for picture in strip.pictures)
    assert strip.notes == ("15 pictures", f"{len(set(made.column('group_id')))} groups")
    assert len(set(groups)) == min(5, len(set(made.column("group_id"))))


@pytest.mark.parametrize("by", ["colour", "image", "kinds", ""])
def test_a_column_that_is_none_of_them(corpus, by):
    with pytest.raises(UserError, match="unknown value of by .*kind, source, split, topic"):
        strips(corpus, by, 3)


def test_nothing_to_show(corpus):
    with pytest.raises(UserError, match="no row of corpus 'stand-in' has a topic"):
        strips(corpus, "topic", 3)


@pytest.mark.parametrize("size", [(64, 64), (200, 50), (50, 200), (1, 1), (1, 300)])
def test_a_thumbnail_is_whole_and_in_the_middle(tmp_path, size):
    shown = np.asarray(thumbnail(named(tmp_path, ("g", (0, 200, 0), size)), 0, 40)).astype(int)
    assert shown.shape == (40, 40, 3)
    green = (shown[..., 1] > shown[..., 0] + 50) & (shown[..., 1] > shown[..., 2] + 50)
    rule = (shown == [int(RULE[at : at + 2], 16) for at in (1, 3, 5)]).all(axis=2)
    width, height = (max(1, round(side * 40 / max(size))) for side in size)
    assert rule.sum() == 1600 - width * height
    if size != (1, 1):
        down, across = np.nonzero(green)
        assert abs(down.mean() - 19.5) <= 1
        assert abs(across.mean() - 19.5) <= 1


def pixels_of(page, colour):
    found = (np.asarray(page) == [int(colour[at : at + 2], 16) for at in (1, 3, 5)]).all(axis=2)
    return int(found.sum())


def test_pages_hold_what_they_should(corpus):
    sheet = Sheet(side=48, strips=3)
    found = strips(corpus, "kind", 4)
    pages = list(sheet.pages(corpus, found, "kind"))
    assert len(pages) == 2
    first = pages[0]
    left, top = 28 + 232, 96
    shown = np.asarray(first.crop((left, top, left + 48, top + 48)))
    np.testing.assert_array_equal(shown, np.asarray(thumbnail(corpus, found[0].pictures[0].row, 48)))
    assert png(first) == png(next(iter(sheet.pages(corpus, found, "kind"))))
    assert jpeg(first)[:2] == b"\xff\xd8"
    assert pixels_of(first, PAPER) > first.width * first.height / 4


def test_classes_differ_without_their_colours(corpus):
    kinds = strips(corpus, "kind", 1)
    human, made = ([strip] for strip in (kinds[0], kinds[3]))
    bars = []
    for found, colour in ((human, HUMAN), (made, MADE)):
        page = next(iter(Sheet(side=48).pages(corpus, found, "kind")))
        row = np.asarray(page)[96 + 48 + 1, 260 : 260 + 48]
        bars.append((row == [int(colour[at : at + 2], 16) for at in (1, 3, 5)]).all(axis=1))
    assert bars[0].all()
    assert 0 < bars[1].sum() < 48


@pytest.mark.parametrize(
    "name", ["x" * 900, "a b-c/d " * 40, "line\nbreak\ttab\x00", "\u202eturned", "\u4e2d\u6587", "W" * 60, "-"]
)
def test_any_name_fits(tmp_path, name):
    made = named(tmp_path, ("g", (9, 99, 200), (40, 40)), source=name)
    for by in ("source", "kind"):
        page = next(iter(Sheet(side=64).pages(made, strips(made, by, 1), by)))
        margin = np.asarray(page)[85:, :28]
        assert (margin == 255).all()
        label = np.asarray(page)[96:, 28 + 232 - 12 : 28 + 232]
        assert (label == 255).all(), "a name runs into the pictures"
