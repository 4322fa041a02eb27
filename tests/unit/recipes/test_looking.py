"""What `stepwell look` finds, and its command line, on a small run of pictures."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from stepwell.cli.main import main
from stepwell.core.errors import ModelError, RunError
from stepwell.data.images.reader import ImageReader
from stepwell.models import FromPixels, LineNet
from stepwell.recipes.known import Known, nearest
from stepwell.recipes.looking import looks, network_of
from stepwell.recipes.predictor import Predictor
from stepwell.tasks import Multiclass

CLASSES = ("level", "upright")


def picture(upright: bool, at: int) -> Image.Image:
    pixels = np.zeros((10, 10), np.uint8)
    pixels[(slice(None), at) if upright else (at, slice(None))] = 255
    return Image.fromarray(pixels)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    picture(True, 4).resize((40, 40), Image.Resampling.NEAREST).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def predictor(net: nn.Module | None = None) -> Predictor:
    torch.manual_seed(0)
    reader = ImageReader(title="lines", classes=CLASSES, size=(10, 10), channels=1, mean=(0.1,), std=(0.3,))
    model = FromPixels(net or LineNet(10, 2), (0.1,), (0.3,)).train()
    return Predictor(model, Multiclass(classes=CLASSES), reader)


def test_all_that_is_found_of_a_picture(photo: Path) -> None:
    made = predictor()
    pictures = torch.stack([torch.from_numpy(np.array(picture(True, at)))[None] for at in range(8)])
    known = Known(pictures, ("upright",) * 8, made.model)
    [found] = looks(made, [photo], known=known)
    assert found.name == "photo.png"
    assert found.given.shape == (1, 10, 10)
    assert found.photo is not None
    assert found.photo.shape == (3, 40, 40)
    assert found.label in CLASSES
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert {"occlusion", "gradient"} <= set(found.overlays)
    assert all(values.shape == (10, 10) for values in found.overlays.values())
    assert list(found.layers) == ["conv1", "relu1", "maxp1", "fc1", "relu2", "fc2"]
    assert found.layers["conv1"].shape == (1, 8, 8)
    assert found.asked == {}
    assert len(found.near) == 6
    assert found.near[0].label == "upright"
    assert made.model.training


def test_a_folder_and_a_layer(photo: Path) -> None:
    picture(False, 2).save(photo.with_name("another.png"))
    found = list(looks(predictor(), [photo.parent], layer="maxp1"))
    assert [each.name for each in found] == ["another.png", "photo.png"]
    assert found[0].photo is None  # it is what the network gets
    assert list(found[0].asked) == ["maxp1"]
    assert found[1].layer in ("maxp1", "")


def test_known_pictures_go_through_the_network_once(photo: Path) -> None:
    made, seen = predictor(), []
    known = Known(torch.zeros(8, 1, 10, 10, dtype=torch.uint8), ("upright",) * 8, made.model)
    made.model.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    nearest(torch.ones(1, 1, 10, 10, dtype=torch.uint8), known)
    nearest(torch.zeros(1, 1, 10, 10, dtype=torch.uint8), known)
    assert seen == [8, 1, 1]


def test_a_list_whose_column_file_holds_numbers(photo: Path) -> None:
    listed = photo.with_name("list.csv")
    listed.write_text("file,photo\n7,photo.png\n")
    [found] = looks(predictor(), [listed])
    assert found.name == "7"


def test_networks_without_convolutions(photo: Path) -> None:
    plain = predictor(nn.Sequential(nn.Flatten(), nn.Linear(100, 2)))
    [found] = looks(plain, [photo])
    assert "Grad-CAM" not in found.overlays
    assert list(found.layers) == ["Linear 1"]
    assert network_of(plain.model).filters.size == 0
    assert network_of(predictor().model, "relu1").filters_layer == "conv1"
    with pytest.raises(ModelError, match="no layer 'rel1'.*Did you mean 'relu1'"):
        network_of(predictor().model, "rel1")


def test_of_a_deep_network_a_few_layers_are_named() -> None:
    deep = nn.Sequential(*(nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()) for _ in range(20)))
    with pytest.raises(ModelError, match=r"no layer '7\.00'; it has 60, such as .*\. Did you mean '7\.0'") as caught:
        network_of(deep, "7.00")
    assert len(str(caught.value)) < 160


def test_runs_of_other_things_are_refused() -> None:
    made = predictor()
    other = type("Other", (ImageReader,), {"kind": "table"})
    reader = other(title="t", classes=CLASSES, size=(10, 10), channels=1, mean=(0.1,), std=(0.3,))
    with pytest.raises(RunError, match="trained on a table, not on pictures"):
        list(looks(Predictor(made.model, made.task, reader), []))


# --- the command line -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `images`, one epoch long, and the folder `lines` that it was trained on."""
    home = tmp_path_factory.mktemp("look")
    for upright, name in enumerate(CLASSES):
        (home / "lines" / name).mkdir(parents=True)
        for at in range(10):
            picture(bool(upright), at).resize((20, 20)).save(home / "lines" / name / f"{at}.png")
    words = ["train", "images", str(home / "lines"), "--epochs", "1", "--size", "20", "--out", str(home / "runs")]
    assert main([*words, "--precision", "fp32", "--memory-format", "contiguous", "--compiled", "no"]) == 0
    [run] = (home / "runs").iterdir()
    run.rename(home / "runs" / "lines")
    return home


@pytest.fixture
def said(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in a folder with a copy of the run; gives its exit code, output and errors."""
    shutil.copytree(trained / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_look_writes_a_page(said: Callable[..., tuple[int, str, str]], photo: Path) -> None:
    code, out, err = said("look", "lines", "photo.png")
    assert (code, err) == (0, "")
    assert "photo.png: " in out
    assert "%" in out
    assert "runs/lines/look-photo.html" in out
    assert "stepwell look lines photo.png --layer" in out
    html = Path("runs/lines/look-photo.html").read_text()
    for title in ("What it says", "Where it looks", "Layer by layer", "Nearest training pictures", "First filters"):
        assert f"<h2>{title}</h2>" in html


def test_look_at_one_layer_elsewhere(said: Callable[..., tuple[int, str, str]], photo: Path) -> None:
    html = said("look", "lines", "photo.png", "--no-nearest", "--out", "all.html")[1]
    layer = html.split("--layer ")[1].split()[0]
    code, out, err = said("look", "lines", "photo.png", "--no-nearest", "--layer", layer, "--out", "one.html")
    assert (code, err) == (0, "")
    assert "Next" not in out
    page = Path("one.html").read_text()
    assert "The layer that was asked for" in page
    assert "Nearest training pictures" not in page


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["lines", "nothing.png"], 1, "There is no file nothing.png."),
        (["lines", "photo.png", "--out", "page.pdf"], 2, "--out page.pdf ends in .pdf; the page is HTML: page.html"),
        (["lines", "photo.png", "--out", "no/page.html"], 2, "There is no folder no to write page.html to."),
        (["lines", "photo.png", "--layer", "xyz"], 1, "The model has no layer 'xyz'; it has "),
        (["lines", "broken.png"], 1, "broken.png"),
        (["nowhere", "photo.png"], 1, "There is no run folder nowhere"),
        ([], 2, "Which run? stepwell look RUN"),
    ],
)
def test_what_goes_wrong(
    said: Callable[..., tuple[int, str, str]], photo: Path, words: list[str], code: int, message: str
) -> None:
    photo.with_name("broken.png").write_bytes(b"no picture")
    found = said("look", *words)
    assert found[0] == code
    assert message in found[2]
