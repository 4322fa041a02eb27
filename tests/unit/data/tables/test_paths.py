import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest

from stepwell.core.errors import DataError
from stepwell.data.tables.paths import first_bytes, is_gzip, table_kind


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        table_kind(path)
    return str(caught.value)


def test_the_first_bytes_tell_and_not_the_name(tmp_path):
    path = tmp_path / "table.csv"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    assert table_kind(path) == "parquet"
    path.write_text("a,b\n")
    assert table_kind(path) == "text"
    path.write_bytes(gzip.compress(b"a,b\n"))
    assert table_kind(path) == "text"
    assert is_gzip(path)
    assert first_bytes(path, 2) == b"a,"


def test_a_missing_file_and_its_neighbours(tmp_path, monkeypatch):
    (tmp_path / "hours.csv").write_text("a\n1\n")
    assert refusal(tmp_path / "hour.csv") == f"There is no file {tmp_path}/hour.csv. Did you mean 'hours.csv'?"
    assert refusal(tmp_path / "no" / "x.csv").endswith(f"Nor is there a folder {tmp_path}/no.")
    monkeypatch.chdir(tmp_path)
    assert refusal(Path("zzz")) == f"There is no file zzz. Paths start from {tmp_path}."


def test_a_name_that_no_system_takes(tmp_path):
    assert "cannot be read: File name too long" in refusal(tmp_path / ("x" * 300))


def test_a_folder_shows_its_tables(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is a folder, but one table is expected."
    for name in ("b.csv", "a.parquet", "c.jpg"):
        (tmp_path / name).write_text("x")
    assert refusal(tmp_path).endswith("Tables in it: a.parquet, b.csv.")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04....", "begins as a ZIP archive, but cannot be opened: it is cut off or damaged."),
        (b"\x89PNG\r\n", "a PNG image. A table as CSV or Parquet is expected."),
        (b"\xef\xbb\xbf <!DOCTYPE HTML>", "a web page"),
        (b"<html lang='en'>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b'{"a": 1}', "looks like JSON"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n \n", "is empty"),
    ],
)
def test_what_is_no_table(tmp_path, content, what):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    assert what in refusal(path)


def test_a_whole_archive_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "table.csv", "w") as archive:
        archive.writestr("a.csv", "x")
    assert "is a ZIP archive or an Excel workbook. A table as CSV" in refusal(tmp_path / "table.csv")


def test_text_named_parquet(tmp_path):
    path = tmp_path / "table.parquet"
    path.write_text("a,b\n1,2\n")
    assert "does not begin as Parquet does" in refusal(path)


def test_damaged_gzip(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(b"\x1f\x8b" + b"x" * 20)
    assert "compressed with gzip, but damaged" in refusal(path)
