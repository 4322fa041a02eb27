"""A small client of HTTP/1.1 for load tests, which share a machine with the server: it costs some 50 µs a request.

One connection asks one question at a time and is kept alive. Parsing is httptools' (llhttp), as in uvicorn.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

from stepwell.core.errors import StepwellError

LONGEST = 64 * 2**20
"""Bytes of an answer beyond which it is refused."""


class NoAnswer(StepwellError):
    """A server that cannot be reached, closed the connection, or sent what is no HTTP."""


@dataclass(frozen=True)
class Place:
    """Where a server listens. `path` is what stands before its own paths, without a slash at its end."""

    host: str
    port: int
    path: str = ""

    @property
    def local(self) -> bool:
        """Whether the server is on this machine."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def url(self) -> str:
        """The address as one types it."""
        return f"http://{self._host}:{self.port}{self.path}"

    @property
    def authority(self) -> str:
        """Host and port, as the header `Host` has them."""
        return f"{self._host}:{self.port}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def place_of(url: str) -> Place:
    """The place of an address such as `http://127.0.0.1:8000`. Raises `ValueError` for what is none, in a sentence."""
    expected = "expected one such as http://127.0.0.1:8000"
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port or 80
    except ValueError as error:
        raise ValueError(f"{url} is no address ({error}); {expected}.") from None
    if parts.scheme != "http":
        raise ValueError(f"{url} is spoken to in {parts.scheme}, and this client only knows http; {expected}.")
    if not host or parts.query or parts.fragment:
        raise ValueError(f"{url} is no address of a server; {expected}.")
    return Place(host, port, parts.path.rstrip("/"))


@dataclass(frozen=True, eq=False)
class Answer:
    """What a server said. The names of `headers` are in lower case; of a name that comes twice the last counts."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    def number(self, header: bytes) -> float | None:
        """A header that is a number; None without it, or where it is none."""
        try:
            return float(self.headers[header])
        except (KeyError, ValueError):
            return None


def request(place: Place, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """A request as it goes over the wire. Raises `ValueError` for a header that would break out of its line."""
    lines = [f"{method} {place.path}{path} HTTP/1.1", f"Host: {place.authority}"]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if any(not line.isprintable() or not line.isascii() for line in lines):
        raise ValueError("A path or a header of a request can only have printable ASCII characters.")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class Connection:
    """A kept-alive connection, which is opened anew when the server has closed it. Use `ask` from one task at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._stream: _Stream | None = None

    async def ask(self, sent: bytes) -> Answer:
        """The answer to a request (see `request`). Raises `NoAnswer`; then it is not known whether the server worked."""
        if self._stream is None or self._stream.closed:
            self._stream = await self._open()
        try:
            return await self._stream.ask(sent)
        except asyncio.CancelledError:
            self.close()  # for the answer that is still to come is not that of the next request
            raise

    def close(self) -> None:
        """Close it; the next question would open it again."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def _open(self) -> "_Stream":
        loop, place = asyncio.get_running_loop(), self._place
        try:
            return (await loop.create_connection(lambda: _Stream(place.url), place.host, place.port))[1]
        except OSError as error:
            why = error.strerror or str(error)
            raise NoAnswer(f"Nothing answers at {place.url} ({why}). Is the server up? stepwell serve RUN") from error


class _Stream(asyncio.Protocol):
    """One connection of TCP: what it is asked, one by one, and its answers. The methods without a line are callbacks."""

    def __init__(self, url: str) -> None:
        self._url, self.closed = url, False
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._length = 0

    def ask(self, sent: bytes) -> "asyncio.Future[Answer]":
        """Send a request; the future gets its answer."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(sent)
        return self._waiting

    def close(self) -> None:
        """Close it at once."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # of which uvloop's is no subclass

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._fail(f"{self._url} closed the connection before it had answered.")

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self._fail(f"{self._url} answers something that is not HTTP: {error}")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > LONGEST:
            self._fail(f"{self._url} answers with more than {LONGEST:,} bytes, which nobody asked for.")
        else:
            self._body.append(part)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), self._headers, b"".join(self._body))
        self._headers, self._body, self._length = {}, [], 0
        if answer.status < 200:  # such as 100 Continue, which another answer follows
            return
        if not self._parser.should_keep_alive():
            self.close()
        self._end(lambda waiting: waiting.set_result(answer))

    def _fail(self, message: str) -> None:
        self.close()
        self._end(lambda waiting: waiting.set_exception(NoAnswer(message)))

    def _end(self, end: Callable[["asyncio.Future[Answer]"], None]) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            end(waiting)
