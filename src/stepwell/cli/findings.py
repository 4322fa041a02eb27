"""What a reader found in its files, and how a trained model compares with simpler ones, on the terminal."""

from typing import Any

from stepwell.cli.console import say, show, table, warn
from stepwell.runs import Run

_MOST_COLUMNS = 40


def tell_data(facts: dict[str, Any]) -> None:
    """Print what a run's data was taken for, column by column or class by class, and all warnings of its data; nothing
    without a reader.
    """
    found = facts.get("reader")
    if not found:
        return
    say()
    if found.get("counts"):
        _tell_classes(found)
    else:
        _tell_columns(found.get("columns", []))
    for note in found.get("notes", []):
        say(note, style="dim")
    for warning in found.get("warnings", []):
        warn(warning)
    say()


def _tell_columns(columns: list[dict[str, Any]]) -> None:
    shown = [
        (str(each["column"]), str(each["kind"]), str(each["encoding"] or ""), str(each["why"]))
        for each in columns[:_MOST_COLUMNS]
    ]
    show(table(("column", "taken as", "encoded", "because"), shown))
    if len(columns) > _MOST_COLUMNS:
        say(f"… and {len(columns) - _MOST_COLUMNS:,} more columns; the report lists them", style="dim")


def _tell_classes(found: dict[str, Any]) -> None:
    """How many pictures each side has of each class, and what a picture is."""
    sides = list(found["counts"])
    rows = [(name, *(f"{found['counts'][side][name]:,}" for side in sides)) for name in found["classes"]]
    show(table(("class", *sides), rows[:_MOST_COLUMNS], right=sides))
    if len(rows) > _MOST_COLUMNS:
        say(f"… and {len(rows) - _MOST_COLUMNS:,} more classes; the report lists them", style="dim")
    (height, width), colours = found["size"], "grey" if found["channels"] == 1 else "colour"
    say(f"{colours} pictures of {height}×{width} pixels", style="dim")


def tell_variants(facts: dict[str, Any]) -> None:
    """Print how fast the ways to compute a step were that the training tried; nothing where it was told which to take."""
    measured = facts.get("variant", {})
    trials = measured.get("trials")
    if not trials:
        if measured.get("why"):
            say(f"arithmetic: {measured['variant']['precision']}, as {measured['why']}", style="dim")
        return
    first = trials[0]["milliseconds"]
    rows = [(each["name"], *_numbers(each, first), each["verdict"]) for each in trials]
    right = ("ms a step", "speed", "gradients differ by")
    show(table(("arithmetic", *right, ""), rows, right=right))
    say()


def _numbers(trial: dict[str, Any], first: float) -> tuple[str, str, str]:
    """Milliseconds, how many times as fast as the first, and the difference; dashes where it did not run."""
    took, away = trial["milliseconds"], trial["difference"]
    if took is None:
        return "–", "–", "–" if away is None else f"{away:.1%}"
    return _three_digits(took), f"{first / took:.2f}×", "" if not away else f"{away:.2%}"


def _three_digits(number: float) -> str:
    """Three significant digits and never an exponent: 1,300, 710, 71.3, 0.0713."""
    if not number:
        return "0"
    places = 2 - int(f"{number:.2e}".partition("e")[2])
    return f"{round(number, places):,.{max(places, 0)}f}"


def compared(run: Run) -> list[tuple[str, str]]:
    """The watched number of the held-out rows, beside that of each simpler model; a fact for `console.facts`."""
    kept, measured = run.read("baselines.json"), run.read("evaluation.json")
    if not kept or not measured:
        return []
    name = next((each for each in ("rmse", "roc_area", "accuracy") if each in measured["metrics"]), "loss")
    others = ", ".join(f"{each['name']} {each['metrics'][name]:.4g}" for each in reversed(kept["baselines"]))
    where = {"test": "held out", "val": "validation"}.get(measured["split"], measured["split"])
    return [(where, f"{name} {measured['metrics'][name]:.4g} on {measured['rows']:,} rows; {others}")]
