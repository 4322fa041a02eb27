"""A server from its start to its end: the socket, the workers, the signals."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil

import uvicorn

from stepwell.core.errors import StepwellError
from stepwell.deploy.app import make_app
from stepwell.deploy.connection import Connection
from stepwell.deploy.crew import Crew, Worker
from stepwell.deploy.guard import LOCAL, Guard
from stepwell.deploy.hub import Hub
from stepwell.deploy.metrics import Meter
from stepwell.deploy.process import Job, ProcessWorker
from stepwell.deploy.settings import Limits
from stepwell.deploy.thread import ThreadWorker

_TOLD = 2  # seconds in which those who are refused at the end hear of it
log = logging.getLogger("stepwell.deploy")


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a server listens, and to whom: with a `token`, to those who know it. `workers` 0 is a thread of its own process."""

    job: Job
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    token: str = ""
    limits: Limits = field(default_factory=Limits)


class _Server(uvicorn.Server):
    """Uvicorn's server, which leaves the signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket on an address, on any free port for 0. Raises `StepwellError` where it is taken or is no address of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except (OSError, OverflowError) as error:
        found.close()
        raise StepwellError(
            f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', '') or error}. Choose another with --port (0: any "
            "free one) or --host."
        ) from None
    return found


def run(site: Site, ready: Callable[[Hub, int], None]) -> None:
    """Serve until a signal (SIGTERM, SIGINT) ends it; `ready` is told when the models are loaded, with the port.

    Raises `StepwellError` where the address is taken or a model cannot be loaded.
    """
    bound = listen(site.host, site.port)
    with asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(_serve(site, bound, ready))


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's event loops, where there is uvloop."""
    try:
        import uvloop
    except ImportError:  # as on Windows
        return None
    return uvloop.new_event_loop


async def _serve(site: Site, bound: socket.socket, ready: Callable[[Hub, int], None]) -> None:
    meter = Meter()
    hub = Hub(Crew(_workers(site), meter, site.limits.batch_timeout), site.limits, meter)
    server = _Server(_config(site, hub))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, hub, server, site.limits.drain)
    loading = loop.create_task(_load(hub, server, lambda: ready(hub, bound.getsockname()[1])))
    try:
        await server.serve([bound])
        hub.draining = True
    finally:
        loading.cancel()
        failed = (await asyncio.gather(loading, return_exceptions=True))[0]
        await hub.stop()
    if isinstance(failed, Exception):
        raise failed


async def _load(hub: Hub, server: _Server, ready: Callable[[], None]) -> None:
    try:
        await hub.start()
    except Exception:  # whatever it is, the server has nothing to serve; it is raised again when it has ended
        server.should_exit = True
        raise
    ready()


def _end(hub: Hub, server: _Server, drain: float) -> None:
    """Take no more requests, and end when those under way are answered, or refused after `drain` seconds; a second signal ends
    at once.
    """
    server.force_exit = hub.draining
    hub.draining = True
    server.should_exit = True
    asyncio.get_running_loop().call_later(drain, hub.hurry)


def _workers(site: Site) -> list[Worker]:
    if not site.workers:
        return [ThreadWorker(site.job)]
    return [ProcessWorker(site.job) for _ in range(site.workers)]


def _config(site: Site, hub: Hub) -> uvicorn.Config:
    local = site.host in ("127.0.0.1", "::1", "localhost")
    app = Guard(make_app(hub), site.token, LOCAL if local else ())
    return uvicorn.Config(
        app,
        http=Connection,
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        limit_concurrency=site.limits.connections,
        timeout_graceful_shutdown=ceil(site.limits.drain) + _TOLD,
    )
