from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from stepwell.data import catalogue
from stepwell.data.catalogue import DataFile, DataSet, Version

Said = Callable[..., tuple[int, str, str]]
_CONTENT = b"hello"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and a catalogue of one set that lies on this disk."""
    (tmp_path / "origin.txt").write_bytes(_CONTENT)
    version = Version(sha256(_CONTENT).hexdigest(), len(_CONTENT))
    file = DataFile("small/origin.txt", (tmp_path / "origin.txt").as_uri(), version)
    entry = DataSet("small", "a few bytes", "public domain", "https://example.org", (file,))
    monkeypatch.setattr(catalogue, "CATALOGUE", {"small": entry})
    monkeypatch.setenv("STEPWELL_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_list_get_check(folder: Path, said: Said) -> None:
    code, out, _ = said("data", "list")
    assert code == 0
    assert "0 of 1" in out
    assert f"folder  {folder}\n" in out
    assert said("data", "check", "small")[0] == 1
    code, out, err = said("data", "get", "small")
    assert (code, err) == (0, "small/origin.txt: 5 bytes\n")
    assert out.startswith(f"small is in {folder / 'small'}\n")
    assert (folder / "small" / "origin.txt").read_bytes() == _CONTENT
    code, out, _ = said("data", "check")
    assert code == 0
    assert "files   1 present\n" in out


def test_a_copy_that_differs(folder: Path, said: Said) -> None:
    (folder / "small").mkdir(parents=True)
    (folder / "small" / "origin.txt").write_text("other")
    code, out, _ = said("data", "check")
    assert code == 1
    assert "differs" in out
    assert "its SHA-256 is" in out


def test_an_unknown_set(said: Said) -> None:
    assert said("data", "get", "smal") == (
        2,
        "",
        "error: Unknown data set 'smal'; known: small. Did you mean 'small'?\n",
    )


def test_without_network(folder: Path, said: Said) -> None:
    folder.with_name("origin.txt").unlink()
    code, _, err = said("data", "get", "small")
    assert code == 1
    assert "By hand: get the file from that address on any machine, and put it into" in err


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    def interrupted(*_: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "get", interrupted)
    code, _, err = said("data", "get", "small")
    assert (code, err) == (130, "\nStopped; what came is kept. Go on with:\n  stepwell data get small\n")
