"""Load tests, against a real server on a thread whose behaviour is known."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter

import numpy as np
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stepwell.cli.main import main
from stepwell.deploy.card import Array, Card
from stepwell.deploy.client import Place
from stepwell.deploy.load import UNANSWERED, Tally, measure, new_tally, press, run
from stepwell.deploy.sample import npy

CARD = Card(
    name="wide",
    title="wide",
    kind="arrays",
    inputs=(Array("input", "float32", (4,)),),
    outputs=(Array("output", "float32", (2,)),),
    examples=("row 0",),
)
EXAMPLE = np.arange(4, dtype=np.float32)[None]


class Known:
    """A server with one model, of which is known how many requests it has seen, and how many at a time."""

    def __init__(self, *, status: int = 200, token: str = "") -> None:
        self.status, self.token = status, token
        self.bodies: list[bytes] = []
        self.now = self.most = 0
        self.hold = asyncio.Event()  # while it is not set, nobody is answered
        self.hold.set()

    async def predict(self, request: Request) -> Response:
        self.now += 1
        self.most = max(self.most, self.now)
        self.bodies.append(await request.body())
        await asyncio.sleep(0)  # let others come in
        await self.hold.wait()
        batch, self.now = self.now, self.now - 1
        if len(self.bodies[-1]) != 16:
            return JSONResponse({"error": "16 bytes are due"}, 400)
        return JSONResponse({"answers": [1]}, self.status, {"X-Batch": str(batch)})

    def app(self) -> Starlette:
        def guarded(answer: Callable[[], Response]) -> Callable[[Request], Response]:
            def say(request: Request) -> Response:
                shown = request.headers.get("authorization", "")
                return (
                    answer() if shown == (f"Bearer {self.token}" if self.token else "") else Response(status_code=401)
                )

            return say

        return Starlette(
            routes=[
                Route("/models", guarded(lambda: JSONResponse([CARD.to_json()]))),
                Route(
                    "/models/wide/examples/0",
                    guarded(lambda: Response(npy(EXAMPLE), media_type="application/x-npy")),
                ),
                Route("/predict/wide", self.predict, methods=["POST"]),
            ]
        )


@contextmanager
def serving(known: Known) -> Iterator[Place]:
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[object] | None = None) -> None:
            await super().startup(sockets)  # type: ignore[arg-type]
            started.set()

    config = uvicorn.Config(known.app(), port=0, log_level="critical", lifespan="off", ws="none")
    server = Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(20)
        yield Place("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        known.hold.set()
        thread.join(20)
        assert not thread.is_alive()


def sent(place: Place, body: bytes = EXAMPLE.tobytes()) -> bytes:
    from stepwell.deploy.sample import RAW, Sample

    return Sample(body, RAW, "").request(place, "wide")


def test_every_request_reaches_the_server_and_as_many_at_a_time_as_there_are_callers() -> None:
    known = Known()
    with serving(known) as place:
        found = measure(place, sent(place), concurrency=5, seconds=0.3)
    assert found.errors == {}
    assert 0 < found.answered <= len(known.bodies)
    assert found.rate * 0.3 <= found.answered
    assert set(known.bodies) == {EXAMPLE.tobytes()}
    assert 1 < known.most <= 5
    assert found.p50 is not None
    assert found.p99 is not None
    assert 0 < found.p50 <= found.p99
    assert found.batch is not None
    assert 1 <= found.batch <= 5


def test_refusals_are_counted_by_their_status_and_are_no_answers() -> None:
    with serving(Known(status=503)) as place:
        found = measure(place, sent(place), concurrency=2, seconds=0.2)
    assert (found.answered, found.rate, found.p50, found.batch) == (0, 0, None, None)
    assert list(found.errors) == ["503"]
    assert found.errors["503"] > 1


def test_those_who_are_never_answered_are_counted_too_and_do_not_hold_up_the_test() -> None:
    known = Known()
    known.hold.clear()
    with serving(known) as place:
        found = measure(place, sent(place), concurrency=3, seconds=0.1, grace=0.1)
    assert found.errors == {UNANSWERED: 3}
    assert found.answered == 0


def test_a_server_that_is_gone_is_an_error_of_each_request() -> None:
    with serving(Known()) as place:
        pass
    found = measure(place, sent(place), concurrency=2, seconds=0.1)
    assert list(found.errors) == [UNANSWERED]


def test_a_test_that_is_cut_short_keeps_what_it_has_measured() -> None:
    known = Known()

    @asynccontextmanager
    async def pressed(place: Place, tally: Tally) -> AsyncIterator[None]:
        pressing = asyncio.create_task(press(place, sent(place), tally))
        yield
        pressing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pressing

    async def cut(place: Place) -> Tally:
        tally = Tally(concurrency=2, begin=perf_counter(), end=perf_counter() + 60)
        async with pressed(place, tally):
            while len(tally.seconds) < 10:
                await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1  # this one
        return tally

    with serving(known) as place:
        tally = run(cut(place))
    figures = tally.figures(perf_counter())
    assert figures.answered >= 10
    assert figures.rate > 0


times = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5), st.sampled_from([None, 1, 4, 32])), max_size=60)


@given(times)
def test_the_figures_are_those_of_what_was_asked_after_the_warm_up(
    asked: list[tuple[float, float, int | None]],
) -> None:
    tally = Tally(concurrency=1, begin=2.0, end=8.0)
    for begun, took, batch in asked:
        tally.answered(begun, begun + took, batch)
    counted = [(begun, took, batch) for begun, took, batch in asked if begun >= 2]
    figures = tally.figures(20.0)
    assert figures.answered == len(counted)
    assert figures.rate == pytest.approx(sum(begun + took <= 8 for begun, took, _ in counted) / 6)
    if counted:
        assert figures.p50 == pytest.approx(np.median([took for _, took, _ in counted]))
        assert figures.p99 is not None
        assert figures.p99 <= max(took for _, took, _ in counted) + 1e-9
    sizes = [batch for *_, batch in counted if batch]
    assert figures.batch == (pytest.approx(len(sizes) / sum(1 / size for size in sizes)) if sizes else None)


def test_the_mean_batch_is_over_batches_not_over_requests() -> None:
    tally = new_tally(1, 1.0)
    for batch in [4] * 4 + [1]:  # a batch of four and a batch of one
        tally.answered(tally.begin, tally.begin, batch)
    assert tally.figures(tally.end).batch == 2.5


def test_the_command_prints_a_row_for_each_number_of_callers(capsys: pytest.CaptureFixture[str]) -> None:
    known = Known(token="secret")
    with serving(known) as place:
        words = ["load", place.url, "--concurrency", "1,3", "--seconds", "0.2", "--token", "secret"]
        assert main(words) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [f"server  {place.url}", "model   wide", "sent    a kept example, 16 bytes"]
    assert said[4].split("  ")[0] == "callers"
    assert [line.split()[0] for line in said[5:]] == ["1", "3"]
    assert all(line.endswith("none") for line in said[5:])
    assert set(known.bodies) == {EXAMPLE.tobytes()}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--token", "wrong"], 1, "asks for a token"),
        (["--token", "secret", "--model", "wild"], 1, "has no model 'wild'; it has wide. Did you mean 'wide'?"),
        (["--token", "secret", "--concurrency", "0"], 2, "expected numbers from 1 to 1,024"),
        (["--token", "secret", "--concurrency", "1,,2"], 2, "expected numbers from 1 to 1,024"),
        (["--token", "secret", "--file", "nowhere.npy"], 1, "nowhere.npy cannot be read: No such file"),
        (["--token", "secret", "--file", __file__], 1, "answers 400 to this request: 16 bytes are due"),
    ],
)
def test_what_cannot_be_measured_is_told_before_it_begins(
    words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Known(token="secret")) as place:
        assert main(["load", place.url, *words]) == code
    assert says in capsys.readouterr().err


def test_another_machine_is_left_alone_unless_one_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "http://10.1.2.3:8000"]) == 2
    assert "10.1.2.3 is not this machine" in capsys.readouterr().err
    assert main(["load", "https://127.0.0.1:8000"]) == 2
    assert "only knows http" in capsys.readouterr().err


def test_a_card_survives_the_way_to_the_client() -> None:
    assert Card.from_json(json.loads(json.dumps(CARD.to_json()))) == CARD
