"""Tables: how long reading, encoding and splitting takes, and rows a second of `fit` against a textbook loop: `make bench`.

The data is hour.csv of the bike-sharing set (`STEPWELL_DATA`; without it, a table of the same size is made up). The textbook
loop is `DataLoader(TensorDataset(…), batch_size, shuffle=True)` around forward, backward and step of the same network, an
MLP with one hidden layer of 64. Contestants take turns, round by round; a ratio is the median over rounds. A training's
fixed costs cancel out, as a round is a short and a long training.
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

import numpy as np
import polars as pl
import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import stepwell as sw
from stepwell.data.tables.columns import choose_columns
from stepwell.data.tables.encoding import Encoding
from stepwell.data.tables.read import read_table
from stepwell.models import mlp
from stepwell.runs.environment import environment

OUT = Path(__file__).parent / "results" / "tables.json"
BATCHES = (32, 256, 1024, 4096)


def bikes(folder: Path) -> Path:
    """hour.csv, or a table of its size."""
    real = Path(os.environ.get("STEPWELL_DATA", "shared/data")) / "bike-sharing" / "hour.csv"
    if real.is_file():
        return real
    draw = np.random.default_rng(0)
    made = {f"x{number}": draw.normal(size=17_379) for number in range(12)}
    pl.DataFrame({**made, "cnt": draw.integers(0, 900, 17_379)}).write_csv(folder / "hour.csv")
    return folder / "hour.csv"


def prepare(path: Path) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Encoded inputs, targets, and the seconds that reading, encoding and splitting took."""
    started = time.perf_counter()
    frame = read_table(path).frame
    split = sw.split_random(len(frame), train=0.7, val=0.15, test=0.15, seed=0)
    columns = choose_columns(frame, target="cnt", drop=[each for each in ("casual", "registered") if each in frame])
    encoding = Encoding.fit(frame, columns, split.rows["train"])
    x, y = encoding.encode(frame).inputs, torch.tensor(frame["cnt"].to_numpy(), dtype=torch.float32).unsqueeze(1)
    seconds = time.perf_counter() - started
    return x, y, seconds


def textbook(x: torch.Tensor, y: torch.Tensor, batch: int, epochs: int) -> None:
    model = mlp((x.shape[1], 64, 1))
    optimizer = torch.optim.AdamW(model.parameters())
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()


def stepwell_fit(x: torch.Tensor, y: torch.Tensor, batch: int, epochs: int) -> None:
    """With history, checkpoints and a live display."""
    model = mlp((x.shape[1], 64, 1))
    experiment = sw.Experiment(
        data=sw.Splits(train=sw.ArraySource(x, y)), model=model, task=sw.Regression(), batch_size=batch, epochs=epochs
    )
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as screen:
        run = sw.create_run(folder, "bench", {})
        display = sw.Progress(Console(file=screen, force_terminal=True, width=100))
        sw.fit(experiment, run, [display, sw.History(run), sw.Checkpoints(run)])


def per_epoch(train: Callable[..., None], x: torch.Tensor, y: torch.Tensor, batch: int, epochs: int) -> float:
    """Seconds of an epoch: what a long training takes more than a short one."""
    times = []
    for length in (1, 1 + epochs):
        started = time.perf_counter()
        train(x, y, batch, length)
        times.append(time.perf_counter() - started)
    return (times[1] - times[0]) / epochs


def measure(x: torch.Tensor, y: torch.Tensor, batch: int, rounds: int) -> dict[str, float]:
    epochs = max(2, batch // 64)
    pairs = [[per_epoch(train, x, y, batch, epochs) for train in (textbook, stepwell_fit)] for _ in range(rounds + 1)][
        1:
    ]
    rows = [len(x) / statistics.median(side) for side in zip(*pairs, strict=True)]
    ratio = statistics.median(slow / fast for slow, fast in pairs)
    return {"textbook_rows_per_s": round(rows[0]), "stepwell_rows_per_s": round(rows[1]), "ratio": round(ratio, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        path = bikes(Path(folder))
        seconds = statistics.median(prepare(path)[2] for _ in range(5))
        x, y, _ = prepare(path)
    found = {batch: measure(x, y, batch, rounds) for batch in BATCHES}
    table = Table(title=f"hour.csv read, encoded and split in {seconds:.2f} s; rows a second", title_justify="left")
    for heading in ("batch", "textbook DataLoader", "stepwell fit", "ratio"):
        table.add_column(heading, justify="right")
    for batch, row in found.items():
        table.add_row(f"{batch}", *(f"{row[key]:,}" for key in row))
    Console().print(table)
    facts = {"date": date.today().isoformat(), "command": "make bench", "rounds": rounds, **environment()}
    OUT.parent.mkdir(exist_ok=True)
    figures = {"read_encode_split_s": round(seconds, 3), "throughput": found}
    OUT.write_text(json.dumps({"figures": figures, **facts}, indent=2) + "\n")


if __name__ == "__main__":
    main()
