"""The recipe of one's own pictures: the size that is taken, what is checked first, and runs that are used from elsewhere."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from stepwell.cli.main import main
from stepwell.core.devices import seeded
from stepwell.core.errors import DataError, RecipeError, StepwellError
from stepwell.data.batch import whole
from stepwell.data.images.opening import look
from stepwell.models.backbones import backbone
from stepwell.recipes.images import images
from stepwell.recipes.launch import rebuild, train
from stepwell.recipes.picture_size import size_for
from stepwell.recipes.pictures import left_alone
from stepwell.recipes.recipe import load
from stepwell.runs import open_run
from stepwell.training.fit import fit

QUICK = {"epochs": 1, "precision": "fp32", "memory_format": "contiguous", "compiled": "no", "augment": ()}
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make((8, 8), …)`: a folder of two classes with pictures of these sizes (height, width) in turn."""

    def folder(*sizes: tuple[int, int]) -> Path:
        draw = np.random.default_rng(0)
        for number in range(40):
            path = tmp_path / "in" / "ab"[number % 2] / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = draw.integers(0, 256, (*sizes[number // 2 % len(sizes)], 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
        return tmp_path / "in"

    return folder


def zipped(folder: Path) -> Path:
    path = folder.parent / "in.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


def sheet(folder: Path, columns: str = "img,kind,other,part") -> Path:
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.png"))
    sides = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
    rows = [f"{file},{file[0]}{file[0]},x{row},{sides[row % 10]}" for row, file in enumerate(files)]
    (folder / "list.csv").write_text("\n".join([columns, *rows]))
    return folder / "list.csv"


def test_a_last_batch_of_one_picture_is_left_out_where_it_has_no_statistics(make: Make) -> None:
    one = {"size": 32, "batch_size": 9, "val": 0.3, "test": 0.0, **QUICK}
    training = fit(images(make((32, 32)), backbone="resnet18", **one))
    assert (len(training.experiment.data.train), training.step, training.epochs) == (28, 3, 1)


@pytest.mark.parametrize(
    ("model", "rows", "dropped"),
    [
        (nn.BatchNorm2d(3), 28, True),
        (nn.BatchNorm2d(3), 27, False),
        (nn.BatchNorm2d(3), 29, False),
        (nn.BatchNorm2d(3), 1, False),  # nothing would be left
        (nn.Conv2d(3, 3, 3), 28, False),
    ],
)
def test_no_other_last_batch_is_left_out(model: nn.Module, rows: int, dropped: bool) -> None:
    assert left_alone(model, rows, batch_size=9) == dropped


def test_columns_of_a_sheet_are_known_before_the_size_is(make: Make) -> None:
    path = sheet(make((8, 8)))
    made = images(path, paths="img", labels="kind", sides="part", **QUICK)  # type: ignore[arg-type]
    assert made.task.names == ("aa", "bb")  # type: ignore[attr-defined]
    assert made.reader.title == "list.csv"  # type: ignore[union-attr]
    assert (len(made.data.train), len(made.data.val), len(made.data.test)) == (24, 8, 8)  # type: ignore[arg-type]


def test_a_folder_is_walked_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import stepwell.data.images.listing as listing

    walked: list[Path] = []
    real = listing.walk
    monkeypatch.setattr(listing, "walk", lambda root: walked.append(root) or real(root))
    images(make((8, 8)), **QUICK)  # type: ignore[arg-type]
    assert len(walked) == 1


@pytest.mark.parametrize(
    ("sizes", "due"),
    [
        ([(48, 40)], (48, 40)),
        ([(96, 96)], (96, 96)),
        ([(97, 96)], (64, 64)),
        ([(500, 600)], (64, 64)),
        ([(40, 40), (48, 40)], (64, 64)),
        ([(4, 4)], (64, 64)),
    ],
)
def test_the_size_is_the_same_of_a_folder_and_an_archive(
    make: Make, sizes: list[tuple[int, int]], due: tuple[int, int]
) -> None:
    folder = make(*sizes)
    for path in (folder, zipped(folder), sheet(folder, "img,label,other,part")):
        size = size_for(look(path), "small", None, None)
        assert (size or sizes[0]) == due
        assert whole(images(path, **QUICK).data.train).inputs.shape[2:] == due  # type: ignore[arg-type]


def test_a_parquet_file_is_no_archive(make: Make) -> None:
    import polars as pl

    folder = make((500, 600))
    pl.read_csv(sheet(folder, "img,label,other,part")).write_parquet(folder / "list.parquet")
    assert size_for(look(folder / "list.parquet"), "small", None, None) == (64, 64)


@pytest.mark.parametrize(
    ("flags", "error", "said"),
    [
        ({"freeze": True}, RecipeError, "give --weights FILE"),
        ({"augment": ("flop",)}, DataError, "Did you mean 'flip'"),
        ({"weights": Path("nowhere.pth")}, DataError, r"nowhere\.pth"),
        ({"augment": ("flip",)}, DataError, "The labels would be wrong"),
    ],
)
def test_what_can_be_checked_is_checked_before_decoding(
    make: Make, flags: dict[str, object], error: type[StepwellError], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make((8, 8))
    (folder / "a").rename(folder / "left"), (folder / "b").rename(folder / "right")
    monkeypatch.setattr("stepwell.recipes.images.fit_images", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises(error, match=said):
        images(folder, **{**QUICK, **flags})  # type: ignore[arg-type]


def test_a_run_is_used_from_another_folder_and_without_its_weights(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make((32, 32))
    with seeded(1):
        torch.save(backbone("resnet18")(1000).state_dict(), tmp_path / "mine.pth")
    monkeypatch.chdir(tmp_path)
    words = ["train", "images", "in", "--backbone", "resnet18", "--weights", "mine.pth", "--freeze", "--size", "32"]
    words += ["--epochs", "1", "--precision", "fp32", "--compiled", "no", "--memory-format", "contiguous"]
    assert main([*words, "--augment", "none"]) == 0
    said = capsys.readouterr().out
    assert "stepwell train images in " in said, said
    assert "--weights mine.pth" in said
    (folder,) = (tmp_path / "runs").iterdir()
    parameters = open_run(folder).facts["parameters"]
    assert parameters["folder"] == str(tmp_path / "in")
    assert parameters["weights"] == str(tmp_path / "mine.pth")
    (tmp_path / "mine.pth").unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["evaluate", str(folder)]) == 0
    assert main(["resume", str(folder), "--from", "last", "--patience", "3"]) == 0
    assert main(["predict", str(folder), str(tmp_path / "in" / "a" / "00.png")]) == 0
    capsys.readouterr()


def test_a_new_run_needs_its_weights_and_one_without_a_checkpoint_too(make: Make, tmp_path: Path) -> None:
    run = train(load("images"), {"folder": make((32, 32)), **QUICK}, out=str(tmp_path / "runs")).run
    assert run is not None
    run.update(parameters={**run.facts["parameters"], "weights": "gone.pth", "backbone": "resnet18", "size": 32})
    run.update(data={})
    rebuild(run)
    for file in run.checkpoint_folder.rglob("*"):
        if file.is_file():
            file.unlink()
    for place in sorted(run.checkpoint_folder.iterdir()):
        place.rmdir()
    with pytest.raises(DataError, match=r"gone\.pth"):
        rebuild(run)
