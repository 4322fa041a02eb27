"""What a step of `fit` costs over a hand-written loop: `make bench`.

MLP 64-64-10, batch 64, SGD, one thread. Every contestant trains the same network on the same rows in turn, round by round;
a contestant's figure is the median over the rounds of its difference from, and ratio to, the hand-written loop of the same
round, so that a machine whose speed drifts does not favour anyone. A round is a short and a long training, and a step costs
what the long one takes more, by the steps that it makes more: what beginning and ending cost cancels out, for everyone. Peers are
measured where they are installed (`pip install -r benchmarks/requirements.txt -c constraints.txt`).
"""

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from peers import find_peers
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import stepwell as sw
from stepwell.runs.environment import environment

BATCH, BATCHES = 64, 100
ROWS = BATCH * BATCHES
README = Path(__file__).parents[1] / "README.md"
OPEN, CLOSE = "<!-- overhead: written by make bench -->", "<!-- /overhead -->"
OUT = Path(__file__).parent / "results" / "overhead.json"


def make_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def hand_written(x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    batches = list(zip(x.split(BATCH), y.split(BATCH), strict=True))
    for _ in range(epochs):
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()


def same_duties(x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
    """The hand-written loop with the least code for what `fit` also does: seeding, mean loss, accuracy and a clock."""
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    batches = list(zip(x.split(BATCH), y.split(BATCH), strict=True))
    step, due = 0, time.perf_counter() + 0.1
    for _ in range(epochs):
        total, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for inputs, targets in batches:
            torch.default_generator.manual_seed(step)
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = F.cross_entropy(outputs, targets)
            loss.backward()
            optimizer.step()
            total.add_(loss.detach(), alpha=BATCH)
            right.add_((outputs.detach().argmax(1) == targets).sum())
            step += 1
            if time.perf_counter() > due:
                due = time.perf_counter() + 0.1


def textbook(x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()


def stepwell_fit(x: torch.Tensor, y: torch.Tensor, epochs: int) -> None:
    """With a live display, accuracy and history, row noise off; the data is shuffled and gathered as in any training."""
    model = make_model()
    experiment = sw.Experiment(
        data=sw.Splits(train=sw.ArraySource(x, y)),
        model=model,
        task=sw.Multiclass(classes=10),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        batch_size=BATCH,
        epochs=epochs,
    )
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as screen:
        run = sw.create_run(folder, "bench", {})
        display = sw.Progress(Console(file=screen, force_terminal=True, width=100))
        sw.fit(experiment, run, [display, sw.History(run), sw.Checkpoints(run)])


def measure(contestants: dict[str, Callable[..., None]], rounds: int, epochs: int) -> dict[str, list[float]]:
    """Microseconds a step of each contestant, round by round."""
    torch.manual_seed(1)
    x, y = torch.randn(ROWS, 64), torch.randint(0, 10, (ROWS,))
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):  # the first warms up and does not count
        for name, train in contestants.items():
            short, long = (seconds(train, x, y, length) for length in (2, 2 + epochs))
            if number:
                times[name].append((long - short) / (epochs * BATCHES) * 1e6)
    return times


def seconds(train: Callable[..., None], x: torch.Tensor, y: torch.Tensor, epochs: int) -> float:
    started = time.perf_counter()
    train(x, y, epochs)
    return time.perf_counter() - started


def summarise(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    base = times["hand-written loop"]
    return {
        name: {
            "us_per_step": round(statistics.median(own), 1),
            "over_hand_written_us": round(statistics.median(a - b for a, b in zip(own, base, strict=True)), 1),
            "ratio": round(statistics.median(a / b for a, b in zip(own, base, strict=True)), 3),
        }
        for name, own in times.items()
    }


def show(found: dict[str, dict[str, float]]) -> None:
    table = Table(title="Time per step, MLP 64-64-10, batch 64, SGD, one thread", title_justify="left")
    for heading in ("loop", "µs a step", "µs over hand-written", "× hand-written"):
        table.add_column(heading, justify="left" if heading == "loop" else "right")
    for name, row in found.items():
        table.add_row(name, f"{row['us_per_step']:.0f}", f"{row['over_hand_written_us']:+.0f}", f"{row['ratio']:.2f}")
    Console().print(table)


def write_readme(found: dict[str, dict[str, float]]) -> None:
    """Put the figures into the README, between their marks."""
    rows = [f"| {name} | {row['over_hand_written_us']:+.0f} µs | {row['ratio']:.2f} |" for name, row in found.items()]
    table = "\n".join(["| loop | a step, over hand-written | × hand-written |", "|---|---|---|", *rows])
    head, _, rest = README.read_text().partition(OPEN)
    README.write_text(f"{head}{OPEN}\n{table}\n{CLOSE}{rest.partition(CLOSE)[2]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=10, help="passes over 100 batches, each round")
    settings = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    contestants = {
        "hand-written loop": hand_written,
        "the same, with fit's duties": same_duties,
        "DataLoader(TensorDataset)": textbook,
        "stepwell fit": stepwell_fit,
    }
    peers, versions = find_peers()
    found = summarise(measure({**contestants, **peers}, settings.rounds, settings.epochs))
    show(found)
    facts = {"date": date.today().isoformat(), "command": "make bench", "rounds": settings.rounds, **environment()}
    facts["versions"] |= versions
    write_readme(found)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"figures": found, **facts}, indent=2) + "\n")


if __name__ == "__main__":
    main()
