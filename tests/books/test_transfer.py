"""Networks that somebody else trained: *Deep Learning with PyTorch* chapter 2, and *Step-by-Step* volume II, chapter 7.

The published weights are no part of the repository. Rows that need them are skipped with the file's name; all else holds of
the same networks with random numbers: shapes, counts, what freezing leaves, and that features say what pictures say.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, TensorDataset

from stepwell import ArraySource, Experiment, Multiclass, Regression, fit
from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError, RecipeError
from stepwell.data import TorchShuffled, read_picture
from stepwell.data.framing import framed
from stepwell.data.splits import Splits
from stepwell.data.weights import PUBLISHED
from stepwell.insight.extract import attach, extract
from stepwell.models import AlexNet, FromPixels, Net
from stepwell.models.freezing import freeze, trainable
from stepwell.models.heads import head_of, heads_of, replace_head, without_head
from stepwell.models.inception import Inception
from stepwell.models.inception_blocks import BasicConv2d
from stepwell.models.resnet import DEPTHS, BottleneckBlock, ResidualBlock, ResNet
from stepwell.models.vgg import VGG
from stepwell.models.weights import load_weights
from stepwell.recipes.recipe import load
from stepwell.recipes.recognise import load_recogniser
from stepwell.tasks import SideHeads

dlwp = partial(pytest.mark.book, "dlwp-chapters-1-8")
godoy = partial(pytest.mark.book, "step-by-step-2")

SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
KINDS = 3  # rock, paper, scissors


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not in the data folder; set STEPWELL_DATA to a folder that has {name}")
    return path


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def pictures(rows: int, size: int) -> ArraySource:
    draw = torch.Generator().manual_seed(11)
    return ArraySource(
        torch.randn(rows, 3, size, size, generator=draw), torch.randint(0, KINDS, (rows,), generator=draw)
    )


# --- Deep Learning with PyTorch, chapter 2 ---------------------------------------------------------------------------------


@dlwp("S2.1", recipe="stepwell.models.AlexNet", kind="property")
def test_s2_1_alexnet_before_it_has_learnt():
    """An AlexNet with fresh weights has 61,100,840 of them, 1,000 outputs, and an opinion that another seed does not share."""
    photo = framed(read_picture(shared("images/bobby.jpg"))).unsqueeze(0)
    opinions = []
    for seed in (1, 2):
        with seeded(seed):
            net = AlexNet()
        with torch.no_grad():
            scores = FromPixels(net, MEAN, STD).eval()(photo)
        opinions.append(int(scores.argmax()))
        assert float(scores.softmax(1).max()) < 0.01
    assert (count(net), tuple(scores.shape)) == (61_100_840, (1, 1000))
    assert opinions[0] != opinions[1]


@dlwp("S2.2", recipe="stepwell recognise", kind="exact")
def test_s2_2_what_the_network_is_shown_of_a_photo():
    """Shorter side 256, middle 224, 0 to 1, normalised: bobby.jpg becomes (3, 224, 224), equal to Pillow's to the bit."""
    path = shared("images/bobby.jpg")
    image = Image.open(path).resize((455, 256), Image.Resampling.BILINEAR)  # 1280 × 720; 256 · 1280 / 720 is 455.1
    left, top = round((455 - 224) / 2), round((256 - 224) / 2)
    rows = np.asarray(image.crop((left, top, left + 224, top + 224)))
    seen = framed(read_picture(path), shorter=256, crop=224)
    assert tuple(seen.shape) == (3, 224, 224)
    np.testing.assert_array_equal(seen.permute(1, 2, 0).numpy(), rows)
    due = (torch.from_numpy(rows.copy()).permute(2, 0, 1).float().div(255) - torch.tensor(MEAN).view(3, 1, 1)) / (
        torch.tensor(STD).view(3, 1, 1)
    )
    assert torch.equal(FromPixels(nn.Identity(), MEAN, STD)(seen.unsqueeze(0))[0], due)
    assert (PUBLISHED["resnet101"].mean, PUBLISHED["resnet101"].std) == (MEAN, STD)


@dlwp("S2.2", recipe="stepwell.models.ResNet", kind="exact")
def test_s2_2_the_network_as_the_book_prints_it():
    """ResNet-101 has 44.5 million parameters and begins and ends with the layers that the book prints."""
    with torch.device("meta"):
        net = ResNet(*DEPTHS["resnet101"])
    assert count(net) == 44_549_160
    assert str(net.conv1) == "Conv2d(3, 64, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)"
    assert str(net.maxpool) == "MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)"
    assert str(net.fc) == "Linear(in_features=2048, out_features=1000, bias=True)"
    assert [type(stage[0]) for stage in (net.layer1, net.layer4)] == [BottleneckBlock] * 2
    assert list(dict(net.named_children())) == [
        *("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc")
    ]


@dlwp("S2.2", recipe="stepwell recognise", kind="tolerance")
def test_s2_2_the_dog_is_a_golden_retriever():
    """With the published weights bobby.jpg is a golden retriever to 96.29 %, and the book's other four follow."""
    shared(f"weights/{PUBLISHED['resnet101'].file}")
    recogniser = load_recogniser("resnet101", names=shared("images/imagenet_classes.txt"))
    guesses = recogniser.guesses(read_picture(shared("images/bobby.jpg")))
    assert [guess.name for guess in guesses] == [
        *("golden retriever", "Labrador retriever", "cocker spaniel, English cocker spaniel, cocker", "redbone"),
        "tennis ball",
    ]
    printed = [96.29334259033203, 2.80812406539917, 0.28267428278923035, 0.2086310237646103, 0.11621569097042084]
    assert [100 * guess.probability for guess in guesses] == pytest.approx(printed, rel=0.01)


HUB = """
dependencies = ["torch", "stepwell"]

from stepwell.recipes.moons import moons


def shallow(*, epochs: int = 2):
    \"\"\"Two half-moons, shortly.\"\"\"
    return moons(epochs=epochs)
"""


@dlwp("S2.6", recipe="stepwell train path/to/hubconf.py:ENTRY", kind="property")
def test_s2_6_an_entry_point_of_somebody_elses_file(tmp_path):
    """A hubconf.py's function is called by its name with its own keywords; a missing dependency is reported, not installed."""
    (tmp_path / "hubconf.py").write_text(HUB)
    entry = load(f"{tmp_path / 'hubconf.py'}:shallow")
    assert (entry.summary, list(entry.parameters)) == ("Two half-moons, shortly.", ["epochs"])
    assert entry.build({"epochs": 3}).epochs == 3
    with pytest.raises(RecipeError, match=r"has no function 'shalow'; it has shallow\..* Did you mean 'shallow'\?"):
        load(f"{tmp_path / 'hubconf.py'}:shalow")
    (tmp_path / "lacking.py").write_text("import a_package_that_nobody_has\n")
    with pytest.raises(RecipeError, match="ModuleNotFoundError: No module named 'a_package_that_nobody_has'"):
        load(f"{tmp_path / 'lacking.py'}:entry")


@dlwp("S8.4", recipe="stepwell.models.weights.load_weights", kind="exact")
def test_s8_4_the_books_file_loads_strictly():
    """The companion repository's birds_vs_airplanes.pt has the names and shapes of our `Net`, all 18,090 numbers of it."""
    net = Net()
    report = load_weights(net, shared("cifar-2/birds-vs-airplanes.pt"))
    assert report.fits
    assert len(report.loaded) == 8
    assert count(net) == 18_090


# --- Step-by-Step II, chapter 7: transfer ----------------------------------------------------------------------------------


@godoy("S7.1", recipe="stepwell.models.freezing.freeze", kind="exact")
def test_s7_1_alexnet_with_a_new_head():
    """Frozen but for a head of three classes, AlexNet learns 12,291 numbers of 57,016,131; the book's 61 million are the
    1000-class network's. One epoch changes the head and nothing else.
    """
    with seeded(17):
        net = replace_head(AlexNet(), KINDS)
    found = freeze(net)
    assert (found.trainable, found.trainable + found.frozen) == (12_291, 57_016_131)
    assert {name for name, p in net.named_parameters() if p.requires_grad} == {
        *("classifier.6.weight", "classifier.6.bias")
    }
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    data = pictures(8, 64)
    optimizer = Adam((p for p in net.parameters() if p.requires_grad), lr=3e-4)
    task = Multiclass(classes=KINDS)
    fit(
        Experiment(data=Splits(train=data, val=data), model=net, task=task, optimizer=optimizer, epochs=1, batch_size=8)
    )
    changed = {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"classifier.6.weight", "classifier.6.bias"}


def same_said(net: nn.Module, data: ArraySource, path: Path, width: int, seed: int) -> None:
    """A head trained on kept features, attached to the body, says of pictures what it says of their features: to the bit."""
    kept = extract(net, data, path, batch_size=4)
    assert tuple(kept.inputs.shape) == (len(data), width)
    with seeded(seed):
        top = nn.Sequential(nn.Linear(width, KINDS))
    rows, task = Splits(train=kept, val=kept), Multiclass(classes=KINDS)
    fit(Experiment(data=rows, model=top, task=task, optimizer=Adam(top.parameters(), 3e-4), epochs=10, batch_size=16))
    whole = attach(net, top, path).eval()
    with torch.no_grad():
        on_pictures = torch.cat([whole(part) for part in data.inputs.split(4)])
        on_features = torch.cat([top(part) for part in kept.inputs.split(4)])
    assert torch.equal(on_pictures, on_features)


@godoy("S7.2", recipe="stepwell.insight.extract", kind="exact")
def test_s7_2_alexnets_features_computed_once(tmp_path):
    """4096 features a picture are kept; a head of 12,291 numbers that was trained on them is attached and says the same."""
    with seeded(1):
        net = AlexNet()
    same_said(net, pictures(10, 64), tmp_path / "alexnet.safetensors", 4096, seed=17)
    assert count(nn.Linear(4096, KINDS)) == 12_291


@godoy("S7.11", recipe="stepwell.insight.extract", kind="exact")
def test_s7_11_resnets_features_computed_once(tmp_path):
    """512 features a picture are kept; a head of 1,539 numbers that was trained on them is attached and says the same."""
    with seeded(1):
        net = ResNet(*DEPTHS["resnet18"])
    net(pictures(8, 64).inputs)  # statistics that are not 0 and 1
    same_said(net, pictures(10, 64), tmp_path / "resnet.safetensors", 512, seed=42)
    replace_head(net, KINDS)
    assert freeze(net).trainable == 1_539


@godoy("S7.10", recipe="stepwell.models.heads.replace_head", kind="exact")
def test_s7_10_all_of_resnet18_learns():
    """With a head of three classes and nothing frozen ResNet-18 has 11,178,051 numbers, and all of them learn."""
    with torch.device("meta"):
        net = ResNet(*DEPTHS["resnet18"])
    replace_head(net, KINDS)
    assert str(net.fc) == "Linear(in_features=512, out_features=3, bias=True)"
    assert trainable(net) == count(net) == 11_689_512 - 513_000 + 1_539 == 11_178_051


@godoy("S7.3", recipe="stepwell.tasks.SideHeads", kind="exact")
def test_s7_3_inception_with_two_heads():
    """Both heads of three classes are 8,454 numbers; in training the loss is the main one and 0.4 of the side's, in evaluation
    the main one alone; a step changes the heads and nothing else.
    """
    with seeded(42):
        net = replace_head(Inception(), KINDS)
    assert freeze(net).trainable == 8_454
    assert heads_of(net) == ("fc", "AuxLogits.fc")
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    data, task = pictures(2, 299), SideHeads(task=Multiclass(classes=KINDS))
    optimizer = Adam((p for p in net.parameters() if p.requires_grad), lr=3e-4)
    experiment = Experiment(
        data=Splits(train=data, val=data), model=net, task=task, optimizer=optimizer, epochs=1, batch_size=2
    )
    fit(experiment)
    changed = {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"fc.weight", "fc.bias", "AuxLogits.fc.weight", "AuxLogits.fc.bias"}
    with torch.no_grad():
        main, side = net.train()(data.inputs)
        alone = net.eval()(data.inputs)
    due = F.cross_entropy(main, data.targets) + 0.4 * F.cross_entropy(side, data.targets)
    torch.testing.assert_close(task.loss((main, side), data.targets), due)
    torch.testing.assert_close(task.loss(alone, data.targets), F.cross_entropy(alone, data.targets))


@godoy("S7.1", recipe="stepwell.models.heads.HEADS", kind="exact")
@godoy("S7.3", recipe="stepwell.models.heads.HEADS", kind="exact")
def test_the_books_table_of_layers_to_replace():
    """AlexNet and VGG: `classifier[6]` of 4096; Inception: `fc` of 2048 and `AuxLogits.fc` of 768; ResNet: `fc` of 512, which
    the book gives for all depths and which holds for 18 and 34 alone.
    """
    with torch.device("meta"):
        nets = {"alexnet": AlexNet(), "vgg": VGG(), "inception": Inception()}
        nets |= {name: ResNet(block, depths) for name, (block, depths) in DEPTHS.items()}
    widths = {name: [net.get_submodule(path).in_features for path in heads_of(net)] for name, net in nets.items()}
    assert heads_of(nets["alexnet"]) == heads_of(nets["vgg"]) == ("classifier.6",)
    assert widths == {
        **{"alexnet": [4096], "vgg": [4096], "inception": [2048, 768], "resnet18": [512], "resnet34": [512]},
        **{"resnet50": [2048], "resnet101": [2048], "resnet152": [2048]},
    }


# --- Step-by-Step II, chapter 7: the parts ---------------------------------------------------------------------------------


@godoy("S7.4", recipe="stepwell.models.AlexNet", kind="exact")
def test_s7_4_pictures_of_any_size_end_in_the_same_shape():
    """Adaptive pooling makes 6 × 6 of 32 × 32 and of 12 × 12, so AlexNet's classifier fits whatever size comes."""
    with seeded(1):
        net = AlexNet(KINDS, hidden=8).eval()
    assert [tuple(net.avgpool(torch.rand(16, size, size)).shape) for size in (32, 12)] == [(16, 6, 6)] * 2
    assert {tuple(net(torch.rand(1, 3, size, size)).shape) for size in (63, 100, 224)} == {(1, KINDS)}
    with pytest.raises(ModelError, match="AlexNet needs pictures of 63 × 63 pixels or more, but these are 62 × 62"):
        net(torch.rand(1, 3, 62, 62))


@godoy("S7.5", recipe="stepwell.data.read_picture", kind="property")
def test_s7_5_grey_is_a_convolution_of_one_pixel():
    """Weights 0.2126, 0.7152, 0.0722 give nearly Pillow's grey, whose own are 0.299 for red, 0.587 for green, 0.114 for blue:
    with those a 1 × 1 convolution is Pillow's to a level. The book swaps two of them.
    """
    picture = read_picture(shared("images/bobby.jpg"), size=(300, 300))
    pillows = torch.from_numpy(np.array(Image.fromarray(picture.permute(1, 2, 0).numpy()).convert("L"))).float()

    def grey(*weights: float) -> Tensor:
        return F.conv2d(picture.float().unsqueeze(0), torch.tensor(weights).view(1, 3, 1, 1))[0, 0]

    assert float((grey(0.2126, 0.7152, 0.0722) - pillows).abs().mean()) < 5
    assert float((grey(0.299, 0.587, 0.114) - pillows).abs().max()) <= 1
    assert float((grey(0.587, 0.299, 0.114) - pillows).abs().max()) > 10


class Module(nn.Module):
    """The book's Inception module: four branches, of 2, 3, 3 and 2 channels where the row gives 10 in all."""

    def __init__(self) -> None:
        super().__init__()
        self.one = BasicConv2d(3, 2, 1)
        self.five = nn.Sequential(BasicConv2d(3, 2, 1), BasicConv2d(2, 3, 5, padding=2))
        self.three = nn.Sequential(BasicConv2d(3, 2, 1), BasicConv2d(2, 3, 3, padding=1))
        self.pooled = nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1), BasicConv2d(3, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.five(x), self.three(x), self.pooled(x)], dim=1)


@godoy("S7.6", recipe="stepwell.models.inception_blocks", kind="exact")
def test_s7_6_branches_side_by_side():
    """Four branches join to 10 channels of the same 300 × 300; a BasicConv2d is a convolution without bias, a normalisation
    of eps 0.001, and ReLU.
    """
    assert tuple(Module()(torch.rand(1, 3, 300, 300)).shape) == (1, 10, 300, 300)
    block = BasicConv2d(3, 4, 3, stride=2)
    assert block.conv.bias is None
    assert block.bn.eps == 0.001
    x = torch.randn(5, 3, 9, 9)
    found = F.conv2d(x, block.conv.weight, stride=2)
    mean, var = found.mean((0, 2, 3), keepdim=True), found.var((0, 2, 3), keepdim=True, unbiased=False)
    torch.testing.assert_close(block(x), ((found - mean) / (var + 0.001).sqrt()).clamp(min=0))


@pytest.fixture
def points() -> Iterator[list[Tensor]]:
    """The batches of S7.7: 200 points drawn and shuffled after seed 23, as the book's DataLoader does."""
    with seeded(23):
        drawn = torch.randn(200, 2) + 2 * torch.rand(200, 2)
        labels = torch.randint(2, (200, 1))
        yield [x for x, _ in DataLoader(TensorDataset(drawn, labels), batch_size=64, shuffle=True)]


@godoy("S7.7", recipe="torch.nn.BatchNorm1d", kind="exact")
def test_s7_7_running_statistics(points):
    """The first batch's mean and variance are the running ones; after the second they are the mean of both; a normalised
    batch has mean 0 and variance 1. The book's batch has other numbers: torch shuffles otherwise since version 2.
    """
    first, second, third = points[:3]
    torch.testing.assert_close(first.mean(0), torch.tensor([0.9850, 1.0381]), rtol=0, atol=5e-5)
    torch.testing.assert_close(first.var(0), torch.tensor([1.4802, 1.1832]), rtol=0, atol=5e-5)
    norm = nn.BatchNorm1d(2, affine=False, momentum=None)
    found = norm(first)
    torch.testing.assert_close(norm.running_mean, first.mean(0))
    torch.testing.assert_close(norm.running_var, first.var(0))
    torch.testing.assert_close(found.mean(0), torch.zeros(2), rtol=0, atol=1e-6)
    torch.testing.assert_close(found.var(0, unbiased=False), torch.ones(2), rtol=0, atol=5e-5)
    torch.testing.assert_close(found.var(0), torch.full((2,), 64 / 63), rtol=0, atol=5e-5)
    norm(second)
    torch.testing.assert_close(norm.running_mean, (first.mean(0) + second.mean(0)) / 2)
    torch.testing.assert_close(norm.running_var, (first.var(0) + second.var(0)) / 2)
    last = norm.eval()(third)
    torch.testing.assert_close(last, (third - norm.running_mean) / (norm.running_var + 1e-5).sqrt())
    assert bool((last.mean(0).abs() > 1e-3).all())


@godoy("S7.7", recipe="torch.nn.BatchNorm1d", kind="exact")
def test_s7_7_momentum(points):
    """With momentum 0.1 the running mean is 0.1 of the batch's, the running variance 0.9 and 0.1 of the batch's."""
    norm = nn.BatchNorm1d(2, affine=False, momentum=0.1)
    norm(points[0])
    torch.testing.assert_close(norm.running_mean, 0.1 * points[0].mean(0))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * points[0].var(0))


@godoy("S7.8", recipe="torch.nn.BatchNorm2d", kind="exact")
def test_s7_8_one_mean_a_channel():
    """Pictures are normalised channel by channel, over rows and places: mean 0, variance 0.9999."""
    with seeded(39):
        drawn = TensorDataset(torch.rand(200, 3, 10, 10), torch.randint(2, (200, 1)))
        batch = next(iter(DataLoader(drawn, batch_size=64, shuffle=True)))[0]
    found = nn.BatchNorm2d(3, affine=False, momentum=None)(batch)
    torch.testing.assert_close(found.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-6)
    assert [round(v, 4) for v in found.var((0, 2, 3), unbiased=False).tolist()] == [0.9999] * 3


class Bent(nn.Module):
    """A line, cut off below 0; with a shortcut its input is added afterwards."""

    def __init__(self, *, shortcut: bool) -> None:
        super().__init__()
        self.linear, self.shortcut = nn.Linear(1, 1), shortcut

    def found(self, x: Tensor) -> Tensor:
        return self.linear(x).relu()

    def forward(self, x: Tensor) -> Tensor:
        return self.found(x) + x if self.shortcut else self.found(x)


def learn_identity(*, shortcut: bool) -> tuple[Bent, Tensor]:
    with seeded(23):
        x = torch.randn(100).view(-1, 1)
    with seeded(555):
        model = Bent(shortcut=shortcut)
    data = ArraySource(x, x)
    experiment = Experiment(
        data=Splits(train=data, val=None),
        model=model,
        task=Regression(),
        optimizer=SGD(model.parameters(), lr=0.1),
        batch_size=16,
        epochs=200,
        order=TorchShuffled(555, other_loaders=0),
        train_metrics=(),
    )
    fit(experiment)
    return model, x


@godoy("S7.9", recipe="stepwell.fit", kind="property")
def test_s7_9_nothing_below_zero_without_a_shortcut():
    """A line behind ReLU learns to give positive numbers back, and 0 for all others."""
    model, x = learn_identity(shortcut=False)
    with torch.no_grad():
        torch.testing.assert_close(model(x), x.clamp(min=0), rtol=0, atol=1e-4)


@godoy("S7.9", recipe="stepwell.fit", kind="tolerance")
def test_s7_9_a_shortcut_leaves_nothing_to_find():
    """With the input added it learns to find nothing: its line crosses 0 just above the largest input, 2.2347, near weight
    0.149 and bias −0.333, so that what comes out is what went in.
    """
    model, x = learn_identity(shortcut=True)
    weight, bias = model.linear.weight.item(), model.linear.bias.item()
    assert (weight, bias) == (pytest.approx(0.1488, abs=0.005), pytest.approx(-0.3326, abs=0.01))
    assert float(x.max()) == pytest.approx(2.2347, abs=5e-5)
    assert -bias / weight == pytest.approx(2.2352, abs=1e-3)
    with torch.no_grad():
        assert float(model.found(x).max()) < 1e-5
        torch.testing.assert_close(model(x), x, rtol=0, atol=1e-5)


@godoy("S7.12", recipe="stepwell.models.resnet.ResidualBlock", kind="exact")
def test_s7_12_residual_blocks():
    """Two convolutions of 3 × 3 without bias, each normalised, and the input added; a 1 × 1 convolution brings the input to
    another shape. The book builds that for new channels alone, so its block fails for a stride; this one does not.
    """
    x = torch.rand(2, 6, 12, 12)
    same, wider, halved = ResidualBlock(6, 6), ResidualBlock(6, 9), ResidualBlock(6, 6, stride=2)
    assert [tuple(block(x).shape[1:]) for block in (same, wider, halved)] == [(6, 12, 12), (9, 12, 12), (6, 6, 6)]
    assert same.downsample is None
    assert str(halved.downsample[0]) == "Conv2d(6, 6, kernel_size=(1, 1), stride=(2, 2), bias=False)"
    assert same.conv1.bias is same.conv2.bias is None
    found = same.bn2(same.conv2(same.bn1(same.conv1(x)).relu()))
    torch.testing.assert_close(same(x), (found + x).relu())
    assert head_of(ResNet(ResidualBlock, (1, 1, 1, 1), KINDS)).in_features == 512
    assert tuple(without_head(ResNet(ResidualBlock, (1, 1, 1, 1))).eval()(torch.rand(1, 3, 32, 32)).shape) == (1, 512)
