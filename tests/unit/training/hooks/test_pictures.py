"""The hook that draws what generators make."""

from pathlib import Path

import pytest
import torch
import toys
from PIL import Image

import stepwell as sw
from stepwell.core.errors import TrainingError
from stepwell.data import Unpaired
from stepwell.models import CycleGAN
from stepwell.tasks import Translation
from stepwell.training.adversarial import adversarial_step
from stepwell.training.hooks.pictures import Pictures

A, B = torch.randint(256, (2, 4, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def experiment() -> sw.Experiment:
    model = CycleGAN(width=2, blocks=1, layers=1)
    return sw.Experiment(
        data=sw.Splits(train=Unpaired(sw.ArraySource(A), sw.ArraySource(B))),
        model=model,
        task=Translation(),
        optimizer=torch.optim.Adam([{"params": model.generators}, {"params": model.discriminators}]),
        epochs=2,
        step=adversarial_step,
        hooks=(Pictures(A[:2], B[:2], kinds=("cat", "dog")),),
    )


def test_a_picture_of_every_epoch_lies_in_the_run(tmp_path: Path) -> None:
    run = toys.folder(tmp_path / "run")
    training = sw.fit(experiment(), run)
    files = sorted((run.folder / "pictures").iterdir())
    assert [file.name for file in files] == ["epoch-001.png", "epoch-002.png"]
    for file in files:
        with Image.open(file) as picture:
            assert min(picture.size) > 200
    assert files[0].read_bytes() != files[1].read_bytes()
    assert training.model.training == CycleGAN(width=2).training  # given back


def test_looking_changes_no_bit_of_the_training(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        drawn = sw.fit(experiment(), toys.folder(tmp_path / "run"))
        torch.manual_seed(1)
        plain = sw.fit(experiment())
    assert toys.weights(drawn.model) == toys.weights(plain.model)


def test_without_a_run_nothing_is_drawn() -> None:
    sw.fit(experiment())


def test_mistakes_are_told() -> None:
    with pytest.raises(TrainingError, match="2 pictures of one kind and 3 of the other"):
        Pictures(A[:2], B[:3])
    with pytest.raises(TrainingError, match="the model is a Sequential"):
        sw.fit(toys.experiment(hooks=(Pictures(A, B),)))
