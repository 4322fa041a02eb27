"""`stepwell load`."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepwell.cli.console import console, facts, say, show, table
from stepwell.cli.failures import FAILED, INTERRUPTED, WrongUse

if TYPE_CHECKING:
    from stepwell.deploy.client import Place
    from stepwell.deploy.load import Figures
    from stepwell.deploy.sample import Sample

_LONGEST, _MOST = 600.0, 1024
_COLUMNS = ("callers", "answers a second", "p50, ms", "p99, ms", "rows a batch", "answered", "errors")
_URL = typer.Argument(help="where the server is, such as http://127.0.0.1:8000", metavar="URL")
_CONCURRENCY = typer.Option(help="how many callers ask at a time: one number, or several with commas", metavar="N,N,…")
_SECONDS = typer.Option(help="how long each of them is measured", min=0.1, max=_LONGEST)
_MODEL = typer.Option(help="the model, if the server has several (default: its first)")
_TOKEN = typer.Option(help="the server's token, if it asks for one", envvar="STEPWELL_TOKEN", show_envvar=True)
_FILE = typer.Option(help="what to send: a photo, a CSV file, an .npy file … (default: an example kept with the run)")
_ELSEWHERE = typer.Option("--elsewhere", help="the server is on another machine, and you may burden it")


def load(
    url: Annotated[str, _URL],
    concurrency: Annotated[str, _CONCURRENCY] = "1,8,32",
    seconds: Annotated[float, _SECONDS] = 5.0,
    model: Annotated[str | None, _MODEL] = None,
    token: Annotated[str | None, _TOKEN] = None,
    file: Annotated[Path | None, _FILE] = None,
    elsewhere: Annotated[bool, _ELSEWHERE] = False,
) -> int:
    """Measure how many requests a second a server answers, and how fast.

    Each caller asks again as soon as it is answered. A number of callers is one row of the table.
    """
    counts = _counts(concurrency)
    place = _place(url, elsewhere=elsewhere)
    from stepwell.deploy.load import run
    from stepwell.deploy.sample import of_file

    given = of_file(file) if file is not None else None
    name, sample = run(_prepared(place, model, token, given))
    facts([("server", place.url), ("model", name), ("sent", sample.what)])
    sent = sample.request(place, name, token)
    run(_refuse_refusals(place, sent))
    rows, stopped = _measure(place, sent, counts, seconds)
    if not rows:
        return INTERRUPTED
    say()
    show(table(_COLUMNS, [_row(each) for each in rows], right=_COLUMNS[:-1]))
    return INTERRUPTED if stopped else 0 if all(each.answered for each in rows) else FAILED


def _counts(written: str) -> list[int]:
    try:
        counts = [int(part) for part in written.split(",")]
    except ValueError:
        counts = []
    if not counts or not all(1 <= count <= _MOST for count in counts):
        raise WrongUse(f"--concurrency {written}: expected numbers from 1 to {_MOST:,}, such as --concurrency 1,8,32")
    return counts


def _place(url: str, *, elsewhere: bool) -> "Place":
    try:
        from stepwell.deploy.client import place_of
    except ImportError:
        raise WrongUse("Load tests need the package httptools: pip install 'stepwell[serve]'.") from None
    try:
        place = place_of(url)
    except ValueError as error:
        raise WrongUse(str(error)) from None
    if not place.local and not elsewhere:
        again = shlex.join(["stepwell", "load", url, "--elsewhere"])
        raise WrongUse(f"{place.host} is not this machine. If the server there is yours to burden: {again}")
    return place


async def _prepared(
    place: "Place", model: str | None, token: str | None, given: "Sample | None"
) -> "tuple[str, Sample]":
    """The model's name and what to send it."""
    from stepwell.deploy.client import Connection
    from stepwell.deploy.sample import find_card, find_sample

    connection = Connection(place)
    try:
        card = await find_card(connection, place, model, token)
        return card.name, given or await find_sample(connection, place, card, token)
    finally:
        connection.close()


async def _refuse_refusals(place: "Place", sent: bytes) -> None:
    """Ask once, so that a request that the server finds wrong is told with its reason, and not counted a thousand times."""
    from stepwell.deploy.client import Connection
    from stepwell.deploy.sample import LoadError, sentence

    connection = Connection(place)
    try:
        answer = await connection.ask(sent)
    finally:
        connection.close()
    if 400 <= answer.status < 500 and answer.status != 429:
        raise LoadError(f"{place.url} answers {answer.status} to this request: {sentence(answer)}")


def _measure(place: "Place", sent: bytes, counts: Sequence[int], seconds: float) -> "tuple[list[Figures], bool]":
    """The rows of the table up to the end, or up to Ctrl-C, and whether it was pressed."""
    from time import perf_counter

    from stepwell.deploy.load import new_tally, press, run

    rows: list[Figures] = []
    for count in counts:
        tally = new_tally(count, seconds)
        try:
            with console(error=True).status(f"{count} callers, {seconds:g} s …"):
                run(press(place, sent, tally))
        except KeyboardInterrupt:
            cut = tally.figures(perf_counter())
            return [*rows, *([cut] if cut.answered or cut.errors else [])], True
        rows.append(tally.figures(perf_counter()))
    return rows, False


def _row(found: "Figures") -> tuple[str, ...]:
    errors = ", ".join(f"{status} × {count:,}" for status, count in found.errors.items()) or "none"
    batch = "" if found.batch is None else f"{found.batch:.1f}"
    times = (_milliseconds(found.p50), _milliseconds(found.p99))
    return (str(found.concurrency), f"{found.rate:,.0f}", *times, batch, f"{found.answered:,}", errors)


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.3g}" if seconds < 1 else f"{seconds * 1000:,.0f}"
