"""Whole commands, each in a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_STEPWELL = [sys.executable, "-m", "stepwell"]
_TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def command(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_STEPWELL, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_looking_around_does_not_load_torch() -> None:
    code = (
        "import sys; from stepwell.cli.main import main;"
        "assert main(['--help']) == main(['list']) == main(['train', '--help']) == 0;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60).returncode == 0


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A training that got Ctrl-C in the middle: its folder, exit code, and what it said."""
    folder = tmp_path_factory.mktemp("stopped")
    words = [*_STEPWELL, "train", "moons", "--epochs", "100000"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()  # the first epoch's
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    return folder, process.returncode, err


def test_ctrl_c_saves_and_says_how_to_go_on(stopped: tuple[Path, int, str]) -> None:
    folder, code, err = stopped
    [run] = (folder / "runs").iterdir()
    assert code == 130
    first, second = err.strip().splitlines()
    assert first.startswith("Stopped at step ")
    assert first.endswith(f"in runs/{run.name}. Go on with:")
    assert second == f"  stepwell resume runs/{run.name}"
    assert [path.name for path in (run / "checkpoints").iterdir() if path.name.startswith(".")] == []


def test_that_run_goes_on_to_its_end(stopped: tuple[Path, int, str]) -> None:
    folder = stopped[0]
    [run] = (folder / "runs").iterdir()
    epochs = len((run / "history.jsonl").read_text().splitlines())
    done = command("resume", f"runs/{run.name}", "--epochs", str(epochs + 2), folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"of {epochs + 2}\n" in done.stdout
    assert len((run / "history.jsonl").read_text().splitlines()) == epochs + 2


def test_sigterm_is_as_ctrl_c(tmp_path: Path) -> None:
    words = [*_STEPWELL, "train", "moons", "--epochs", "100000"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Go on with:\n  stepwell resume runs/moons-" in err


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    words = [*_TORCHRUN, "-m", "stepwell", "train", "digits", "--epochs", "1", "--channels", "4"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reached  validation accuracy") == 1
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_a_reader_that_has_enough_gets_no_traceback(tmp_path: Path) -> None:
    words = f"{sys.executable} -m stepwell list | true"
    done = subprocess.run(words, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
