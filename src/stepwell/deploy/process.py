"""A worker process as the server sees it: started, given batches, ended, and what is known of it when it dies."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.core.errors import StepwellError
from stepwell.deploy.arena import Arena, new_memory
from stepwell.deploy.calls import Arrays, File, Numbers
from stepwell.deploy.loaded import Loaded
from stepwell.deploy.waiting import Entry
from stepwell.deploy.wire import Message, Messages, packed, read_outcomes, write_work
from stepwell.deploy.work import Outcome

_GRACE = 5.0  # seconds that a worker has to end by itself
Done = Callable[[list[Outcome], float], None]
Died = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker is started with: `load`, the name (`module:function`) of what makes a `Servable` of each of `models`
    (plain data), how many rows run at once, and torch's threads.
    """

    load: str
    models: tuple[Mapping[str, Any], ...]
    max_rows: int = 64
    threads: int = 1

    def message(self) -> Message:
        """As a worker is told it."""
        return {"load": self.load, "models": list(self.models), "max_rows": self.max_rows, "threads": self.threads}


class ProcessWorker(asyncio.Protocol):
    """One worker process. `run` gives it a batch, of which `done` is told, or `died` with the cause if it ends unasked."""

    def __init__(self, job: Job) -> None:
        self._job, self._messages = job, Messages()
        self._done: Done | None = None
        self._died: Died | None = None
        self._stopping = False

    async def start(self, died: Died) -> Loaded:
        """Start the process and load its models; returns what they are. Raises `StepwellError` with its reason where it cannot."""
        self._died = None
        self._stopping = False
        self._first: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()
        await self._launch()
        self._transport.write(packed(self._job.message()))
        first = await self._first
        if "failed" in first:
            await self.stop()
            raise StepwellError(first["failed"])
        self._died = died
        return Loaded.from_json(first)

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        alive, writing = os.pipe()
        self._alive: int | None = writing
        memory = new_memory(), new_memory()
        self._incoming, self._outgoing = Arena(memory[0]), Arena(memory[1])
        inherited = (theirs.fileno(), *memory, alive)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stepwell.deploy.worker", *map(str, inherited)],
            pass_fds=inherited,
            start_new_session=True,  # a terminal's Ctrl-C reaches the server alone
            env={**os.environ, "OMP_NUM_THREADS": str(self._job.threads)},
        )
        theirs.close()
        for descriptor in (*memory, alive):
            os.close(descriptor)
        transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)
        self._transport = transport

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def run(self, entries: Sequence[Entry], done: Done) -> None:
        """Give it a batch of one lane. Raises `MemoryError` where it does not fit into the shared memory."""
        message = _message(self._incoming, entries)
        self._done = done
        self._transport.write(packed(message))

    def data_received(self, data: bytes) -> None:
        """What the worker wrote."""
        for message in self._messages.feed(data):
            if not self._first.done():
                self._first.set_result(message)
            elif self._done is not None:
                done, self._done = self._done, None
                done(read_outcomes(self._outgoing, message), message["computed"])

    def connection_lost(self, _error: Exception | None) -> None:
        """The worker is gone."""
        self._gone.set()
        cause = self._reaped()
        self._let_go()
        self._incoming.close()
        self._outgoing.close()
        if not self._first.done():
            self._first.set_result({"failed": f"A worker process {cause} before it was ready."})
        elif self._died is not None and not self._stopping:
            self._died(cause)

    def _reaped(self) -> str:
        """How the process ended, in words; one that closed its socket and lives on is killed."""
        try:
            code = self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def kill(self) -> None:
        """End it at once, as for a batch that takes too long."""
        self._process.kill()

    async def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._stopping = True
        self._let_go()
        try:
            await asyncio.wait_for(self._gone.wait(), _GRACE)
        except TimeoutError:
            self._process.kill()
            await self._gone.wait()

    def _let_go(self) -> None:
        """Close the pipe whose end tells the worker to end."""
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None


def _message(arena: Arena, entries: Sequence[Entry]) -> Message:
    first = entries[0].call
    payloads = [entry.call.payload for entry in entries]
    wants = [entry.call.wants for entry in entries]
    stacks = {}
    if isinstance(first.payload, Arrays):
        stacks = {name: _parts(payloads, name) for name in first.payload.arrays}
    files = [payload for payload in payloads if isinstance(payload, File)]
    return write_work(arena, first.model, wants, [entry.rows for entry in entries], stacks, files)


def _parts(payloads: Sequence[Arrays | File], name: str) -> list[Numbers]:
    return [payload.arrays[name] for payload in payloads if isinstance(payload, Arrays)]
