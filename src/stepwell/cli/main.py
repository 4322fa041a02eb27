"""The command `stepwell`: its verbs."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from stepwell.cli.app import invoke, new_app
from stepwell.cli.boundary import guarded, never_fail_to_print, quiet_warnings
from stepwell.cli.compare import compare
from stepwell.cli.console import command, say
from stepwell.cli.data import data
from stepwell.cli.evaluate import evaluate_run
from stepwell.cli.export import export
from stepwell.cli.failures import WrongUse
from stepwell.cli.find_rate import find_rate
from stepwell.cli.list import list_recipes
from stepwell.cli.load import load
from stepwell.cli.look import look
from stepwell.cli.predict import predict
from stepwell.cli.recognise import recognise
from stepwell.cli.report import report
from stepwell.cli.resume import resume
from stepwell.cli.serve import serve
from stepwell.cli.show import show_recipe
from stepwell.cli.sweep import sweep
from stepwell.cli.train import train
from stepwell.cli.translate import translate
from stepwell.recipes.entries import ENTRIES

app = new_app(invoke_without_command=True)
_RECIPES_FLAGS = {
    "allow_extra_args": True,
    "allow_interspersed_args": False,
}  # what follows the first word is the recipe's
_FIRST = {
    **dict.fromkeys(("train", "show", "sweep", "find-rate"), "recipe"),
    **dict.fromkeys(("resume", "evaluate", "predict", "look", "report"), "run"),
}
_RECIPES = f"Recipes: {', '.join(entry.name for entry in ENTRIES)}."

app.command("list")(list_recipes)
app.command("show", context_settings=_RECIPES_FLAGS, options_metavar="[--help]")(show_recipe)
app.command("train", context_settings=_RECIPES_FLAGS, options_metavar="[--help]", epilog=_RECIPES)(train)
app.command("resume", context_settings=_RECIPES_FLAGS, options_metavar="[--help]")(resume)
app.command("evaluate")(evaluate_run)
app.command("predict")(predict)
app.command("look")(look)
app.command("recognise")(recognise)
app.command("report")(report)
app.command("compare")(compare)
app.command("sweep", context_settings=_RECIPES_FLAGS, options_metavar="[--help]", epilog=_RECIPES)(sweep)
app.command("find-rate", context_settings=_RECIPES_FLAGS, options_metavar="[--help]", epilog=_RECIPES)(find_rate)
app.command("translate")(translate)
app.command("serve")(serve)
app.command("export")(export)
app.command("load")(load)
app.add_typer(data, name="data")


@app.callback()
def stepwell(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show errors as tracebacks; also STEPWELL_DEBUG=1.")] = False,
) -> None:
    """Train, explain and ship PyTorch models, with every step in sight and exact to the bit."""
    if show_version:
        from importlib.metadata import version

        say(f"stepwell {version('stepwell')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        say(context.get_help())


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line (default: this process's); returns the exit code.

    0: done; 1: failed; 2: wrong use; 130: stopped by Ctrl-C.
    """
    # Threads that wait should sleep: on a busy machine torch's, which spin, make small networks 30 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TORCH_LOGS", "-dynamo")  # whose warnings are for those who develop compilers
    words = sys.argv[1:] if words is None else list(words)
    debug = "--debug" in words or os.environ.get("STEPWELL_DEBUG", "0") not in ("", "0")
    words = [word for word in words if word != "--debug"]
    never_fail_to_print()
    with quiet_warnings(debug=debug):
        return guarded(lambda: _run(words), words, debug=debug)


def _run(words: Sequence[str]) -> int:
    try:
        return invoke(app, words, "stepwell")
    except WrongUse as error:
        raise _explained(error, words) from None


def _explained(error: WrongUse, words: Sequence[str]) -> WrongUse:
    """The mistakes that everybody makes once, in words of their own."""
    verb, second = [*words, "", ""][:2]
    names = {entry.name for entry in ENTRIES}
    if verb in names:
        return WrongUse(f"{verb} is a recipe, not a verb. Train it with:\n  {command('train', *words)}")
    if verb in _FIRST and not second:
        return WrongUse(f"Which {_FIRST[verb]}? stepwell {verb} {_FIRST[verb].upper()}")
    if verb in _FIRST and second.startswith("-"):
        what = _FIRST[verb]
        return WrongUse(f"The {what} comes first, its flags after it: stepwell {verb} {what.upper()} {second} …")
    return error
