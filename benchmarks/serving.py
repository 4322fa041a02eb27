"""Requests a second of `stepwell serve` against the same network in FastAPI and in LitServe: `make bench`.

The network is an MLP 1024-2048-2048-10; a request is one row, 4,096 bytes, and its answer the ten probabilities as JSON, to
which Stepwell adds the label and FastAPI and LitServe nothing. Server and client (that of `stepwell load`) share this machine.
Before they are timed, all give the answers of the network itself. Contestants take turns, round by round, each freshly
started; of FastAPI's two kinds of handlers, with torch's own number of threads and with one, the best counts at each
concurrency. A ratio is the median over rounds. Then a network of next to nothing is asked with a crop of 1×32×48×48 as
`.npy` (295 kB): what that takes beyond the network's own time is what a server costs.

The peers are measured where they are installed: `pip install --target FOLDER -r benchmarks/requirements-serving.txt -c
constraints.txt`, and `--peers FOLDER`.
"""

import argparse
import json
import os
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import servers
import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file
from servers import HERE, Server, ask, question, serving
from serving_peers import PEERS
from wide_mlp import CROP

from stepwell.deploy.load import Figures, measure
from stepwell.deploy.sample import NPY, npy
from stepwell.runs.environment import environment

OUT = HERE / "results" / "serving.json"
CALLERS = (1, 32)
CHECKED = 24
TOLERANCE = 1e-5  # of a probability in float32, whose sums a batch may add up in another order
PACKAGES = ("uvicorn", "starlette", "uvloop", "httptools")
STEPWELL, FASTAPI, LITSERVE = "stepwell", "FastAPI", "LitServe"
Found = dict[str, dict[int, list[Figures]]]
"""Figures of each round by contestant and concurrency."""


@dataclass(frozen=True)
class Contestant:
    """How a server is started."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


def contestants(run: Any, weights: Path, peers: str, flags: Sequence[str]) -> list[Contestant]:
    own = [
        Contestant(f"{STEPWELL} {each}".strip(), servers.stepwell([run], shlex.split(each))) for each in ("", *flags)
    ]
    env = {"PYTHONPATH": peers} if peers else {}
    script = [sys.executable, str(HERE / "serving_peers.py"), "--weights", str(weights), "--port", "PORT"]
    others = []
    for name in PEERS:
        others.append(Contestant(name, [*script, name], env))
        if name.startswith(FASTAPI):
            others.append(Contestant(f"{name}, 1 thread", [*script, "--threads", "1", name], env))
    return own + [each for each in others if _installed(each.name, peers)]


def _installed(name: str, peers: str) -> bool:
    package = "litserve" if name == LITSERVE else "fastapi"
    return package in _versions(peers)


def _versions(peers: str) -> dict[str, str]:
    """The packages in the peers' folder, or where none is given, in this environment."""
    found = distributions(path=[peers]) if peers else distributions()
    wanted = {"fastapi", "litserve", *PACKAGES}
    return {each.name.lower(): each.version for each in found if each.name.lower() in wanted}


def probabilities(body: bytes) -> list[float]:
    """The ten numbers in Stepwell's answer, or in a peer's."""
    said = json.loads(body)
    if "answers" in said:
        return list(said["answers"][0]["probabilities"].values())
    return list(said["probabilities"])


def check(server: Server, rows: np.ndarray, right: np.ndarray) -> float:
    """The largest difference from the network's own answers. Raises `RuntimeError` above the tolerance."""
    given = [ask(server.place, question(server.place, row.tobytes())) for row in rows]
    worst = float(np.abs(np.array([probabilities(each.body) for each in given]) - right).max())
    if worst > TOLERANCE:
        raise RuntimeError(f"Answers differ from the network's by {worst:g}, more than {TOLERANCE:g}.")
    return worst


def race(entered: Sequence[Contestant], rows: np.ndarray, right: np.ndarray, rounds: int, seconds: float) -> Found:
    found: Found = {each.name: {callers: [] for callers in CALLERS} for each in entered}
    for number in range(rounds):
        order = entered[number % len(entered) :] + entered[: number % len(entered)]  # nobody is always first
        for each in order:
            with serving(each.command, rows[0].tobytes(), **each.env) as server:
                check(server, rows, right)
                sent = question(server.place, rows[0].tobytes())
                for callers in CALLERS:
                    figures = measure(server.place, sent, concurrency=callers, seconds=seconds)
                    found[each.name][callers].append(figures)
                    if figures.errors:
                        raise RuntimeError(f"{each.name} failed: {figures.errors}")
                    print(f"round {number + 1} {each.name}: {callers} callers {figures.rate:,.0f}/s", flush=True)
    return found


def median(found: Sequence[Figures]) -> dict[str, float]:
    """Medians over rounds; times in milliseconds."""
    middle = {
        "rps": round(statistics.median(each.rate for each in found)),
        "p50_ms": round(1000 * statistics.median(each.p50 or 0 for each in found), 3),
        "p99_ms": round(1000 * statistics.median(each.p99 or 0 for each in found), 2),
    }
    batches = [each.batch for each in found if each.batch]
    return {**middle, "rows_a_batch": round(statistics.median(batches), 1)} if batches else middle


def best_fastapi(found: Found, callers: int) -> str | None:
    """The handler with the most requests a second."""
    names = [name for name in found if name.startswith(FASTAPI)]
    return max(names, key=lambda name: median(found[name][callers])["rps"], default=None)


def targets(found: Found) -> dict[str, dict[str, Any]]:
    """What the issue asks for, and what was measured: ratios of each round, their median."""
    one, many = CALLERS[0], CALLERS[-1]
    rows: dict[str, dict[str, Any]] = {}

    def row(
        what: str, peer: str | None, callers: int, number: str, at_least: float | None, at_most: float | None
    ) -> None:
        if peer in found:
            pairs = zip(found[STEPWELL][callers], found[peer][callers], strict=True)
            ratio = statistics.median(getattr(own, number) / getattr(other, number) for own, other in pairs)
            met = ratio >= at_least if at_least is not None else ratio <= (at_most or 0)
            asked = f"≥ {at_least}" if at_least is not None else f"≤ {at_most}"
            rows[what] = {"ratio": round(ratio, 2), "asked": asked, "met": met, "against": peer}

    row(f"{many} callers: requests a second over FastAPI's", best_fastapi(found, many), many, "rate", 2.5, None)
    row(f"{many} callers: requests a second over LitServe's", LITSERVE, many, "rate", 3.0, None)
    row(f"{many} callers: p99 over FastAPI's", best_fastapi(found, many), many, "p99", None, 1.0)
    row(f"{one} caller: p50 over FastAPI's", best_fastapi(found, one), one, "p50", None, 1.15)
    return rows


def crop(run: Any, rounds: int, seconds: float, flags: str) -> dict[str, float]:
    """Milliseconds of a crop as `.npy`, of the network alone, and the difference."""
    model, rows = servers.model_of(run), servers.rows_of(CROP, 3)
    right, body = servers.expected(model, rows), npy(rows[:1])
    whole, alone = [], []
    with serving(servers.stepwell([run], shlex.split(flags)), rows[0].tobytes()) as server:
        worst = check(server, rows, right)
        sent = question(server.place, body, kind=NPY)
        for _ in range(rounds):
            whole.append(measure(server.place, sent, concurrency=1, seconds=seconds).p50 or float("nan"))
            alone.append(_alone(model, rows[:1], seconds))
    outside = statistics.median(a - b for a, b in zip(whole, alone, strict=True))
    return {
        "request_p50_ms": round(1000 * statistics.median(whole), 3),
        "network_p50_ms": round(1000 * statistics.median(alone), 3),
        "outside_ms": round(1000 * outside, 3),
        "largest_difference": worst,
    }


def _alone(model: torch.nn.Module, row: np.ndarray, seconds: float) -> float:
    """The median of a call in this process, seconds."""
    inputs, times, until = torch.from_numpy(row), [], time.perf_counter() + seconds / 2
    with torch.inference_mode():
        while time.perf_counter() < until:
            began = time.perf_counter()
            torch.softmax(model(inputs), 1)
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def show(found: Found, asked: Mapping[str, Mapping[str, Any]]) -> None:
    table = Table(title="MLP 1024-2048-2048-10, 4 kB a request; client on the same machine", title_justify="left")
    for heading in ("server", "callers", "requests a second", "p50, ms", "p99, ms", "rows a batch"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for callers in CALLERS:
        for name, each in found.items():
            row = median(each[callers])
            cells = (
                f"{row['rps']:,}",
                f"{row['p50_ms']:.2f}",
                f"{row['p99_ms']:.1f}",
                str(row.get("rows_a_batch", "")),
            )
            table.add_row(name, str(callers), *cells)
    Console(width=120).print(table)
    for what, row in asked.items():
        print(f"{'met  ' if row['met'] else 'MISSED'} {what} ({row['against']}): {row['ratio']}, asked {row['asked']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--peers", default="", help="the folder that the peers were installed into")
    parser.add_argument("--also", action="append", default=[], help="measure stepwell serve with these flags too")
    parser.add_argument("--parts", nargs="+", choices=("race", "crop"), default=["race", "crop"])
    settings = parser.parse_args()
    figures: dict[str, Any] = json.loads(OUT.read_text())["figures"] if OUT.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        if "race" in settings.parts:
            figures |= _race(Path(folder), settings)
        if "crop" in settings.parts:
            figures["crop"] = crop(servers.train("crops", Path(folder)), settings.rounds, settings.seconds, "")
            met = "met" if figures["crop"]["outside_ms"] <= 1 else "MISSED"
            print(f"{met} a crop of 295 kB outside the network: {figures['crop']}, asked ≤ 1 ms")
    facts = {"date": date.today().isoformat(), "rounds": settings.rounds, "seconds": settings.seconds, **environment()}
    facts["versions"] |= {name: version(name) for name in PACKAGES} | {
        f"peers' {k}": v for k, v in _versions(settings.peers).items()
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"figures": figures, **facts}, indent=2, ensure_ascii=False) + "\n")


def _race(folder: Path, settings: argparse.Namespace) -> dict[str, Any]:
    run = servers.train("wide_mlp", folder)
    model, rows = servers.model_of(run), servers.rows_of((1024,), CHECKED)
    weights = folder / "weights.safetensors"
    save_file(model.state_dict(), weights)
    entered = contestants(run, weights, settings.peers, settings.also)
    found = race(entered, rows, servers.expected(model, rows), settings.rounds, settings.seconds)
    asked = targets(found)
    show(found, asked)
    medians = {name: {str(callers): median(each[callers]) for callers in CALLERS} for name, each in found.items()}
    rounds = {name: {str(c): [asdict(one) for one in each[c]] for c in CALLERS} for name, each in found.items()}
    return {"medians": medians, "targets": asked, "rounds": rounds}


if __name__ == "__main__":
    main()
