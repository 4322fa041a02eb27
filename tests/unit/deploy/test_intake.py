"""Room for bodies while they arrive."""

import asyncio

import pytest
from held_workers import skipping

from stepwell.deploy.body import body_of
from stepwell.deploy.calls import Refused
from stepwell.deploy.intake import Intake


def sender(parts):
    """What an ASGI server gives of a body whose parts come after some seconds each."""

    async def receive():
        seconds, part = parts.pop(0)
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    return receive


@skipping
async def test_a_body_that_does_not_arrive_in_time_is_refused_and_gives_its_room_back():
    intake = Intake(limit=100, most=100, seconds=5)
    with pytest.raises(Refused, match="did not arrive within 5 s") as refused:
        await body_of({}, sender([(0, b"x" * 90), (4, b"y"), (4, b"z")]), intake)
    assert refused.value.status == 408
    assert await body_of({}, sender([(0, b"x" * 50), (4, b"y" * 50)]), intake) == b"x" * 50 + b"y" * 50


@skipping
async def test_bodies_that_are_read_together_have_a_bound_of_their_own():
    intake = Intake(limit=100, most=150, seconds=60)
    first = asyncio.ensure_future(body_of({}, sender([(0, b"x" * 90), (10, b"y")]), intake))
    await asyncio.sleep(1)
    with pytest.raises(Refused, match="as it has memory for") as refused:
        await body_of({}, sender([(0, b"x"), (0, b"x" * 70)]), intake)
    assert refused.value.status == 503
    assert refused.value.retry_after
    assert await first == b"x" * 90 + b"y"
    assert await body_of({}, sender([(0, b"x"), (0, b"x" * 70)]), intake) == b"x" * 71
