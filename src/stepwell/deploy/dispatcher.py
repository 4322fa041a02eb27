"""The heart of the server: calls of all connections go into one queue, and an idle worker takes what waits.

An idle worker starts at once with whatever there is; while it runs, the next batch gathers. Everything here runs on one
event loop, in plain calls between which nothing else happens, so there is nothing to lock.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import count
from math import prod

from stepwell.deploy.calls import Arrays, Call, Refused, Reply
from stepwell.deploy.card import Card
from stepwell.deploy.crew import Crew, Member
from stepwell.deploy.metrics import Meter
from stepwell.deploy.pace import Pace
from stepwell.deploy.quarantine import Quarantine
from stepwell.deploy.settings import MAX_COST, Limits
from stepwell.deploy.waiting import Entry, Waiting
from stepwell.deploy.work import Outcome

log = logging.getLogger("stepwell.deploy")


class Dispatcher:
    """A queue, and the workers of a `crew` that empty it."""

    def __init__(self, crew: Crew, cards: Sequence[Card], limits: Limits, meter: Meter) -> None:
        self._crew, self._limits, self._meter = crew, limits, meter
        self._loop = asyncio.get_running_loop()
        self._row_cost = {card.name: row_cost(card) for card in cards}
        self.waiting = Waiting(limits.queue or 32 * limits.rows * max(self._row_cost.values()))
        self._open = set[Entry]()  # waiting or at work
        self._numbers, self._clients = count(), Counter[str]()
        self._pace, self._quarantine = Pace(), Quarantine()
        self._due: asyncio.TimerHandle | None = None  # when an idle worker has waited long enough for a batch to fill
        self._called = False

    def submit(self, call: Call) -> "asyncio.Future[Reply]":
        """The answer to a call, some day. Cancelling it takes the call out of the queue. Raises `Refused`, where the queue has no
        room, its client has too many waiting, its rows are too many, or its input has killed two workers.
        """
        self._quarantine.check(call)
        check_rows(call, self._limits.rows_per_call)
        if self._limits.per_client and self._clients[call.client] >= self._limits.per_client:
            raise self._meter.shed(Refused(429, _too_many(self._limits.per_client), retry_after=self._time_to_empty()))
        entry = self._entry(call)
        try:
            self.waiting.add(entry)
        except Refused as refused:
            refused.retry_after = self._time_to_empty()
            raise self._meter.shed(refused) from None
        self._watch(entry)
        self._soon()
        return entry.answer

    def _entry(self, call: Call) -> Entry:
        payload = call.payload
        if isinstance(payload, Arrays):
            rows, cost = payload.rows, sum(array.size for array in payload.arrays.values())
        else:  # a file is a row, until it is read, and takes as much memory as the row or itself
            rows, cost = 1, max(self._row_cost[call.model], len(payload.data) // 4)
        number, now = next(self._numbers), self._loop.time()
        deadline = call.deadline if call.deadline is not None else now + self._limits.timeout
        return Entry(call, rows, cost, bucket(call, number), number, now, deadline, self._loop.create_future())

    def _watch(self, entry: Entry) -> None:
        """Let the entry go when its client or its deadline does."""
        call = entry.call
        self._open.add(entry)
        self._clients[call.client] += 1
        timer = self._loop.call_at(entry.deadline, self._expire, entry)

        def ended(answer: "asyncio.Future[Reply]") -> None:
            timer.cancel()
            self._open.discard(entry)
            self._clients[call.client] -= 1
            if not self._clients[call.client]:
                del self._clients[call.client]
            if answer.cancelled() and self.waiting.remove(entry):
                self._meter.cancelled.inc()

        entry.answer.add_done_callback(ended)

    def _expire(self, entry: Entry) -> None:
        if self.waiting.remove(entry):
            self._shed(entry)

    def _shed(self, entry: Entry) -> None:
        waited = self._loop.time() - entry.arrived
        why = f"The request waited {waited:.2f} s, its limit, and no worker was free. Try again later."
        _refuse(entry, self._meter.shed(Refused(503, why, retry_after=self._time_to_empty()), "deadline"))

    def end(self) -> None:
        """Refuse all that is open: the server ends, and will not wait any longer."""
        for entry in list(self._open):
            self.waiting.remove(entry)
            _refuse(
                entry, Refused(503, "The server ended before the answer was there. Ask another one.", retry_after=5)
            )

    def _soon(self) -> None:
        """Look for work once this turn of the event loop is over: what arrives in the same turn shares a batch."""
        if not self._called:
            self._called = True
            self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._called = False
        while self._crew.idle and self._ready():
            entries = self.waiting.take(self._limits.rows, MAX_COST)
            self._start(self._crew.idle.popleft(), entries)

    def _ready(self) -> bool:
        """Whether the next batch should start: it is full, or has waited enough; if not, it is looked at again."""
        if not self._limits.wait or not self.waiting.cost:
            return bool(self.waiting.cost)
        due = self.waiting.due(self._limits.wait, self._limits.rows)
        if self._loop.time() >= due:
            return True
        if self._due is None:
            self._due = self._loop.call_at(due, self._is_due)
        return False

    def _is_due(self) -> None:
        self._due = None
        self._dispatch()

    def _start(self, member: Member, entries: Sequence[Entry]) -> None:
        started = self._loop.time()
        for entry in entries:
            self._meter.waited(entry.call.model, started - entry.arrived)
        try:
            member.run(
                entries,
                lambda outcomes, seconds: self._ended(entries, outcomes, seconds, started),
                lambda cause: self._died(entries, cause),
            )
        except MemoryError as error:
            for entry in entries:
                _refuse(entry, Refused(413, f"The input is too large: {error}. Send fewer rows at a time."))
            self._crew.idle.append(member)
        except Exception as error:  # a worker that cannot be written to is as good as dead
            log.exception("a batch could not be given to worker process %d", member.worker.pid)
            member.worker.kill()
            self._died(entries, f"could not be given work ({type(error).__name__})")

    def _ended(self, entries: Sequence[Entry], outcomes: Sequence[Outcome], seconds: float, started: float) -> None:
        self._soon()  # its worker is idle again: the next batch goes before these answers
        rows, cost = sum(outcome.rows for outcome in outcomes), sum(entry.cost for entry in entries)
        self._pace.learn(cost, seconds)
        self._meter.ran(entries[0].call.model, rows, seconds)
        for entry, outcome in zip(entries, outcomes, strict=True):
            _answer(entry, outcome, Reply(waited=started - entry.arrived, computed=seconds, batch=rows))

    def _died(self, entries: Sequence[Entry], cause: str) -> None:
        """Try each entry of a batch that a worker died of once more, alone; one that kills again is answered and remembered."""
        for entry in entries:
            if entry.answer.done():
                continue
            if entry.alone:
                self._quarantine.add(entry.call)
                _refuse(
                    entry,
                    Refused(500, f"A worker process {cause} while it ran this input, twice. It is not tried again."),
                )
                continue
            if self._loop.time() >= entry.deadline:  # its timer has rung while it ran
                self._shed(entry)
                continue
            entry.alone = True
            self._meter.retried.inc()
            self.waiting.add(entry)
        self._soon()

    def wake(self) -> None:
        """Look for work: a worker has come back."""
        self._soon()

    def _time_to_empty(self) -> float:
        """Seconds until what waits now will have run, by what batches cost so far."""
        return self._pace.seconds(self.waiting.cost) / max(self._crew.size, 1)


def bucket(call: Call, number: int) -> Hashable:
    """What a call can share a batch with: rows of one model, of one form. An explanation runs by itself."""
    if call.wants == "explanation":
        return ("explanation", number)
    if isinstance(call.payload, Arrays):
        arrays = call.payload.arrays.items()
        return (call.model, tuple((name, array.dtype.str, array.shape[1:]) for name, array in arrays))
    return (call.model, "files")


def check_rows(call: Call, most: int) -> None:
    """Raise `Refused` (413) for a call of more rows: an answer is made for each."""
    if isinstance(call.payload, Arrays) and call.payload.rows > most:
        raise Refused(
            413, f"The request has {call.payload.rows:,} rows; {most:,} are the most. Send fewer rows at a time."
        )


def row_cost(card: Card) -> int:
    """The elements of one row; a dimension of any length counts as one."""
    return max(1, sum(prod(size or 1 for size in array.shape) for array in card.inputs))


def _answer(entry: Entry, outcome: Outcome, reply: Reply) -> None:
    if outcome.refusal is not None:
        _refuse(entry, Refused(*outcome.refusal))
    elif not entry.answer.done():
        entry.answer.set_result(
            Reply(outcome.answers, outcome.arrays, outcome.notes, reply.batch, reply.waited, reply.computed)
        )


def _refuse(entry: Entry, refused: Refused) -> None:
    if not entry.answer.done():
        entry.answer.set_exception(refused)


def _too_many(bound: int) -> str:
    return f"{bound} requests of this client wait already, which is its share. Wait for their answers first."
