"""Work on pieces by several processes."""

import os
import signal

import pytest

from stepwell.core.errors import DataError
from stepwell.data.images.pool import ahead


def square(number: int) -> int:
    return number * number


def where(_: int) -> int:
    return os.getpid()


def end(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number: int) -> int:
    raise ValueError(number)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_are_in_order(workers: int) -> None:
    assert list(ahead(square, range(50), workers)) == [number**2 for number in range(50)]
    assert list(ahead(square, [], workers)) == []
    with pytest.raises(ValueError, match="3"):
        list(ahead(fail, [3], workers))


def test_workers_are_other_processes() -> None:
    assert set(ahead(where, range(3), 0)) == {os.getpid()}
    assert os.getpid() not in set(ahead(where, range(3), 1))


def test_a_process_that_was_ended_is_told_of() -> None:
    with pytest.raises(DataError, match="ended from outside, as the system does when memory runs out"):
        list(ahead(end, [0], 1))


def test_pieces_are_taken_only_a_little_ahead() -> None:
    taken: list[int] = []
    results = ahead(square, (taken.append(number) or number for number in range(100)), 2)
    next(results)
    assert len(taken) <= 6
    results.close()
