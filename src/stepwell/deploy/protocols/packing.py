"""Answers packed on their way, for clients that ask for it."""

import zlib
from collections.abc import Mapping

_WINDOW_BITS: Mapping[str, int] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}  # as zlib tells them apart
_WORTH_IT = 1024  # bytes
_LEVEL = 1


def packed(body: bytes, accept: str) -> tuple[bytes, str]:
    """The body, packed by gzip or deflate where an `Accept-Encoding` names one and it is worth it; and the encoding, or ""."""
    kinds = [part.strip() for part in accept.lower().split(",")[:16]]  # which `gzip;q=0` is not among
    kind = next((kind for kind in _WINDOW_BITS if kind in kinds), "")
    if not kind or len(body) < _WORTH_IT:
        return body, ""
    packer = zlib.compressobj(_LEVEL, wbits=_WINDOW_BITS[kind])
    return packer.compress(body) + packer.flush(), kind
