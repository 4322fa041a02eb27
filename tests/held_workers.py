"""A worker that a test holds in its hand: it takes batches, and the test says when they end, and how."""

import asyncio
import functools
import selectors

import numpy as np

from stepwell.deploy.calls import Arrays, Call
from stepwell.deploy.card import Array, Card
from stepwell.deploy.crew import Crew
from stepwell.deploy.dispatcher import Dispatcher
from stepwell.deploy.loaded import Loaded
from stepwell.deploy.metrics import Meter
from stepwell.deploy.settings import Limits
from stepwell.deploy.work import Outcome

CARD = Card(
    name="m",
    title="m",
    kind="arrays",
    inputs=(Array("input", "float32", (None,)),),
    outputs=(Array("output", "float32", (1,)),),
)


class Held:
    """A worker whose batches wait for the test."""

    pid = 0

    def __init__(self):
        self.batches, self._done, self.died, self.starts, self.killed = [], None, None, 0, 0

    async def start(self, died):
        self.died, self.starts = died, self.starts + 1
        return Loaded((CARD,), {})

    def run(self, entries, done):
        assert self._done is None, "a worker got a second batch while it runs one"
        self.batches.append(entries)
        self._done = done

    def finish(self, seconds=0.01, refuse=()):
        """End the batch: each call is answered with its own first number, those in `refuse` are refused."""
        done, self._done = self._done, None
        done([self._outcome(entry, refuse) for entry in self.batches[-1]], seconds)

    def _outcome(self, entry, refuse):
        value = float(entry.call.payload.arrays["input"][0, 0])
        if value in refuse:
            return Outcome(refusal=(422, f"{value} is bad"))
        return Outcome(answers=b"[%g]" % value, rows=entry.rows)

    def die(self, cause="was killed by SIGKILL"):
        self._done = None
        self.died(cause)

    def kill(self):
        self.killed += 1
        self.die()

    async def stop(self):
        pass


def call(value, rows=1, size=1, **more):
    return Call("m", Arrays({"input": np.full((rows, size), value, np.float32)}), **more)


async def started(workers=1, **limits):
    """A dispatcher with held workers, and these."""
    held = [Held() for _ in range(workers)]
    meter = Meter()
    settings = Limits(**limits)
    crew = Crew(held, meter, settings.batch_timeout)
    loaded = await crew.start()
    dispatcher = Dispatcher(crew, loaded.cards, settings, meter)
    crew.woken = dispatcher.wake
    return dispatcher, held, meter


async def turns(count=5):
    """Let the event loop go round a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


class _Skipping(selectors.DefaultSelector):
    """Where a loop would sleep, its clock is put forward instead."""

    ahead = 0.0

    def select(self, timeout=None):
        found = super().select(0)
        if not found and timeout is None:
            raise RuntimeError("everything waits, and nothing will ever happen")
        if not found:
            self.ahead += timeout
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._clock = _Skipping()
        super().__init__(self._clock)

    def time(self):
        return self._clock.ahead


def skipping(test):
    """A test that is a coroutine, on a loop whose time passes only where all would sleep, and then at once."""

    @functools.wraps(test)
    def run(*arguments, **named):
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(test(*arguments, **named))

    return run
