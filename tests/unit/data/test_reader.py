"""What strangers send, read from memory."""

import gzip
import json
import tempfile
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from stepwell.core.errors import DataError
from stepwell.data.images.reader import ImageReader
from stepwell.data.reader import read_bytes
from stepwell.data.series.fitting import fit_reader as fit_series
from stepwell.data.series.reader import SeriesReader
from stepwell.data.splits import split_random
from stepwell.data.tables.columns import choose_columns
from stepwell.data.tables.fitting import fit_reader as fit_table
from stepwell.data.tables.read import read_table
from stepwell.data.tables.reader import TableReader

PICTURES = ImageReader(title="P", classes=("a", "b"), size=(4, 6), channels=3, mean=(0.5,) * 3, std=(0.2,) * 3)
TABLE = "temp,season,cnt\n" + "".join(f"{i % 9 + 0.5},{'ab'[i % 2]},{3 * i}\n" for i in range(40))


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> TableReader:
    path = tmp_path_factory.mktemp("table") / "train.csv"
    path.write_text(TABLE)
    file = read_table(path)
    columns = choose_columns(file.frame, target="cnt")
    return fit_table(
        file, columns, "cnt", "auto", lambda file, _: split_random(len(file.frame), train=0.75, val=0.25, seed=1)
    )[0]


def hours(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "time": [(datetime(2011, 1, 3) + timedelta(hours=each)).isoformat(" ") for each in range(count)],
            "y": [round(100 + 10 * float(np.sin(each / 24 * 2 * np.pi)), 3) for each in range(count)],
            "temp": [each % 50 / 4 for each in range(count)],
        }
    )


@pytest.fixture(scope="module")
def series(tmp_path_factory) -> SeriesReader:
    path = tmp_path_factory.mktemp("series") / "train.csv"
    hours(24 * 30).write_csv(path)
    return fit_series(read_table(path), ("time",), "y", known=(), window=48, horizon=6, val=0.2, test=0.2)


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def png(pixels: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_a_picture_is_read_and_leaves_nothing_behind(temporary):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    reading = read_bytes(PICTURES, png(pixels), ".png")
    assert torch.equal(reading.inputs, torch.from_numpy(pixels).permute(2, 0, 1)[None])
    assert reading.rows["file"].to_list() == ["upload.png"]
    assert not list(temporary.iterdir())


def test_a_csv_file_is_read(table, temporary):
    reading = read_bytes(table, TABLE.encode(), ".csv")
    assert len(reading.rows) == 40
    assert not list(temporary.iterdir())


def test_errors_name_the_upload_and_no_folder_of_the_server(table, temporary):
    for reader, data, suffix, says in (
        (table, b"temp,cnt\n1,2\n", ".csv", "upload.csv lacks 'season'"),
        (table, b"temp,season,cnt\nwarm,a,1\n", ".csv", "upload.csv: Column 'temp' has the text 'warm' in line 2"),
        (PICTURES, b"no picture", ".png", "upload.png"),
        (table, b"", ".csv", "upload.csv is empty"),
    ):
        with pytest.raises(DataError, match=says) as caught:
            read_bytes(reader, data, suffix)
        assert str(temporary) not in str(caught.value)
    assert not list(temporary.iterdir())


def test_files_of_paths_are_not_read_for_strangers(temporary):
    (temporary / "secret.png").write_bytes(png(np.zeros((4, 6, 3), np.uint8)))
    with pytest.raises(DataError, match=r"'.csv' is given; images are read from .jpg"):
        read_bytes(PICTURES, f"file\n{temporary}/secret.png\n".encode(), ".csv")


@pytest.mark.parametrize("suffix", ["", ".png", "/../x.csv", ".exe"])
def test_other_suffixes_are_refused(table, suffix):
    with pytest.raises(DataError, match="table are read from|is given"):
        read_bytes(table, TABLE.encode(), suffix)


def test_compressed_tables_are_refused(table):
    with pytest.raises(DataError, match="compressed with gzip. Send it as it is"):
        read_bytes(table, gzip.compress(TABLE.encode()), ".csv")


def test_rows_by_column_are_read_without_a_file(table, temporary):
    found = read_bytes(table, json.dumps([{"temp": 3.5, "season": "a"}]).encode(), ".json")
    assert torch.equal(found.inputs, read_bytes(table, b"temp,season\n3.5,a\n", ".csv").inputs)
    with pytest.raises(DataError, match="images are read from files"):
        read_bytes(PICTURES, b'[{"file": "/etc/passwd"}]', ".json")


def test_a_series_by_rows_is_that_of_a_file(series):
    later = hours(60)
    found = read_bytes(series, json.dumps(later.to_dicts()).encode(), ".json")
    read = read_bytes(series, later.write_csv().encode(), ".csv")
    assert torch.equal(found.inputs["past"], read.inputs["past"])
    assert torch.equal(found.inputs["known"], read.inputs["known"])
    assert found.rows.equals(read.rows)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows[:20], "The series has 20 steps .* the network looks at 48"),
        (lambda rows: [{**row, "time": "soon"} for row in rows], "row 0.*soon|soon.*row 0"),
        (
            lambda rows: [{"tme": row["time"], "y": row["y"], "temp": 1} for row in rows],
            "lacks the column 'time'.* Did you mean 'tme'",
        ),
        (lambda rows: [{**row, "y": None} for row in rows], "y"),
        (lambda rows: [], "There are no rows"),
    ],
)
def test_a_series_that_cannot_be_read_is_told(series, change, says):
    with pytest.raises(DataError, match=says):
        series.of_records(change(hours(60).to_dicts()))
