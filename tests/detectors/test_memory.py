"""A batch that does not fit is worked off in halves; one input that does not fit is told in one line."""

import pytest
import torch

from redqueen.detectors.memory import exhausted, in_parts
from redqueen.errors import UserError

CPU = torch.device("cpu")


def roomy_for(most):
    seen = []

    def function(batch):
        seen.append(len(batch))
        if len(batch) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return batch.sum(dim=1).double()

    return function, seen


@pytest.mark.parametrize(("most", "seen"), [(9, [7]), (4, [7, 3, 4]), (3, [7, 3, 4, 2, 2]), (1, None)])
def test_halves_until_it_fits(most, seen):
    batch = torch.arange(14.0).reshape(7, 2)
    function, sizes = roomy_for(most)
    found = in_parts(function, batch, CPU)
    assert found.tolist() == batch.sum(dim=1).tolist()
    assert found.dtype == torch.float32
    assert seen is None or sizes == seen


def test_one_input_that_does_not_fit_is_told():
    with pytest.raises(UserError, match=r"one input of shape \(2,\) does not fit into the memory of cpu"):
        in_parts(roomy_for(0)[0], torch.zeros(3, 2), CPU)


def test_other_errors_pass():
    def fail(batch):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        in_parts(fail, torch.zeros(2, 2), CPU)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
            True,
        ),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("size mismatch"), False),
    ],
)
def test_what_counts_as_exhausted(error, expected):
    assert exhausted(error) is expected


def test_what_the_allocator_really_says():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55, dtype=torch.uint8)
    assert exhausted(caught.value)
