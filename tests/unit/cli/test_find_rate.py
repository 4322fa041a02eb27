"""`stepwell find-rate`."""

import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Said = Callable[..., tuple[int, str, str]]

_FILE = """
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR

from stepwell.data.arrays import ArraySource
from stepwell.data.splits import Splits
from stepwell.models import mlp
from stepwell.tasks import Regression
from stepwell.training.experiment import Experiment

def mine(*, steps: int = 20, start: float = 0.0, fixed: bool = True):
    torch.manual_seed(0)
    x = torch.arange(400.0).reshape(200, 2) / 400
    model = mlp((2, 1))
    optimizer = SGD(model.parameters(), lr=0.1)
    data = Splits(train=ArraySource(x, x.sum(1, keepdim=True) + start))
    scheduler = OneCycleLR(optimizer, 0.1, total_steps=20)
    return Experiment(data=data, model=model, task=Regression(), optimizer=optimizer, scheduler=scheduler, steps=steps)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_prints_a_table_a_suggestion_the_plot_and_the_command(said: Said) -> None:
    code, out, err = said("find-rate", "moons", "--hidden", "4", "--end", "10")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.match(r"\d+ steps of moons, SGD, batches of 16, at rates from 1e-06 to ", lines[0])
    assert lines[2].split() == ["rate", "loss", "smoothed"]
    assert sum("◀ suggested" in line for line in lines) == 1
    [suggested] = [line.split()[1] for line in lines if line.startswith("suggested ")]
    assert 1e-3 < float(suggested) < 10
    assert any(line.startswith("because    The loss falls fastest at") for line in lines)
    assert "plot       find-rate-moons.png" in lines
    assert lines[-1].split("   ")[0].strip() == f"stepwell train moons --hidden 4 --learning-rate {suggested}"
    with Image.open("find-rate-moons.png") as picture:
        assert picture.format == "PNG"


def test_the_command_that_it_prints_trains(said: Said) -> None:
    _, out, _ = said("find-rate", "moons", "--epochs", "1")
    [line] = [line for line in out.splitlines() if "stepwell train" in line]
    words = line.partition("   train with it")[0].split()[1:]
    assert said(*words)[0] == 0


def test_a_second_time_it_says_the_same(said: Said) -> None:
    assert said("find-rate", "moons", "--seed", "3") == said("find-rate", "moons", "--seed", "3")


def test_a_table_of_ones_own(said: Said) -> None:
    rows = [f"{math.sin(i):.3f},{i % 7},{3 * math.sin(i) + (i % 7):.3f}" for i in range(300)]
    Path("own.csv").write_text("\n".join(["a,b,y", *rows]))
    code, out, _ = said("find-rate", "table", "own.csv", "--target", "y", "--out", "mine.svg")
    assert code == 0
    assert Path("mine.svg").read_text().startswith("<?xml")
    assert "stepwell train table own.csv --target y" in out


def test_a_recipe_of_ones_own_with_names_of_its_own(said: Said) -> None:
    Path("mine.py").write_text(_FILE)
    code, out, _ = said("find-rate", "mine.py:mine", "--steps", "5", "--test-steps", "30", "--test-end", "3")
    assert code == 0
    assert re.match(r"\d+ steps of mine, SGD, batches of 32, at rates from 1e-06 to ", out)
    assert "schedule   OneCycleLR rested" in out
    assert "mine has no parameter for it: give its optimizer lr=" in out
    assert "--test-start" in said("find-rate", "mine.py:mine", "--help")[1]


def test_no_suggestion_is_said_with_its_reason(said: Said) -> None:
    code, out, _ = said("find-rate", "moons", "--end", "1e-5", "--steps", "20")
    assert code == 0
    assert "suggested  none" in out
    assert "nothing to choose by" in out
    assert "stepwell train" not in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("moons", "--out", "plot"), "give a file that ends so"),
        (("moons", "--out", "missing/plot.png"), "there is no folder missing"),
        (("moons", "--steps", "3"), "--steps"),
        (("moon",), "Did you mean 'moons'?"),
        (("moons", "--strt", "1"), "Did you mean --start?"),
        ((), "Which recipe? stepwell find-rate RECIPE"),
    ],
)
def test_wrong_use_says_how_to_mend_it(said: Said, words: tuple[str, ...], message: str) -> None:
    code, _, err = said("find-rate", *words)
    assert code == 2
    assert message in err


def test_rates_that_do_not_grow_are_refused(said: Said) -> None:
    code, _, err = said("find-rate", "moons", "--start", "2")
    assert code == 1
    assert "0 < start < end" in err


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from stepwell.cli.main import main; main(['find-rate', '--help']);"
        " sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
