"""`stepwell sweep`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Said = Callable[..., tuple[int, str, str]]
MOONS = ("sweep", "moons", "--epochs", "2")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_sweep_prints_a_line_a_run_and_the_best(said: Said) -> None:
    code, out, err = said(*MOONS, "--vary", "learning-rate=0.01,1", "--vary", "hidden=0,4")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "4 runs of moons: learning rate 0.01, 1.0 × hidden 0, 4"
    assert lines[1] == "1 of 4: learning rate 0.01, hidden 0"
    [folder] = Path("runs").iterdir()
    runs = [path.name for path in folder.iterdir() if path.is_dir()]
    assert all(any(line.endswith(f"done    {run}") for line in lines) for run in runs)
    assert any("validation accuracy" in line and line.startswith("learning rate  hidden") for line in lines)
    assert "--vary seed=0,1,2 as well would tell gain from luck" in out
    assert str(folder / "sweep.html") in lines
    assert f"stepwell report {folder}/moons-" in lines[-1]
    facts = [json.loads((folder / run / "run.json").read_text()) for run in runs]
    assert {facts["parameters"]["learning_rate"] for facts in facts} == {0.01, 1.0}
    assert {facts["parameters"]["epochs"] for facts in facts} == {2}


def test_over_seeds_the_mean_and_its_error_are_told(said: Said) -> None:
    code, out, _ = said(*MOONS, "--vary", "seed=0,1", "--vary", "batch_size=16", "--patience", "5")
    assert code == 0
    assert "mean validation accuracy ± standard error   seeds" in out
    assert "2 of 2" in out
    assert "mean and standard error of 2 seeds" in out
    assert "gain from luck" not in out
    [folder] = Path("runs").iterdir()
    for run in folder.glob("*/run.json"):
        assert json.loads(run.read_text())["hooks"] == {"patience": 5, "tensorboard": False}


def test_failures_are_told_and_the_rest_goes_on(said: Said) -> None:
    code, out, err = said(*MOONS, "--vary", "batch-size=0,16")
    assert code == 0
    assert err == "failed: batch size 0: batch_size is 0; it must be more than 0.\n"
    assert "Best: batch size 16" in out
    [folder] = Path("runs").iterdir()
    assert " ".join(out.splitlines()[-1].split()) == f"stepwell sweep {folder} try again what failed"
    code, out, err = said("sweep", str(folder))
    assert code == 0
    assert out.splitlines()[0] == "2 runs of moons: batch size 0, 16; 1 done already"
    assert "failed: batch size 0" in err


def test_where_all_fail_the_exit_code_says_so(said: Said) -> None:
    code, out, _ = said(*MOONS, "--vary", "batch-size=0")
    assert code == 1
    assert out.startswith("1 run of moons: batch size 0\n")
    assert "No run was trained to its end." in out


def test_rows_that_differ_are_pointed_out(said: Said) -> None:
    _, _, err = said(*MOONS, "--vary", "noise=0.1,0.3")
    assert err == "warning: What is varied changes the rows, too, so the runs' numbers are not of the same rows.\n"


_WRONG = [
    ((), "What is to be varied? Name a parameter and its values, such as --vary seed=0,1,2"),
    (("--vary", "hiden=1"), "--vary: The recipe moons has no parameter 'hiden'. Did you mean 'hidden'?"),
    (("--vary", "hidden"), "--vary hidden: a parameter, = and its values are due, such as --vary seed=0,1,2"),
    (("--vary", "hidden=x"), "--vary: The parameter 'hidden' of the recipe moons: 'x' is not a whole number."),
    (
        ("--vary", "hidden=1", "--vary", "hidden=2"),
        "--vary hidden is given twice. Give all of its values at once, such as --vary seed=0,1,2",
    ),
    (("--vry", "hidden=1"), "There is no flag --vry. Did you mean --vary?\nSee stepwell sweep moons --help"),
]


@pytest.mark.parametrize(("words", "message"), _WRONG)
def test_wrong_use_is_explained(words: tuple[str, ...], message: str, said: Said) -> None:
    assert said("sweep", "moons", *words) == (2, "", f"error: {message}\n")
    assert not Path("runs").exists()


def test_a_folder_takes_no_flags_and_an_unknown_recipe_is_named(said: Said) -> None:
    Path("old").mkdir()
    Path("old/sweep.json").write_text("{}")
    assert said("sweep", "old", "--vary", "seed=0")[2].startswith(
        "error: A sweep goes on as it was begun, without flags"
    )
    assert "is damaged" in said("sweep", "old")[2]
    assert "Did you mean 'moons'?" in said("sweep", "mons", "--vary", "seed=0")[2]
    assert said("sweep")[2] == "error: Which recipe? stepwell sweep RECIPE\n"


def test_help_has_the_recipes_flags_and_vary(said: Said) -> None:
    code, out, _ = said("sweep", "moons", "--help")
    assert code == 0
    assert "--learning-rate" in out
    assert "--vary" in out


def test_several_processes_are_refused(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    code, _, err = said(*MOONS, "--vary", "seed=0")
    assert code == 2
    assert "Start it without torchrun" in err
