import pytest

import stand_ins


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """76 pictures of 32 pixels in two windows."""
    return stand_ins.corpus(tmp_path_factory.mktemp("corpus"))
