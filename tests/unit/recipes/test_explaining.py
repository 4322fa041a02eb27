"""What a served model says of its answers: a known model's known reasons."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from stepwell.core.errors import ModelError
from stepwell.core.trees import between
from stepwell.deploy.card import Card
from stepwell.deploy.servable import Servable, arrays_of, output_arrays
from stepwell.recipes.explaining import explain
from stepwell.recipes.launch import train
from stepwell.recipes.recipe import load
from stepwell.recipes.servable import load_servable
from stepwell.tasks import Multiclass, Regression
from stepwell.tasks.base import Task


class _Corner(nn.Module):
    """The second class is likely where the upper left quarter of a picture is bright."""

    def forward(self, pixels: Tensor) -> Tensor:
        bright = pixels[:, 0, :4, :4].mean((1, 2))
        return torch.stack([torch.zeros_like(bright), 8 * bright - 2], 1)


def _servable(model: nn.Module, task: Task, examples: Tensor, classes: tuple[str, ...] = ()) -> Servable:
    card = Card(
        name="toy", title="toy", kind="arrays", inputs=arrays_of(examples), outputs=output_arrays(model, task, examples),
        classes=classes,
    )  # fmt: skip
    return Servable(card=card, model=model.eval(), task=task, examples=examples)


def test_a_picture_is_explained_by_the_part_that_decides() -> None:
    picture = torch.rand(1, 1, 8, 8) * 0.2
    picture[:, :, :4, :4] = 1
    toy = _servable(_Corner(), Multiclass(classes=("dim", "bright")), picture, ("dim", "bright"))
    found = json.loads(json.dumps(explain(toy, picture)))
    assert (found["kind"], found["label"], found["of"]) == ("picture", "bright", "probability of bright")
    assert set(found["maps"]) == {"occlusion"}  # there is no convolution for Grad-CAM
    fallen = np.array(found["maps"]["occlusion"])
    assert fallen.shape == (8, 8)
    assert fallen[:4, :4].min() > 0
    assert np.allclose(fallen[4:, 4:], 0, atol=1e-6)
    shown = Image.open(io.BytesIO(base64.b64decode(found["picture"].partition(",")[2])))
    assert np.allclose(np.asarray(shown), (picture[0, 0] * 255).round().numpy())


def test_a_network_with_convolutions_has_grad_cam_too() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    toy = _servable(model, Multiclass(classes=3), torch.rand(4, 3, 12, 10), ("0", "1", "2"))
    found = explain(toy, between(toy.examples, 1, 2))
    assert set(found["maps"]) == {"occlusion", "Grad-CAM"}
    assert np.shape(found["maps"]["Grad-CAM"]) == (12, 10)


def test_large_pictures_cost_a_server_little() -> None:
    """Where Grad-CAM tells enough, no part is covered, since each costs a pass through the network."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    toy = _servable(model, Multiclass(classes=2), torch.rand(1, 1, 128, 128), ("0", "1"))
    assert set(explain(toy, toy.examples)["maps"]) == {"Grad-CAM"}


def test_numbers_are_explained_by_what_each_adds() -> None:
    model = nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[2.0, 0.0, -1.0]]))
    toy = _servable(model, Regression(), torch.tensor([[0.0, 1.0, 2.0], [1.0, 1.0, 4.0], [2.0, 1.0, 6.0]]))
    found = explain(toy, torch.tensor([[3.0, 5.0, 5.0]]))
    assert found["label"] is None
    by_name = {each["column"]: each for each in found["columns"]}
    assert by_name["number 1"]["usual"] == 1
    assert [by_name[f"number {n}"]["change"] for n in (1, 2, 3)] == pytest.approx([4, 0, -1], abs=1e-5)
    assert found["columns"][0]["column"] == "number 1"


def test_inputs_of_which_nothing_is_known_are_refused() -> None:
    toy = _servable(nn.Sequential(nn.Flatten(), nn.Linear(12, 1)), Regression(), torch.rand(2, 3, 4))
    with pytest.raises(ModelError, match="no explanation for inputs such as those of toy"):
        explain(toy, toy.examples[:1])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Servable:
    folder = tmp_path_factory.mktemp("table")
    draw = np.random.default_rng(0)
    weather = draw.choice(["rain", "sun", "sun"], 300)
    heat = draw.uniform(0, 30, 300).round(1)
    many = draw.choice([f"shop{number}" for number in range(30)], 300)
    sold = heat + 20 * (weather == "sun") + draw.normal(0, 1, 300)
    pl.DataFrame({"weather": weather, "heat": heat, "shop": many, "sold": sold}).write_csv(folder / "t.csv")
    launched = train(
        load("table"), {"file": str(folder / "t.csv"), "target": "sold", "epochs": 12}, out=str(folder / "runs")
    )
    assert launched.run is not None
    return load_servable(launched.run)


def test_a_row_is_explained_column_by_column_also_where_they_are_embedded(table: Servable, tmp_path: Path) -> None:
    assert table.reader is not None
    pl.DataFrame({"weather": ["rain"], "heat": [29.0], "shop": ["shop3"]}).write_csv(tmp_path / "one.csv")
    found = json.loads(json.dumps(explain(table, table.reader.read(tmp_path / "one.csv").inputs)))
    by_name = {each["column"]: each for each in found["columns"]}
    assert set(by_name) == {"weather", "heat", "shop"}
    assert (by_name["weather"]["value"], by_name["weather"]["usual"]) == ("rain", "sun")
    assert (by_name["heat"]["value"], by_name["shop"]["value"]) == (29.0, "shop3")
    assert by_name["weather"]["change"] < -1  # rain sells less than the usual sun
    assert by_name["heat"]["change"] > 1


def test_the_usual_row_changes_nothing(table: Servable, tmp_path: Path) -> None:
    assert table.reader is not None
    found = explain(table, between(table.examples, 0, 1))
    usual = {each["column"]: [each["usual"]] for each in found["columns"]}
    pl.DataFrame(usual).write_csv(tmp_path / "usual.csv")
    again = explain(table, table.reader.read(tmp_path / "usual.csv").inputs)
    assert all(abs(each["change"]) < 0.05 for each in again["columns"])


def test_a_forecast_is_explained_by_stretches_of_its_past(tmp_path: Path) -> None:
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 30), "1h", eager=True)
    wave = 50 + 30 * np.sin(2 * np.pi * np.arange(len(hours)) / 24)
    heat = np.random.default_rng(0).normal(size=len(hours)).round(2)
    file = tmp_path / "s.csv"
    pl.DataFrame({"time": hours, "load": wave.round(2), "heat": heat}).write_csv(file)
    given = {"file": str(file), "time": "time", "target": "load", "window": 48, "horizon": 6, "epochs": 1}
    launched = train(load("series"), given, out=str(tmp_path / "runs"))
    assert launched.run is not None
    served = load_servable(launched.run)
    found = json.loads(json.dumps(explain(served, between(served.examples, 0, 1))))
    assert (len(found["past"]), len(found["forecast"]), found["step"]) == (48, 6, "1 hour")
    starts, ends = [part["start"] for part in found["parts"]], [part["end"] for part in found["parts"]]
    assert [0, *ends] == [*starts, 48]
    assert all(part["change"] >= 0 for part in found["parts"])
    assert max(part["change"] for part in found["parts"]) > 0
    assert [each["column"] for each in found["columns"]] == ["heat"]
