"""The client of load tests, against servers that behave and servers that do not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.deploy import client
from stepwell.deploy.client import Answer, Connection, NoAnswer, Place, place_of, request

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Batch: 3\r\n\r\nhi"


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[tuple[Place, list[int]]]:
    """A server of one's own words on a free port, and a list that grows with every connection."""
    connections: list[int] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield Place("127.0.0.1", server.sockets[0].getsockname()[1]), connections
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    return head, await reader.readexactly(length)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with the body, for as long as it is asked."""
    while not reader.at_eof():
        try:
            _, body = await read_request(reader)
        except asyncio.IncompleteReadError:
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Batch: 3\r\n\r\n%b" % (len(body), body))


def once(said: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(said)
        await writer.drain()

    return serve


def ask(serve: Serve, *bodies: bytes) -> tuple[list[Answer], int]:
    """The answers to several requests on one connection, and how often it was opened."""

    async def all_of_them() -> tuple[list[Answer], int]:
        async with serving(serve) as (place, connections):
            connection = Connection(place)
            try:
                found = [await connection.ask(request(place, "POST", "/", body)) for body in bodies]
            finally:
                connection.close()
            return found, len(connections)

    return asyncio.run(all_of_them())


def test_a_connection_is_kept_and_each_answer_belongs_to_its_question() -> None:
    bodies = [b"one", b"", b"3" * 300_000, b"four"]
    answers, connections = ask(echo, *bodies)
    assert [answer.body for answer in answers] == bodies
    assert connections == 1
    assert answers[0].status == 200
    assert answers[0].number(b"x-batch") == 3
    assert answers[0].number(b"content-type") is None


def test_a_connection_that_the_server_closes_after_its_answer_is_opened_again() -> None:
    said = OK.replace(b"X-Batch: 3", b"Connection: close")
    answers, connections = ask(once(said), b"a", b"b", b"c")
    assert [answer.body for answer in answers] == [b"hi"] * 3
    assert connections == 3


def test_an_answer_in_chunks_and_one_behind_a_100_continue_are_whole() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert ask(once(chunked), b"")[0][0].body == b"abcde"
    answer = ask(once(b"HTTP/1.1 100 Continue\r\n\r\n" + OK), b"")[0][0]
    assert (answer.status, answer.body) == (200, b"hi")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "closed the connection before it had answered"),
        (OK[:-1], "closed the connection before it had answered"),
        (b"SSH-2.0-OpenSSH\r\n", "something that is not HTTP"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_so(said: bytes, why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        ask(once(said), b"")


def test_an_answer_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST", 1000)
    with pytest.raises(NoAnswer, match="more than 1,000 bytes"):
        ask(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 1001), b"")


def test_nobody_at_the_door_is_told_with_the_address() -> None:
    async def closed() -> Place:
        async with serving(echo) as (place, _):
            return place

    async def knock() -> None:
        await Connection(place).ask(request(place, "GET", "/"))

    place = asyncio.run(closed())
    with pytest.raises(NoAnswer, match=f"Nothing answers at http://127.0.0.1:{place.port}"):
        asyncio.run(knock())


def test_after_a_question_that_was_given_up_the_next_gets_its_own_answer() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the first question of a connection when the second one comes, if ever."""
        _, first = await read_request(reader)
        if first == b"slow":
            await reader.read()
        writer.write(OK)

    async def give_up() -> tuple[Answer, int]:
        async with serving(late) as (place, connections):
            connection = Connection(place)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connection.ask(request(place, "POST", "/", b"slow")), 0.05)
            answer = await connection.ask(request(place, "POST", "/", b"fast"))
            connection.close()
            return answer, len(connections)

    answer, connections = asyncio.run(give_up())
    assert (answer.body, connections) == (b"hi", 2)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:8000", Place("127.0.0.1", 8000)),
        ("127.0.0.1:8000/", Place("127.0.0.1", 8000)),
        ("http://localhost/models/v1/", Place("localhost", 80, "/models/v1")),
        ("http://[::1]:8000", Place("::1", 8000)),
    ],
)
def test_addresses(url: str, place: Place) -> None:
    assert place_of(url) == place
    assert place.local


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://127.0.0.1", "spoken to in https, and this client only knows http"),
        ("http://:80", "is no address of a server"),
        ("http://a:port", "is no address"),
        ("http://a/?x=1", "is no address of a server"),
    ],
)
def test_what_is_no_address(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"{why}.*expected one such as http://127.0.0.1:8000"):
        place_of(url)


def test_other_machines_are_not_local() -> None:
    assert not place_of("http://10.0.0.7:8000").local
    assert not place_of("http://example.org").local


@given(st.text(max_size=20), st.binary(max_size=50))
def test_no_header_breaks_out_of_its_line(value: str, body: bytes) -> None:
    place = Place("127.0.0.1", 1)
    try:
        sent = request(place, "POST", "/predict/x", body, {"Authorization": value})
    except ValueError:
        assert not (value.isascii() and value.isprintable())
        return
    head, _, rest = sent.partition(b"\r\n\r\n")
    assert rest == body
    assert head.split(b"\r\n") == [
        b"POST /predict/x HTTP/1.1",
        b"Host: 127.0.0.1:1",
        b"Content-Length: %d" % len(body),
        f"Authorization: {value}".encode(),
    ]
