"""`stepwell export`, and what another program makes of its files."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

Said = Callable[..., tuple[int, str, str]]
CLIENT = Path(__file__).parents[3] / "examples" / "onnx_client.py"


def asked(*words: str | Path) -> list[dict[str, object]]:
    """What the client of the examples prints, run by a Python that is told nothing of Stepwell's folder."""
    ended = subprocess.run([sys.executable, "-I", CLIENT, *words], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return list(json.loads(ended.stdout))


def test_a_table_is_exported_and_answers_as_predict_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    age, town = random.integers(18, 80, 120), random.choice(["Bern", "Rom", "Wien"], 120)
    frame = pl.DataFrame({"age": age, "town": town.tolist(), "paid": np.where(age > 40, "yes", "no").tolist()})
    frame.write_csv("people.csv")
    assert said("train", "table", "people.csv", "--target", "paid", "--epochs", "2", "--out", "runs")[0] == 0
    [run] = Path("runs").iterdir()
    code, out, err = said("export", str(run), "--out", "model")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["file", "size", "largest", "difference", "allowed", "ms", "a", "row"]
    assert [line.split()[0] for line in lines[1:3]] == ["model.pt2", "model.onnx"]
    assert lines[3].startswith("the run's model")
    assert lines[4:] == ["Compared on 18 rows, in batches of 1, 2 and 7. What goes in and comes out: model/model.json"]
    new = [{"age": 30, "town": "Rom"}, {"age": None, "town": "Paris"}, {"age": 71.5, "town": None}]
    Path("new.json").write_text(json.dumps(new))
    pl.DataFrame(new).write_csv("new.csv")
    assert said("predict", str(run), "new.csv", "--out", "answers.csv")[0] == 0
    answers = pl.read_csv("answers.csv")
    found = asked("model", "new.json")
    assert [each["label"] for each in found] == answers["predicted paid"].to_list()
    chances = [each["probabilities"]["yes"] for each in found]  # type: ignore[index]
    np.testing.assert_allclose(chances, answers["probability of yes"], rtol=1e-5)


@pytest.mark.usefixtures("run")
def test_mistakes_leave_nothing(said: Said) -> None:
    code, _, err = said("export", "runs/moons", "--out", "model", "--to", "onx")
    assert (code, err) == (2, "error: --to is 'onx'; it is one or both of torch, onnx. Did you mean 'onnx'?\n")
    assert said("export", "runs/moons", "--out", "model", "--to", "")[0] == 2
    Path("taken").mkdir()
    Path("taken/notes.txt").write_text("mine")
    code, _, err = said("export", "runs/moons", "--out", "taken", "--force")
    assert (code, err) == (
        1,
        "error: taken is there and is no export, so it is left alone. Choose another folder with --out.\n",
    )
    assert said("export", "runs/moons", "--out", "model", "--checkpoint", "99")[0] == 1
    assert not Path("model").exists()


def test_an_exported_program_runs_in_torch_alone(run: Path, said: Said) -> None:
    code, out, err = said("export", "moons", "--out", "model", "--to", "torch", "--checkpoint", "10")
    assert (code, err) == (0, "")
    assert "model.onnx" not in out
    assert json.loads(Path("model/model.json").read_text())["version"] == "10"
    program = torch.export.load("model/model.pt2").module()
    [chances] = program(torch.tensor([[0.0, 1.0], [0.5, -0.5], [2.0, 0.0]]))
    assert chances.shape == (3, 1)
    assert bool(((chances > 0) & (chances < 1)).all())
    code, _, err = said("export", "moons", "--out", "model")
    assert (code, err) == (
        1,
        "error: model holds an export. Replace it with --force, or choose another folder with --out.\n",
    )
    assert said("export", "moons", "--out", "model", "--to", "torch", "--force")[0] == 0
