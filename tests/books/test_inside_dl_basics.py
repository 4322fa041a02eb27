"""Raff, *Inside Deep Learning*, what chapters 1 and 2 build on: rows S-02, S-03, S-13, S-14, S-18, S-22, S-23 of its
acceptance notes, and exercises 1.1 to 1.3, 1.6 and 1.7. Rows S-08 to S-12 and exercises 1.4 and 1.5 are in test_inside_dl.py.
"""

import importlib.util
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file, load_svmlight_file
from torch import Tensor, nn
from torch.utils.data import Dataset

import stepwell
from stepwell import Multiclass, as_source, split_fixed, split_random
from stepwell.core.keys import Key
from stepwell.data import ArraySource, MemmapSource, read_libsvm
from stepwell.data.tensors import Classes, as_classes, network_dtypes
from stepwell.insight.functions import slopes
from stepwell.models import ACTIVATIONS
from stepwell.plots import function as plot_function

row = partial(pytest.mark.book, "inside-dl")
KEY = Key(0)
COUNTING = torch.arange(1.0, 25).reshape(4, 2, 3)  # 1 to 24, as four blocks of two rows and three columns


# --- S-02, S-03: tensors --------------------------------------------------------------------------------------------------


@row("S-02", recipe="stepwell.inspect", kind="exact")
def test_s02_tensors_by_rank():
    """A number, a vector, a matrix and a block of numbers have the shapes [], [4], [4, 2] and [4, 2, 3]."""
    made = {
        "scalar": torch.tensor(3.14),
        "vector": torch.tensor([1, 2, 3, 4]),
        "matrix": torch.arange(1, 9).reshape(4, 2),
        "tensor": COUNTING,
    }
    assert [one.shape for one in stepwell.inspect(made).tensors.values()] == [(), (4,), (4, 2), (4, 2, 3)]
    assert COUNTING[1].tolist() == [[7, 8, 9], [10, 11, 12]]


@row("S-03", recipe="stepwell.inspect", kind="exact")
def test_s03_numpy_and_torch():
    """NumPy's float64 is carried over, masks and sums agree, and inspect counts what a mask chose."""
    array = np.random.default_rng(0).random((4, 4))
    tensor = torch.tensor(array)
    assert (stepwell.inspect(tensor).dtype, torch.rand(2).dtype) == (torch.float64, torch.float32)
    array, tensor = array.astype(np.float32), network_dtypes(tensor)
    assert array.dtype == np.float32
    assert tensor.dtype == torch.float32
    mask = tensor > 0.5
    assert mask.dtype == torch.bool
    assert np.array_equal(mask.numpy(), array > 0.5)
    chosen = int((array > 0.5).sum())
    assert f"values      {chosen} True  {16 - chosen} False" in repr(stepwell.inspect(mask))
    assert tensor.sum().item() == pytest.approx(float(array.sum()), rel=1e-6)


@row("S-03", recipe="stepwell.inspect", kind="exact")
def test_s03_transposing():
    """`torch.transpose` wants both axes and copies nothing; axes 0 and 2 of (4, 2, 3) give (3, 2, 4)."""
    matrix = torch.rand(4, 4)
    assert np.array_equal(np.transpose(matrix.numpy()), torch.transpose(matrix, 0, 1).numpy())
    facts = stepwell.inspect(torch.transpose(COUNTING, 0, 2), COUNTING)
    assert (facts.shape, facts.shares["others[0]"].same) == ((3, 2, 4), True)


@row("exercise 1.1", recipe="stepwell.inspect", kind="exact")
def test_exercise_1_1_mean():
    """The mean of 1 to 24 is 12.5, by loops and by what inspect says."""
    total = sum(number for block in COUNTING.tolist() for line in block for number in line)
    assert total / COUNTING.numel() == stepwell.inspect(COUNTING).statistics.mean == 12.5


@row("exercise 1.2", recipe="stepwell.inspect", kind="exact")
def test_exercise_1_2_where_the_13_is():
    """13 has the index [2, 0, 0]; the drawing of the storage says so."""
    place, value, element = (line.split()[1:] for line in drawn(COUNTING))
    assert dict(zip(value, element, strict=True))["13"] == "[2,0,0]"
    assert place == [str(number) for number in range(24)]
    assert COUNTING[2, 0, 0] == 13


def drawn(tensor: Tensor) -> list[str]:
    """The drawing's three lines, its blocks joined."""
    blocks = [block.splitlines() for block in stepwell.inspect(tensor).drawing.split("\n\n")]
    return [lines[0] + "".join(line[len("element") :] for line in lines[1:]) for lines in zip(*blocks, strict=True)]


# --- exercise 1.3: when an accelerator is worth its while ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def devices() -> ModuleType:
    """The benchmark, which is a script."""
    path = Path(__file__).parents[2] / "benchmarks" / "devices.py"
    spec = importlib.util.spec_from_file_location("devices", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@row("exercise 1.3", recipe="benchmarks/devices.py", kind="property")
def test_exercise_1_3_crossover(devices, tmp_path):
    """The crossover is the smallest size from which on the accelerator is ahead; the figure draws both speed-ups."""
    speeds = {devices.THERE: [0.1, 2.0, 0.9, 1.5, 30.0], devices.WITH_WAY: [0.01, 0.1, 0.2, 0.5, 0.9]}
    rows = [{"size": 2**n, **{name: speed[n] for name, speed in speeds.items()}} for n in range(5)]
    assert devices.crossover(rows, devices.THERE) == 8
    assert devices.crossover(rows, devices.WITH_WAY) is None
    assert devices.crossover(rows[3:], devices.THERE) == 8
    devices.draw(rows, tmp_path / "devices.svg")
    assert (tmp_path / "devices.svg").stat().st_size > 1000


@row("exercise 1.3", recipe="benchmarks/devices.py", kind="property")
def test_exercise_1_3_sizes(devices):
    """A row for each power of two; without an accelerator, the CPU's times alone."""
    rows = devices.measure(range(3), torch.device("cpu"), least=0.001)
    assert [row["size"] for row in rows] == [1, 2, 4]
    assert all(set(row) == {"size", "cpu_us"} and row["cpu_us"] > 0 for row in rows)


# --- exercises 1.6 and 1.7: rows in files ----------------------------------------------------------------------------------------


@row("exercise 1.6", recipe="data.read_libsvm", kind="exact")
def test_exercise_1_6_libsvm(tmp_path):
    """A libsvm file is read as scikit-learn reads it: the number of rows and features, and every value."""
    made = np.random.default_rng(1)
    dense = made.normal(size=(40, 13)) * (made.random((40, 13)) < 0.3)
    dump_svmlight_file(dense, made.integers(0, 3, 40), str(tmp_path / "rows.svm"), zero_based=False)
    expected, labels = load_svmlight_file(str(tmp_path / "rows.svm"), n_features=15)
    inputs, targets = read_libsvm(tmp_path / "rows.svm", features=15)
    source = ArraySource(inputs, as_classes(targets).codes)
    assert (len(source), tuple(source.batch(torch.arange(2), KEY).inputs.shape)) == (40, (2, 15))
    assert np.array_equal(inputs.numpy(), expected.toarray().astype(np.float32))
    assert targets.tolist() == labels.tolist()


@pytest.fixture(scope="module")
def digits() -> "Digits":
    return stand_in()


@row("exercise 1.7", recipe="data.MemmapSource", kind="exact")
def test_exercise_1_7_memmapped_digits(digits, tmp_path):
    """Rows of a memory-mapped file are those of the array, and nothing else of it is read."""
    np.save(tmp_path / "x.npy", digits.images[:5000])
    np.save(tmp_path / "y.npy", as_classes(digits.labels).codes.numpy()[:5000])
    source = MemmapSource(tmp_path / "x.npy", tmp_path / "y.npy")
    index = torch.tensor([4999, 0, 17, 0])
    batch = source.batch(index, KEY)
    assert len(source) == 5000
    assert np.array_equal(batch.inputs.numpy(), digits.images[index.numpy()])
    assert batch.targets.tolist() == [int(digits.labels[place]) for place in index.tolist()]


# --- S-13, S-14: a dataset and its split ----------------------------------------------------------------------------------------


class Digits(NamedTuple):
    """Pictures `(70000, 784)` of bytes, and a label each, as text."""

    images: np.ndarray
    labels: np.ndarray


def stand_in() -> Digits:
    """Random rows in the form of OpenML's `mnist_784`, which needs a network; the first label is the set's own, 5."""
    made = np.random.default_rng(0)
    labels = made.integers(0, 10, 70_000).astype(str)
    labels[0] = "5"
    return Digits(made.integers(0, 256, (70_000, 784), dtype=np.uint8), labels)


class SimpleDataset(Dataset[tuple[Tensor, Tensor]]):
    """The book's: a row is float32 of 784 numbers, as they are, and its class."""

    def __init__(self, images: np.ndarray, classes: Classes) -> None:
        self.images, self.classes = images, classes

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.tensor(self.images[index], dtype=torch.float32), self.classes.codes[index]

    def __len__(self) -> int:
        return len(self.images)


@row("S-13", recipe="data.as_source", kind="property")
def test_s13_a_dataset_of_ones_own(digits):
    """70,000 rows of 784 float32 numbers and an int64 class, 5 for the first, whose labels are texts; a stand-in for MNIST."""
    classes = as_classes(digits.labels)
    source = as_source(SimpleDataset(digits.images, classes))
    batch = source.batch(torch.tensor([0, 69_999]), KEY)
    assert len(source) == 70_000
    assert (batch.inputs.shape, batch.inputs.dtype) == ((2, 784), torch.float32)
    assert (batch.targets[0].item(), batch.targets.dtype) == (5, torch.int64)
    assert classes.names == tuple("0123456789")
    assert batch.inputs[0].reshape(28, 28).shape == (28, 28)


@row("S-13", recipe="stepwell.inspect", kind="property")
def test_s13_pixels_are_not_scaled(digits):
    """The book leaves pixels between 0 and 255: inspect shows it, and says what to do with such bytes."""
    text = repr(stepwell.inspect(digits.images[:100]))
    assert "0 to 255, as in pictures: scale for training" in " ".join(text.split())
    assert "0 to 255" in text.partition("values")[2]
    rows = torch.from_numpy(digits.images[:100]).float() / 255
    assert stepwell.inspect(rows).statistics.largest == 1.0


@row("S-13", recipe="data.ArraySource", kind="property")
def test_s13_rows_in_memory_are_gathered_at_once(digits):
    """The same rows as arrays need no class of one's own."""
    classes = as_classes(digits.labels[:1000])
    own = as_source(SimpleDataset(digits.images[:1000], classes))
    gathered = ArraySource(digits.images[:1000].astype(np.float32), classes.codes)
    index = torch.tensor([7, 999, 0])
    one, other = own.batch(index, KEY), gathered.batch(index, KEY)
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.targets, other.targets)


@row("S-14", recipe="data.split_random", kind="exact")
def test_s14_random_split():
    """80/20 of 70,000 rows are 56,000 and 14,000, none on both sides."""
    split = split_random(70_000, train=0.8, val=0.2, seed=0)
    assert {side: len(rows) for side, rows in split.rows.items()} == {"train": 56_000, "val": 14_000}
    assert torch.equal(torch.cat(list(split.rows.values())).sort().values, torch.arange(70_000))


@row("S-14", recipe="data.split_fixed", kind="exact")
def test_s14_the_published_split():
    """The standard split, the first 60,000 and the last 10,000, is given by its rows."""
    split = split_fixed(train=torch.arange(60_000), test=torch.arange(60_000, 70_000))
    assert {side: len(rows) for side, rows in split.rows.items()} == {"train": 60_000, "test": 10_000}


# --- S-18: activations ------------------------------------------------------------------------------------------------------------


@row("S-18", recipe="models.ACTIVATIONS", kind="exact")
def test_s18_activations():
    """On `linspace(-2, 2, 200)`: the identity, tanh within (-1, 1), sigmoid = e^x / (e^x + 1) within (0, 1)."""
    x = torch.linspace(-2, 2, 200, dtype=torch.float64)
    values = {name: slopes(ACTIVATIONS[name](), x) for name in ("tanh", "sigmoid")}
    tanh, sigmoid = values["tanh"][0], values["sigmoid"][0]
    torch.testing.assert_close(sigmoid, x.exp() / (x.exp() + 1), rtol=0, atol=1e-15)
    assert bool((tanh.abs() < 1).all())
    assert bool(((sigmoid > 0) & (sigmoid < 1)).all())
    assert torch.equal(slopes(nn.Identity(), x)[0], x)
    figure = plot_function(x, {"identity": x, "tanh": tanh, "sigmoid": sigmoid})
    assert sum(len(line.get_xdata()) == 200 for line in figure.axes[0].lines) == 3


@row("S-18", recipe="insight.functions.slopes", kind="property")
def test_s18_tanh_is_nearly_straight_at_zero():
    """Between -0.2 and 0.2 tanh is within 1.4 % of the identity, and its slope above 0.96."""
    x = torch.linspace(-0.2, 0.2, 41, dtype=torch.float64)
    values, derivatives = slopes(ACTIVATIONS["tanh"](), x)
    assert bool(((values - x).abs() <= 0.014 * x.abs()).all())
    assert float(derivatives.min()) > 0.96


# --- S-22, S-23: softmax and cross-entropy ----------------------------------------------------------------------------------------

THREE = Multiclass(classes=3)


def weighed(scores: list[float]) -> tuple[list[float], float]:
    """The softmax of some scores, and their sum weighed by it."""
    given = torch.tensor(scores, dtype=torch.float64)
    shares = THREE.predict(given[None])[0]
    return shares.tolist(), float(shares @ given)


@row("S-22", recipe="tasks.Multiclass.predict", kind="exact")
def test_s22_softmax():
    """sm([3, 4, 1]) is 0.2595, 0.7054, 0.0351, and the weighed sum 3.635. The book prints 0.036 and 3.633: misprints."""
    shares, total = weighed([3.0, 4.0, 1.0])
    assert [round(share, 4) for share in shares] == [0.2595, 0.7054, 0.0351]
    assert round(total, 3) == 3.635
    assert round(shares[2], 3) == 0.035 != 0.036
    assert sum(shares) == pytest.approx(1)


@row("S-22", recipe="tasks.Multiclass.predict", kind="exact")
def test_s22_softmax_of_negative_scores():
    """sm([-3, -4, -1]) is 0.114, 0.042, 0.844, and the weighed sum -1.354, as the book prints them."""
    shares, total = weighed([-3.0, -4.0, -1.0])
    assert [round(share, 3) for share in shares] == [0.114, 0.042, 0.844]
    assert round(total, 3) == -1.354


@row("S-22", recipe="tasks.Multiclass.predict", kind="property")
@given(scores=st.lists(st.integers(-6, 6), min_size=3, max_size=3))
def test_s22_the_weighed_sum_is_at_most_the_largest(scores):
    """It is the largest score where all are equal, and less otherwise."""
    _, total = weighed([float(score) for score in scores])
    if len(set(scores)) == 1:
        assert total == pytest.approx(max(scores))
    else:
        assert total < max(scores)


@row("S-23", recipe="tasks.Multiclass", kind="exact")
def test_s23_chicken_or_turkey():
    """Of 70 % chicken, 30 % turkey against a truth of 5 % and 95 %: 1.1616 nats, of which the truth itself has 0.1985."""
    predicted, truth = torch.tensor([[0.7, 0.3]]), torch.tensor([[0.05, 0.95]])
    assert F.cross_entropy(predicted.log(), truth).item() == pytest.approx(1.1616, abs=5e-5)
    assert F.cross_entropy(truth.log(), truth).item() == pytest.approx(0.1985, abs=5e-5)
    two = Multiclass(classes=2, outputs="log_probabilities")
    losses = [two.losses(predicted.log(), torch.tensor([label])).item() for label in (0, 1)]
    assert float(truth[0] @ torch.tensor(losses)) == pytest.approx(1.1616, abs=5e-5)


@row("S-23", recipe="tasks.Multiclass.losses", kind="exact")
def test_s23_the_loss_of_a_class():
    """The loss of a class is minus the logarithm of its softmax."""
    outputs = torch.tensor([[3.0, 4.0, 1.0], [-3.0, -4.0, -1.0]])
    targets = torch.tensor([1, 0])
    expected = -THREE.predict(outputs)[torch.arange(2), targets].log()
    torch.testing.assert_close(THREE.losses(outputs, targets), expected)
