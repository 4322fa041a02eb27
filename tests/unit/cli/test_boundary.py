import warnings
from collections.abc import Callable, Iterator

import pytest

from stepwell.cli.boundary import guarded, quiet_warnings
from stepwell.cli.failures import Stopped, WrongUse
from stepwell.core.errors import RunError, StepwellWarning


def raising(error: BaseException) -> Callable[[], int]:
    def call() -> int:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RunError("No such run.\nMake one."), 1, "error: No such run.\nMake one.\n"),
        (WrongUse("No such flag."), 2, "error: No such flag.\n"),
        (Stopped("Go on with:\n  stepwell resume x"), 130, "\nGo on with:\n  stepwell resume x\n"),
        (KeyboardInterrupt(), 130, "Stopped.\n"),
    ],
)
def test_errors_become_a_few_lines(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error), ["list"], debug=False) == code
    assert capsys.readouterr() == ("", message)


def test_a_bug_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(KeyError("x")), ["train", "a b"], debug=False) == 1
    first, place, last = capsys.readouterr().err.splitlines()
    assert first == "error: KeyError: 'x'"
    assert place.endswith("raise error")
    assert last == "This is a bug, of Stepwell or of a recipe. The whole of it: stepwell --debug train 'a b'"


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(RunError("No such run.")), [], debug=True) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_only_the_leading_process_speaks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RANK", "1")
    assert guarded(raising(WrongUse("No such flag.")), [], debug=False) == 2
    assert guarded(raising(Stopped("Go on.")), [], debug=False) == 130
    assert capsys.readouterr().err == ""
    assert guarded(raising(RunError("Lost.\nMore.")), [], debug=False) == 1
    assert capsys.readouterr().err == "error in process 1: Lost.\n"


@pytest.fixture
def filters() -> Iterator[None]:
    with warnings.catch_warnings():
        yield


@pytest.mark.usefixtures("filters")
def test_warnings_of_stepwell_are_a_line_and_others_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_warnings(debug=False):
        warnings.warn("torch will change this", UserWarning, stacklevel=1)
        warnings.warn("No exact resume:\ngive a Loader.", StepwellWarning, stacklevel=1)
    assert capsys.readouterr() == ("", "warning: No exact resume: give a Loader.\n")
