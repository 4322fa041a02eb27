"""`stepwell list`."""

from stepwell.cli.console import command, show, suggest_next, table
from stepwell.recipes.entries import ENTRIES


def list_recipes() -> None:
    """List the recipes."""
    rows = [(entry.name, entry.summary, entry.rows, entry.time) for entry in ENTRIES]
    show(table(("recipe", "what it does", "book rows", "time"), rows, right=("time",)))
    example = ENTRIES[0].name
    suggest_next(
        [
            (command("show", example), "its parameters, data and layers"),
            (command("train", example), "train it"),
            ("stepwell train path/to/file.py:function", "train your own"),
        ]
    )
