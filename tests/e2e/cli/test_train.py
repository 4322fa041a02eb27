"""Recipes of the user's own, from `show` and `train`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Said = Callable[..., tuple[int, str, str]]

_FILE = '''
import torch
from torch.optim import SGD
from typing import Annotated
from pathlib import Path

from stepwell.core.errors import StepwellWarning
from stepwell.data.arrays import ArraySource
from stepwell.data.splits import Splits
from stepwell.models import mlp
from stepwell.tasks import Regression
from stepwell.training.experiment import Experiment

def mine(
    *,
    width: Annotated[int, "width of the layer"] = 4,
    folder: Path = Path("."),
    equal: bool = False,
    rate: float = 0.01,
    epochs: int = 2,
):
    """Fit a plane.

    More about it.
    """
    assert isinstance(folder, Path)
    x = torch.arange(40.0).reshape(20, 2) / 40
    val = x[:10] if equal else x[:10] + 1
    model = mlp((2, width, 1))
    data = Splits(train=ArraySource(x, x.sum(1, keepdim=True)), val=ArraySource(val, val.sum(1, keepdim=True)))
    return Experiment(data=data, model=model, task=Regression(), optimizer=SGD(model.parameters(), lr=rate), epochs=epochs)

def failing(*, epochs: int = 2):
    return {}["nothing"]

def bare(data: Path, *, target: str):
    """Needs a file."""

def nothing():
    pass
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("mine.py")
    path.write_text(_FILE)
    return path


@pytest.mark.usefixtures("file")
def test_an_own_recipe_is_trained_and_resumed(said: Said) -> None:
    code, out, err = said("train", "mine.py:mine", "--width", "8", "--folder", "a/b", "--no-equal")
    assert (code, err) == (0, "")
    [run] = Path("runs").iterdir()
    assert out.splitlines()[0] == "20 training and 10 validation rows; Sequential, 33 parameters, on cpu"
    for words in ("reached  validation loss", "of 2\n", f"run      {run}\n", f"report   {run}/report.html\n"):
        assert words in out
    assert f"  stepwell resume {run} --epochs 4   train longer\n" in out
    facts = json.loads((run / "run.json").read_text())
    assert facts["parameters"] == {"width": 8, "folder": "a/b", "equal": False, "rate": 0.01, "epochs": 2}
    assert said("resume", str(run), "--epochs", "3")[0] == 0


@pytest.mark.usefixtures("file")
def test_warnings_of_the_data_are_shown(said: Said) -> None:
    code, _, err = said("train", "mine.py:mine", "--equal")
    assert code == 0
    assert err.startswith("warning: ")


@pytest.mark.usefixtures("file")
def test_patience_ends_early_and_is_kept(said: Said) -> None:
    code, out, _ = said("train", "mine.py:mine", "--epochs", "9", "--patience", "1", "--rate", "0")
    assert code == 0
    assert "ended    after 2 epochs" in out
    [run] = Path("runs").iterdir()
    code, out, _ = said("resume", str(run))
    assert "It ended early because loss has not improved for 1 epochs." in out


@pytest.mark.usefixtures("file")
def test_show(said: Said) -> None:
    code, out, err = said("show", "mine.py:mine")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in (
        "Fit a plane.",
        "--width int 4 width of the layer",
        "--equal/--no-equal true|false false",
        "rows 20 training, 10 validation",
        "inputs 2, float32",
        "0 Linear 20×4 12",
        "17 parameters",
        "stepwell train mine.py:mine train it",
    ):
        assert line in lines


@pytest.mark.usefixtures("file")
def test_show_without_what_the_recipe_needs(said: Said) -> None:
    code, out, _ = said("show", "mine.py:bare")
    assert code == 0
    assert "Its data and layers depend on data, target, so they are not shown." in out
    assert "stepwell train mine.py:bare DATA --target …" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("train mine.py:failing", 1, "error: The recipe failing failed: KeyError: 'nothing'\n  "),
        ("train mine.py:nothing", 1, "error: The recipe nothing returned a NoneType; an Experiment is due."),
        ("train mine.py:mien", 1, "error: mine.py has no function 'mien'; it has mine, failing, bare, nothing."),
        ("train none.py:mine", 1, "error: There is no recipe file none.py."),
        ("train mine.py:mine --widht 3", 2, "error: There is no flag --widht. Did you mean --width?"),
        ("train mine.py:mine --width x", 2, "error: --width: 'x' is not a whole number."),
        ("train mine.py:mine --out mine.py/x", 1, "error: Cannot write mine.py/x/mine-"),
        ("train mine.py:mine --epochs 0", 1, "error: epochs is 0; it must be more than 0."),
        ("show mons", 2, "error: There is no recipe 'mons'. Did you mean 'moons'?"),
    ],
)
@pytest.mark.usefixtures("file")
def test_mistakes_are_explained(words: str, code: int, message: str, said: Said) -> None:
    found, out, err = said(*words.split())
    assert (found, out) == (code, "")
    assert err.startswith(message)
    assert len(err.splitlines()) <= 3
