"""The parts of the table recipe: split, network, baselines, what explains it, and a predictor without the data."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import log_loss, root_mean_squared_error

import stepwell as sw
from stepwell.core.errors import DataError
from stepwell.recipes.finish import finish
from stepwell.recipes.kinds import KINDS, part
from stepwell.recipes.launch import Launched, rebuild, train
from stepwell.recipes.predictor import load_predictor
from stepwell.recipes.recipe import load
from stepwell.recipes.tabular_baselines import baselines
from stepwell.recipes.tabular_flags import types_of
from stepwell.recipes.tabular_insight import insight
from stepwell.recipes.verify import verify

SMALL = {"hidden": [16], "bins": 4, "members": 2, "epochs": 60, "batch_size": 32, "learning_rate": 0.01}


def sales(path: Path, rows: int = 240) -> Path:
    """`y` is 10·x, and 30 more in one of 40 towns; `kind` has three classes by x; `big` tells whether x > 0.8."""
    draw = np.random.default_rng(1)
    x, town = draw.uniform(0, 1, rows).round(4), draw.integers(0, 40, rows)
    names = [f"town {number}" for number in town]
    y = (10 * x + 30 * (town == 7) + draw.normal(0, 0.1, rows)).round(4)
    kind = np.array(["low", "mid", "top"])[np.digitize(x, [0.4, 0.8])]
    table = {"x": x, "town": names, "y": y, "kind": kind, "big": np.where(x > 0.8, "yes", "no")}
    pl.DataFrame(table).write_csv(path)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sales(tmp_path_factory.mktemp("sales") / "sales.csv")


def of(file: Path, target: str, **more: Any) -> dict[str, Any]:
    others = [name for name in ("y", "kind", "big") if name != target]
    return {"file": str(file), "target": target, "drop": others, **SMALL, **more}


@pytest.fixture(scope="module")
def launched(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Launched:
    return train(load("table"), of(file, "y"), out=str(tmp_path_factory.mktemp("runs")))


def rows_of(experiment: sw.Experiment, side: str) -> sw.Batch:
    source = getattr(experiment.data, side)
    return source.batch(torch.arange(len(source)), None)


def as_numbers(experiment: sw.Experiment, side: str) -> np.ndarray:
    inputs = rows_of(experiment, side).inputs
    return np.concatenate([inputs["numbers"].numpy(), inputs["codes"].numpy()], 1)


def test_every_kind_has_its_parts() -> None:
    for name in KINDS:
        assert part(name, "reader").kind == name
        assert all(callable(part(name, each)) for each in ("baselines", "insight"))


def test_baselines_are_scikit_learns_on_the_same_rows(file: Path) -> None:
    experiment = load("table").build(of(file, "y"))
    found = {each["name"]: each["metrics"] for each in baselines(experiment, "test")}
    x, held_out = as_numbers(experiment, "train"), as_numbers(experiment, "test")
    y, truth = (rows_of(experiment, side).targets[:, 0].numpy() for side in ("train", "test"))
    boosted = HistGradientBoostingRegressor(categorical_features=[1], random_state=0).fit(x, y).predict(held_out)
    assert found["gradient boosting"]["rmse"] == pytest.approx(root_mean_squared_error(truth, boosted), rel=1e-5)
    assert found["constant"]["rmse"] == pytest.approx(
        root_mean_squared_error(truth, np.full(len(truth), y.mean())), rel=1e-5
    )
    assert set(found["constant"]) == {"loss", "mae", "rmse", "r2"}


def test_the_constant_of_classes_is_their_share(file: Path) -> None:
    experiment = load("table").build(of(file, "kind"))
    (constant, *_) = baselines(experiment, "test")
    y, truth = rows_of(experiment, "train").targets.numpy(), rows_of(experiment, "test").targets.numpy()
    shares = np.bincount(y) / len(y)
    due = log_loss(truth, np.tile(shares, (len(truth), 1)), labels=[0, 1, 2])
    assert constant["metrics"]["loss"] == pytest.approx(due, rel=1e-5)
    assert constant["metrics"]["accuracy"] == pytest.approx((truth == shares.argmax()).mean())


def test_binary_baselines_rank(file: Path) -> None:
    found = {each["name"]: each["metrics"] for each in baselines(load("table").build(of(file, "big")), "test")}
    assert found["gradient boosting"]["roc_area"] > 0.95
    assert found["constant"]["roc_area"] == pytest.approx(0.5)


def test_insight_names_what_matters(launched: Launched) -> None:
    found = insight(launched.training.experiment, "test")
    order = [each["column"] for each in found["importance"]["columns"]]
    assert sorted(order) == ["town", "x"]
    curve = next(each for each in found["dependence"] if each["column"] == "x")
    assert curve["y"][-1] - curve["y"][0] == pytest.approx(9, abs=3)  # 0.9 of the range of x, at 10 a unit
    assert curve["of"] == "prediction of y"


def test_a_column_set_to_a_value_is_the_row_with_that_value(launched: Launched, file: Path) -> None:
    """The quick way (put the encoded value among the inputs) equals encoding a changed table."""
    from stepwell.recipes.tabular_insight import _variants

    reader = launched.training.experiment.reader
    frame = pl.read_csv(file).head(20)
    inputs = reader.encoding.encode(frame).inputs
    for column, values in {"town": ["town 7", "town 3", "nowhere"], "x": [0.1, 0.9]}.items():
        quick = list(_variants(reader, inputs, pl.Series(column, values)))
        for value, found in zip(values, quick, strict=True):
            due = reader.encoding.encode(frame.with_columns(pl.lit(value).alias(column))).inputs
            torch.testing.assert_close(found, due)


def test_a_predictor_answers_as_the_training_did(launched: Launched, file: Path) -> None:
    predictor = load_predictor(launched.run)
    reading = predictor.read(file)
    answers = [answer["values"]["y"] for answer in predictor.answers(reading.inputs)]
    experiment = launched.training.experiment
    due = sw.predict(experiment.model, experiment.task, experiment.reader.encoding.encode(pl.read_csv(file)).inputs)
    np.testing.assert_array_equal(np.float32(answers), due[:, 0].numpy())


def test_a_recipe_of_ones_own_predicts_through_its_data(file: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "from stepwell.recipes.table import table\n\n\n"
        "def mine(*, epochs: int = 1):\n"
        f'    return table("{file}", target="y", drop=("kind", "big"), hidden=(8,), bins=0, epochs=epochs)\n'
    )
    made = train(load(f"{own}:mine"), {}, out=str(tmp_path / "runs"))
    assert len(load_predictor(made.run).answers(load_predictor(made.run).read(file).inputs)) == 240


def test_what_explains_a_run_is_made_once(launched: Launched) -> None:
    run = launched.run
    kept = run.folder / "baselines.json"
    changed = json.loads(kept.read_text())
    changed["baselines"][0]["name"] = "kept"
    kept.write_text(json.dumps(changed))
    finish(run, rebuild(run))
    assert ">kept<" in (run.folder / "report.html").read_text()
    kept.write_text(json.dumps({**changed, "of": {"split": "val"}}))
    finish(run, rebuild(run))
    assert ">kept<" not in (run.folder / "report.html").read_text()


def test_copies_are_kept_together_on_request(tmp_path: Path) -> None:
    table = pl.read_csv(sales(tmp_path / "once.csv", 60))
    pl.concat([table, table]).write_csv(tmp_path / "twice.csv")
    apart = load("table").build(of(tmp_path / "twice.csv", "y"))
    together = load("table").build(of(tmp_path / "twice.csv", "y", copies="together"))
    for experiment, shared in ((apart, True), (together, False)):
        sides = {side: set((rows % 60).tolist()) for side, rows in experiment.data.split.rows.items()}
        assert bool(sides["train"] & sides["test"]) is shared
    assert any("--copies together" in warning for warning in apart.reader.warnings)


def test_groups_stay_together_and_are_no_feature(tmp_path: Path) -> None:
    experiment = load("table").build(of(sales(tmp_path / "sales.csv"), "y", group="town"))
    towns = pl.read_csv(tmp_path / "sales.csv")["town"]
    sides = [set(towns[rows.numpy()].to_list()) for rows in experiment.data.split.rows.values()]
    assert not set.intersection(*sides)
    assert "town" not in experiment.reader.encoding.columns


def test_types_are_pairs() -> None:
    assert types_of(("zip:text", "a:b:date")) == {"zip": "text", "a:b": "date"}
    with pytest.raises(DataError, match="column:type, such as zip:text; given: 'zip'"):
        types_of(("zip",))


def test_a_table_resumes_to_the_bit(file: Path) -> None:
    """With embedded categories, dropout and several members, on as many threads as there are."""
    assert verify(load("table"), of(file, "y", hidden=[128], members=3, batch_size=64), steps=40).same


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"members": 0}, "--members is 0; 1 or more is due"),
        ({"hidden": [8, 0]}, "--hidden is 0; 1 or more is due"),
        ({"dropout": 1.5}, r"--dropout is 1.5; 0 to 0.99 is due"),
        ({"batch_size": 0}, "--batch-size is 0; 1 or more is due"),
        ({"learning_rate": -1.0}, "--learning-rate is -1; 1e-12 or more is due"),
        ({"val": 0.6, "test": 0.6}, "--val 0.6 and --test 0.6 leave no rows to train on"),
        ({"group": "town", "copies": "together"}, "--group and --copies each say how to split"),
        ({"group": "twon"}, "--group names 'twon'.*Did you mean 'town'"),
        ({"group": "y"}, "--group and --target both name 'y'"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(file: Path, flags: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        load("table").build(of(file, "y", **flags))


@pytest.mark.parametrize(("epochs", "rows"), [(1, 20), (2, 160), (10, 10), (1, 3200)])
def test_any_number_of_updates_has_a_schedule(tmp_path: Path, epochs: int, rows: int) -> None:
    """torch's OneCycleLR divides by nothing where its rise is one step."""
    draw = np.random.default_rng(0).normal(size=(rows + 40, 2))
    pl.DataFrame(draw, schema=["x", "y"]).write_csv(tmp_path / "small.csv")
    settings = {"hidden": [4], "bins": 0, "epochs": epochs, "batch_size": 32, "val": 0.2, "test": 0.2}
    made = train(
        load("table"), {"file": str(tmp_path / "small.csv"), "target": "y", **settings}, out=str(tmp_path / "r")
    )
    assert made.training.epochs == epochs


def test_a_rare_class_is_not_judged_by_accuracy(file: Path) -> None:
    assert load("table").build(of(file, "big")).watched == ("loss", "min")
