"""How much faster an accelerator multiplies matrices than the CPU, by their size: `python benchmarks/devices.py`.

Raff, Inside Deep Learning, exercise 1.3: X @ X for matrices of 1, 2, 4, … 2048 rows, in float32. Times are torch's own
(`torch.utils.benchmark`), which waits until the device has finished; the book's `timeit` measures how fast work is handed
over. "With the way" counts moving X there and the product back, which is what makes small work slower. The crossover is
the smallest size from which on the accelerator is ahead. Without an accelerator, the CPU alone is measured.
"""

import argparse
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from torch.utils.benchmark import Timer

from stepwell.core.devices import best_device
from stepwell.plots import function as plot_function
from stepwell.runs.environment import environment

RESULTS = Path(__file__).parent / "results"
THERE, WITH_WAY = "speed-up, data there", "speed-up, with the way"


def seconds(work: Callable[[], object], least: float) -> float:
    """The median time of some work, measured for at least so many seconds."""
    return Timer("work()", globals={"work": work}).blocked_autorange(min_run_time=least).median


def measure(exponents: range, device: torch.device, least: float) -> list[dict[str, Any]]:
    """A row for each size."""
    rows: list[dict[str, Any]] = []
    for exponent in exponents:
        x = torch.rand(2**exponent, 2**exponent, generator=torch.Generator().manual_seed(exponent))
        row: dict[str, Any] = {"size": 2**exponent, "cpu_us": seconds(lambda x=x: x @ x, least) * 1e6}
        if device.type != "cpu":
            there = x.to(device)
            row["device_us"] = seconds(lambda there=there: there @ there, least) * 1e6
            row["with_way_us"] = seconds(lambda x=x: (y := x.to(device), (y @ y).cpu()), least) * 1e6
            row[THERE], row[WITH_WAY] = row["cpu_us"] / row["device_us"], row["cpu_us"] / row["with_way_us"]
        rows.append(row)
    return rows


def crossover(rows: list[dict[str, Any]], name: str) -> int | None:
    """The smallest size from which on every speed-up is more than 1; None where the largest is behind, too."""
    behind = [place for place, row in enumerate(rows) if row[name] <= 1]
    first = behind[-1] + 1 if behind else 0
    return rows[first]["size"] if first < len(rows) else None


def show(rows: list[dict[str, Any]]) -> None:
    table = Table(title="X @ X in float32", title_justify="left")
    for heading in rows[0]:
        table.add_column(heading.replace("_us", ", µs").replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" for value in row.values()))
    Console().print(table)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """The speed-ups over the size, both on scales of powers; they are equal at the dashed line."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    sizes = [row["size"] for row in rows]
    plot_function(sizes, {name: [row[name] for row in rows] for name in (THERE, WITH_WAY)}, xlabel="rows of X", ax=axes)
    axes.axhline(1.0, color="0.4", linewidth=0.9, linestyle="--")
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=11, help="the largest size is two to this power")
    parser.add_argument("--least", type=float, default=0.2, help="seconds that each measurement lasts at least")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    settings = parser.parse_args()
    device = best_device()
    rows = measure(range(settings.largest + 1), device, settings.least)
    show(rows)
    facts = {
        "date": date.today().isoformat(),
        "float32 products": torch.get_float32_matmul_precision(),
        **environment(),
    }
    if device.type == "cpu":
        print("This machine has no accelerator, so there is no speed-up to measure; these are the times of its CPU.")
    else:
        facts["crossover"] = {name: crossover(rows, name) for name in (THERE, WITH_WAY)}
        print("Ahead from this size on:", facts["crossover"])
        draw(rows, settings.out / "devices.svg")
    settings.out.mkdir(exist_ok=True, parents=True)
    (settings.out / "devices.json").write_text(json.dumps({"rows": rows, **facts}, indent=2) + "\n")


if __name__ == "__main__":
    main()
