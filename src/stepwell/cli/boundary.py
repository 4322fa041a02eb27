"""The edge between Stepwell and its user: every error becomes a few lines and an exit code, every warning one line."""

import os
import shlex
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType

from stepwell.cli.console import fail, say, warn
from stepwell.cli.failures import FAILED, INTERRUPTED, WRONG_USE, Stopped, WrongUse
from stepwell.core.errors import StepwellError, StepwellWarning


def guarded(call: Callable[[], int], words: Sequence[str], *, debug: bool) -> int:
    """The exit code of a call, whatever comes of it. `words` are what the user typed after `stepwell`."""
    try:
        code = call()
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place that can tell the user
        if debug:
            traceback.print_exc()
        return _tell(error, words)
    if code == INTERRUPTED and _leads():
        say("Stopped.", error=True)
    return code


def _tell(error: Exception, words: Sequence[str]) -> int:
    code = WRONG_USE if isinstance(error, WrongUse) else FAILED
    message = str(error) if isinstance(error, StepwellError) else _bug(error, words)
    if isinstance(error, Stopped):
        code = INTERRUPTED
        if _leads():
            say(f"\n{message}", error=True)
    elif _leads():
        fail(message)
    elif code == FAILED:  # the leading process most likely says the same, but only most likely
        fail(message.partition("\n")[0], label=f"error in process {os.environ['RANK']}")
    return code


def _leads() -> bool:
    """Whether this is the first of the processes that torchrun started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def _bug(error: Exception, words: Sequence[str]) -> str:
    """What to say of an error that nobody foresaw."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = _place(error.__traceback__)
    return (
        f"{what.partition(chr(10))[0]}\n  {place}\nThis is a bug, of Stepwell or of a recipe. The whole of it:"
        f" {shlex.join(['stepwell', '--debug', *words])}"
    )


def _place(trace: TracebackType | None) -> str:
    """The innermost line that is not a library's."""
    frames = traceback.extract_tb(trace)
    libraries, own = sysconfig.get_paths()["purelib"], str(Path(__file__).parents[1])
    told = [
        f for f in frames if f.filename.startswith(own) or not f.filename.startswith((libraries, sys.base_prefix, "<"))
    ]
    frame = (told or frames)[-1]
    return f"{frame.filename}:{frame.lineno}: {frame.line}"


@contextmanager
def quiet_warnings(*, debug: bool) -> Iterator[None]:
    """Show Stepwell's warnings as one line, and the others only where the user debugs."""
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
            warnings.simplefilter("default", StepwellWarning)
            warnings.showwarning = lambda message, *place: warn(message) if _leads() else None
        yield


def never_fail_to_print() -> None:
    """Print a question mark where a terminal's encoding lacks a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
