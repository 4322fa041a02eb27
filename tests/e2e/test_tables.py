"""A CSV file in, an explained model out: the commands of a person who writes no Python."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stepwell.cli.main import main


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 sales: the price grows with the area and falls with the age; one district is dear; some ages are missing."""
    draw = np.random.default_rng(0)
    area, age = draw.uniform(20, 120, 300), draw.integers(0, 60, 300)
    district = draw.choice(["north", "south", "harbour"], 300)
    price = 3 * area - 1.5 * age + 60 * (district == "harbour") + draw.normal(0, 4, 300)
    known = [None if draw.random() < 0.05 else int(each) for each in age]
    path = tmp_path_factory.mktemp("shop") / "sales.csv"
    table = {"number": range(300), "area": area.round(2), "age": known, "district": district, "price": price.round(2)}
    pl.DataFrame(table).write_csv(path, separator=";")
    return path


@pytest.fixture(scope="module")
def run(shop: Path) -> Path:
    """A run of that table, trained by the command as a user types it, in another process."""
    words = [sys.executable, "-m", "stepwell", "train", "table", shop, "--target", "price", "--epochs", "40"]
    words += ["--hidden", "64", "--bins", "8", "--batch-size", "32", "--out", shop.parent / "runs"]
    ended = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, env={**os.environ})
    assert ended.returncode == 0, ended.stderr
    (folder,) = (shop.parent / "runs").iterdir()
    (folder / "said").write_text(ended.stdout)
    return folder


def test_the_guess_is_shown_before_training(run: Path) -> None:
    said = (run / "said").read_text()
    head, _, tail = said.partition("epoch ")
    for column, kind in {"number": "dropped", "area": "continuous", "age": "continuous", "district": "nominal"}.items():
        assert any(line.split()[:2] == [column, kind] for line in head.splitlines()), column
    assert "gradient boosting" in tail
    assert "constant" in tail


def test_a_network_finds_what_is_there(run: Path) -> None:
    measured = json.loads((run / "evaluation.json").read_text())
    compared = {one["name"]: one["metrics"] for one in json.loads((run / "baselines.json").read_text())["baselines"]}
    assert measured["split"] == "test"
    assert measured["metrics"]["r2"] > 0.9
    assert measured["metrics"]["rmse"] < compared["constant"]["rmse"] / 3
    assert set(compared) == {"constant", "linear model", "gradient boosting"}


def test_the_report_tells_the_whole_story(run: Path) -> None:
    page = (run / "report.html").read_text()
    for text in ("gradient boosting", "district", "one-hot", "area", "RMSE", "sales.csv", "--target price"):
        assert text in page, text
    assert len(page) < 3_000_000


def test_new_rows_are_predicted_without_the_old_table(run: Path, shop: Path, tmp_path: Path, capsys) -> None:
    new, out = tmp_path / "new.csv", tmp_path / "predictions.csv"
    new.write_text("district,area,age,note\nharbour,50,10,a\nnorth,50,10,b\nnorth,50,,c\n")
    hidden = shop.rename(shop.with_suffix(".gone"))
    try:
        assert main(["predict", str(run), str(new), "--out", str(out)]) == 0
    finally:
        hidden.rename(shop)
    found = pl.read_csv(out)
    assert found.columns == ["district", "area", "age", "note", "predicted price"]
    harbour, north, unknown = found["predicted price"].to_list()
    assert 30 < harbour - north < 90
    assert abs(unknown - north) < 60
    capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("district,area\nnorth,50\n", ("lacks 'age'", "trained with it")),
        ("district,area,age\nnorth,fifty,3\n", ("'area'", "fifty", "line 2")),
        ("", ("new.csv", "empty")),
    ],
)
def test_a_new_table_that_does_not_fit_is_refused(run: Path, tmp_path: Path, text: str, says, capsys) -> None:
    (tmp_path / "new.csv").write_text(text)
    assert main(["predict", str(run), str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv")]) == 1
    error = capsys.readouterr().err
    for part in says:
        assert part in error
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--target", "prize"), ("prize", "Did you mean 'price'?")),
        (("--target", "price", "--drop", "aera"), ("--drop", "aera", "Did you mean 'area'?")),
        (("--target", "price", "--time", "district"), ("district",)),
        (("--target", "price", "--task", "binary"), ("price",)),
        ((), ("--target",)),
    ],
)
def test_flags_that_do_not_fit_are_explained(shop: Path, tmp_path: Path, words, says, capsys) -> None:
    code = main(["train", "table", str(shop), *words, "--out", str(tmp_path / "runs")])
    assert code in (1, 2)
    error = capsys.readouterr().err
    for part in says:
        assert part in error
    assert "Traceback" not in error
    assert not (tmp_path / "runs").exists()
