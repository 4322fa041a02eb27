"""Every model is a row of `MODELS` and passes the same checks."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

import stepwell.models
from stepwell.core.devices import seeded
from stepwell.models import (
    CNN2,
    VGG,
    AlexNet,
    Captioner,
    ConvNet,
    CycleGAN,
    DigitNet,
    Forecaster,
    FromPixels,
    HiddenTanh,
    LeNet5,
    Line,
    LineNet,
    Net,
    NetDepth,
    NetResDeep,
    Neuron,
    PatchDiscriminator,
    Quadratic,
    ResNet,
    ResNetGenerator,
    SmallNet,
    TableNet,
    mlp,
    raff_cnn,
    raff_linear,
    raff_pooled_cnn,
)
from stepwell.models.resnet import ResidualBlock
from stepwell.runs import Snapshot
from stepwell.runs.checkpoint import read_checkpoint, write_checkpoint

ROWS = 7


class _OneInput(nn.Module):
    """A model of a past and of what is known ahead, as one of a single tensor."""

    def __init__(self, model: nn.Module, window: int, known: int) -> None:
        super().__init__()
        self.model, self.window, self.known = model, window, known

    def forward(self, x: Tensor) -> Tensor:
        past, known = x[:, : 3 * self.window], x[:, 3 * self.window :]
        return self.model(past=past.unflatten(1, (self.window, 3)), known=known.unflatten(1, (-1, self.known)))


class _Pair(nn.Module):
    """A model of two pictures, as one of a picture of twice the channels, whose values 0 to 1 are found by a sigmoid."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(*x.sigmoid().chunk(2, dim=1))


class _Told(nn.Module):
    """A captioner as a model of its pictures alone: the words are those that the signs of the first pixels spell."""

    def __init__(self, cell: Literal["gru", "lstm"]) -> None:
        super().__init__()
        self.model = Captioner(DigitNet(4, 8, 6), 6, 7, 10, cell=cell)

    def forward(self, x: Tensor) -> Tensor:
        signs = (x.flatten(1)[:, :15] > 0).long().view(-1, 5, 3)
        return self.model(x, (signs * torch.tensor([1, 2, 3])).sum(2))


# how it is made, the shape of a row, the shape of its outputs, and how many parameters it has by hand count
MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], tuple[int, ...], int]] = {
    "Line": (Line, (1,), (1,), 2),
    "Line, given": (lambda: Line(0.5, 2.0), (1,), (1,), 2),
    "Quadratic": (lambda: Quadratic(0.5, -1.0, 2.0), (1,), (1,), 3),
    "Neuron": (lambda: Neuron(1.5, -0.2), (1,), (1,), 2),
    "HiddenTanh": (lambda: HiddenTanh(9), (1,), (1,), 9 * 2 + 9 + 1),
    "mlp": (lambda: mlp((3, 8, 2)), (3,), (2,), 3 * 8 + 8 + 8 * 2 + 2),
    "mlp, deep": (
        lambda: mlp((3, 8, 4, 2), activation=nn.Tanh, dropout=0.5, bias=False),
        (3,),
        (2,),
        3 * 8 + 8 * 4 + 4 * 2,
    ),
    "mlp, linear": (lambda: mlp((3, 5, 2), activation=None), (3,), (2,), 3 * 5 + 5 + 5 * 2 + 2),
    "TableNet": (
        lambda: TableNet(3, edges={0: [-1.0, 0.0, 1.0], 2: [0.0, 0.5]}, hidden=(16,), members=2, dimension=4),
        (3,),
        (1,),
        2 * (2 + 1 + 1) * 4 + (9 * 16 + 2 * (9 + 16 + 16)) + (16 + 2 * (16 + 1 + 1)),
    ),
    "Forecaster": (
        lambda: _OneInput(Forecaster(3, 2, 8, 4, hidden=16, blocks=1, pooled=2, mean=1.0, std=2.0), window=8, known=2),
        (8 * 3 + 4 * 2,),
        (4,),
        (8 * 4 + 4) + (8 * 2 + 2) + ((8 + 2 + 4 * 2 + 2 * 2) * 16 + 16) + (2 * 16 + 2 * (16 * 16 + 16)) + (16 * 4 + 4),
    ),
    "FromPixels": (lambda: FromPixels(DigitNet(4, 8, 3), (0.3,), (0.2,)), (1, 8, 8), (3,), 40 + 296 + 128 * 8 + 8 + 27),
    "DigitNet": (DigitNet, (1, 8, 8), (10,), 160 + 4640 + 512 * 64 + 64 + 650),
    "DigitNet, small": (lambda: DigitNet(4, 8, 3, 0.5), (1, 8, 8), (3,), 40 + 296 + 128 * 8 + 8 + 27),
    "SmallNet": (lambda: SmallNet(5, 2, 4), (2, 18, 16), (5,), 72 + 576 + 4608 + 9216 + 2 * (4 + 16 + 64) + 165),
    "AlexNet": (
        lambda: AlexNet(5, hidden=16),
        (3, 64, 64),
        (5,),
        2_469_696 + (9216 * 16 + 16) + (256 + 16) + (80 + 5),
    ),
    "VGG": (
        lambda: VGG((1, 1, 1, 1, 1), 5, hidden=16),
        (3, 32, 32),
        (5,),
        (1792 + 73_856 + 295_168 + 1_180_160 + 2_359_808) + (25_088 * 16 + 16) + (256 + 16) + (80 + 5),
    ),
    "ResNet": (
        lambda: ResNet(ResidualBlock, (1, 1, 1, 1), 5),
        (3, 64, 64),
        (5,),
        (9408 + 128)
        + (73_728 + 256)
        + (221_184 + 512 + 8192 + 256)
        + (884_736 + 1024 + 32_768 + 512)
        + (3_538_944 + 2048 + 131_072 + 1024)
        + 2565,
    ),
    "LeNet5": (LeNet5, (1, 28, 28), (10,), 156 + 2416 + 48_120 + 10_164 + 850),
    "LineNet": (LineNet, (1, 10, 10), (3,), 10 + 170 + 33),
    "LineNet, large": (lambda: LineNet(14, 5), (1, 14, 14), (5,), 10 + 370 + 55),
    "CNN2": (lambda: CNN2(5, 0.3), (3, 28, 28), (3,), 140 + 230 + 6300 + 153),
    "raff_linear": (raff_linear, (1, 28, 28), (10,), 784 * 256 + 256 + 2570),
    "raff_cnn": (raff_cnn, (1, 28, 28), (10,), 160 + 16 * 784 * 10 + 10),
    "raff_pooled_cnn": (raff_pooled_cnn, (1, 28, 28), (10,), 160 + 2 * 2320 + 4640 + 2 * 9248 + 15_690),
    "raff_pooled_cnn, colour": (
        lambda: raff_pooled_cnn(5, channels=3, size=18, filters=4, kernel=5, depth=1),
        (3, 18, 18),
        (5,),
        (4 * 3 * 25 + 4) + (8 * 4 * 25 + 8) + 8 * 16 * 5 + 5,
    ),
    "ConvNet": (ConvNet, (1, 28, 28), (10,), 160 + 4640 + 4608 * 64 + 64 + 650),
    "ConvNet, log-probabilities": (
        lambda: ConvNet(log_probabilities=True),
        (1, 28, 28),
        (10,),
        160 + 4640 + 4608 * 64 + 64 + 650,
    ),
    "Net": (Net, (3, 32, 32), (2,), 432 + 16 + 1152 + 8 + 16_384 + 32 + 64 + 2),
    "Net, all of it": (
        lambda: Net(8, kernel=5, dropout=0.4, batchnorm=True, classes=3),
        (3, 32, 32),
        (3,),
        (600 + 8 + 16) + (800 + 4 + 8) + (256 * 32 + 32) + 99,
    ),
    "NetDepth": (lambda: NetDepth(8), (3, 32, 32), (2,), (216 + 8) + (288 + 4) + (144 + 4) + (64 * 32 + 32) + 66),
    "NetDepth, residual": (
        lambda: NetDepth(8, residual=True),
        (3, 32, 32),
        (2,),
        (216 + 8) + (288 + 4) + (144 + 4) + (64 * 32 + 32) + 66,
    ),
    "NetResDeep": (
        lambda: NetResDeep(8, blocks=3),
        (3, 32, 32),
        (2,),
        (216 + 8) + 3 * (576 + 16) + (512 * 32 + 32) + 66,
    ),
    "NetResDeep, shared": (
        lambda: NetResDeep(8, blocks=3, shared=True),
        (3, 32, 32),
        (2,),
        (216 + 8) + (576 + 16) + (512 * 32 + 32) + 66,
    ),
    "Captioner": (
        lambda: _Told("gru"),
        (1, 8, 8),
        (5, 7),
        (40 + 296 + 128 * 8 + 8 + 54) + (60 + 10 + 20) + 70 + 3 * (100 + 100 + 10 + 10) + 77,
    ),
    "Captioner, LSTM": (
        lambda: _Told("lstm"),
        (1, 8, 8),
        (5, 7),
        (40 + 296 + 128 * 8 + 8 + 54) + (60 + 10 + 20) + 70 + 4 * (100 + 100 + 10 + 10) + 77,
    ),
    "ResNetGenerator": (
        lambda: ResNetGenerator(width=4, blocks=2),
        (3, 24, 16),
        (3, 24, 16),
        (588 + 4) + (288 + 8) + (1152 + 16) + 4 * (2304 + 16) + (1152 + 8) + (288 + 4) + (588 + 3),
    ),
    "PatchDiscriminator": (
        lambda: PatchDiscriminator(width=4, layers=2),
        (3, 32, 32),
        (1, 6, 6),
        (192 + 4) + (512 + 8) + (2048 + 16) + 257,
    ),
    "CycleGAN": (
        lambda: _Pair(CycleGAN(width=4, blocks=1, layers=1, identity=True)),
        (6, 16, 16),
        (10,),
        2 * ((588 + 4) + (288 + 8) + (1152 + 16) + 2 * (2304 + 16) + (1152 + 8) + (288 + 4) + (588 + 3))
        + 2 * ((192 + 4) + (512 + 8) + 129),
    ),
}
Row = tuple[nn.Module, Tensor, tuple[int, ...], int]


@pytest.fixture(params=MODELS)
def row(request: pytest.FixtureRequest) -> Row:
    make, inputs, outputs, count = MODELS[request.param]
    with seeded(3):
        return make(), torch.randn(ROWS, *inputs), outputs, count


def test_every_public_model_has_a_row() -> None:
    named = {name.partition(",")[0] for name in MODELS}
    assert named == {name for name in stepwell.models.__all__ if callable(getattr(stepwell.models, name))}


def test_shapes_and_parameters(row: Row) -> None:
    model, x, outputs, count = row
    assert model(x).shape == (ROWS, *outputs)
    assert model(x[:1]).shape == (1, *outputs)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_every_parameter_is_reached_by_the_gradient(row: Row) -> None:
    model, x, *_ = row
    (model.eval()(x) ** 2).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name
        assert bool(parameter.grad.any()), name


def test_rows_do_not_see_each_other(row: Row) -> None:
    model, x, *_ = row
    model.eval()
    whole = model(x)
    torch.testing.assert_close(model(x.flip(0)), whole.flip(0), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(torch.cat([model(part) for part in x.split(3)]), whole, rtol=1e-5, atol=1e-6)


def test_evaluation_is_deterministic_and_draws_nothing(row: Row) -> None:
    model, x, *_ = row
    model.eval()
    before = torch.get_rng_state()
    assert torch.equal(model(x), model(x))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_input_is_left_alone(row: Row) -> None:
    model, x, *_ = row
    model(x)
    assert x._version == row[1]._version == 0


def test_the_same_seed_makes_the_same_model(request: pytest.FixtureRequest) -> None:
    for make, *_ in MODELS.values():
        with seeded(5):
            one = make()
        with seeded(5):
            two = make()
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_it_is_saved_and_loaded_with_every_bit(row: Row, tmp_path: Path) -> None:
    model, x, *_ = row
    snapshot = Snapshot(step=1, parts=Snapshot.copy({"model": dict(model.state_dict())}))
    expected = model.eval()(x)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    assert not torch.equal(model(x), expected)
    model.load_state_dict(read_checkpoint(write_checkpoint(tmp_path, snapshot)).parts["model"])
    assert torch.equal(model(x), expected)


def test_bf16_is_near_float32(row: Row) -> None:
    model, x, *_ = row
    exact = model.eval()(x)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(x)
    torch.testing.assert_close(half.float(), exact, rtol=0.05, atol=0.05)
