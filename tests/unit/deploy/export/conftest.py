"""Small models of every kind, as they are exported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

from stepwell.core.devices import seeded
from stepwell.core.trees import Tree
from stepwell.data.reader import Reader
from stepwell.deploy.card import Card
from stepwell.deploy.servable import Servable, arrays_of, output_arrays
from stepwell.models import DigitNet, FromPixels
from stepwell.recipes.series import series
from stepwell.recipes.table import table
from stepwell.tasks import Multiclass, Regression
from stepwell.tasks.base import Task

Make = Callable[..., Servable]


def of(model: nn.Module, task: Task, examples: Tree, reader: Reader | None = None, raw: Any = ()) -> Servable:
    """A model as a server and an export get it."""
    model = model.eval().requires_grad_(False)
    card = Card(
        name="mine",
        title="Mine",
        kind=reader.kind if reader else "arrays",  # type: ignore[arg-type]
        inputs=arrays_of(examples),
        outputs=output_arrays(model, task, examples),
        version="3",
    )
    return Servable(card=card, model=model, task=task, examples=examples, reader=reader, raw=raw)


@pytest.fixture(scope="session")
def digits() -> Servable:
    with seeded(3):
        return of(DigitNet(4, 8), Multiclass(classes=tuple("0123456789")), torch.rand(5, 1, 8, 8))


@pytest.fixture(scope="session")
def pictures() -> Servable:
    with seeded(3):
        model = FromPixels(DigitNet(4, 8, 3), (0.3,), (0.2,))
        return of(model, Multiclass(classes=("a", "b", "c")), torch.randint(0, 256, (9, 1, 8, 8), dtype=torch.uint8))


class Affine(nn.Module):
    """The smallest network that there is."""

    def __init__(self, inputs: int = 3, outputs: int = 2) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@pytest.fixture(scope="session")
def values() -> Servable:
    with seeded(3):
        return of(Affine(), Regression(names=("low", "high")), torch.randn(4, 3))


def people(rows: int = 90) -> pl.DataFrame:
    """A table with every kind of column, some of whose values are missing."""
    random = np.random.default_rng(0)
    age = random.normal(40, 12, rows).round(1)
    towns = random.choice(["Bern", "Rom", "Wien"], rows).tolist()
    joined = np.datetime64("2011-01-01T08:30", "us") + random.integers(0, 20_000, rows) * np.timedelta64(1, "h")
    return pl.DataFrame(
        {
            "age": [None if row % 11 == 5 else value for row, value in enumerate(age.tolist())],
            "floor": random.integers(1, 5, rows),
            "town": [None if row % 13 == 7 else name for row, name in enumerate(towns)],
            "code": [f"{value:03d}" for value in random.integers(0, 45, rows)],
            "size": random.choice(["small", "middle", "large"], rows).tolist(),
            "member": random.choice([True, False], rows),
            "joined": joined,
            "paid": ["yes" if value > 40 else "no" for value in age],
            "sum": age * 3 + random.normal(size=rows),
        }
    )


SETTINGS: dict[str, Any] = {"hidden": (8,), "members": 2, "ordinal": ("size:small<middle<large",)}


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Servable]:
    """Makes a model of that table for a target, untrained; the rows are those that a run keeps."""
    file = tmp_path_factory.mktemp("tables") / "people.csv"
    people().write_csv(file, datetime_format="%Y-%m-%d %H:%M")

    def make(target: str) -> Servable:
        other = {"paid": "sum", "sum": "paid", "town": "paid"}[target]
        made = table(file, target=target, drop=(other,), **SETTINGS)
        assert made.reader is not None
        batch = made.data.train.batch(torch.arange(9), None)  # type: ignore[union-attr, arg-type]
        raw = [made.reader.row(int(number)) for number in batch.index]
        plain = [{name: _plain(value) for name, value in row.items()} for row in raw]
        return of(made.model, made.task, batch.inputs, made.reader, plain)

    return make


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


@pytest.fixture(scope="session")
def hours(tmp_path_factory: pytest.TempPathFactory) -> Servable:
    """A forecast of hours, with a number and a category of the past, and one that is known ahead."""
    hour = np.arange(24 * 40)
    random = np.random.default_rng(0)
    event = np.repeat(random.choice(["fair", "none", "strike"], 40).tolist(), 24).tolist()
    frame = pl.DataFrame(
        {
            "t": np.datetime64("2011-01-01T00", "us") + hour * np.timedelta64(1, "h"),
            "y": 50 + 10 * np.sin(hour / 24 * 2 * np.pi) + random.normal(size=len(hour)),
            "wind": random.normal(size=len(hour)),
            "sky": random.choice(["clear", "rain", "snow"], len(hour)).tolist(),
            "event": event,
        }
    )
    file: Path = tmp_path_factory.mktemp("series") / "hours.csv"
    frame.filter(~pl.int_range(pl.len()).is_in(list(range(30, 33)))).write_csv(file, datetime_format="%Y-%m-%d %H:%M")
    made = series(file, time=("t",), target="y", known=("event",), window=24, horizon=6, hidden=8)
    assert made.reader is not None
    batch = made.data.train.batch(torch.arange(0, 200, 25), None)  # type: ignore[union-attr, arg-type]
    raw = [made.reader.row(int(number)) for number in batch.index]
    return of(made.model, made.task, batch.inputs, made.reader, raw)
