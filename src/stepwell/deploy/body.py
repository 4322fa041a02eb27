"""Reading the body of a request without trusting it."""

import zlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import Receive

from stepwell.deploy.calls import Refused
from stepwell.deploy.hub import Gone

_BITS: Mapping[str, int] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def read_body(request: Request, limit: int) -> bytes:
    """`body_of` a request of Starlette's."""
    return await body_of(request.headers, request.receive, limit)


async def body_of(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes:
    """The body, of at most `limit` bytes, unpacked where it is packed by gzip or deflate. `headers` are by names in small letters.

    Raises `Refused`: 413 for one that is larger, before it is read where it says its length; 400 where it is not what it says;
    415 for another packing. `Gone` where the client goes away meanwhile.
    """
    said = headers.get("content-length", "0")
    if not said.isascii() or not said.isdecimal():
        raise Refused(400, f"Content-Length is {said[:40]!r}; a number of bytes is due.")
    if int(said) > limit:
        raise _too_large(f"{int(said):,} bytes", limit)
    body = await _all_of(receive, limit)
    packing = headers.get("content-encoding", "identity").strip().lower()
    return body if packing == "identity" else _unpacked(body, packing, limit)


async def _all_of(receive: Receive, limit: int) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > limit:
            raise _too_large(f"more than {limit:,} bytes", limit)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpacked(body: bytes, packing: str, limit: int) -> bytes:
    if packing not in _BITS:
        raise Refused(415, f"The body's Content-Encoding is {packing[:40]!r}; gzip, deflate and identity are known.")
    unpacker = zlib.decompressobj(_BITS[packing])
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise Refused(400, f"The body says that it is packed by {packing}, but cannot be unpacked: {error}.") from None
    if len(plain) > limit:
        raise _too_large(f"more than {limit:,} bytes, unpacked", limit)
    if not unpacker.eof:
        raise Refused(400, f"The body says that it is packed by {packing}, but ends too early.")
    if unpacker.unused_data:
        raise Refused(400, f"Behind the body that is packed by {packing} there is more. Pack it as one piece.")
    return plain


def _too_large(given: str, limit: int) -> Refused:
    return Refused(
        413, f"The body has {given}; this server takes {limit:,}. Send fewer rows at a time, or start it with --limit."
    )
