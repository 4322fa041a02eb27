"""Bodies of requests: bounded, unpacked, whole."""

import asyncio
import gzip
import zlib

import pytest

from stepwell.deploy.body import body_of
from stepwell.deploy.calls import Refused
from stepwell.deploy.hub import Gone
from stepwell.deploy.intake import Intake


def read(parts, limit=100, **headers):
    """The body of parts, of which `None` is a client that has gone; what was not asked for is left in `parts`."""

    async def receive():
        part = parts.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    return asyncio.run(
        body_of({name.replace("_", "-"): value for name, value in headers.items()}, receive, Intake(limit))
    )


def test_parts_are_joined():
    assert read([b"ab", b"", b"c"]) == b"abc"


def test_a_body_that_says_it_is_too_large_is_not_read():
    parts = [b"x" * 200]
    with pytest.raises(Refused, match="200 bytes; this server takes 100") as refused:
        read(parts, content_length="200")
    assert refused.value.status == 413
    assert parts, "nothing was received"


def test_one_that_lies_is_stopped_when_it_has_too_much():
    parts = [b"x" * 60] * 5
    with pytest.raises(Refused, match="more than 100 bytes") as refused:
        read(parts)
    assert refused.value.status == 413
    assert len(parts) == 3


@pytest.mark.parametrize("packing", ["gzip", "deflate", "GZIP"])
def test_packed_bodies_are_unpacked(packing):
    pack = zlib.compress if packing == "deflate" else gzip.compress
    assert read([pack(b"a" * 100)], content_encoding=packing) == b"a" * 100


def test_a_small_body_that_unpacks_to_a_large_one_is_stopped_before_it_takes_memory():
    bomb = gzip.compress(b"\0" * 10_000_000)
    with pytest.raises(Refused, match="unpacked") as refused:
        read([bomb], limit=20_000, content_encoding="gzip")
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("body", "packing", "status", "why"),
    [
        (b"abc", "br", 415, "'br'; gzip, deflate and identity"),
        (b"abc", "gzip", 400, "cannot be unpacked"),
        (gzip.compress(b"a" * 50, mtime=0)[:-4], "gzip", 400, "ends too early"),
        (gzip.compress(b"a", mtime=0) * 2, "gzip", 400, "there is more"),
    ],
)
def test_other_packings_and_broken_ones_are_told(body, packing, status, why):
    with pytest.raises(Refused, match=why) as refused:
        read([body], content_encoding=packing)
    assert refused.value.status == status


def test_a_length_that_is_none_is_told():
    with pytest.raises(Refused, match="Content-Length is '-1'") as refused:
        read([b""], content_length="-1")
    assert refused.value.status == 400


def test_a_client_that_goes_away_is_noticed():
    with pytest.raises(Gone):
        read([b"ab", None])
