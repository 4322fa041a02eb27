"""Reading the body of a request without trusting it."""

import asyncio
import zlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import Receive

from stepwell.deploy.calls import Refused
from stepwell.deploy.hub import Gone
from stepwell.deploy.intake import Intake, too_large

_BITS: Mapping[str, int] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def read_body(request: Request, intake: Intake) -> bytes:
    """`body_of` a request of Starlette's."""
    return await body_of(request.headers, request.receive, intake)


async def body_of(headers: Mapping[str, str], receive: Receive, intake: Intake) -> bytes:
    """The body, unpacked where it is packed by gzip or deflate. `headers` are by names in small letters.

    Raises `Refused`: 413 for one that is too large, before it is read where it says its length; 400 where it is not what it
    says; 408 where it does not arrive in time; 415 for another packing; 503 where there is no room. `Gone` where the client goes
    away meanwhile.
    """
    said = headers.get("content-length", "0")
    if not said.isascii() or not said.isdecimal():
        raise Refused(400, f"Content-Length is {said[:40]!r}; a number of bytes is due.")
    if int(said) > intake.limit:
        raise too_large(f"{int(said):,} bytes", intake.limit)
    body = await _all_of(receive, intake)
    packing = headers.get("content-encoding", "identity").strip().lower()
    return body if packing == "identity" else await asyncio.to_thread(_unpacked, body, packing, intake.limit)


async def _all_of(receive: Receive, intake: Intake) -> bytes:
    with intake.body() as take:
        part, more = await _part(receive)
        take(len(part))
        if not more:  # as with most, which come in one piece
            return part
        parts = [part]
        try:
            async with asyncio.timeout(intake.seconds):
                while more:
                    part, more = await _part(receive)
                    take(len(part))
                    parts.append(part)
        except TimeoutError:
            raise Refused(408, f"The body did not arrive within {intake.seconds:g} s. Send it at once.") from None
        return b"".join(parts)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """The next part of a body, and whether more follow."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    return message.get("body", b""), message.get("more_body", False)


def _unpacked(body: bytes, packing: str, limit: int) -> bytes:
    if packing not in _BITS:
        raise Refused(415, f"The body's Content-Encoding is {packing[:40]!r}; gzip, deflate and identity are known.")
    unpacker = zlib.decompressobj(_BITS[packing])
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise Refused(400, f"The body says that it is packed by {packing}, but cannot be unpacked: {error}.") from None
    if len(plain) > limit:
        raise too_large(f"more than {limit:,} bytes, unpacked", limit)
    if not unpacker.eof:
        raise Refused(400, f"The body says that it is packed by {packing}, but ends too early.")
    if unpacker.unused_data:
        raise Refused(400, f"Behind the body that is packed by {packing} there is more. Pack it as one piece.")
    return plain
