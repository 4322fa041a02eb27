import os
import re
from pathlib import Path

import pytest

from stepwell.core.errors import DataError
from stepwell.data import catalogue
from stepwell.data.catalogue import CATALOGUE, DataFile, DataSet, Version, check, data_folder, find, get

SHARED = Path(os.environ.get("STEPWELL_DATA") or Path(__file__).parents[3] / ".." / "shared" / "data")
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of no bytes

FILES = [file for entry in CATALOGUE.values() for file in entry.files]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("STEPWELL_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def small(monkeypatch) -> DataSet:
    """A set of an empty file, of which a longer version will do, too."""
    longer = Version("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", 1, "the letter x")
    file = DataFile("small/file.txt", "http://127.0.0.1:1/file.txt", Version(NOTHING, 0), (longer,))
    entry = DataSet("small", "for tests", "none", "nowhere", (file,))
    monkeypatch.setitem(CATALOGUE, "small", entry)
    return entry


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_the_copies_for_tests_are_accepted(file, monkeypatch):
    if not (SHARED / file.path).exists():
        pytest.skip(f"{file.path} is not in the data folder; set STEPWELL_DATA to a folder that has it")
    monkeypatch.setenv("STEPWELL_DATA", str(SHARED))
    name = file.path.split("/")[0]
    status = next(status for status in check(name) if status.path == SHARED / file.path)
    assert status.state == "present"
    assert status.note == ("the same rows in another order" if name == "fashion-mnist" else "")
    sizes = {version.sha256: version.bytes for version in (file.published, *file.others)}
    assert status.path.stat().st_size in sizes.values()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_every_row_of_the_table_is_in_form(file):
    assert re.fullmatch(r"[\w-]+/[\w.-]+", file.path)
    assert file.url.startswith("https://")
    for version in (file.published, *file.others):
        assert re.fullmatch(r"[0-9a-f]{64}", version.sha256)
        assert version.bytes > 0


def test_files_lie_in_the_folder_of_their_set():
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert {file.path.split("/")[0] for file in entry.files} == {name}
    assert len({file.path for file in FILES}) == len(FILES)


def test_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("STEPWELL_DATA", "somewhere")
    assert data_folder() == Path("somewhere")
    monkeypatch.delenv("STEPWELL_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_folder() == tmp_path / "cache" / "stepwell"
    assert not (tmp_path / "cache").exists()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / ".cache" / "stepwell"


def test_an_unknown_name_gets_a_suggestion():
    assert find("wine").licence.startswith("CC BY")
    with pytest.raises(DataError, match=r"Unknown data set 'fashon_mnist'; known: .*wine.* mean 'fashion-mnist'\?"):
        get("fashon_mnist")


def test_check_tells_missing_present_and_different(folder, small):
    path = folder / "small" / "file.txt"
    assert [(s.state, s.note) for s in check("small")] == [("missing", "to be had from http://127.0.0.1:1/file.txt")]
    path.parent.mkdir()
    path.write_text("")
    assert [(s.path, s.state, s.note) for s in check("small")] == [(path, "present", "")]
    path.write_text("x")
    assert [(s.state, s.note) for s in check("small")] == [("present", "the letter x")]
    path.write_text("y")
    (status,) = check("small")
    assert status.state == "differs"
    assert f"published is {NOTHING}" in status.note


def test_get_fetches_what_is_missing_and_nothing_else(folder, small, monkeypatch):
    calls, told = [], []

    def fake(url, path, sha256, size, progress):
        calls.append((url, path, sha256, size))
        progress(3, 5)

    monkeypatch.setattr(catalogue, "fetch", fake)
    assert get("small", lambda *args: told.append(args)) == folder / "small"
    assert calls == [("http://127.0.0.1:1/file.txt", folder / "small" / "file.txt", NOTHING, 0)]
    assert told == [("small/file.txt", 3, 5)]
    (folder / "small").mkdir()
    (folder / "small" / "file.txt").write_text("x")
    get("small")
    assert len(calls) == 1


def test_get_refuses_half_a_file(folder, small):
    (folder / "small").mkdir()
    (folder / "small" / "file.txt").write_text("half")
    with pytest.raises(DataError, match=r"file.txt has 4 bytes, 0 or 1 are due.*Delete it, and ask again"):
        get("small")


def test_get_without_a_network_says_what_to_do(folder, small, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(DataError, match=r"Could not download file.txt from http://127.0.0.1:1/file.txt"):
        get("small")
