"""Typer's part: from words to a function's call, and from its errors to ours."""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import typer

from stepwell.cli.failures import WrongUse


def new_app(**settings: Any) -> typer.Typer:
    """An empty application: plain help, no traceback of its own."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, **settings)


def single(function: Callable[..., int | None], **settings: Any) -> typer.Typer:
    """An application of one command."""
    app = new_app()
    app.command(**settings)(function)
    return app


def invoke(app: typer.Typer, words: Sequence[str], program: str) -> int:
    """Call what the words name; returns the exit code. Raises `WrongUse` for words that make no sense."""
    try:
        return int(app(list(words), prog_name=program, standalone_mode=False) or 0)
    except typer.TyperException as error:
        raise WrongUse(_mended(error, program)) from None


def _mended(error: typer.TyperException, program: str) -> str:
    """The message with a suggestion as a sentence, and where help is to be had."""
    context = getattr(error, "ctx", None)  # typer's exceptions of wrong use have one; their class is not public
    message = " ".join(error.format_message().split()).replace("Value error, ", "")
    message = message.replace("No such command", "There is no verb")
    if unknown := re.match(r"No such option: (\S+)( \(Possible options: .*\))?$", message):
        message = f"There is no flag {unknown[1]}.{_meant(unknown[1], _flags(context))}"
    return f"{message}\nSee {context.command_path if context else program} --help"


def _flags(context: Any) -> list[str]:
    return [name for parameter in context.command.params for name in parameter.opts] if context else []


def _meant(given: str, flags: Sequence[str]) -> str:
    """A sentence on the flag that was meant: `--lr` are the first letters of `--learning-rate`."""
    names = {flag.lstrip("-"): flag for flag in flags}
    letters = {"".join(word[0] for word in name.split("-")): name for name in names if "-" in name}
    word = given.lstrip("-")
    near = [letters[word]] if word in letters else get_close_matches(word, names, n=1)
    return f" Did you mean {names[near[0]]}?" if near else ""
