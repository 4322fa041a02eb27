"""Cards of models that never were."""

import pytest

from stepwell.deploy.card import Array, Card

_CLASSES = tuple("0123456789")


@pytest.fixture
def crop() -> Card:
    """One float32 input, as the book's nodules."""
    return Card(
        name="crop",
        title="Crops",
        kind="arrays",
        inputs=(Array("input", "float32", (1, 4, 6, 6)),),
        outputs=(Array("output", "float32", (2,)),),
        classes=("benign", "malignant"),
        version="7",
    )


@pytest.fixture
def digits() -> Card:
    """Grey pictures."""
    return Card(
        name="digits",
        title="Digits",
        kind="images",
        inputs=(Array("input", "uint8", (1, 8, 8)),),
        outputs=(Array("output", "float32", (10,)),),
        classes=_CLASSES,
        files=(".png", ".jpg", ".jpeg"),
        version="3",
    )


@pytest.fixture
def bikes() -> Card:
    """A table with two inputs."""
    return Card(
        name="bikes",
        title="Bikes",
        kind="table",
        inputs=(Array("numbers", "float32", (3,)), Array("codes", "int64", (2,))),
        outputs=(Array("output", "float32", (1,)),),
        files=(".csv", ".parquet", ".json"),
        form={
            "target": "cnt",
            "columns": [
                {"name": "temp", "kind": "number", "usual": 20.0, "low": 1.0, "high": 39.0},
                {"name": "season", "kind": "category", "levels": ["1", "2"], "usual": "1"},
            ],
        },
    )


@pytest.fixture
def waves() -> Card:
    """Series of any length."""
    return Card(
        name="waves",
        title="Waves",
        kind="arrays",
        inputs=(Array("input", "float32", (None, 2)),),
        outputs=(Array("mean", "float32", ()), Array("spread", "float64", ())),
    )
