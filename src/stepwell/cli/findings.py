"""What a reader found in its files, and how a trained model compares with simpler ones, on the terminal."""

from typing import Any

from stepwell.cli.console import say, show, table, warn
from stepwell.runs import Run

_MOST_COLUMNS = 40


def tell_data(facts: dict[str, Any]) -> None:
    """Print what each column of a run's table was taken for, and all warnings of its data; nothing without a reader."""
    found = facts.get("reader")
    if not found:
        return
    columns = found.get("columns", [])
    say()
    shown = [
        (str(each["column"]), str(each["kind"]), str(each["encoding"] or ""), str(each["why"]))
        for each in columns[:_MOST_COLUMNS]
    ]
    show(table(("column", "taken as", "encoded", "because"), shown))
    if len(columns) > _MOST_COLUMNS:
        say(f"… and {len(columns) - _MOST_COLUMNS:,} more columns; the report lists them", style="dim")
    for note in found.get("notes", []):
        say(note, style="dim")
    for warning in found.get("warnings", []):
        warn(warning)
    say()


def compared(run: Run) -> list[tuple[str, str]]:
    """The watched number of the held-out rows, beside that of each simpler model; a fact for `console.facts`."""
    kept, measured = run.read("baselines.json"), run.read("evaluation.json")
    if not kept or not measured:
        return []
    name = next((each for each in ("rmse", "roc_area", "accuracy") if each in measured["metrics"]), "loss")
    others = ", ".join(f"{each['name']} {each['metrics'][name]:.4g}" for each in reversed(kept["baselines"]))
    where = {"test": "held out", "val": "validation"}.get(measured["split"], measured["split"])
    return [(where, f"{name} {measured['metrics'][name]:.4g} on {measured['rows']:,} rows; {others}")]
