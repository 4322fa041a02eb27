"""The designs for birds and airplanes on the same footing, as figure 8.13 of *Deep Learning with PyTorch*.

    python benchmarks/cifar2_designs.py --data ../shared/data

Each design is trained for 100 epochs with three seeds, all with shuffled rows, and measured in eval mode at the end, on the
rows that trained it and on the 2,000 others. The book measures without eval mode, shuffles for the first design alone, and
trains each once. What is done is kept in the results after every training, so the script can be stopped and started again;
`--designs`, `--seeds` and `--epochs` say which trainings there are to be. `deep-shared` is the design `deep` with one block a
hundred times, as the book's code has it.
"""

import argparse
import json
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from stepwell import evaluate, fit
from stepwell.models import DESIGNS
from stepwell.plots import designs as plot_designs
from stepwell.recipes.cifar2 import cifar2
from stepwell.runs.environment import environment

RESULTS = Path(__file__).parent / "results"
SHARED = "deep-shared"
NAMES = (*(name for name in DESIGNS if not name.startswith("flat")), SHARED, "flat", "flat-deep")
COLUMNS = ("design", "seeds", "train", "val", "± error", "gap", "val less", "that of", "s/epoch")
Row = dict[str, Any]


def train(design: str, seed: int, epochs: int, data: Path | None) -> Row:
    """One training and what it came to."""
    shared = {"design": "deep", "shared_block": True} if design == SHARED else {"design": design}
    experiment = cifar2(**shared, seed=seed, epochs=epochs, data=data)
    began = time.perf_counter()
    fit(experiment)
    seconds = (time.perf_counter() - began) / epochs
    found = {side: evaluate(experiment, side).metrics for side in ("train", "val")}
    row: Row = {"design": design, "seed": seed, "epochs": epochs, "seconds_per_epoch": seconds}
    row |= {"threads": torch.get_num_threads()}
    for side, metrics in found.items():
        row |= {f"{side}_accuracy": metrics["accuracy"], f"{side}_loss": metrics["loss"]}
    return row


def due(kept: list[Row], names: list[str], seeds: int, epochs: int) -> Iterator[tuple[str, int]]:
    """The trainings that are yet to be made, seed by seed, so that all designs are there early."""
    done = {(row["design"], row["seed"]) for row in kept if row["epochs"] == epochs}
    yield from ((name, seed) for seed in range(seeds) for name in names if (name, seed) not in done)


def scores(rows: list[Row], epochs: int) -> dict[str, tuple[list[float], list[float]]]:
    """The accuracies of each design, by seed: of the training rows, and of the others."""
    own = {name: [row for row in rows if row["design"] == name and row["epochs"] == epochs] for name in NAMES}
    return {
        name: ([row["train_accuracy"] for row in some], [row["val_accuracy"] for row in some])
        for name, some in own.items()
        if some
    }


def show(rows: list[Row], epochs: int) -> None:
    """The table: means over seeds, the standard error of the validation's, and the difference to the baseline."""
    table = Table(title=f"CIFAR-2, {epochs} epochs", title_justify="left")
    for heading in COLUMNS:
        table.add_column(heading, justify="left" if heading == "design" else "right")
    found = scores(rows, epochs)
    for name, (train_scores, val) in found.items():
        error = f"{stdev(val) / len(val) ** 0.5:.4f}" if len(val) > 1 else "–"
        against = "deep" if name == SHARED else DESIGNS[name].against
        less = (f"{mean(val) - mean(found[against][1]):+.4f}", against) if against in found else ("–", "")
        seconds = mean(row["seconds_per_epoch"] for row in rows if row["design"] == name and row["epochs"] == epochs)
        numbers = (f"{mean(train_scores):.4f}", f"{mean(val):.4f}", error, f"{mean(train_scores) - mean(val):+.4f}")
        table.add_row(name, str(len(val)), *numbers, *less, f"{seconds:.2f}")
    Console(width=110).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of data sets; else STEPWELL_DATA")
    parser.add_argument("--designs", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--results", type=Path, default=RESULTS / "cifar2_designs.json")
    asked = parser.parse_args()
    kept = json.loads(asked.results.read_text()) if asked.results.exists() else {"rows": []}
    rows: list[Row] = kept["rows"]
    for design, seed in due(rows, asked.designs, asked.seeds, asked.epochs):
        row = train(design, seed, asked.epochs, asked.data)
        rows.append(row)
        facts = {"measured": date.today().isoformat(), "command": "python benchmarks/cifar2_designs.py"}
        asked.results.write_text(json.dumps({**facts, **environment(), "rows": rows}, indent=2) + "\n")
        Console().print(f"{design}, seed {seed}: train {row['train_accuracy']:.4f}, val {row['val_accuracy']:.4f}")
    show(rows, asked.epochs)
    picture = asked.results.with_suffix(".svg")
    plot_designs(scores(rows, asked.epochs), xlabel=f"{asked.seeds} seeds, {asked.epochs} epochs").savefig(picture)
    Console().print(f"{asked.results} and {picture}")


if __name__ == "__main__":
    main()
