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
    message = " ".join(error.format_message().split())
    message = re.sub(r"^No such option: (\S+)$", r"There is no flag \1.", message.replace("Value error, ", ""))
    message = message.replace("No such command", "There is no verb")
    options = re.match(r"No such option: (\S+) \(Possible options: (.*)\)$", message)
    if options:
        message = f"There is no flag {options[1]}. Did you mean {_nearest(options[1], options[2].split(', '))}?"
    context = getattr(error, "ctx", None)  # typer's exceptions of wrong use have one; their class is not public
    return f"{message}\nSee {context.command_path if context else program} --help"


def _nearest(given: str, options: Sequence[str]) -> str:
    return (get_close_matches(given, options, n=1, cutoff=0) or options)[0]
