"""The recipe of clothes, on 200 + 50 pictures in the layout of Fashion-MNIST."""

from pathlib import Path
from typing import Any

import pytest
import torch
from small_clothes import write_clothes
from torch import nn

from stepwell.core.errors import DataError
from stepwell.data.batch import whole
from stepwell.data.images.idx import FASHION, read_idx
from stepwell.models import ConvNet, LeNet5, ResNet, SmallNet
from stepwell.recipes.fashion import fashion, model_of
from stepwell.recipes.recipe import load
from stepwell.training.experiment import Experiment

NETWORKS = {"convnet": ConvNet, "lenet": LeNet5, "small": SmallNet, "resnet18": ResNet}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clothes(tmp_path_factory.mktemp("data"))


def rows(made: Experiment, side: str) -> list[int]:
    assert made.data.split is not None
    return made.data.split.rows[side].tolist()  # type: ignore[no-any-return]


def test_a_tenth_of_the_training_pictures_validates(data: Path) -> None:
    made = fashion(data=data)
    assert (len(rows(made, "train")), len(rows(made, "val"))) == (180, 20)
    assert sorted(rows(made, "train") + rows(made, "val")) == list(range(200))
    assert whole(made.data.val).targets.bincount().tolist() == [2] * 10
    assert made.task.names == FASHION  # type: ignore[attr-defined]


def test_the_test_pictures_are_those_of_the_test_files(data: Path) -> None:
    due = read_idx(data / "fashion-mnist").of_side("test")
    for seed in (0, 1):
        made = fashion(data=data, seed=seed)
        assert made.data.test is not None
        found = whole(made.data.test)
        assert torch.equal(found.inputs, due.images)
        assert torch.equal(found.targets, due.labels)
        assert rows(made, "test") == list(range(200, 250))


def test_the_statistics_are_those_of_the_training_rows(data: Path) -> None:
    made = fashion(data=data)
    pixels = whole(made.data.train).inputs.double() / 255
    torch.testing.assert_close(made.model.mean.flatten().double(), pixels.mean()[None], rtol=1e-6, atol=0)
    torch.testing.assert_close(made.model.std.flatten().double(), pixels.std()[None], rtol=1e-6, atol=0)


def test_the_seed_decides_which_validate(data: Path) -> None:
    first, again, other = (fashion(data=data, seed=seed) for seed in (4, 4, 5))
    assert rows(first, "val") == rows(again, "val")
    assert rows(first, "train") == rows(again, "train")
    assert set(rows(first, "val")) != set(rows(other, "val"))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_is_a_choice(data: Path, name: str) -> None:
    made = fashion(data=data, network=name)  # type: ignore[arg-type]
    assert type(made.model.net) is NETWORKS[name]
    assert made.model.eval()(whole(made.data.val).inputs[:2]).shape == (2, 10)


def test_the_choices_are_all_tried_here() -> None:
    recipe = load("fashion")
    assert set(recipe.parameters["network"].type.__args__) == set(NETWORKS)
    assert recipe.defaults["network"] == "convnet"


def test_clothes_may_be_flipped_and_the_settings_arrive(data: Path) -> None:
    made = fashion(
        data=data, augment=("flip", "shift:2"), learning_rate=0.5, weight_decay=0.25, batch_size=16, epochs=7
    )
    (group,) = made.made_optimizer.param_groups
    assert (group["initial_lr"], group["max_lr"], group["weight_decay"]) == (pytest.approx(0.02), 0.5, 0.25)
    assert (made.batch_size, made.epochs, made.augment is None) == (16, 7, False)
    assert fashion(data=data).augment is None


def test_unknown_words_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Did you mean 'flip'"):
        fashion(data=tmp_path / "nowhere", augment=("flop",))
    with pytest.raises(DataError, match="--learning-rate is -1; 1e-12 or more is due"):
        fashion(data=tmp_path / "nowhere", learning_rate=-1.0)
    assert not list(tmp_path.iterdir())


def test_an_augmentation_that_changes_labels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No two kinds of clothes are each other's mirror image, so two are given other names."""
    monkeypatch.setattr("stepwell.recipes.fashion.FASHION", ("left shoe", "right shoe", *FASHION[2:]))
    with pytest.raises(DataError, match=r"makes 'left shoe' look like 'right shoe'\. The labels would be wrong"):
        fashion(data=tmp_path / "nowhere", augment=("flip",))
    assert not list(tmp_path.iterdir())


def equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == its and torch.equal(a, b) for (name, a), (its, b) in pairs)


def test_the_network_made_anew_has_the_same_initial_weights(data: Path) -> None:
    given: dict[str, Any] = {"network": "lenet", "seed": 3}
    made = fashion(data=data, **given)
    assert made.reader is not None
    model, task = model_of(made.reader, load("fashion").complete(given))
    assert equal(model, made.model)
    assert task.names == FASHION  # type: ignore[attr-defined]
    assert not equal(model_of(made.reader, {**given, "seed": 4})[0], made.model)
