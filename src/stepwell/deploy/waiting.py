"""Calls that wait for a worker: one bounded queue, first in first out, from which batches of equal shape are taken."""

import asyncio
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from math import inf

from stepwell.deploy.calls import Call, Refused, Reply


@dataclass(eq=False)
class Entry:
    """A call in the queue or at work. `cost` is its elements, `bucket` what it can share a batch with, `number` its place in
    the order of arrival, `deadline` when nobody waits for it any more. One that a worker died of is tried again `alone`.
    """

    call: Call
    rows: int
    cost: int
    bucket: Hashable
    number: int
    arrived: float
    deadline: float
    answer: "asyncio.Future[Reply]"
    alone: bool = False

    @property
    def lane(self) -> Hashable:
        """The entries that it may run with."""
        return ("alone", self.number) if self.alone else self.bucket


class Waiting:
    """Entries by lane, at most `capacity` elements in all. Nothing here waits or knows the time."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.cost, self._lanes = capacity, 0, dict[Hashable, dict[int, Entry]]()

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def add(self, entry: Entry) -> None:
        """Put an entry at its place. Raises `Refused` (503) where the queue is full; what was taken once always finds room."""
        if self.cost + entry.cost > self.capacity and not entry.alone and self.cost:
            raise Refused(
                503, f"The queue is full: {self.cost:,} of {self.capacity:,} elements wait already. Try again later."
            )
        self._lanes.setdefault(entry.lane, {})[entry.number] = entry
        self.cost += entry.cost

    def remove(self, entry: Entry) -> bool:
        """Take an entry out, wherever it stands; False where it is not here."""
        lane = self._lanes.get(entry.lane, {})
        if lane.pop(entry.number, None) is None:
            return False
        self.cost -= entry.cost
        if not lane:
            del self._lanes[entry.lane]
        return True

    def _first(self) -> Iterator[Entry]:
        """The lane of the entry that came first, in order of arrival."""
        lanes = self._lanes.values()
        return iter(min(lanes, key=lambda lane: next(iter(lane)), default={}).values())

    def due(self, wait: float, enough: int) -> float:
        """When the next batch should start, if every entry may wait for `wait` seconds and for half of the time that it has;
        -inf where `enough` rows are there, or the entry that came first runs alone.
        """
        rows, due = 0, inf
        for entry in self._first():
            rows += entry.rows
            due = min(due, entry.arrived + wait, (entry.arrived + entry.deadline) / 2)
            if rows >= enough or entry.alone:
                return -inf
        return due

    def take(self, max_rows: int, max_cost: int) -> list[Entry]:
        """The next batch: the entry that came first, and those of its lane after it while rows and elements are within bounds.

        An entry above the bounds goes alone.
        """
        taken: list[Entry] = []
        rows = cost = 0
        for entry in self._first():
            rows, cost = rows + entry.rows, cost + entry.cost
            if taken and (rows > max_rows or cost > max_cost):
                break
            taken.append(entry)
        for entry in taken:
            self.remove(entry)
        return taken
