"""What an entry of the gallery is, and how a function becomes one."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from matplotlib.figure import Figure

from stepwell.data.catalogue import data_folder


@dataclass(frozen=True)
class Entry:
    """A figure: its name, title and caption, the books' figures that it shows, the call that makes it, and what draws it."""

    name: str
    title: str
    caption: str
    shows: Sequence[str]
    call: str
    draw: Callable[[], Figure]
    needs: str
    slow: bool

    def missing(self) -> str:
        """The file or folder in the data folder that it needs and that is not there, or nothing."""
        return self.needs if self.needs and not data_path(self.needs).exists() else ""


@dataclass(frozen=True)
class Section:
    """Entries of one module, under its title."""

    title: str
    file: str
    entries: Sequence[Entry]


def entry(*shows: str, needs: str = "", slow: bool = False) -> Callable[[Callable[[], Figure]], Entry]:
    """Make a function without parameters an entry. Its docstring is the title and the caption, its last line the call.

    `shows` are the books' figures; `needs` is a path in the data folder; `slow` figures train for more than a moment.
    """

    def make(function: Callable[[], Figure]) -> Entry:
        title, _, caption = inspect.cleandoc(function.__doc__ or "").partition("\n\n")
        return Entry(function.__name__, title, caption, shows, _call(function), function, needs, slow)

    return make


def _call(function: Callable[[], Figure]) -> str:
    """The source of what the function returns."""
    source = textwrap.dedent(inspect.getsource(function))
    last = ast.parse(source).body[0].body[-1]  # type: ignore[attr-defined]
    if not isinstance(last, ast.Return):
        raise TypeError(f"{function.__name__} has to end with the call that makes the figure.")
    lines = source.splitlines()[last.lineno - 1 : last.end_lineno]
    return textwrap.dedent("\n".join(lines)).removeprefix("return ")


def section(module: ModuleType) -> Section:
    """The entries of a module, in their order; its docstring is the title."""
    title = inspect.cleandoc(module.__doc__ or "").split("\n", maxsplit=1)[0].rstrip(".")
    found = [value for value in vars(module).values() if isinstance(value, Entry)]
    return Section(title, module.__name__.rpartition(".")[2], found)


def data_path(name: str) -> Path:
    """A file of the data folder."""
    return data_folder() / name
