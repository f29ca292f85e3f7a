import pytest

from redqueen.evaluation import scores
from regression import world


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A folder with a benchmark, its policy, and three tables: the release, an honest other version, a worse one."""
    folder = tmp_path_factory.mktemp("small")
    made = world.bench(folder / "benchmark")
    world.policy(folder)
    for name, by_view in {
        "release": world.logits(made, 0),
        "honest": world.logits(made, 1, own=0.05),
        "worse": world.logits(made, 1, skill=1.4),
    }.items():
        scores.write(folder / f"{name}.parquet", world.table(made, by_view))
    return folder
