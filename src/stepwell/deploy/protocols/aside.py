"""Long work off the event loop, so that other clients need not wait for it."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

LARGE = 2**18
"""Bytes from which reading or writing numbers takes longer than going to a thread and back."""

P = ParamSpec("P")
T = TypeVar("T")


async def aside(long: bool, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What `work` makes of its arguments; on a thread where that takes `long`."""
    return await asyncio.to_thread(work, *arguments, **named) if long else work(*arguments, **named)
