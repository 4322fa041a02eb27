"""What holds for all tests."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

# Threads that wait for work should sleep, not spin: where several processes share two cores (pytest -n, or people), spinning
# ones make small networks 30 times slower. OpenMP reads this when torch is first imported, so it comes before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from hypothesis import settings
from jaxtyping import install_import_hook

# Under test, the shapes and dtypes that these modules are annotated with are checked at every call. The perceptrons are not
# among them: `insight.record` calls them with placeholders, which are no tensors.
install_import_hook(["stepwell.core.keys", "stepwell.models.digitnet"], "beartype.beartype")

# A deadline is a timing, and machines are shared: an example may be slow for reasons that are not the code's.
settings.register_profile("stepwell", deadline=None)
settings.load_profile("stepwell")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of moons, three epochs long, that nobody changes."""
    from stepwell.cli.main import main

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
    from stepwell.cli.main import main

    monkeypatch.delenv("COLUMNS", raising=False)  # which pytest-xdist sets: as in a pipe, output is 120 wide

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run
