"""`stepwell data`."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from stepwell.cli.app import new_app
from stepwell.cli.console import command, facts, say, show, starting, suggest_next, table
from stepwell.cli.failures import DONE, FAILED, WrongUse
from stepwell.cli.train import stopping
from stepwell.core.errors import DataError

if TYPE_CHECKING:
    from stepwell.data.catalogue import DataSet, FileStatus

data = new_app(help="List, download and check public data sets.")
_NAME = typer.Argument(help="a name of `stepwell data list`", metavar="NAME")
_STYLES = {"present": "green", "missing": "dim", "differs": "bold red"}


@data.command("list")
def list_sets() -> None:
    """List the data sets."""
    with starting():
        from stepwell.data.catalogue import CATALOGUE, data_folder
    rows = [(entry.name, _size(entry), _there(entry), entry.description, entry.licence) for entry in CATALOGUE.values()]
    show(table(("name", "size", "here", "what it is", "licence"), rows, right=("size",)))
    say()
    facts([("folder", data_folder())])
    suggest_next([(command("data", "get", next(iter(CATALOGUE))), "download it")])


@data.command()
def get(name: Annotated[str, _NAME]) -> None:
    """Download what is missing of a data set."""
    with starting():
        from stepwell.cli.download import Display
        from stepwell.data import catalogue
    entry, again = _find(name), command("data", "get", name)
    with stopping(lambda: f"Stopped; what came is kept. Go on with:\n  {again}"), Display() as display:
        folder = catalogue.get(name, display.advance)
    say(f"{name} is in {folder}")
    facts([("licence", entry.licence), ("about", entry.page)])


@data.command()
def check(name: Annotated[str | None, _NAME] = None) -> int:
    """Compare the files that are here with their checksums."""
    with starting():
        from stepwell.data import catalogue
    names = list(catalogue.CATALOGUE) if name is None else [_find(name).name]
    found = {one: catalogue.check(one) for one in names}
    rows = [(one, status.path.name, _state(status), _note(status)) for one in names for status in found[one]]
    show(table(("data set", "file", "state", ""), rows))
    counts = Counter(status.state for one in names for status in found[one])
    say()
    facts([("folder", catalogue.data_folder()), ("files", ", ".join(f"{n} {state}" for state, n in counts.items()))])
    if name is not None and counts["missing"]:
        suggest_next([(command("data", "get", name), "download what is missing")])
    return FAILED if counts["differs"] or (name is not None and counts["missing"]) else DONE


def _find(name: str) -> "DataSet":
    from stepwell.data import catalogue

    try:
        return catalogue.find(name)
    except DataError as error:
        raise WrongUse(str(error)) from None


def _size(entry: "DataSet") -> str:
    size = sum(file.published.bytes for file in entry.files)
    return f"{size / 1e6:,.1f} MB"


def _there(entry: "DataSet") -> Text:
    from stepwell.data.catalogue import data_folder

    there = sum((data_folder() / file.path).exists() for file in entry.files)
    if there == len(entry.files):
        return Text("all", style="green")
    return Text(f"{there} of {len(entry.files)}", style="dim")


def _state(status: "FileStatus") -> Text:
    return Text(status.state, style=_STYLES[status.state])


def _note(status: "FileStatus") -> str:
    return status.note if status.state != "missing" else ""
