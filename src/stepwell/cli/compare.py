"""`stepwell compare`."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from stepwell.cli.console import command, say, show, starting, table, warn
from stepwell.cli.failures import WrongUse

if TYPE_CHECKING:
    from stepwell.reports.rivals import Rival
    from stepwell.runs import Run

_MOST, _MOST_METRICS = 8, 4
_RUNS = typer.Argument(help="two to eight run folders", metavar="RUN")
_OUT = typer.Option(help="the page to write (default: compare.html beside the first run)", metavar="FILE")


def compare(
    runs: Annotated[list[str] | None, _RUNS] = None,
    out: Annotated[Path | None, _OUT] = None,
    open_it: Annotated[bool, typer.Option("--open", help="show the page in a browser")] = False,
) -> None:
    """Put runs side by side: what differs, what each reached, their curves on one page."""
    given = runs or []
    if not 2 <= len(given) <= _MOST:
        raise WrongUse(
            f"A comparison takes two to {_MOST} runs, given: {len(given)}. {command('compare')} RUN RUN [RUN …]"
        )
    with starting("comparing"):
        from stepwell.cli.runs import find_run, relative
        from stepwell.reports.compare import render_comparison
        from stepwell.runs.files import write_text

        found = [find_run(run) for run in given]
        _check_different(given, found)
        rivals = [_rival(run, name) for run, name in zip(found, _names(found), strict=True)]
        path = out or found[0].folder.parent / "compare.html"
        write_text(path, render_comparison(rivals))
    _tell(rivals)
    say(f"\n{relative(path)}")
    if open_it and not webbrowser.open(path.resolve().as_uri()):
        say("There is no browser to open it with.", error=True)


def _check_different(given: Sequence[str], found: Sequence["Run"]) -> None:
    """Refuse, with `WrongUse`, a run that is given twice, also by two ways of writing it."""
    folders = [run.folder.resolve() for run in found]
    for place, folder in enumerate(folders):
        if folder in folders[:place]:
            raise WrongUse(f"{given[place]} is given twice; a comparison takes different runs.")


def _names(runs: Sequence["Run"]) -> list[str]:
    """The runs' names, or where two are alike, their folders."""
    from stepwell.cli.runs import relative

    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(relative(run.folder)) for run in runs]


def _rival(run: "Run", name: str) -> "Rival":
    from stepwell.reports.rivals import Rival

    lines = {"history": run.lines("history.jsonl"), "timing": run.lines("timing.jsonl")}
    return Rival(name=name, facts=run.facts, **lines, evaluation=_read(run, "evaluation"), split=_read(run, "split"))


def _read(run: "Run", name: str) -> dict[str, Any]:
    """A file of the run as a dict; an empty one where it is not there."""
    from stepwell.runs.files import read_json

    path = run.folder / f"{name}.json"
    found = read_json(path) if path.exists() else {}
    return found if isinstance(found, dict) else {}


def _tell(rivals: Sequence["Rival"]) -> None:
    from stepwell.reports.rivals import alike, differences, fairness, letter, sentence
    from stepwell.reports.text import told

    unfair, differing, same = fairness(rivals), differences(rivals), alike(rivals)
    show(_results(rivals))
    if differing:
        say("\nWhat differs", style="dim")
        rows = [(name.replace("_", " "), *(str(told(value)) for value in values)) for name, values in differing.items()]
        show(table(("", *(letter(place) for place in range(len(rivals)))), rows))
    say(f"\n{same} {'other ' if differing else ''}parameters are the same.", style="dim")
    say(sentence(rivals))
    if unfair:
        warn(unfair)


def _results(rivals: Sequence["Rival"]) -> Any:
    """One row a run; the best of each metric is green."""
    from stepwell.reports.rivals import best_epoch, judged, letter, winner
    from stepwell.reports.text import duration, part

    metrics = judged(rivals)[:_MOST_METRICS]
    best = {metric: winner(rivals, metric) for metric in metrics}
    rows: list[list[str | Text]] = []
    for place, rival in enumerate(rivals):
        figures = [Text(f"{rival.metrics[m]:.4g}", style="green" if best[m] == place else "") for m in metrics]
        cost = [
            len(rival.history),
            duration(rival.seconds),
            rival.parameters,
            part(dict(rival.facts), "data").get("train"),
        ]
        rows.append([letter(place), rival.name, *figures, *map(_count, (best_epoch(rival), *cost))])
    counted = ("best epoch", "epochs", "time", "parameters", "rows")
    return table(("", "run", *metrics, *counted), rows, right=(*metrics, *counted))


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "–" if value is None else str(value)
