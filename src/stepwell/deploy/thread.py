"""Models in the server's own process, on one thread: `--workers 0`."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import numpy as np

from stepwell.deploy.calls import Arrays, File
from stepwell.deploy.loaded import Loaded
from stepwell.deploy.process import Died, Done, Job
from stepwell.deploy.waiting import Entry
from stepwell.deploy.work import Outcome, Work
from stepwell.deploy.worker import start

log = logging.getLogger("stepwell.deploy")

_GRACE = 5.0  # seconds that a batch has to end


class ThreadWorker:
    """The same work as a process's, without its walls: a model that crashes takes the server with it."""

    pid = 0

    def __init__(self, job: Job) -> None:
        self._job = job
        self._batches: SimpleQueue[tuple[Sequence[Entry], Done] | None] = SimpleQueue()

    async def start(self, died: Died) -> Loaded:
        """Load the models. Raises `StepwellError`."""
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        loading: asyncio.Future[Loaded] = self._loop.create_future()
        # A daemon, so that a batch without an end cannot keep the process from ending.
        threading.Thread(target=self._serve, args=(loading,), name="stepwell", daemon=True).start()
        return await loading

    def _serve(self, loading: "asyncio.Future[Loaded]") -> None:
        try:
            engine, loaded = start(self._job.message())
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who waits for it is told
            self._tell(_fail, loading, error)
            self._tell(self._ended.set)
            return
        self._tell(_set, loading, Loaded.from_json(loaded))
        while (batch := self._batches.get()) is not None:
            entries, done = batch
            self._tell(done, *_timed(engine, entries))
        self._tell(self._ended.set)

    def _tell(self, what: Callable[..., None], *words: Any) -> None:
        """Call something on the event loop, if it still runs."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *words)

    def run(self, entries: Sequence[Entry], done: Done) -> None:
        """Run a batch of one lane, and tell `done` on the event loop."""
        self._batches.put((entries, done))

    def kill(self) -> None:
        """A thread cannot be ended."""

    async def stop(self) -> None:
        """Wait for the batch that is running, but not for ever."""
        self._batches.put(None)
        try:
            await asyncio.wait_for(self._ended.wait(), _GRACE)
        except TimeoutError:
            log.warning("a batch still runs after %.0f s, and is left behind", _GRACE)


def _timed(engine: Any, entries: Sequence[Entry]) -> tuple[list[Outcome], float]:
    """What became of a batch, and the seconds that it took; also where it cannot even be put together."""
    began = time.perf_counter()
    try:
        outcomes = engine.run(_work(entries))
    except Exception as error:  # whatever the engine did not expect, the calls are answered
        log.exception("a batch failed")
        outcomes = [Outcome(refusal=(500, f"The server failed: {type(error).__name__}. Its log says more."))] * len(
            entries
        )
    return outcomes, time.perf_counter() - began


def _set(loading: "asyncio.Future[Loaded]", loaded: Loaded) -> None:
    if not loading.done():  # a server that ends while it loads has cancelled it
        loading.set_result(loaded)


def _fail(loading: "asyncio.Future[Loaded]", error: Exception) -> None:
    if not loading.done():
        loading.set_exception(error)


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
