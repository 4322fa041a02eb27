"""`stepwell serve` for minutes at twice what it can do: no answer lost or wrong, memory flat, waiting bounded.

    python benchmarks/soak.py --minutes 10              # benchmarks/results/soak.json
    python benchmarks/soak.py --minutes 10 --kill 65    # kill -9 of a worker every 65 s; …/soak-kill.json

The network is the MLP 1024-2048-2048-10 of `serving.py`. First its capacity is measured with callers who wait for their answers.
Then requests arrive at random times (a Poisson process) at twice that rate, whatever the server does: an open loop, in
which a request's time counts from when it was due. 512 rows may wait. Each asks for one of 64 rows, and every answer is
compared with the network's own. What the server counted must be what came here. Exit code 1 if
anything that was asked for is missed.
"""

import argparse
import asyncio
import json
import os
import random
import re
import resource
import shlex
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import servers
from servers import HERE, Server, ask, command_of, descendants, question, serving

from stepwell.deploy.client import Connection, NoAnswer, Place, request
from stepwell.deploy.load import measure, run
from stepwell.deploy.sample import NPY
from stepwell.deploy.settings import Limits
from stepwell.runs.environment import environment

ROWS = 64
TOLERANCE = 1e-5
WINDOW = 10.0  # seconds of a line
LAST = 60.0  # seconds that the last answers may take
QUEUE = 512  # rows that may wait
MOST = 1024  # connections; more than rows that wait and run
LATE = 0.25  # seconds behind from which on the client leaves requests out: a burst would be none of the server's making
NOT_SENT = "not sent"
CALLERS = 64  # of the measurement of the capacity
RESTARTS = "stepwell_worker_restarts_total"
LINE = "{:>6} {:>9} {:>9} {:>8} {:>8} {:>8} {:>10} {:>11}  {}"


@dataclass
class Window:
    """What happened in some seconds: statuses, seconds of accepted requests, memory in MB of the server and its workers."""

    begun: float
    sent: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    server_mb: float = 0.0
    workers_mb: float = 0.0
    killed: int = 0

    def plain(self, start: float, now: float) -> dict[str, Any]:
        took = now - self.begun
        p50, p99 = np.quantile(self.seconds, (0.5, 0.99)).tolist() if self.seconds else (0.0, 0.0)
        return {
            "second": round(now - start),
            "sent_per_s": round(self.sent / took),
            "accepted_per_s": round(self.statuses["200"] / took),
            "refused_per_s": round(self.statuses["503"] / took),
            "p50_ms": round(1000 * p50, 1),
            "p99_ms": round(1000 * p99, 1),
            "server_mb": self.server_mb,
            "workers_mb": self.workers_mb,
            "killed": self.killed,
        }


class Soak:
    """One test: what it sends, and all that it saw."""

    def __init__(self, server: Server, rows: np.ndarray, right: np.ndarray, load: float, kill: float) -> None:
        self.server, self.right, self.load, self.kill = server, right, load, kill
        self.sent = [question(server.place, row.tobytes(), accept=NPY) for row in rows]
        self.free: list[Connection] = []
        self.open = 0
        self.statuses: Counter[str] = Counter()
        self.wrong = self.killed = 0
        self.lines: list[dict[str, Any]] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self, rate: float, seconds: float) -> None:
        """Send `rate` requests a second, at random times, and wait for the last answers."""
        self.start = perf_counter()
        self.window = Window(self.start)
        draw, due, end = random.Random(0), self.start, self.start + seconds
        killing, number = self.start + (self.kill or 2 * seconds), 0
        while (now := perf_counter()) < end:
            while due <= now:
                if now - due > LATE:
                    self._count(NOT_SENT)
                else:
                    self._send(number, due)
                number, due = number + 1, due + draw.expovariate(rate)
            if now - self.window.begun >= WINDOW:
                self._line(now)
            if now >= killing:
                killing += self.kill
                self._kill()
            await asyncio.sleep(max(0.001, due - now))
        self._line(perf_counter())
        await asyncio.wait(self.tasks, timeout=LAST) if self.tasks else None
        self.statuses["lost"] += len(self.tasks)
        for connection in self.free:
            connection.close()

    def _send(self, number: int, due: float) -> None:
        connection = self._connection()
        if connection is None:
            self._count(NOT_SENT)
            return
        self.window.sent += 1
        task = asyncio.get_running_loop().create_task(self._ask(connection, number % ROWS, due))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _connection(self) -> Connection | None:
        if self.free:
            return self.free.pop()
        self.open += 1
        return Connection(self.server.place) if self.open <= MOST else None

    async def _ask(self, connection: Connection, row: int, due: float) -> None:
        try:
            answer = await connection.ask(self.sent[row])
        except NoAnswer as error:
            self._count(f"lost: {_short(str(error))}")
            return
        finally:
            self.free.append(connection)
        self._count(str(answer.status))
        if answer.status == 200:
            self.window.seconds.append(perf_counter() - due)
            given = np.frombuffer(answer.body[-40:], "<f4")
            self.wrong += not (given.shape == (10,) and np.allclose(given, self.right[row], rtol=0, atol=TOLERANCE))

    def _count(self, status: str) -> None:
        self.statuses[status] += 1
        self.window.statuses[status] += 1

    def _line(self, now: float) -> None:
        self.window.server_mb = memory([self.server.pid])
        self.window.workers_mb = memory(workers(self.server))
        line = self.window.plain(self.start, now)
        self.lines.append(line)
        others = {status: count for status, count in self.window.statuses.items() if status not in ("200", "503")}
        print(
            LINE.format(*list(line.values())[:-1], f"{'killed a worker ' * line['killed']}{others or ''}"), flush=True
        )
        self.window = Window(now)

    def _kill(self) -> None:
        alive = workers(self.server)
        if alive:
            os.kill(alive[self.killed % len(alive)], signal.SIGKILL)
            self.killed += 1
            self.window.killed += 1


def _short(message: str) -> str:
    """What there is to say of a lost answer, without the address."""
    return re.sub(r"http://\S+", "it", message)[:60]


def workers(server: Server) -> list[int]:
    """The numbers of the worker processes."""
    return [pid for pid in descendants(server.pid) if "stepwell.deploy.worker" in command_of(pid)]


def memory(pids: Sequence[int]) -> float:
    """Resident megabytes."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:  # it was killed meanwhile
            continue
    return round(total * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def counted(place: Place) -> Counter[str]:
    """The server's own counters, by name and status or reason."""
    found: Counter[str] = Counter()
    for line in ask(place, request(place, "GET", "/metrics")).body.decode().splitlines():
        name, _, value = line.rpartition(" ")
        if line.startswith("stepwell_") and "_created" not in name and "_bucket" not in name:
            key = name.partition("{")[0] + "".join(f" {part}" for part in name.split('"')[1::2])
            found[key] += round(float(value))
    return found


def settled(place: Place, restarts: int) -> Counter[str]:
    """The counters once the last killed worker has come back, or has had its time to."""
    until = perf_counter() + LAST
    while (found := counted(place))[RESTARTS] < restarts and perf_counter() < until:
        time.sleep(0.5)
    return found


def verdicts(soak: Soak, before: Counter[str], after: Counter[str], batch: int) -> dict[str, dict[str, Any]]:
    """Each thing that was asked for: what was found, and whether it was met."""
    new = after - before
    answered = sum(
        count for name, count in new.items() if name.startswith("stepwell_requests_total") and name.endswith("200")
    )
    strange = {
        status: count for status, count in soak.statuses.items() if status not in ("200", "503", NOT_SENT) and count
    }
    missed, sent, accepted = (
        soak.statuses[NOT_SENT],
        soak.statuses.total() - soak.statuses[NOT_SENT],
        soak.statuses["200"],
    )
    quarter = max(1, len(soak.lines) // 4)
    early, late = soak.lines[quarter : 2 * quarter] or soak.lines, soak.lines[-quarter:]
    mb = [statistics.median(line["server_mb"] + line["workers_mb"] for line in part) for part in (early, late)]
    slow = [max(line["p99_ms"] for line in part) for part in (soak.lines, early, late)]
    found = {
        f"at least {soak.load:g} times as many sent as accepted": (
            f"{sent:,}, {accepted:,} (the client was too late for {missed:,} more)",
            sent >= soak.load * accepted,
        ),
        "no wrong answer": (f"{soak.wrong} of {soak.statuses['200']:,}", soak.wrong == 0),
        "none lost, all others refused with 503": (strange or f"{soak.statuses['503']:,} refused", not strange),
        "the server counted what came here": (
            f"{answered:,} and {soak.statuses['200']:,}",
            answered == soak.statuses["200"],
        ),
        "memory flat, MB in the second and the last quarter": (mb, mb[1] <= 1.05 * mb[0] + 10),
    }
    if soak.kill:
        retried, restarts = new["stepwell_retried_total"], new[RESTARTS]
        longest = 1000 * (Limits.timeout + 1)  # what waits while a worker starts; the second is for its own batch
        found |= {
            "p99 of accepted requests within the server's limit, ms": (
                f"{slow[0]:,.0f}, {longest:,.0f}",
                slow[0] <= longest,
            ),
            "only the batches of killed workers were retried": (
                f"{retried} retried, {soak.killed} killed, batches of at most {batch}",
                retried <= soak.killed * batch,
            ),
            "each killed worker was started again": (f"{restarts} of {soak.killed}", restarts == soak.killed),
        }
    else:
        found["p99 of accepted requests bounded, ms at most, in the second and the last quarter"] = (
            slow,
            slow[2] <= 1.5 * slow[1],
        )
    return {what: {"found": value, "met": bool(met)} for what, (value, met) in found.items()}


def soak(server: Server, rows: np.ndarray, right: np.ndarray, settings: argparse.Namespace) -> dict[str, Any]:
    first = question(server.place, rows[0].tobytes(), accept=NPY)
    capacity = measure(server.place, first, concurrency=CALLERS, seconds=5).rate
    rate, before = settings.load * capacity, counted(server.place)
    print(f"capacity {capacity:,.0f} requests a second with {CALLERS} callers; now {rate:,.0f} arrive")
    print(LINE.format("second", "sent/s", "accepted", "refused", "p50, ms", "p99, ms", "server MB", "workers MB", ""))
    test = Soak(server, rows, right, settings.load, settings.kill)
    run(test.run(rate, 60 * settings.minutes))
    asked = verdicts(test, before, settled(server.place, before[RESTARTS] + test.killed), settings.batch)
    for what, row in asked.items():
        print(f"{'met   ' if row['met'] else 'MISSED'} {what}: {row['found']}")
    return {"capacity": round(capacity), "statuses": dict(test.statuses), "asked": asked, "windows": test.lines}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--load", type=float, default=2.0, help="times the capacity")
    parser.add_argument("--kill", type=float, default=0, help="seconds between kill -9 of a worker; 0: never")
    parser.add_argument("--batch", type=int, default=64, help="rows that run together at most")
    parser.add_argument("--flags", default="", help="more flags of stepwell serve, such as '--workers 2'")
    settings = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        made = servers.train("wide_mlp", Path(folder))
        rows = servers.rows_of((1024,), ROWS)
        right = servers.expected(servers.model_of(made), rows)
        bounds = ["--max-batch", str(settings.batch), "--queue", str(QUEUE * rows[0].size)]
        command = servers.stepwell([made], [*bounds, *shlex.split(settings.flags)])
        log = Path(folder) / "server.log"
        with serving(command, rows[0].tobytes(), log=log) as server:
            figures = soak(server, rows, right, settings)
        print("\n".join(line for line in log.read_text().splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)))
    facts = {"date": date.today().isoformat(), **environment()}
    out = HERE / "results" / ("soak-kill.json" if settings.kill else "soak.json")
    out.write_text(json.dumps({"figures": figures, **facts}, indent=2, ensure_ascii=False) + "\n")
    return 0 if all(row["met"] for row in figures["asked"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
