"""What commands print: results on standard output, all else on standard error.

Lines are never folded, so that paths and commands can be copied; tables keep to the width of the terminal.
"""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_WIDTH = 120  # of output that goes into a file or a pipe


def console(*, error: bool = False) -> Console:
    """The terminal, or the file, that standard output or standard error goes to."""
    made = Console(stderr=error, highlight=False, soft_wrap=True)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _WIDTH
    return made


def say(line: str = "", *, style: str = "", error: bool = False) -> None:
    """Print a line as it is."""
    console(error=error).print(Text(line, style=style))


def fail(message: str, *, label: str = "error") -> None:
    """Print a message on standard error, under a red label."""
    console(error=True).print(Text.assemble((f"{label}: ", "bold red"), message))


def warn(message: object) -> None:
    """Print a warning as one line on standard error."""
    console(error=True).print(Text.assemble(("warning: ", "bold yellow"), " ".join(str(message).split())))


def facts(rows: Sequence[tuple[str, object]]) -> None:
    """Print names, in a column, and what is to be said of each."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console().print(Text.assemble((f"{name:<{width}}  ", "dim"), str(value)))


def suggest_next(commands: Sequence[tuple[str, str]]) -> None:
    """Print commands that one may run next, and what each does: behind it, or where that is too wide, above it."""
    out = console()
    width = max(len(command) for command, _ in commands)
    beside = width + max(len(what) for _, what in commands) + 5 <= out.width
    say()
    say("Next:", style="dim")
    for command, what in commands:
        if beside:
            out.print(Text.assemble("  ", (f"{command:<{width}}", "cyan"), (f"   {what}", "dim")))
        else:
            out.print(Text.assemble((f"  {what}:\n", "dim"), "    ", (command, "cyan")))


def table(columns: Sequence[str], rows: Sequence[Sequence[str | Text]], *, right: Sequence[str] = ()) -> Table:
    """A table without lines; the columns named in `right` are numbers."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=number == 0 or column in right,
            style="bold" if number == 0 else "",
        )
    for row in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def show(renderable: RenderableType) -> None:
    """Print a table, in a file without the blanks at the ends of its lines."""
    out = console()
    with out.capture() as captured:
        out.print(renderable, soft_wrap=False)
    lines = captured.get().splitlines()
    print("\n".join(lines if out.is_terminal else map(str.rstrip, lines)))


@contextmanager
def starting(what: str = "loading torch") -> Iterator[None]:
    """Say on a terminal that something is under way which takes a few seconds, and take it away afterwards."""
    out = console(error=True)
    if "torch" in sys.modules or not out.is_terminal:
        yield
        return
    with out.status(Text(f"{what} …", style="dim"), spinner_style="dim"):
        yield


def command(*words: str | Path) -> str:
    """A command line of Stepwell, quoted where a shell needs it."""
    return shlex.join(["stepwell", *(str(word) for word in words)])
