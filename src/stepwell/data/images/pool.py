"""Work on pieces by several processes, in order and only a little ahead."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from stepwell.core.errors import DataError

Piece = TypeVar("Piece")
Done = TypeVar("Done")

_AHEAD = 2  # pieces a worker that wait, so that memory does not hold them all


def ahead(work: Callable[[Piece], Done], pieces: Iterable[Piece], workers: int) -> Iterator[Done]:
    """`map(work, pieces)`, by `workers` processes (0: the calling one). Pieces and what comes of them must pickle.

    Raises what `work` raises, and `DataError` where a process was ended from outside.
    """
    if not workers:
        yield from map(work, pieces)
        return
    waiting: deque[Future[Done]] = deque()
    with ProcessPoolExecutor(workers, initializer=_leave_interrupts) as pool:
        for piece in pieces:
            waiting.append(pool.submit(work, piece))
            if len(waiting) > _AHEAD * workers:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())


def _result(future: Future[Done]) -> Done:
    try:
        return future.result()
    except BrokenProcessPool:
        raise DataError(
            "A process that decodes pictures was ended from outside, as the system does when memory runs out. Use fewer"
            " workers, or smaller pictures."
        ) from None


def _leave_interrupts() -> None:
    """Ctrl-C is the calling process's to answer; it then ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
