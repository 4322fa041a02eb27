"""Names, weights and commands of what is served."""

from pathlib import Path
from typing import Any

import pytest
import torch

from stepwell.cli.served import curl, model_names, served_models, takes
from stepwell.core.errors import StepwellError
from stepwell.deploy.card import Array, Card, Kind
from stepwell.runs import Run, Snapshot
from stepwell.runs.checkpoint import write_checkpoint


def run(folder: str, recipe: str | None = None) -> Run:
    return Run(Path(folder), {"recipe": recipe})


def named(*runs: Run) -> list[str]:
    return list(model_names(runs))


def test_a_name_is_the_recipe_where_it_is_the_only_one() -> None:
    assert named(run("runs/a", "digits"), run("runs/b", "mine.py:house")) == ["digits", "house"]
    assert named(run("runs/a", "digits"), run("runs/b", "digits"), run("runs/c", "table")) == ["a", "b", "table"]
    assert named(run("runs/a")) == ["a"]


def test_folders_of_one_name_are_numbered() -> None:
    assert named(run("old/digits", "digits"), run("new/digits", "digits")) == ["digits", "digits-2"]
    assert named(*(run(f"{place}/digits") for place in "abc")) == ["digits", "digits-2", "digits-3"]


def test_a_folder_that_is_called_as_another_runs_recipe_is_numbered() -> None:
    runs = [run("old/digits", "table"), run("new/b", "table"), run("new/c", "digits"), run("x/digits-2")]
    assert named(*runs) == ["digits-2", "b", "digits", "digits-2-2"]


def test_only_the_same_folder_is_refused() -> None:
    with pytest.raises(StepwellError, match=r"The run .*runs/a was given twice\. Give each run once\."):
        model_names([run("runs/a", "digits"), run("runs/../runs/a", "digits")])


def test_the_checkpoint_is_told_by_its_step_so_that_a_worker_that_starts_again_takes_the_same(tmp_path: Path) -> None:
    made = Run(tmp_path, {"recipe": "digits"})
    for step in (3, 7, 9):
        parts = {"model": {"x": torch.tensor([float(step)])}}
        write_checkpoint(made.checkpoint_folder, Snapshot(step=step, parts=parts, best=step == 7))
    plain = {"folder": str(tmp_path.resolve()), "name": "digits"}
    for which, step in {"best": 7, "last": 9, 3: 3}.items():
        assert served_models([made], which) == ({**plain, "checkpoint": step},)


def card(name: str, kind: Kind = "arrays", files: tuple[str, ...] = (), **form: Any) -> Card:
    arrays = (Array("input", "float32", (2,)),)
    return Card(name=name, title=name, kind=kind, inputs=arrays, outputs=arrays, files=files, form=form)


def test_a_command_can_be_pasted_whatever_the_models_name_is() -> None:
    here = "http://127.0.0.1:8000"
    rest = "-H 'Content-Type: application/x-npy' --data-binary @-"
    assert curl(card("digits"), here, token=False) == (
        f"curl -s {here}/models/digits/examples/0 | curl -s {here}/predict/digits {rest}"
    )
    assert curl(card("my run (2)&"), here, token=False) == (
        f"curl -s {here}/models/my%20run%20%282%29%26/examples/0 | curl -s {here}/predict/my%20run%20%282%29%26 {rest}"
    )
    asked = curl(card("a"), "http://[::1]:80", token=True)
    assert asked.startswith(
        "curl -s -H \"Authorization: Bearer $STEPWELL_TOKEN\" 'http://[::1]:80/models/a/examples/0' | "
    )
    assert " 'http://[::1]:80/predict/a' " in asked


def test_what_reads_files_is_asked_with_one_and_says_so_in_its_users_words() -> None:
    here = "http://127.0.0.1:8000"
    cards = {
        "image/png' --data-binary @photo.png": card("a", "images", (".png", ".jpg")),
        "text/csv' --data-binary @new.csv": card("a", "table", (".csv",), columns=[{}] * 5),
    }
    for ending, each in cards.items():
        assert curl(each, here, token=False) == f"curl -s {here}/predict/a -H 'Content-Type: {ending}"
    assert [takes(each) for each in cards.values()] == [
        "pictures: .png .jpg, or float32 (2,)",
        "rows of 5 columns: .csv",
    ]
    assert takes(card("a", "series", (".csv",), window=168)) == "the last 168 rows or more: .csv"
    assert takes(card("a")) == "float32 (2,) a row"
