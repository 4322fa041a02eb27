"""The process that runs models for a server: `python -m stepwell.deploy.worker SOCKET IN OUT`, with inherited descriptors."""

import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

from stepwell.core.errors import StepwellError
from stepwell.core.lazy import named
from stepwell.deploy.arena import Arena
from stepwell.deploy.wire import packed, read_work, receive, write_outcomes


def main(words: list[str]) -> None:
    """Load the models that the first message names, then answer one batch after another until the server goes."""
    faulthandler.enable()
    for number in (signal.SIGINT, signal.SIGTERM):  # they are the server's, which ends its workers when they are done
        signal.signal(number, signal.SIG_IGN)
    descriptor, incoming, outgoing, alive = map(int, words)
    _end_with_server(alive)
    connection = socket.socket(fileno=descriptor)
    first = receive(connection)
    if first is None:
        return
    try:
        engine, loaded = start(first)
    except StepwellError as error:
        connection.sendall(packed({"failed": str(error)}))
        return
    connection.sendall(packed(loaded))
    _serve(connection, engine, Arena(incoming), Arena(outgoing))


def start(settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The engine with its models, warm, and what a server has to know of them: `cards`, and `examples` to try them with.

    `load` names a function from each of `models` to a `Servable`.
    """
    import torch

    from stepwell.deploy.engine import Engine
    from stepwell.deploy.shown import shown
    from stepwell.deploy.warm import warm_up

    torch.set_num_threads(settings["threads"])
    load = named(settings["load"])
    servables = [load(model) for model in settings["models"]]
    warm_up(servables, settings["max_rows"])
    cards = [servable.card.to_json() for servable in servables]
    return Engine(servables, settings["max_rows"], settings["rows_per_call"]), {
        "cards": cards,
        "examples": shown(servables),
    }


def _serve(connection: socket.socket, engine: Any, incoming: Arena, outgoing: Arena) -> None:
    while message := receive(connection):
        began = time.perf_counter()
        outcomes = engine.run(read_work(incoming, message))
        connection.sendall(packed(write_outcomes(outgoing, outcomes, time.perf_counter() - began)))


def _end_with_server(alive: int) -> None:
    """End this process at once when the server, which holds the other end of the pipe `alive`, is gone, even in a batch."""

    def wait() -> None:
        os.read(alive, 1)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
