"""A report can be written again from what the run keeps."""

import base64
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


@pytest.fixture(scope="module")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on pictures of noise, in which a network that saw each once errs."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for place in range(60):
        path = folder / ("ab"[place % 2]) / f"{place:03d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    plain = {"precision": "fp32", "memory_format": "contiguous", "compiled": "no"}
    wanted = {"folder": folder, "epochs": 1, "augment": ("none",), **plain}
    run = train(load("images"), wanted, out=str(tmp_path_factory.mktemp("runs"))).run
    assert run is not None
    return run


def test_a_network_for_pictures_goes_by_its_own_name_and_its_mistakes_by_their_files(pictured: Run) -> None:
    model = pictured.facts["model"]
    assert model["class"] == "SmallNet"
    assert model["trainable"] == model["parameters"]
    shown = (pictured.read("evaluation.json") or {})["shown"]
    looked_at = [str(each["row"]) for each in (pictured.read("insight.json") or {})["insight"]["mistakes"]]
    assert looked_at
    assert all(shown[row]["file"].endswith(".png") for row in looked_at)
    assert f"row {looked_at[0]}, {shown[looked_at[0]]['file']}" in (pictured.folder / "report.html").read_text()


def test_the_newest_picture_of_a_run_is_in_its_report(run: Run) -> None:
    (run.folder / "pictures").mkdir()
    for epoch, colour in ((9, "red"), (10, "green")):
        Image.new("RGB", (4, 4), colour).save(run.folder / "pictures" / f"epoch-{epoch:03d}.png")
    assert write_report(run)
    newest = base64.b64encode((run.folder / "pictures" / "epoch-010.png").read_bytes()).decode()
    page = (run.folder / "report.html").read_text()
    assert newest in page
    assert "After epoch 10." in page
