from pathlib import Path

import pytest
import torch

from stepwell.core.devices import seeded
from stepwell.core.errors import DataError, ModelError
from stepwell.data.framing import framed
from stepwell.data.weights import PUBLISHED
from stepwell.models import FromPixels
from stepwell.models.architectures import maker
from stepwell.recipes.recognise import load_recogniser


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPWELL_DATA", str(tmp_path / "data"))
    return tmp_path


def save(folder: Path, name: str, classes: int, channels: int = 3) -> Path:
    with seeded(1):
        torch.save(maker(name)(classes, channels).state_dict(), folder / f"{name}.pth")
    return folder / f"{name}.pth"


@pytest.fixture
def photo() -> torch.Tensor:
    return torch.randint(0, 256, (3, 90, 120), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))


def test_guesses_are_the_softmax_of_the_framed_photo(folder: Path, photo: torch.Tensor) -> None:
    recogniser = load_recogniser(save(folder, "small", 7))
    with seeded(1):
        net = FromPixels(maker("small")(7, 3), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)).eval()
    with torch.no_grad():
        due = net(framed(photo).unsqueeze(0)).softmax(1)[0]
    guesses = recogniser.guesses(photo, 3)
    assert [guess.name for guess in guesses] == [f"class {int(place)}" for place in due.argsort(descending=True)[:3]]
    assert [guess.probability for guess in guesses] == due.sort(descending=True).values[:3].tolist()
    assert sum(guess.probability for guess in recogniser.guesses(photo, 99)) == pytest.approx(1, abs=1e-5)


def test_inception_is_shown_299_pixels_of_its_own_scale(folder: Path) -> None:
    recogniser = load_recogniser(save(folder, "inception", 2))
    assert (recogniser.shorter, recogniser.crop) == (342, 299)
    assert recogniser.model.mean.flatten().tolist() == recogniser.model.std.flatten().tolist() == [0.5] * 3
    assert recogniser.architecture.name == PUBLISHED["inception"].name


def test_names_that_do_not_fit(folder: Path) -> None:
    path = save(folder, "small", 3)
    (folder / "names.txt").write_text("rock\n\npaper\n")
    with pytest.raises(DataError, match=r"names\.txt has 2 names, but the network has 3 classes; one a line is due"):
        load_recogniser(path, names=folder / "names.txt")
    with pytest.raises(DataError, match=r"no file .*none\.txt\. Name a text file with a class a line\."):
        load_recogniser(path, names=folder / "none.txt")
    with pytest.raises(DataError, match=r"imagenet_classes\.txt\. Get it: stepwell data get images\."):
        load_recogniser(save(folder, "small", 1000))


def test_weights_that_recognise_no_photos(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"small\.pth is for pictures of 1 channels; photos have 3\."):
        load_recogniser(save(folder, "small", 3, channels=1))
    torch.save({"a": torch.ones(2)}, folder / "a.pth")
    with pytest.raises(ModelError, match=r"a\.pth cannot be used to recognise photos\. It looks like no architecture"):
        load_recogniser(folder / "a.pth")
    with pytest.raises(ModelError, match="does not fit the network 'small'"):
        load_recogniser(folder / "a.pth", "small")
    with pytest.raises(ModelError, match=r"Unknown architecture 'smal'; .* Did you mean 'small'\?"):
        load_recogniser(folder / "a.pth", "smal")
