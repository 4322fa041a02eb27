"""Recipes on CIFAR's pictures, with an archive of a few pictures in its layout."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stepwell.core.errors import DataError, RecipeError
from stepwell.core.keys import Key
from stepwell.data.batch import whole
from stepwell.models import DESIGNS, NetDepth, NetResDeep
from stepwell.recipes.cifar import cifar_images
from stepwell.recipes.cifar2 import cifar2, model_of
from stepwell.recipes.cyclegan import cyclegan
from stepwell.recipes.recipe import load
from stepwell.training.hooks.pictures import Pictures

KINDS = ("airplane", "bird", "cat", "deer", "horse")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures of each class train, six test; those of a class have its colour."""
    path = tmp_path_factory.mktemp("cifar") / "cifar-10-jpg.tar.gz"
    generator = np.random.default_rng(3)
    with tarfile.open(path, "w:gz") as tar:
        for side, count in (("test", 6), ("train", 8)):
            for number, kind in enumerate(KINDS):
                for row in range(count):
                    pixels = (40 * number + generator.integers(0, 20, (32, 32, 3))).astype(np.uint8)
                    file = io.BytesIO()
                    Image.fromarray(pixels).save(file, "JPEG")
                    member = tarfile.TarInfo(f"{side}/{kind}/{row:04}.jpg")
                    member.size = file.tell()
                    tar.addfile(member, io.BytesIO(file.getvalue()))
    return path


def test_cifar2_has_airplanes_as_0_and_birds_as_1(archive: Path) -> None:
    made = cifar2(data=archive, epochs=1)
    train, val = whole(made.data.train), whole(made.data.val)
    assert train.inputs.shape == (16, 3, 32, 32)
    assert train.inputs.dtype == torch.uint8
    assert sorted(train.targets.tolist()) == [0] * 8 + [1] * 8
    assert len(val.targets) == 12
    assert bool((train.inputs.float().mean((1, 2, 3)) > 30).long().equal(train.targets))
    assert made.task.names == ("airplane", "bird")


@pytest.mark.parametrize("design", [name for name in DESIGNS if name != "flat-deep"])
def test_every_design_is_a_choice_with_its_settings(archive: Path, design: str) -> None:
    made = cifar2(data=archive, design=design)  # type: ignore[arg-type]
    (group,) = made.made_optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (DESIGNS[design].learning_rate, DESIGNS[design].weight_decay)
    assert sum(p.numel() for p in made.model.net.parameters()) == DESIGNS[design].parameters


def test_new_pictures_are_read_as_the_training_ones(archive: Path, tmp_path: Path) -> None:
    made = cifar2(data=archive, epochs=1)
    Image.effect_noise((64, 48), 30).convert("RGB").save(tmp_path / "new.png")
    assert made.reader is not None
    assert made.reader.read(tmp_path / "new.png").inputs.shape == (1, 3, 32, 32)
    model, task = model_of(made.reader, load("cifar2").complete({"design": "depth"}))
    assert isinstance(model.net, NetDepth)
    assert task.names == ("airplane", "bird")


def test_the_choices_of_the_recipe_are_the_table(archive: Path) -> None:
    kind = load("cifar2").parameters["design"].type
    assert set(kind.__args__) == set(DESIGNS)


def test_settings_of_cifar2(archive: Path) -> None:
    made = cifar2(data=archive, design="deep", blocks=3, shared_block=True, learning_rate=0.5, augment=("flip",))
    assert isinstance(made.model.net, NetResDeep)
    assert len({id(block) for block in made.model.net.resblocks}) == 1
    assert made.made_optimizer.param_groups[0]["lr"] == 0.5
    batch = whole(made.data.train)
    assert made.augment(batch, Key(0)("augment", 1)).inputs.shape == batch.inputs.shape


def test_a_path_that_does_not_exist_is_refused_and_nothing_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no .*nowhere\.tar\.gz\. Give the folder of data sets"):
        cifar2(data=tmp_path / "nowhere.tar.gz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("recipe", [cifar2, partial(cyclegan, kinds=("airplane", "bird"))])
def test_an_archive_without_sides_is_refused(tmp_path: Path, recipe: Callable[..., object]) -> None:
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as pack:
        for kind in ("airplane", "bird"):
            file = io.BytesIO()
            Image.new("RGB", (32, 32)).save(file, "JPEG")
            pack.writestr(f"{kind}/1.jpg", file.getvalue())
    with pytest.raises(
        DataError, match=r"mine\.zip does not say which .* such as train/airplane/1\.jpg and test/airplane"
    ):
        recipe(data=tmp_path / "mine.zip")


def test_the_folder_of_data_sets_will_do(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cifar-10").mkdir()
    (tmp_path / "cifar-10" / archive.name).symlink_to(archive)
    assert len(cifar_images(tmp_path, ("bird",))) == 14
    monkeypatch.setenv("STEPWELL_DATA", str(tmp_path))
    assert len(cifar_images(None, ("bird", "cat"))) == 28


def test_the_published_binary_version_will_do(tmp_path: Path) -> None:
    names = "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905
    folder, generator = tmp_path / "cifar-10", np.random.default_rng(0)
    folder.mkdir()
    for file in [f"data_batch_{n}.bin" for n in range(1, 6)] + ["test_batch.bin"]:
        records = generator.integers(0, 256, (20, 3073)).astype(np.uint8)
        records[:, 0] = np.arange(20) % 10
        (folder / file).write_bytes(records.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n")
    found = cifar_images(folder, ("bird", "airplane"))
    assert found.classes == ("bird", "airplane")
    assert len(found) == 6 * 4
    assert len(cifar2(data=folder, epochs=1).data.train) == 20


def test_cyclegan_pairs_two_classes(archive: Path) -> None:
    made = cyclegan(data=archive, pictures=5, width=2, blocks=1, identity=2.0)
    assert len(made.data.train) == 5
    batch = whole(made.data.train)
    horses, deer = (pictures.float().mean((1, 2, 3)) for pictures in batch.inputs)
    assert bool((horses > 150).all())
    assert bool(((deer > 110) & (deer < 150)).all())
    assert torch.equal(whole(made.data.val).targets, torch.arange(6))
    assert isinstance(made.hooks[0], Pictures)
    assert made.model.identity
    assert [len(group["params"]) for group in made.made_optimizer.param_groups] == [
        len(made.model.generators),
        len(made.model.discriminators),
    ]


def test_cyclegan_refuses_other_than_two_kinds(archive: Path) -> None:
    with pytest.raises(RecipeError, match="between two classes; given: horse"):
        cyclegan(data=archive, kinds=("horse",))
    with pytest.raises(DataError, match="no class 'zebra'"):
        cyclegan(data=archive, kinds=("horse", "zebra"))
