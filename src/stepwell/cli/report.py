"""`stepwell report`."""

import webbrowser
from typing import Annotated

import typer

from stepwell.cli.console import say, starting
from stepwell.cli.resume import RUN


def report(
    run: Annotated[str, RUN],
    show: Annotated[bool, typer.Option("--open", help="show it in a browser")] = False,
) -> None:
    """Write a run's report anew.

    A run that was trained to its end needs neither its data nor its model for it.
    """
    with starting("writing the report"):
        from stepwell.cli.runs import find_run, relative
        from stepwell.recipes import launch
        from stepwell.recipes.finish import finish, write_report
        from stepwell.recipes.status import check_trained

        found = find_run(run)
        if not write_report(found):
            check_trained(found)
            finish(found, launch.rebuild(found))
    path = found.folder / "report.html"
    say(str(relative(path)))
    if show and not webbrowser.open(path.resolve().as_uri()):
        say("There is no browser to open it with.", error=True)
