"""A report can be written again from what the run keeps."""

import shutil
from pathlib import Path

import pytest

from stepwell.core.errors import RunError
from stepwell.recipes.finish import finish, write_report
from stepwell.recipes.launch import rebuild, train
from stepwell.recipes.recipe import load
from stepwell.runs import Run, open_run

SHORT = {
    "moons": {"epochs": 2},
    "digits": {"epochs": 1, "channels": 2, "hidden": 8},
    "line": {"epochs": 2},
}


@pytest.fixture(scope="module", params=SHORT)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = train(load(request.param), SHORT[request.param], out=str(tmp_path_factory.mktemp("runs"))).run
    assert run is not None
    return run


@pytest.fixture
def run(made: Run, tmp_path: Path) -> Run:
    return open_run(shutil.copytree(made.folder, tmp_path / made.name))


def test_the_kept_evaluation_makes_the_same_page(run: Run) -> None:
    finish(run, rebuild(run))
    before = (run.folder / "report.html").read_text()
    (run.folder / "report.html").unlink()
    shutil.rmtree(run.checkpoint_folder)
    assert write_report(run)
    assert (run.folder / "report.html").read_text() == before


def test_a_run_that_was_never_evaluated_is_left_alone(run: Run) -> None:
    (run.folder / "evaluation.json").unlink()
    before = (run.folder / "report.html").read_text()
    assert not write_report(run)
    assert (run.folder / "report.html").read_text() == before


def test_damaged_arrays_are_named(run: Run) -> None:
    (run.folder / "evaluation.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(RunError, match="evaluation.npz cannot be read"):
        write_report(run)
    (run.folder / "evaluation.npz").unlink()
    with pytest.raises(RunError, match=r"There is no evaluation\.npz"):
        write_report(run)
