"""Answers that leave in one piece."""

import asyncio

from stepwell.deploy.connection import Joined


class Recording:
    """A transport that remembers what it was told."""

    def __init__(self):
        self.told = []

    def write(self, data):
        self.told.append(data)

    def writelines(self, parts):
        self.told.append(b"".join(parts))

    def close(self):
        self.told.append("closed")

    def is_closing(self):
        return "closed" in self.told


def told_after(*steps):
    """What a transport is told by steps, each in a turn of the event loop of its own."""

    async def whole():
        transport = Recording()
        joined = Joined(transport, asyncio.get_running_loop())
        for step in steps:
            step(joined)
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        return transport.told

    return asyncio.run(whole())


def test_a_head_and_its_body_are_one_write():
    def answer(joined):
        joined.write(b"head ")
        joined.write(b"body")

    assert told_after(answer, answer) == [b"head body", b"head body"]


def test_what_nothing_follows_leaves_in_the_next_turn():
    assert told_after(lambda joined: joined.write(b"a"), lambda joined: joined.write(b"b")) == [b"a", b"b"]


def test_nothing_is_lost_or_out_of_order_where_more_follows():
    def many(joined):
        for part in (b"1", b"2", b"3", b"4", b"5"):
            joined.write(part)

    assert b"".join(told_after(many)) == b"12345"


def test_what_is_held_is_written_before_it_is_closed():
    def last(joined):
        joined.write(b"goodbye")
        joined.close()
        assert joined.is_closing()

    assert told_after(last) == [b"goodbye", "closed"]
