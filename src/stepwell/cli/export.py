"""`stepwell export`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepwell.cli.console import say, show, starting, table
from stepwell.cli.failures import WrongUse
from stepwell.cli.resume import RUN
from stepwell.core.errors import suggest

if TYPE_CHECKING:
    from stepwell.deploy.export.folder import Exported

_FORMATS = ("torch", "onnx")
_TO = typer.Option(help="formats, with commas between: torch (torch.export, .pt2) and onnx", metavar="FORMATS")
_OUT = typer.Option(
    help="the folder to write, which is there afterwards only if all is well (default: exports/NAME)",
    show_default=False,
)
_CHECKPOINT = typer.Option(
    "--checkpoint", "--from", help="whose weights: best, last, or a step", metavar="best|last|step"
)
_FORCE = typer.Option(help="replace an export that is there already")


def export(
    run: Annotated[str, RUN],
    to: Annotated[str, _TO] = "torch,onnx",
    out: Annotated[Path | None, _OUT] = None,
    checkpoint: Annotated[str, _CHECKPOINT] = "best",
    force: Annotated[bool, _FORCE] = False,
) -> None:
    """Write a run's model as files that run without Stepwell, once they are found to answer as it does.

    Each file is compared with the model on held-out rows, in batches of 1, 2 and 7. Beside them stands model.json: inputs,
    classes, how columns of a table are given, versions. examples/onnx_client.py shows how to use them.
    """
    formats = _formats(to)
    with starting("reading the run and tracing its model"):
        from stepwell.cli.runs import checkpoint_name, find_run
        from stepwell.deploy.export.folder import check_place
        from stepwell.deploy.export.folder import export as write
        from stepwell.recipes.servable import load_servable

        found = find_run(run)
        place = out or Path("exports", found.folder.resolve().name)
        check_place(place, replace=force)
        exported = write(load_servable(found, checkpoint_name(checkpoint)), formats, place, replace=force)
    _tell(exported)


def _formats(to: str) -> Sequence[str]:
    names = list(dict.fromkeys(name.strip() for name in to.split(",") if name.strip()))
    wrong = next((name for name in names if name not in _FORMATS), None)
    if wrong is not None or not names:
        raise WrongUse(f"--to is {to!r}; it is one or both of {', '.join(_FORMATS)}.{suggest(wrong or '', _FORMATS)}")
    return names


def _tell(exported: "Exported") -> None:
    """The files with their sizes, differences and times, and how to use them."""
    from stepwell.data.tables.memory import human

    rows = [
        (each.file, human(each.size), f"{each.difference.largest:.2g}", f"{each.difference.tolerance:.2g}",
         f"{each.milliseconds:.3g}")
        for each in exported.artefacts
    ]  # fmt: skip
    columns = ("file", "size", "largest difference", "allowed", "ms a row")
    show(table(columns, [*rows, ("the run's model", "", "", "", f"{exported.milliseconds:.3g}")], right=columns[1:]))
    where = exported.folder / "model.json"
    say(f"Compared on {exported.rows} rows, in batches of 1, 2 and 7. What goes in and comes out: {where}")
