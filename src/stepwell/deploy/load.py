"""A load test: callers who ask again as soon as they are answered, and what came of it.

Each caller has a connection of its own, as a closed loop has it: a slow server is asked less often. (An open loop, which asks
at its own pace, is in `benchmarks/soak.py`.)
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from stepwell.deploy.client import Connection, NoAnswer, Place

T = TypeVar("T")
UNANSWERED = "no answer"
WARM_UP = 0.5
"""Seconds that callers ask before it counts, or a fifth of the time, whichever is shorter."""

_GRACE = 30.0  # seconds that the last questions may take when the time is up
_PAUSE = 0.01  # seconds after a refusal, so that a caller who is turned away does not take the machine for itself


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a load test measured: requests a second that were answered, and the seconds that half and 99 of 100 of them
    took at most (None without an answer). `batch` is how many rows ran together, on average over batches (None where the
    server does not say). `errors` counts all other requests by their status.
    """

    concurrency: int
    answered: int
    rate: float
    p50: float | None
    p99: float | None
    batch: float | None
    errors: dict[str, int]


@dataclass
class Tally:
    """What comes in while callers ask. What they ask before the time `begin` or is answered after `end` is not counted in the
    rate, and what was asked before `begin` nowhere; both are times of `perf_counter`.
    """

    concurrency: int
    begin: float
    end: float
    seconds: list[float] = field(default_factory=list)
    within: int = 0
    batches: float = 0.0
    sized: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def answered(self, asked: float, now: float, batch: float | None) -> None:
        """Count an answer; `batch` is the number of rows that it ran with."""
        if asked < self.begin:
            return
        self.seconds.append(now - asked)
        self.within += now <= self.end
        if batch:
            self.sized, self.batches = self.sized + 1, self.batches + 1 / batch

    def failed(self, asked: float, why: str) -> None:
        """Count a request that got no answer of use."""
        if asked >= self.begin:
            self.errors[why] += 1

    def figures(self, now: float) -> Figures:
        """What was measured up to now."""
        took = max(min(now, self.end) - self.begin, 1e-9)
        p50, p99 = np.quantile(self.seconds, (0.5, 0.99)).tolist() if self.seconds else (None, None)
        return Figures(
            concurrency=self.concurrency,
            answered=len(self.seconds),
            rate=self.within / took,
            p50=p50,
            p99=p99,
            batch=self.sized / self.batches if self.sized else None,
            errors=dict(sorted(self.errors.items())),
        )


async def press(place: Place, sent: bytes, tally: Tally, *, grace: float = _GRACE) -> None:
    """Let `tally.concurrency` callers send the same request until `tally.end`.

    Those who still wait `grace` seconds later are counted as unanswered.
    """
    callers = [asyncio.create_task(_call(place, sent, tally)) for _ in range(tally.concurrency)]
    try:
        _, late = await asyncio.wait(callers, timeout=tally.end - perf_counter() + grace)
    finally:
        for caller in callers:
            caller.cancel()
        ended = await asyncio.gather(*callers, return_exceptions=True)
    for _ in late:
        tally.failed(tally.begin, UNANSWERED)
    for error in ended:
        if isinstance(error, Exception):
            raise error


async def _call(place: Place, sent: bytes, tally: Tally) -> None:
    connection = Connection(place)
    try:
        while (asked := perf_counter()) < tally.end:
            try:
                answer = await connection.ask(sent)
            except NoAnswer:
                tally.failed(asked, UNANSWERED)
                await asyncio.sleep(_PAUSE)
                continue
            if answer.status == 200:
                tally.answered(asked, perf_counter(), answer.number(b"x-batch"))
            else:
                tally.failed(asked, str(answer.status))
                await asyncio.sleep(_PAUSE)
    finally:
        connection.close()


def measure(place: Place, sent: bytes, *, concurrency: int, seconds: float, grace: float = _GRACE) -> Figures:
    """A whole test at one concurrency, after a warm-up."""
    tally = new_tally(concurrency, seconds)
    run(press(place, sent, tally, grace=grace))
    return tally.figures(perf_counter())


def new_tally(concurrency: int, seconds: float) -> Tally:
    """A tally that begins to count after a warm-up, for that many seconds."""
    begin = perf_counter() + min(WARM_UP, seconds / 5)
    return Tally(concurrency=concurrency, begin=begin, end=begin + seconds)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, in uvloop where that is installed; it takes a third of the time for a request."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # as on Windows, where there is none
        return None
    return uvloop.new_event_loop
