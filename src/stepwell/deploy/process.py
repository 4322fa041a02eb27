"""A worker process as the server sees it: started, given batches, ended, and what is known of it when it dies."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from stepwell.core.errors import StepwellError
from stepwell.deploy.arena import Arena, new_memory
from stepwell.deploy.calls import Arrays, File, Numbers
from stepwell.deploy.loaded import Loaded
from stepwell.deploy.waiting import Entry
from stepwell.deploy.wire import Message, Messages, packed, read_outcomes, write_work
from stepwell.deploy.work import Outcome

_LOADING = 600.0  # seconds that the models may take
_ENDING = 3.0  # seconds that one may take to end by itself, with nothing more to say
_GRACE = 5.0  # seconds that a worker has to end by itself
C = TypeVar("C", int, Arena)
Done = Callable[[list[Outcome], float], None]
Died = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker is started with: `load`, the name (`module:function`) of what makes a `Servable` of each of `models`
    (plain data), how many rows run at once, how many a file may hold, and torch's threads.
    """

    load: str
    models: tuple[Mapping[str, Any], ...]
    max_rows: int = 64
    rows_per_call: int = 2**14
    threads: int = 1

    def message(self) -> Message:
        """As a worker is told it."""
        return {**asdict(self), "models": list(self.models)}


class ProcessWorker(asyncio.Protocol):
    """One worker process. `run` gives it a batch, of which `done` is told, or `died` with the cause if it ends unasked."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._alive: int | None = None
        self._done: Done | None = None
        self._died: Died | None = None
        self._stopping = False

    async def start(self, died: Died) -> Loaded:
        """Start the process and load its models; returns what they are. Raises `StepwellError` with its reason where it cannot."""
        self._died = self._done = None
        self._stopping = False
        self._messages = Messages()  # of an earlier process a part of one may be left
        self._first: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()
        await self._launch()
        self._write(self._job.message())
        first = await self._loaded()
        if "failed" in first:
            await self.stop()
            raise StepwellError(first["failed"])
        if self._gone.is_set():
            raise StepwellError("A worker process ended as soon as it was ready.")
        self._died = died
        return Loaded.from_json(first)

    async def _loaded(self) -> Message:
        """What the process says of its models, or why there are none."""
        try:
            return await asyncio.wait_for(self._first, _LOADING)
        except TimeoutError:
            self.kill()
            return {"failed": f"A worker process had not loaded its models after {_LOADING:.0f} s."}

    async def _launch(self) -> None:
        """Start the process, and listen to it. Raises `OSError` where the machine has no room for it; then nothing is left open."""
        with ExitStack() as theirs, ExitStack() as ours:
            near, far = socket.socketpair()
            ours.callback(near.close)
            theirs.callback(far.close)
            alive, self._alive = os.pipe()
            theirs.callback(os.close, alive)
            ours.callback(self._let_go)
            memory = [_until_closed(theirs, new_memory()), _until_closed(theirs, new_memory())]
            self._incoming, self._outgoing = (_until_closed(ours, Arena(descriptor)) for descriptor in memory)
            folder = ours.enter_context(TemporaryDirectory(prefix="stepwell-", ignore_cleanup_errors=True))
            self._process = _started((far.fileno(), *memory, alive), self._job.threads, folder)
            ours.callback(_ended, self._process)
            self._transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=near)
            self._ours = ours.pop_all()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid if self._process else 0

    def run(self, entries: Sequence[Entry], done: Done) -> None:
        """Give it a batch of one lane. Raises `MemoryError` where it does not fit into the shared memory."""
        message = _message(self._incoming, entries)
        self._done = done
        self._write(message)

    def _write(self, message: Message) -> None:
        assert self._transport is not None
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
        assert self._process is not None
        cause = _told(_ended(self._process))
        self._ours.close()
        if not self._first.done():
            self._first.set_result(
                {"failed": f"A worker process {cause} before it was ready. What it printed above says more."}
            )
        elif self._died is not None and not self._stopping:
            self._died(cause)

    def kill(self) -> None:
        """End it at once, as for a batch that takes too long."""
        if self._process is not None:
            self._process.kill()

    async def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._stopping = True
        self._let_go()
        if self._transport is None:  # it never came so far that it could be spoken to
            return
        try:
            await asyncio.wait_for(self._gone.wait(), _GRACE)
        except TimeoutError:
            self.kill()
            await self._gone.wait()

    def _let_go(self) -> None:
        """Close the pipe whose end tells the worker to end."""
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None


def _until_closed(stack: ExitStack, what: C) -> C:
    """A descriptor, or what has a `close`, that is closed with a stack."""
    if isinstance(what, int):
        stack.callback(os.close, what)
    else:
        stack.callback(what.close)
    return what


def _started(inherited: Sequence[int], threads: int, folder: str) -> "subprocess.Popen[bytes]":
    """The process, which inherits descriptors. What it writes to disk for a while lies in `folder`, which outlives it."""
    return subprocess.Popen(
        # Without -P a file of the working folder, such as a user's queue.py, would stand for Python's own.
        [sys.executable, "-P", "-m", "stepwell.deploy.worker", *map(str, inherited)],
        pass_fds=inherited,
        start_new_session=True,  # a terminal's Ctrl-C reaches the server alone
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "TMPDIR": folder},
    )


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """The exit code of a process that ends; one that lives on is killed."""
    try:
        return process.wait(timeout=_ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _told(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    names = {each.value: each.name for each in signal.Signals}  # real-time signals have none
    return f"was killed by {names.get(-code, f'signal {-code}')}"


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
