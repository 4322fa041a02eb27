import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.cli.main import main


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of moons, three epochs long, that nobody changes."""
    out = tmp_path_factory.mktemp("trained")
    assert (
        main(["train", "moons", "--epochs", "3", "--checkpoint-every-steps", "5", "--keep", "3", "--out", str(out)])
        == 0
    )
    [run] = out.iterdir()
    return run


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, called `runs/moons` as seen from the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(trained, "runs/moons"))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line; gives its exit code, its output, and what it said on standard error."""
    monkeypatch.delenv("COLUMNS", raising=False)  # which pytest-xdist sets: as in a pipe, output is 120 wide

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run
