import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data.splits import split_by_time, split_random, split_stratified
from stepwell.data.tables.columns import choose_columns
from stepwell.data.tables.fitting import fit_reader
from stepwell.data.tables.read import read_table
from stepwell.data.tables.reader import TableReader

ROWS = 120


def written(path: Path, frame: pl.DataFrame, separator=",") -> Path:
    frame.write_csv(path, separator=separator)
    return path


@pytest.fixture
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    temp = rng.normal(20, 4, ROWS).round(2)
    return pl.DataFrame(
        {
            "temp": temp,
            "season": [1 + i % 4 for i in range(ROWS)],
            "zip": [f"{(37 * i) % 50:05d}" for i in range(ROWS)],
            "note": [f"day {i}" for i in range(ROWS)],
            "cnt": (3 * temp + rng.normal(0, 9, ROWS)).round(3),
        }
    )


def fitted(path: Path, target="cnt", task="auto", split=None, **flags):
    file = read_table(path)
    columns = choose_columns(file.frame, target=target, **flags)
    return fit_reader(
        file,
        columns,
        target,
        task,
        split or (lambda file, _: split_random(len(file.frame), train=0.75, val=0.25, seed=1)),
    )


@pytest.fixture
def reader(tmp_path, frame) -> TableReader:
    return fitted(written(tmp_path / "train.csv", frame), nominal=["zip"])[0]


def kept(reader: TableReader) -> TableReader:
    return TableReader.from_json(json.loads(json.dumps(reader.to_json())))


def test_a_table_becomes_rows_by_side(tmp_path, frame):
    reader, data = fitted(written(tmp_path / "t.csv", frame))
    assert (len(data.train), len(data.val)) == (90, 30)
    batch = data.val.batch(torch.arange(30), Key(0))
    assert torch.equal(batch.targets[:, 0], torch.tensor(frame["cnt"].to_list())[batch.index])
    assert reader.target.mean == pytest.approx(frame["cnt"].to_numpy()[data.split.rows["train"]].mean(), rel=1e-6)
    assert reader.frame.equals(frame.cast({"zip": reader.frame.schema["zip"]}))


def test_a_kept_reader_reads_new_rows_as_the_training_rows_were(tmp_path, frame, reader):
    again = kept(reader)
    assert again.to_json() == reader.to_json()
    new = written(tmp_path / "new.csv", frame[5:9].drop("cnt", "note").select("zip", "season", "temp"))
    reading = again.read(new)
    ours = reader.encoding.encode(reader.frame[5:9]).inputs
    assert torch.equal(reading.inputs["numbers"], ours["numbers"])
    assert torch.equal(reading.inputs["codes"], ours["codes"])
    assert reading.rows.columns == ["zip", "season", "temp"]
    assert len(reading.rows) == 4


def test_text_that_looks_like_numbers_stays_text(tmp_path):
    frame = pl.DataFrame({"k": ["007", "x1", "007", "010"] * 10, "y": np.arange(40) / 3})
    reader, _ = fitted(written(tmp_path / "t.csv", frame), target="y")
    new = reader.read(written(tmp_path / "new.csv", pl.DataFrame({"k": ["007", "010"]})))
    assert new.inputs.argmax(1).tolist() == [0, 1]
    assert new.notes == ()


def test_leading_zeros_come_back_in_predictions(tmp_path):
    frame = pl.DataFrame({"zip": ["04907", "10115", "80331"] * 14, "y": np.arange(42) / 3})
    reader, _ = fitted(written(tmp_path / "t.csv", frame), target="y")
    assert any("--types zip:integer if they are numbers" in note for note in reader.notes)
    assert reader.columns[0].kind == "nominal"
    reading = reader.read(written(tmp_path / "new.csv", frame[:2]))
    answered = reader.answered(reading, [{"values": {"y": 1.0}}] * 2)
    assert answered.write_csv().splitlines()[1].startswith("04907,")
    assert reading.notes == ()


def test_a_column_of_numbers_may_have_leading_zeros_later(tmp_path):
    frame = pl.DataFrame({"k": [i * i for i in range(40)], "y": np.arange(40) / 3})
    reader, _ = fitted(written(tmp_path / "t.csv", frame), target="y")
    padded = reader.read(written(tmp_path / "new.csv", pl.DataFrame({"k": ["007", "010"]})))
    assert torch.equal(padded.inputs, reader.encoding.encode(pl.DataFrame({"k": [7, 10]})).inputs)


def test_markers_of_missing_values_mean_the_same_in_parquet(tmp_path):
    frame = pl.DataFrame({"k": ["a", "b", " NA", "?"] * 10, "y": np.arange(40) / 3})
    reader, _ = fitted(written(tmp_path / "t.csv", frame), target="y")
    frame.write_parquet(tmp_path / "t.parquet")
    text, parquet = reader.read(tmp_path / "t.csv"), reader.read(tmp_path / "t.parquet")
    assert torch.equal(text.inputs, parquet.inputs)
    assert "Column 'k' has 20 missing values (10 × 'NA', 10 × '?')." in parquet.notes


def test_dates_that_do_not_split_the_rows_are_noted(tmp_path):
    days = [f"{1 + i % 28:02}.{1 + i // 28:02}.2020" for i in range(60)]
    frame = pl.DataFrame({"the day": days, "a": np.arange(60) % 13 / 3, "y": np.arange(60) / 3})
    path = written(tmp_path / "t.csv", frame)
    hint = "The rows have times (the day): --time 'the day' holds out the latest, as in real use."
    assert any("may be a date" in note for note in fitted(path, target="y")[0].notes)
    assert fitted(path, target="y", time="the day")[0].notes == (hint,)

    def by_time(file, _):
        return split_by_time(np.arange(len(file.frame)), train=0.75, val=0.25)

    assert fitted(path, target="y", split=by_time, time="the day")[0].notes == ()


def test_a_new_table_may_be_written_otherwise(tmp_path, frame, reader):
    first = reader.read(written(tmp_path / "a.csv", frame[:6])).inputs
    semicolons = reader.read(written(tmp_path / "b.csv", frame[:6], separator=";")).inputs
    frame[:6].write_parquet(tmp_path / "c.parquet")
    parquet = reader.read(tmp_path / "c.parquet").inputs
    for other in (semicolons, parquet):
        assert all(torch.equal(first[name], other[name]) for name in first)


def test_unusual_rows_are_noted(tmp_path, frame, reader):
    new = frame[:3].with_columns(season=pl.Series([5, 5, 1]), temp=pl.Series([20.0, 900.0, 21.0]))
    notes = reader.read(written(tmp_path / "new.csv", new)).notes
    assert any(note.startswith("temp: 1 row has a value far outside") for note in notes)
    assert 'season: 2 rows have the category "5", unseen in training' in notes


def test_a_lacking_column_is_named_with_the_nearest(tmp_path, frame, reader):
    path = written(tmp_path / "new.csv", frame.rename({"temp": "temq"}))
    with pytest.raises(
        DataError, match=r"new.csv lacks 'temp'; the network was trained with it\. Did you mean 'temq'\?"
    ):
        reader.read(path)


def test_text_in_a_column_of_numbers_is_named_with_file_and_line(tmp_path, reader):
    path = tmp_path / "new.csv"
    path.write_text("temp,season,zip\n1.5,2,00001\nwarm,3,00002\n")
    with pytest.raises(DataError, match=r"new.csv.*(line 3.*'warm'|'warm'.*line 3)"):
        reader.read(path)


def test_a_file_that_is_not_there_is_named(tmp_path, reader):
    with pytest.raises(DataError, match="There is no file"):
        reader.read(tmp_path / "nothing.csv")


def test_answers_stand_beside_their_rows(tmp_path, frame, reader):
    reading = reader.read(written(tmp_path / "new.csv", frame[:2]))
    answered = reader.answered(reading, [{"values": {"cnt": 1.5}}, {"values": {"cnt": 2.5}}])
    assert answered.columns == [*frame.columns, "predicted cnt"]
    assert answered["predicted cnt"].to_list() == [1.5, 2.5]
    assert answered["cnt"].to_list() == frame["cnt"][:2].to_list()
    again = reader.answered(replace(reading, rows=answered), [{"values": {"cnt": 0.0}}] * 2)
    assert again.columns[-2:] == ["predicted cnt", "predicted cnt (new)"]


def test_classes_are_answered_with_their_probabilities(tmp_path, frame):
    path = written(tmp_path / "t.csv", frame.with_columns(cnt=pl.Series(["lo", "hi"] * (ROWS // 2))))
    reader, data = fitted(
        path, split=lambda file, target: split_stratified(target.encode(file.frame)[:, 0], train=0.8, val=0.2, seed=0)
    )
    assert data.train.batch(torch.arange(4), Key(0)).targets.shape == (4, 1)
    reading = reader.read(path)
    answers = [{"label": "lo", "probabilities": {"hi": 0.25, "lo": 0.75}}] * ROWS
    answered = reader.answered(reading, answers)
    assert answered.columns[-3:] == ["predicted cnt", "probability of hi", "probability of lo"]
    assert answered.row(0)[-3:] == ("lo", 0.25, 0.75)


def test_rows_without_a_target_are_left_out_and_keep_their_numbers(tmp_path, frame):
    path = written(tmp_path / "t.csv", frame.with_columns(cnt=pl.when(pl.col("season") > 1).then("cnt")))
    reader, data = fitted(path)
    rows = torch.cat(list(data.split.rows.values()))
    assert len(rows) == 90
    assert not (rows % 4 == 0).any()
    batch = data.train.batch(torch.arange(60), Key(0))
    assert torch.equal(batch.targets[:, 0], torch.tensor(frame["cnt"].to_list())[batch.index])
    assert reader.warnings[0] == "cnt: 30 rows (25 %) have no target (line 2, 6, 10, …) and are left out"
    assert reader.missing == {"cnt": 30}


def test_facts_are_plain_and_name_every_column(reader):
    facts = reader.facts()
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["kind"], facts["target"], facts["task"], facts["rows"]) == ("table", "cnt", "regression", ROWS)
    assert [column["column"] for column in facts["columns"]] == ["temp", "season", "zip", "note"]
    assert {"column", "kind", "encoding", "levels", "missing", "why"} == set(facts["columns"][0])
    assert [column["levels"] for column in facts["columns"]] == [None, 4, len(reader.encoding.encoders[2].levels), None]
    assert facts["features"] == ["temp", "season=1", "season=2", "season=3", "season=4"]
    assert facts["suspects"] == []
    assert [warning.split()[:3] for warning in facts["warnings"]] == [["zip", "has", "49"]]
    assert facts["columns"][3]["why"].startswith("a different text in every row")


def test_a_bad_target_is_named_with_its_file(tmp_path, frame):
    path = written(tmp_path / "t.csv", frame.with_columns(cnt=pl.lit(4)))
    with pytest.raises(DataError, match=r"t\.csv: The target 'cnt' is '4' in every row"):
        fitted(path)


def test_leaks_are_warnings_and_suspects(tmp_path, frame):
    path = written(tmp_path / "t.csv", frame.with_columns(twice=2 * pl.col("cnt")))
    reader, _ = fitted(path)
    assert reader.suspects == ("twice",)
    assert kept(reader).warnings[0].startswith("twice predicts cnt nearly alone")
