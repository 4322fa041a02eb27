"""Models in the server's own process, on one thread: `--workers 0`."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from stepwell.deploy.calls import Arrays, File
from stepwell.deploy.loaded import Loaded
from stepwell.deploy.process import Died, Done, Job
from stepwell.deploy.waiting import Entry
from stepwell.deploy.work import Outcome, Work
from stepwell.deploy.worker import start


class ThreadWorker:
    """The same work as a process's, without its walls: a model that crashes takes the server with it."""

    pid = 0

    def __init__(self, job: Job) -> None:
        self._job = job
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="stepwell")

    async def start(self, died: Died) -> Loaded:
        """Load the models. Raises `StepwellError`."""
        self._loop = asyncio.get_running_loop()
        self._engine, loaded = await self._loop.run_in_executor(self._executor, start, self._job.message())
        return Loaded.from_json(loaded)

    def run(self, entries: Sequence[Entry], done: Done) -> None:
        """Run a batch of one lane, and tell `done` on the event loop."""
        future = self._executor.submit(self._timed, entries)
        future.add_done_callback(lambda ended: self._loop.call_soon_threadsafe(_tell, ended, done))

    def _timed(self, entries: Sequence[Entry]) -> tuple[list[Outcome], float]:
        began = time.perf_counter()
        return self._engine.run(_work(entries)), time.perf_counter() - began

    def kill(self) -> None:
        """A thread cannot be ended."""

    async def stop(self) -> None:
        """Wait for the batch that is running."""
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)


def _tell(ended: "Future[tuple[list[Outcome], float]]", done: Done) -> None:
    done(*ended.result())


def _work(entries: Sequence[Entry]) -> Work:
    payloads = [entry.call.payload for entry in entries]
    stacks = [payload.arrays for payload in payloads if isinstance(payload, Arrays)]
    return Work(
        model=entries[0].call.model,
        wants=[entry.call.wants for entry in entries],
        rows=[entry.rows for entry in entries],
        arrays={name: np.concatenate([each[name] for each in stacks]) for name in stacks[0]} if stacks else {},
        files=[payload for payload in payloads if isinstance(payload, File)],
    )
