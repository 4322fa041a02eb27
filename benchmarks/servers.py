"""Servers as processes of their own, and the runs that they serve, for `serving.py` and `soak.py`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stepwell.deploy.client import Answer, Connection, NoAnswer, Place, request
from stepwell.deploy.load import run
from stepwell.recipes.launch import rebuild
from stepwell.runs import Run, open_run
from stepwell.training.state import load_model

HERE = Path(__file__).parent
_PATIENCE = 120.0  # seconds for a server to answer its first question


@dataclass(frozen=True)
class Server:
    """A server that answers at `place`, and the number of its process."""

    place: Place
    pid: int


def train(recipe: str, folder: Path) -> Run:
    """The run of a recipe of `wide_mlp.py`, trained now."""
    words = [sys.executable, "-m", "stepwell", "train", f"{HERE / 'wide_mlp.py'}:{recipe}", "--out", str(folder)]
    subprocess.run(words, check=True, capture_output=True)
    return open_run(next(folder.glob(f"{recipe}-*")))


def model_of(made: Run) -> nn.Module:
    """The network of a run, as it is served."""
    model = rebuild(made).model
    load_model(model, made.read_checkpoint("best"))
    return model.eval()


def stepwell(runs: Sequence[Run], flags: Sequence[str] = ()) -> list[str]:
    """The command that serves runs; `PORT` is to be put in."""
    folders = [str(each.folder) for each in runs]
    return [sys.executable, "-m", "stepwell", "serve", *folders, "--port", "PORT", *flags]


@contextmanager
def serving(
    command: Sequence[str], first: bytes, *, path: str = "/predict", log: Path | None = None, **env: str
) -> Iterator[Server]:
    """A server that has answered the row `first`, in a session of its own; all of its processes end with the block, also when
    this process is told to end.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    port = free_port()
    words = [str(port) if word == "PORT" else word for word in command]
    with (log or Path(os.devnull)).open("ab") as out:
        process = subprocess.Popen(
            words, start_new_session=True, stdout=out, stderr=out, env={**os.environ, **env}, cwd=HERE
        )
        place = Place("127.0.0.1", port)
        try:
            _wait(process, question(place, first, path=path), place)
            yield Server(place, process.pid)
        finally:
            end(process)


def _wait(process: "subprocess.Popen[bytes]", sent: bytes, place: Place) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            if ask(place, sent).status == 200:
                return
        except NoAnswer:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{process.args} did not answer; it ended with {process.poll()}.")


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a server to end; what is left of its processes after ten seconds is killed."""
    left = descendants(process.pid)
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def ask(place: Place, sent: bytes) -> Answer:
    """The answer to one request, over a connection of its own."""

    async def once() -> Answer:
        connection = Connection(place)
        try:
            return await connection.ask(sent)
        finally:
            connection.close()

    return run(once())


def question(
    place: Place,
    body: bytes,
    *,
    path: str = "/predict",
    kind: str = "application/octet-stream",
    accept: str | None = None,
) -> bytes:
    """A request with a row."""
    headers: Mapping[str, str] = {"Content-Type": kind, **({"Accept": accept} if accept else {})}
    return request(place, "POST", path, body, dict(headers))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = [int(word) for word in (task / "children").read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def rows_of(shape: Sequence[int], count: int, seed: int = 1) -> np.ndarray:
    """Rows that no training saw, float32."""
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)


def expected(model: nn.Module, rows: np.ndarray) -> np.ndarray:
    """The right answers: probabilities of each row, one row at a time."""
    with torch.inference_mode():
        return torch.cat([torch.softmax(model(torch.from_numpy(row[None])), 1) for row in rows]).numpy()
