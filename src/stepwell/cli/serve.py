"""`stepwell serve`."""

import logging
import os
import secrets
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from stepwell.cli.console import command, facts, say, starting, warn
from stepwell.cli.failures import WrongUse
from stepwell.core.errors import StepwellError

if TYPE_CHECKING:
    from stepwell.deploy.card import Card
    from stepwell.deploy.hub import Hub
    from stepwell.deploy.server import Site

_LOCAL = ("127.0.0.1", "::1", "localhost")
_LEAST = 16  # letters of a token
_RUNS = typer.Argument(help="folders of runs, as train made them", metavar="RUN…")
_HOST = typer.Option(help="address to listen on; others than this machine's own ask for a token")
_PORT = typer.Option(help="port to listen on; 0: any free one", min=0, max=65535)
_WORKERS = typer.Option(help="processes that run the models; 0: a thread of the server", min=0, max=64)
_THREADS = typer.Option(help="torch's threads in each worker; 0: all cores but one, shared among the workers", min=0)
_BATCH = typer.Option(help="rows that run together at most", min=1)
_WAIT = typer.Option(help="milliseconds that an idle worker waits for a batch to fill; only small models gain", min=0)
_QUEUE = typer.Option(help="numbers (elements of inputs) that may wait; 0: as many as 32 full batches have", min=0)
_LIMIT = typer.Option(help="largest body of a request, in MiB", min=1, max=64)
_TIMEOUT = typer.Option(help="seconds that a request waits at most; a client may say less: X-Timeout-Ms", min=0.001)
_CLIENT = typer.Option("--per-client", help="requests of one address that may wait; 0: no bound", min=0)
_DRAIN = typer.Option(help="seconds that requests under way have when the server is told to end", min=1)
_TOKEN = typer.Option(
    help="what clients must show (Authorization: Bearer …)", envvar="STEPWELL_TOKEN", show_envvar=True
)
_CHECKPOINT = typer.Option(
    "--checkpoint", "--from", help="whose weights: best, last, or a step", metavar="best|last|step"
)


def serve(
    runs: Annotated[list[str], _RUNS],
    host: Annotated[str, _HOST] = "127.0.0.1",
    port: Annotated[int, _PORT] = 8000,
    workers: Annotated[int, _WORKERS] = 1,
    threads: Annotated[int, _THREADS] = 0,
    max_batch: Annotated[int, _BATCH] = 64,
    max_wait: Annotated[float, _WAIT] = 0,
    queue: Annotated[int, _QUEUE] = 0,
    limit: Annotated[int, _LIMIT] = 64,
    timeout: Annotated[float, _TIMEOUT] = 30.0,
    per_client: Annotated[int, _CLIENT] = 0,
    drain: Annotated[float, _DRAIN] = 20.0,
    token: Annotated[str, _TOKEN] = "",
    checkpoint: Annotated[str, _CHECKPOINT] = "best",
) -> None:
    """Serve the models of runs: a page to try them, JSON, binary, and the Open Inference Protocol.

    Requests of all clients share batches. The first run answers at /predict, each at /predict/NAME.
    """
    _needs("serve", "starlette", "uvicorn", "prometheus_client", "multipart")
    from stepwell.deploy.server import listen

    listen(host, port).close()  # to say that it is taken before anything is loaded
    with starting("reading the runs"):
        from stepwell.cli.runs import checkpoint_name, find_run
        from stepwell.cli.served import served_models
        from stepwell.recipes.status import check_trained

        found = [find_run(run) for run in runs]
        for run in found:
            check_trained(run)
        models = served_models(found, checkpoint_name(checkpoint))
    from stepwell.deploy.process import Job
    from stepwell.deploy.server import Site
    from stepwell.deploy.server import run as run_server
    from stepwell.deploy.settings import Limits

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    job = Job(
        load="stepwell.recipes.servable:load_named",
        models=models,
        max_rows=max_batch,
        threads=threads or _share(cores, workers),
    )
    limits = Limits(
        rows=max_batch, queue=queue or None, wait=max_wait / 1000, body=limit * 2**20, timeout=timeout,
        per_client=per_client, drain=drain,
    )  # fmt: skip
    site = Site(job=job, host=host, port=port, workers=workers, token=_token(host, token), limits=limits)
    _log()
    say(f"loading {', '.join(each['name'] for each in models)} …", style="dim", error=True)
    run_server(site, lambda hub, bound: _tell(hub, site, bound, generated=not token))
    say("stopped", style="dim", error=True)


def _needs(extra: str, *modules: str) -> None:
    """Raise `StepwellError`, with the command that mends it, where packages of an extra are not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise StepwellError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed. They belong to an extra:\n"
            f"  pip install 'stepwell[{extra}]'"
        )


def _share(cores: int, workers: int) -> int:
    """The threads of a worker; where it is the server itself, all cores'."""
    return max(1, (cores - 1) // workers) if workers else cores


def _token(host: str, given: str) -> str:
    """The token that clients need: the given one; where others can reach the server and none is given, a new one."""
    if given and len(given) < _LEAST:
        raise WrongUse(
            f"The token has {len(given)} letters; one of at least {_LEAST} cannot be guessed. Leave it out for a new one."
        )
    if given or host in _LOCAL:
        return given
    return secrets.token_urlsafe(24)


def _tell(hub: "Hub", site: "Site", port: int, *, generated: bool) -> None:
    """The first screen: where the page is, what is served, how to ask it."""
    from stepwell.cli.served import curl

    address = f"http://{_reached(site.host)}:{port}"
    rows: list[tuple[str, object]] = [
        ("page", f"{address}/#token={site.token}" if site.token and generated else address)
    ]
    rows += [
        (f"model {number}" if len(hub.cards) > 1 else "model", _told(card))
        for number, card in enumerate(hub.cards.values(), 1)
    ]
    rows.append(("API", f"{address}/openapi.json"))
    facts(rows)
    say()
    say("Ask it:", style="dim")
    if site.token:
        say(f"  export STEPWELL_TOKEN={site.token if generated else '…'}", style="cyan")
    say(f"  {curl(next(iter(hub.cards.values())), address, bool(site.token))}", style="cyan")
    here = f"http://127.0.0.1:{port}" if site.host == "0.0.0.0" else address  # a load test is for this machine
    say(f"  {command('load', here)}", style="cyan")
    say()
    if site.host not in _LOCAL:
        warn("others can reach this server, and what is sent to it is not encrypted; put a proxy with TLS before it.")
    say("Ctrl-C ends it.", style="dim", error=True)


def _reached(host: str) -> str:
    """The name by which others reach an address; that of this machine where it listens to all."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _told(card: "Card") -> str:
    from stepwell.cli.served import takes

    return f"{card.name} ({card.title}, step {card.version}), takes {takes(card)}"


def _log() -> None:
    """What the server has to say while it runs, on standard error, with its time."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
