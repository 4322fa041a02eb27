"""What the addresses of a server stand on: its models, and the way to ask them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from stepwell.core.errors import suggest
from stepwell.deploy.calls import Call, Refused, Reply
from stepwell.deploy.card import Card
from stepwell.deploy.crew import Crew
from stepwell.deploy.dispatcher import Dispatcher
from stepwell.deploy.intake import Intake
from stepwell.deploy.metrics import Meter
from stepwell.deploy.settings import Limits

Receive = Callable[[], Awaitable[Any]]


_PATIENCE = 0.05  # seconds


class Gone(Exception):
    """The client has gone: nobody reads an answer."""


class _Watch:
    """Cancels an answer when its client goes away. Looks after `_PATIENCE` only: most answers are there before that."""

    def __init__(self, receive: Receive, answer: "asyncio.Future[Reply]") -> None:
        self._receive, self._answer = receive, answer
        self._task: asyncio.Task[None] | None = None
        self.gone = False
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._look)

    def _look(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        await self._receive()
        self.gone = True
        self._answer.cancel()

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()


class Hub:
    """The models of a server. `cards` are theirs by name, once they are loaded; the first is the default."""

    def __init__(self, crew: Crew, limits: Limits, meter: Meter) -> None:
        self._crew, self._limits, self.meter = crew, limits, meter
        self.cards: Mapping[str, Card] = {}
        self._examples: Mapping[str, Sequence[tuple[str, bytes]]] = {}
        self.intake = Intake(limits.body, limits.bodies, limits.reading)
        self.draining = False
        self._dispatcher: Dispatcher | None = None

    async def start(self) -> None:
        """Start the workers and load the models. Raises `StepwellError`."""
        loaded = await self._crew.start()
        self._dispatcher = Dispatcher(self._crew, loaded.cards, self._limits, self.meter)
        self._crew.woken = self._dispatcher.wake
        self.cards, self._examples = {card.name: card for card in loaded.cards}, loaded.examples

    def hurry(self) -> None:
        """Refuse what is not answered yet: the server cannot wait any longer."""
        if self._dispatcher is not None:
            self._dispatcher.end()

    async def stop(self) -> None:
        """End the workers."""
        await self._crew.stop()

    @property
    def ready(self) -> bool:
        """Whether requests would be answered now: the models are loaded, a worker lives, and the server is not about to end."""
        return bool(self.cards) and self._crew.size > 0 and not self.draining

    def card(self, name: str | None = None) -> Card:
        """The card of a model, or of the first. Raises `Refused`: 404 for an unknown one, 503 before they are loaded."""
        if not self.cards:
            raise Refused(503, "The models are being loaded. Try again in a few seconds.", retry_after=2)
        if name is None:
            return next(iter(self.cards.values()))
        if name not in self.cards:
            raise Refused(
                404, f"There is no model {name!r}; there are: {', '.join(self.cards)}.{suggest(name, self.cards)}"
            )
        return self.cards[name]

    def example(self, name: str, number: int) -> tuple[str, bytes]:
        """The content type and the body of a request with one of a model's examples. Raises `Refused` (404)."""
        found = self._examples[self.card(name).name]
        if number >= len(found):
            raise Refused(404, f"The model {name} has {len(found)} examples, numbered from 0; there is no {number}.")
        return found[number]

    async def ask(self, call: Call, receive: Receive | None = None) -> Reply:
        """The answer to a call. `receive`, the one of ASGI after the body was read, tells when the client goes away, and the
        call leaves the queue then. Raises `Refused`; `Gone` where nobody waits any more.
        """
        if self.draining or self._dispatcher is None:
            raise Refused(503, "The server is about to end, or not ready yet. Ask another one.", retry_after=5)
        answer = self._dispatcher.submit(call)
        if receive is None:
            return await answer
        watch = _Watch(receive, answer)
        try:
            return await answer
        except asyncio.CancelledError:
            if watch.gone:
                raise Gone from None
            raise
        finally:
            watch.end()

    def metrics(self) -> bytes:
        """Everything counted so far, as Prometheus reads it."""
        if self._dispatcher is not None:
            self.meter.queue_requests.set(len(self._dispatcher.waiting))
            self.meter.queue_elements.set(self._dispatcher.waiting.cost)
        return self.meter.text()
