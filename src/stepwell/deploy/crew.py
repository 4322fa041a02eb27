"""The workers of a server: started together, started again after they died, ended together."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from stepwell.core.errors import StepwellError
from stepwell.deploy.loaded import Loaded
from stepwell.deploy.metrics import Meter
from stepwell.deploy.waiting import Entry
from stepwell.deploy.work import Outcome

log = logging.getLogger("stepwell.deploy")

_FIRST, _LONGEST = 0.1, 30.0  # seconds of back-off
_SETTLED = 60.0  # seconds after which an earlier death is forgotten

Done = Callable[[list[Outcome], float], None]
Died = Callable[[str], None]


class Worker(Protocol):
    """Something that runs batches: a process, or a thread."""

    @property
    def pid(self) -> int:
        """The number of its process; 0 if it has none of its own."""

    async def start(self, died: Died) -> Loaded:
        """Load the models. `died` is told if it ends unasked later. Raises `StepwellError`."""

    def run(self, entries: Sequence[Entry], done: Done) -> None:
        """Run a batch; `done` is told. Raises `MemoryError` for one that is too large."""

    def kill(self) -> None:
        """End it at once."""

    async def stop(self) -> None:
        """End it, and wait until it has ended."""


class Member:
    """A worker's place in the crew, which outlives its processes."""

    def __init__(self, worker: Worker, crew: "Crew") -> None:
        self.worker, self._crew = worker, crew
        self.back_off, self.since = _FIRST, 0.0
        self._died: Died | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._took_too_long = False

    def run(self, entries: Sequence[Entry], done: Done, died: Died) -> None:
        """Run a batch, after which it is idle again before `done` is told; or `died` is, and it starts anew.

        Raises `MemoryError` for a batch that is too large.
        """

        def ended(outcomes: list[Outcome], seconds: float) -> None:
            self._free()
            self._crew.idle.append(self)
            done(outcomes, seconds)

        self.worker.run(entries, ended)
        self._died = died
        self._timer = asyncio.get_running_loop().call_later(self._crew.batch_timeout, self._late)

    def _late(self) -> None:
        self._took_too_long = True
        self.worker.kill()

    def _free(self) -> None:
        self._died = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def fell(self, cause: str) -> None:
        """The worker died."""
        died = self._died
        self._free()
        if self._took_too_long:
            cause, self._took_too_long = f"was ended after {self._crew.batch_timeout:g} s", False
        if self in self._crew.idle:
            self._crew.idle.remove(self)
        self._crew.revive(self, cause)
        if died is not None:
            died(cause)


class Crew:
    """Workers, of which those in `idle` can take a batch. `woken` is told when one has come back."""

    def __init__(self, workers: Sequence[Worker], meter: Meter, batch_timeout: float) -> None:
        self.batch_timeout, self._meter = batch_timeout, meter
        self._members = [Member(worker, self) for worker in workers]
        self.idle: deque[Member] = deque()
        self.size = 0
        self.woken: Callable[[], None] = lambda: None
        self._reviving: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def pids(self) -> tuple[int, ...]:
        """The numbers of the workers' processes."""
        return tuple(member.worker.pid for member in self._members)

    async def start(self) -> Loaded:
        """Start all of them; returns what their models are. Raises `StepwellError`, and ends all, where one cannot start."""
        started = await asyncio.gather(*(self._start(member) for member in self._members), return_exceptions=True)
        for each in started:
            if isinstance(each, BaseException):
                await self.stop()
                raise each
        return next(each for each in started if isinstance(each, Loaded))

    async def _start(self, member: Member) -> Loaded:
        loaded = await member.worker.start(member.fell)
        member.since = asyncio.get_running_loop().time()
        self.size += 1
        self._meter.workers.set(self.size)
        self.idle.append(member)
        return loaded

    def revive(self, member: Member, cause: str) -> None:
        """Start a worker again, later each time that it dies soon."""
        self.size -= 1
        self._meter.workers.set(self.size)
        lived = asyncio.get_running_loop().time() - member.since
        member.back_off = _FIRST if lived > _SETTLED else member.back_off
        log.warning("worker process %d %s; starting another", member.worker.pid, cause)
        task = asyncio.get_running_loop().create_task(self._revive(member))
        self._reviving.add(task)
        task.add_done_callback(self._reviving.discard)

    async def _revive(self, member: Member) -> None:
        while not self._stopping:
            await asyncio.sleep(member.back_off)
            member.back_off = min(2 * member.back_off, _LONGEST)
            try:
                await self._start(member)
            except (StepwellError, OSError) as error:  # the latter where the machine has no memory or descriptors left
                log.warning("a worker could not start: %s; trying again in %.1f s", error, member.back_off)
                continue
            self._meter.restarts.inc()
            self.woken()
            return

    async def stop(self) -> None:
        """End all of them, and wait until they have ended."""
        self._stopping = True
        for task in self._reviving:
            task.cancel()
        await asyncio.gather(*self._reviving, return_exceptions=True)
        await asyncio.gather(*(member.worker.stop() for member in self._members))
        self.size = 0
        self._meter.workers.set(0)
