"""Birds and airplanes: Stevens, Antiga, Viehmann, *Deep Learning with PyTorch*, chapters 7 and 8, rows S7.2, S7.4 to S7.6,
S8.2 to S8.5 and S8.7. What takes a hundred epochs is in benchmarks/cifar2_designs.py.
"""

import os
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

import stepwell as sw
from stepwell.core.devices import seeded
from stepwell.data import Sequential
from stepwell.data.batch import whole
from stepwell.data.pictures import read_picture
from stepwell.insight.outputs import outputs_of
from stepwell.models import DESIGNS, FromPixels, Net, NetResDeep
from stepwell.models.cifar import flat
from stepwell.models.weights import load_weights
from stepwell.recipes.cifar import MEAN, STD
from stepwell.recipes.cifar2 import CLASSES, cifar2

row = partial(pytest.mark.book, "dlwp-chapters-1-8")

pytestmark = pytest.mark.xdist_group("cifar2")  # the pictures are decoded once
SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / "shared" / "data")


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not in the data folder; set STEPWELL_DATA to a folder that has {name}")
    return path


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.fixture(scope="module")
def base() -> sw.Experiment:
    return cifar2(data=shared("cifar-10/cifar-10-jpg.tar.gz"), epochs=1, seed=0)


@pytest.fixture(scope="module")
def book_net() -> FromPixels:
    """The book's network with its weights, which takes bytes."""
    net = Net()
    load_weights(net, shared("cifar-2/birds-vs-airplanes.pt"))
    return FromPixels(net, MEAN, STD)


def on(model: nn.Module, made: sw.Experiment, **settings: object) -> sw.Experiment:
    """The same data with another network."""
    kept = {"batch_size": 64, "epochs": 1, "optimizer": SGD(model.parameters(), lr=1e-2)}
    task = settings.pop("task", sw.Multiclass(classes=CLASSES))
    return sw.Experiment(data=made.data, model=model, task=task, **{**kept, **settings})


# --- chapter 7 ------------------------------------------------------------------------------------------------------------


@row("S7.2", recipe="cifar2", kind="exact")
def test_s7_2_two_classes(base):
    """10,000 pictures train and 2,000 validate, as many airplanes (0) as birds (1); they are bytes until the model scales them."""
    train, val = whole(base.data.train), whole(base.data.val)
    assert (train.targets.bincount().tolist(), val.targets.bincount().tolist()) == ([5000, 5000], [1000, 1000])
    assert (train.inputs.dtype, tuple(train.inputs.shape[1:])) == (torch.uint8, (3, 32, 32))
    assert base.task.names == ("airplane", "bird")
    scaled = base.model.normalised(train.inputs)
    assert bool((scaled.mean((0, 2, 3)).abs() < 0.5).all())  # birds and airplanes are brighter than the ten classes
    assert scaled.std((0, 2, 3)).tolist() == pytest.approx([1, 1, 1], abs=0.1)


@row("S7.4", recipe="cifar2 --design flat", kind="exact")
@row("S7.5", recipe="cifar2 --design flat", kind="exact")
@row("S7.6", recipe="cifar2 --design flat-deep", kind="exact")
def test_s7_4_to_s7_6_parameters():
    """3072, 512, 2: 1,574,402 parameters. 3072, 1024, 512, 128, 2: 3,737,474, of which 3,146,752 in the first layer."""
    assert (count(flat((512,))), count(flat((1024, 512, 128)))) == (1_574_402, 3_737_474)
    first = flat((1024, 512, 128))[1]
    assert (tuple(first.weight.shape), tuple(first.bias.shape), count(first)) == ((1024, 3072), (1024,), 3_146_752)


@row("S7.4", recipe="stepwell.Experiment", kind="property")
def test_s7_4_one_picture_a_step(base):
    """One picture a step, in the order in which they lie: as many updates as pictures, and the loss falls."""
    rows = torch.arange(60).repeat_interleave(2) + torch.tensor([0, 5000]).repeat(60)  # an airplane, a bird, …
    with seeded(0):
        model = FromPixels(flat((32,)), MEAN, STD)
    made = sw.Experiment(
        data=sw.Splits(train=sw.data.Subset(base.data.train, rows)),
        model=model,
        task=base.task,
        optimizer=SGD(model.parameters(), lr=1e-2),
        batch_size=1,
        order=Sequential(),
        epochs=4,
    )
    training = sw.fit(made)
    losses = [line["train"]["loss"] for line in training.history]
    assert training.step == 4 * 120
    assert losses[-1] < 0.8 * losses[0]


@row("S7.5", recipe="tasks.Multiclass", kind="property")
@row("S7.6", recipe="tasks.Multiclass", kind="property")
def test_s7_5_log_softmax_and_nll_are_cross_entropy(base):
    """The network of S7.5, which ends in a log-softmax under the NLL, trains as that of S7.6's form, logits under cross-entropy."""
    some = sw.Splits(train=sw.data.Subset(base.data.train, torch.arange(0, 10_000, 20)))
    losses = []
    for outputs in ("logits", "log_probabilities"):
        with seeded(3):
            net = flat((512,))
        if outputs == "log_probabilities":
            net.append(nn.LogSoftmax(dim=1))
        model = FromPixels(net, MEAN, STD)
        task = sw.Multiclass(classes=CLASSES, outputs=outputs)
        optimizer = SGD(model.parameters(), lr=1e-2)
        made = sw.Experiment(data=some, model=model, task=task, optimizer=optimizer, batch_size=64, epochs=2)
        losses.append([line["train"]["loss"] for line in sw.fit(made).history])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0][1] < losses[0][0]


@row("S7.5", recipe="cifar2 --design flat", kind="tolerance")
def test_s7_5_a_first_epoch(base):
    """Fully connected, an epoch of batches of 64 reaches 75 to 82 % of the 2,000; the book has 79.4 % after a hundred."""
    with seeded(0):
        model = FromPixels(flat((512,)), MEAN, STD)
    accuracy = sw.fit(on(model, base)).history[-1]["val"]["accuracy"]
    assert 0.75 < accuracy < 0.82


# --- chapter 8 ------------------------------------------------------------------------------------------------------------


@row("S8.2", recipe="models.Net", kind="exact")
def test_s8_2_baseline():
    """18,090 parameters: 432 + 16 + 1152 + 8 + 16384 + 32 + 64 + 2; without the flattening, an error of sizes."""
    sizes = [p.numel() for p in Net().parameters()]
    assert (sizes, sum(sizes)) == ([432, 16, 1152, 8, 16384, 32, 64, 2], 18_090)
    without = nn.Sequential(*(layer for layer in Net() if not isinstance(layer, nn.Flatten)))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        without(torch.zeros(1, 3, 32, 32))


@row("S8.2", recipe="models.Net", kind="exact")
def test_s8_2_the_functional_form_is_the_same():
    """Layers as modules, and activations and poolings as functions, give equal outputs."""
    net, x = Net(), torch.randn(4, 3, 32, 32)
    one = F.max_pool2d(torch.tanh(net.conv1(x)), 2)
    two = F.max_pool2d(torch.tanh(net.conv2(one)), 2)
    assert torch.equal(net.fc2(torch.tanh(net.fc1(two.flatten(1)))), net(x))


@row("S8.3", recipe="cifar2", kind="tolerance")
@row("S8.4", recipe="stepwell.models.weights.load_weights", kind="tolerance")
def test_s8_4_the_books_weights(base, book_net):
    """The book's weights reach 0.93 and 0.89 in print; on these pictures, which JPEG has changed a little, 0.919 and 0.881."""
    made = on(book_net, base)
    for side, due in (("train", 0.919), ("val", 0.881)):
        found = sw.evaluate(made, side).metrics
        assert found["accuracy"] == pytest.approx(due, abs=0.003)


@row("S8.3", recipe="cifar2", kind="tolerance")
def test_s8_3_first_epoch(base):
    """157 batches; the loss of the first epoch is printed as 0.563 and 0.572, and is within 0.04 of them from other weights.

    The accuracies 0.93 and 0.89 after a hundred epochs are measured in benchmarks/cifar2_designs.py.
    """
    training = sw.fit(base)
    assert training.step == 157
    assert training.history[0]["train"]["loss"] == pytest.approx(0.5675, abs=0.04)


@row("S8.5", recipe="cifar2 --design", kind="exact")
def test_s8_5_the_eight_designs():
    """Parameters and settings of all eight; a hundred blocks have 994,530 parameters, and 75,810 as the book's code shares one."""
    due = {"base": 18_090, "width": 38_386, "l2": 18_090, "dropout": 38_386, "batchnorm": 38_482, "depth": 16_130}
    due |= {"residual": 16_130, "deep": 994_530}
    assert {name: count(DESIGNS[name].make()) for name in due} == due
    assert list(DESIGNS)[:8] == list(due)
    assert {name: DESIGNS[name].learning_rate for name in due} == {**dict.fromkeys(due, 1e-2), "deep": 3e-3}
    assert [name for name in due if DESIGNS[name].weight_decay] == ["l2"]
    assert count(NetResDeep(shared=True)) == 75_810


@row("S8.5", recipe="cifar2 --design l2", kind="exact")
def test_s8_5_a_penalty_is_a_weight_decay():
    """An update with 0.001 Σp² in the loss, biases too, is one with a weight decay of 0.002."""
    x, y = torch.randn(8, 3, 32, 32), torch.arange(8) % 2
    nets = []
    for decay in (0.0, DESIGNS["l2"].weight_decay):
        with seeded(0):
            net = Net()
        loss = F.cross_entropy(net(x), y)
        if not decay:
            loss = loss + 0.001 * sum(p.pow(2).sum() for p in net.parameters())
        loss.backward()
        SGD(net.parameters(), lr=1e-2, weight_decay=decay).step()
        nets.append(net)
    for one, two in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(one, two)


@row("S8.5", recipe="stepwell.fit", kind="property")
@row("P30", recipe="stepwell.fit", kind="property")
def test_s8_5_validation_is_in_eval_mode(base):
    """Looking at a batch-normalised network changes none of its statistics, and dropout is off: the book forgets `eval()`."""
    few = sw.data.Subset(base.data.val, torch.arange(0, 2000, 20))
    for name in ("batchnorm", "dropout"):
        with seeded(0):
            model = FromPixels(DESIGNS[name].make(), MEAN, STD)
        made = sw.Experiment(data=sw.Splits(train=few, val=few), model=model, task=base.task, epochs=1)
        before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
        found = [sw.evaluate(made, "val").metrics["loss"] for _ in range(2)]
        assert found[0] == found[1]
        assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


@row("P31", recipe="models.NetResDeep", kind="property")
def test_p31_blocks_are_independent():
    """A hundred blocks are a hundred sets of weights and statistics, unless `--shared-block` asks for the book's one."""
    assert len({id(block) for block in NetResDeep(8, blocks=100).resblocks}) == 100
    assert len({id(block) for block in NetResDeep(8, blocks=100, shared=True).resblocks}) == 1


@row("S8.7", recipe="models.Net", kind="exact")
def test_s8_7_other_kernels():
    """Kernels of 5 by 5 make 20,906 parameters, of 1 by 3 still a picture of the same size."""
    assert count(Net(kernel=5)) == 20_906
    flat_kernel = Net(kernel=(1, 3))
    assert tuple(flat_kernel.conv1.weight.shape) == (16, 3, 1, 3)
    assert flat_kernel(torch.zeros(1, 3, 32, 32)).shape == (1, 2)


@row("S8.6", recipe="stepwell.predict", kind="property")
@row("S8.7", recipe="stepwell.predict", kind="property")
def test_s8_7_sure_of_what_is_neither(book_net):
    """Of a dog, a horse and three cats, cut to 32 by 32, it is more than 95 % sure that some are birds or airplanes."""
    names = ("bobby.jpg", "horse.jpg", "cat1.png", "cat2.png", "cat3.png")
    pictures = torch.stack([read_picture(shared(f"images/{name}"), size=(32, 32)) for name in names])
    assert float(outputs_of(book_net, pictures).softmax(1).max()) > 0.95


def pushed(model: nn.Module, pictures: Tensor, towards: int, *, most: float, steps: int = 10) -> Tensor:
    """Pictures, floats 0 to 1, changed by at most `most` a number so that a class becomes likelier."""
    changed = pictures.clone()
    for _ in range(steps):
        changed.requires_grad_()
        (slope,) = torch.autograd.grad(model(changed).log_softmax(1)[:, towards].sum(), changed)
        moved = changed.detach() + 2 * most / steps * slope.sign()
        changed = torch.minimum(torch.maximum(moved, pictures - most), pictures + most).clamp(0, 1)
    return changed


@row("S8.7", recipe="models.FromPixels", kind="property")
def test_s8_7_an_airplane_edited_to_be_a_bird(base, book_net):
    """A change of at most 8 of 255 in each number turns most airplanes that it knows into birds: it is easily deceived."""
    val = whole(base.data.val)
    airplanes = val.inputs[val.targets == 0][:200] / 255
    known = airplanes[outputs_of(book_net, airplanes).argmax(1) == 0]
    fooled = outputs_of(book_net, pushed(book_net.eval(), known, 1, most=8 / 255)).argmax(1) == 1
    assert float(fooled.float().mean()) > 0.8
