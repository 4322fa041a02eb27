import copy

import pytest
import torch
from torch import nn

from stepwell import ArraySource, Experiment, Multiclass, fit
from stepwell.core.devices import seeded
from stepwell.core.errors import ModelError
from stepwell.core.lazy import named
from stepwell.data.splits import Splits
from stepwell.models import AlexNet, FromPixels, SmallNet
from stepwell.models.freezing import FrozenBatchNorm2d, freeze, trainable, unfreeze
from stepwell.models.heads import HEADS, head_of, heads_of, replace_head, with_head, without_head
from stepwell.models.inception import Inception
from stepwell.models.resnet import ResidualBlock, ResNet


def small(classes: int = 4) -> SmallNet:
    with seeded(1):
        return SmallNet(classes, width=8)


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("kind", HEADS)
def test_every_row_names_a_linear_layer(kind: str) -> None:
    with torch.device("meta"):
        model = named(kind)()
    assert all(isinstance(model.get_submodule(path), nn.Linear) for path in HEADS[kind])
    assert heads_of(model) == HEADS[kind]
    features = head_of(model).in_features
    replace_head(model, 7)
    assert {model.get_submodule(path).out_features for path in HEADS[kind]} == {7}
    assert head_of(model).in_features == features


@pytest.mark.parametrize("kind", [kind for kind in HEADS if "inception" not in kind])
def test_the_head_is_the_last_that_is_called(kind: str) -> None:
    """The table is right where what comes out of the head is what the model gives."""
    size, channels = {"digitnet": (8, 1), "lenet": (28, 1), "convnet": (28, 1), "cnn2": (28, 3)}.get(
        kind.split(".")[2].split(":")[0], (64, 3)
    )
    size = 32 if ".cifar." in kind else size
    small = {"AlexNet": {"hidden": 8}, "VGG": {"depths": (1, 1, 1, 1, 1), "hidden": 8}, "NetResDeep": {"blocks": 2}}
    model = named(kind)(**small.get(kind.partition(":")[2], {})).eval()
    seen = []
    head_of(model).register_forward_hook(lambda module, given, result: seen.append(result))
    assert torch.equal(model(torch.rand(2, channels, size, size)), seen[-1])


def test_a_new_head_is_torchs_own_under_its_seed() -> None:
    with seeded(17):
        model = replace_head(small(), 3)
    with seeded(17):
        due = nn.Linear(64, 3)
    assert torch.equal(head_of(model).weight, due.weight)
    assert torch.equal(head_of(model).bias, due.bias)


def test_a_head_of_another_kind_is_not_guessed_at() -> None:
    model = small()
    model.fc = nn.Sequential(nn.Linear(64, 4))
    with pytest.raises(ModelError, match=r"The head 'fc' of SmallNet is Sequential, no linear layer"):
        replace_head(model, 3)
    with pytest.raises(
        ModelError, match=r"Which layer of Sequential is its head is not known; .* by hand: model\.LAYER"
    ):
        heads_of(nn.Sequential(nn.Linear(3, 4)))


def test_the_head_and_the_body_make_the_whole(pictures: torch.Tensor) -> None:
    model = FromPixels(small(), (0.5,) * 3, (0.2,) * 3).eval()
    assert heads_of(model) == ("net.fc",)
    body = without_head(model)
    features = body(pictures)
    assert features.shape == (6, 64)
    assert torch.equal(head_of(model)(features), model(pictures))


def test_the_body_shares_its_layers_and_leaves_the_model_alone(pictures: torch.Tensor) -> None:
    model = AlexNet(4, hidden=8).eval()
    body, expected = without_head(model), model(torch.zeros(2, 3, 64, 64))
    assert isinstance(model.classifier[6], nn.Linear)
    assert isinstance(body.classifier[6], nn.Identity)
    assert body.features is model.features
    assert body.classifier[1].weight is model.classifier[1].weight
    assert torch.equal(model(torch.zeros(2, 3, 64, 64)), expected)
    swapped = with_head(model, nn.Linear(8, 2))
    assert swapped(torch.zeros(2, 3, 64, 64)).shape == (2, 2)
    assert head_of(model).out_features == 4


def test_side_heads_are_named_replaced_and_left_out() -> None:
    with torch.device("meta"):
        model, without = Inception(5), Inception(5, side_head=False)
    assert heads_of(model) == ("fc", "AuxLogits.fc")
    assert heads_of(without) == ("fc",)
    body = without_head(model)
    assert body.AuxLogits is None
    assert model.AuxLogits is not None
    assert body.train()(torch.zeros(2, 3, 80, 80, device="meta")).shape == (2, 2048)


def test_freezing_leaves_the_head_alone_to_learn() -> None:
    model = small()
    found = freeze(model)
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {"fc.weight", "fc.bias"}
    assert found.trainable == trainable(model) == 64 * 4 + 4
    assert found.trainable + found.frozen == sum(p.numel() for p in model.parameters())
    assert found.held == ("features.2", "features.6", "features.10", "features.13")


def test_frozen_normalisations_stay_in_eval_mode(pictures: torch.Tensor) -> None:
    model = small()
    names, tensors = list(model.state_dict()), {id(p) for p in model.parameters()}
    freeze(model)
    assert list(model.state_dict()) == names
    assert {id(p) for p in model.parameters()} == tensors
    model.train()
    assert model.training
    assert not any(module.training for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    before = copy.deepcopy(model.state_dict())
    trained, evaluated = model(pictures), model.eval()(pictures)
    assert torch.equal(trained, evaluated)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_copy_of_a_frozen_model_is_frozen_too(pictures: torch.Tensor) -> None:
    model = small()
    freeze(model)
    twin = copy.deepcopy(model).train()
    assert torch.equal(twin(pictures), model.eval()(pictures))


def test_unfreezing_turns_all_of_it_back(pictures: torch.Tensor) -> None:
    model = small()
    twin = copy.deepcopy(model)
    freeze(model)
    model.train()
    unfreeze(model)
    assert [type(module) for module in model.modules()] == [type(module) for module in twin.modules()]
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert torch.equal(model(pictures), twin.train()(pictures))
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), twin.state_dict().values(), strict=True))


def test_some_layers_may_learn_too() -> None:
    model = ResNet(ResidualBlock, (1, 1, 1, 1), 3)
    found = freeze(model, but=("layer4", "fc"))
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad} == {"layer4", "fc"}
    assert not any(name.startswith("layer4") for name in found.held)
    assert "bn1" in found.held
    assert type(model.layer4[0].bn1) is nn.BatchNorm2d
    assert type(model.layer3[0].bn1) is FrozenBatchNorm2d
    freeze(model, but=("fc",))
    assert type(model.layer4[0].bn1) is FrozenBatchNorm2d


def test_a_normalisation_that_is_used_twice_stays_one() -> None:
    shared = nn.BatchNorm1d(3)
    model = nn.Sequential(nn.Linear(3, 3), shared, nn.Linear(3, 3), shared, nn.Linear(3, 2))
    freeze(model, but=("4",))
    assert model[1] is model[3]
    assert len(freeze(model, but=("4",)).held) == 1


def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(
        ModelError, match=r"SmallNet has no layer 'fcc' to leave free; its own are .*\. Did you mean 'fc"
    ):
        freeze(small(), but=("fcc",))


def test_fit_keeps_the_frozen_body_as_it_is(pictures: torch.Tensor) -> None:
    """`fit` puts the model into training mode; the body's weights and statistics are the same bits afterwards."""
    model = small(2)
    freeze(model)
    before = copy.deepcopy(model.state_dict())
    data = ArraySource(pictures, torch.tensor([0, 1] * 3))
    fit(Experiment(data=Splits(train=data, val=data), model=model, task=Multiclass(classes=2), epochs=3, batch_size=2))
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"fc.weight", "fc.bias"}


class OwnNorm(nn.BatchNorm2d):
    """A subclass, with something of its own."""

    own = 3


@pytest.mark.parametrize(
    "norm",
    [OwnNorm(3), nn.SyncBatchNorm(3), nn.InstanceNorm2d(3, track_running_stats=True)],
    ids=lambda n: type(n).__name__,
)
def test_whatever_has_running_statistics_is_held(norm: nn.Module, pictures: torch.Tensor) -> None:
    model, kind = nn.Sequential(norm, nn.Flatten(), nn.Linear(768, 2)), type(norm)
    names = list(model.state_dict())
    assert freeze(model, but=("2",)).held == ("0",)
    twin = copy.deepcopy(model)
    for each in (model, twin):
        before = copy.deepcopy(each.state_dict())
        each.train()(pictures)
        assert list(each.state_dict()) == names
        assert all(torch.equal(before[name], tensor) for name, tensor in each.state_dict().items())
        assert isinstance(each[0], kind)
    unfreeze(model)
    assert type(model[0]) is kind
    assert model[0].training


def test_hooks_of_a_normalisation_stay() -> None:
    seen, norm = [], nn.BatchNorm1d(3)
    handle = norm.register_forward_hook(lambda *_: seen.append(1))
    model = nn.Sequential(norm, nn.Linear(3, 2))
    freeze(model, but=("1",))
    model(torch.ones(2, 3))
    assert seen == [1]
    handle.remove()
    assert not model[0]._forward_hooks
