"""Servers with real worker processes: what the book's server did wrong, and what ends badly elsewhere, ends well here."""

import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from served_models import HANG, KILL, RAISE
from servers import alive, toys, until


@pytest.fixture(scope="module")
def server():
    with toys(models=[{}, {"name": "wide", "size": 3}], limits={"body": 100_000}) as started:
        yield started


def test_requests_of_many_connections_share_batches_and_each_gets_its_own_answer(server):
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda number: server.double(number, number + 0.5), range(200)))
    assert found == [(200, [2.0 * number, 2.0 * number + 1]) for number in range(200)]
    assert server.metric("stepwell_batch_rows_count") < 200, "some shared a batch"
    assert server.metric('stepwell_requests_total{model="double",status="200"}') >= 200


def test_one_bad_input_fails_alone(server):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(server.double, [1, RAISE, 2, RAISE, 3, 4, 5, 6]))
    assert [status for status, _ in found] == [200, 500, 200, 500, 200, 200, 200, 200]
    assert "minus one is not for me" in found[1][1]
    assert server.double(9) == (200, [18])


def test_several_models_answer_by_name(server):
    body = np.arange(3, dtype="<f4").tobytes()
    status, _, text = server.ask("POST", "/predict/wide", body, Content_Type="application/octet-stream")
    assert status == 200
    assert list(json.loads(text)["answers"][0]["values"].values()) == [0, 2, 4]
    assert [card["name"] for card in json.loads(server.ask("GET", "/models")[2])] == ["double", "wide"]
    assert server.ask("GET", "/models/wide")[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "why"),
    [
        ("/predict/doubel", b"\0\0\0\0", {}, 404, "Did you mean 'double'?"),
        ("/predict", b"\0\0\0", {}, 400, "3 bytes"),
        ("/predict", b"", {}, 400, "empty"),
        ("/predict", b"\0" * 200_000, {}, 413, "200,000 bytes; this server takes 100,000"),
        ("/predict", b"\0\0\0\0", {"Content_Type": "video/mp4"}, 415, "video/mp4"),
        ("/predict", b'{"inputs": [[1, 2]]}', {"Content_Type": "application/json"}, 422, "shape"),
        ("/predict", b"\0\0\0\0", {"X_Timeout_Ms": "soon"}, 400, "whole number of milliseconds"),
        ("/predict", b"\0\0\0\0", {"Host": "evil.example"}, 421, "not 'evil.example'"),
        ("/nothing", b"", {}, 404, "/predict"),
    ],
)
def test_each_refusal_is_a_sentence(server, path, body, headers, status, why):
    given = {"Content_Type": "application/octet-stream", **headers}
    found, _, text = server.ask("POST", path, body, **given)
    assert found == status
    assert why in json.loads(text)["error"]


def test_what_can_be_read(server):
    status, headers, body = server.ask("GET", "/models/double/examples/2")
    assert (status, headers["content-type"]) == (200, "application/x-npy")
    status, told, answer = server.ask("POST", "/predict", body, Content_Type="application/x-npy")
    assert json.loads(answer)["answers"] == [{"values": {"value": 4.0}}]
    assert int(told["x-batch"]) >= 1
    assert server.ask("GET", "/models/double/examples/9")[0] == 404
    assert server.ask("GET", "/v2/health/ready")[0] == 200
    assert json.loads(server.ask("GET", "/openapi.json")[2])["openapi"].startswith("3.")
    status, headers, page = server.ask("GET", "/")
    assert status == 200
    assert b"<html" in page
    assert "content-security-policy" in headers


def test_a_client_that_goes_away_is_taken_out_of_the_queue():
    with toys(models=[{"seconds": 0.5}], rows=1) as server:
        body = np.ones(1, "<f4").tobytes()
        head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        for each in sockets:
            each.sendall(head.replace(b"\r\n\r\n", b"\r\nContent-Type: application/octet-stream\r\n\r\n") + body)
        until(lambda: server.metric("stepwell_queue_requests") == 2)
        sockets[2].close()
        until(lambda: server.metric("stepwell_cancelled_total") == 1)
        assert sockets[1].recv(12) == b"HTTP/1.1 200"
        for each in sockets[:2]:
            each.close()


def test_a_killed_worker_costs_its_own_batch_a_second_try_and_nobody_an_answer():
    with toys(models=[{"seconds": 0.05}], rows=4) as server, ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(server.double, number) for number in range(60)]
        until(lambda: server.metric("stepwell_batch_rows_count") >= 3)
        os.kill(server.workers[0], signal.SIGKILL)
        assert [future.result() for future in asked] == [(200, [2.0 * number]) for number in range(60)]
        assert 1 <= server.metric("stepwell_retried_total") <= 4
        assert server.metric("stepwell_worker_restarts_total") == 1


def test_an_input_that_kills_twice_is_answered_and_not_tried_again_and_its_neighbours_are_served():
    with toys(models=[{"seconds": 0.02}]) as server:
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(server.double, [1, 2, KILL, 3, 4, 5]))
        assert [status for status, _ in found] == [200, 200, 500, 200, 200, 200]
        assert "killed by SIGKILL" in found[2][1]
        status, why = server.double(KILL)
        assert status == 422
        assert "twice" in why
        assert server.metric("stepwell_worker_restarts_total") == 2


def test_a_batch_that_hangs_is_ended():
    with toys(limits={"batch_timeout": 0.5}) as server:
        status, why = server.double(HANG)
        assert status == 500
        assert "was ended after 0.5 s while it ran this input, twice" in why
        assert server.double(2) == (200, [4])


def test_a_server_that_is_told_to_end_answers_what_is_under_way_and_leaves_nobody_behind():
    with toys(models=[{"seconds": 0.4}], workers=2, rows=1) as server, ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(server.double, number) for number in range(4)]
        until(lambda: server.metric("stepwell_queue_requests") == 2)
        code, errors = server.end()
        assert [future.result() for future in asked] == [(200, [2.0 * number]) for number in range(4)]
        assert (code, errors) == (0, "")
        assert not any(map(alive, server.workers))


def test_a_server_that_is_killed_leaves_nobody_behind_even_in_a_batch():
    with toys() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
            head += b"Content-Type: application/octet-stream\r\n\r\n"
            connection.sendall(head + np.array([HANG], "<f4").tobytes())
            until(lambda: server.metric("stepwell_wait_seconds_count") == 1)
            server.process.kill()
        until(lambda: not any(map(alive, server.workers)))


def test_a_worker_leaves_the_signals_that_end_a_service_to_its_server():
    with toys(models=[{"seconds": 0.3}]) as server, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(server.double, 1)
        until(lambda: server.metric("stepwell_wait_seconds_count") == 1)
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(server.workers[0], number)
        assert asked.result() == (200, [2])
        assert server.metric("stepwell_worker_restarts_total") == 0


def test_a_worker_that_a_nameless_signal_ends_comes_back_and_what_it_wrote_to_disk_is_gone():
    with toys() as server:
        facts = Path(f"/proc/{server.workers[0]}/environ").read_bytes().split(b"\0")
        folder = Path(next(fact for fact in facts if fact.startswith(b"TMPDIR=")).decode().removeprefix("TMPDIR="))
        (folder / "upload.csv").write_text("half a file")
        os.kill(server.workers[0], 40)
        until(lambda: server.metric("stepwell_worker_restarts_total") == 1)
        assert server.double(2) == (200, [4])
        assert not folder.exists()
        code, errors = server.end()
        assert code == 0
        assert "was killed by signal 40; starting another" in errors


def test_where_the_time_to_end_runs_out_those_who_wait_hear_of_it():
    with toys(limits={"drain": 0.3}) as server, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(server.double, HANG)
        until(lambda: server.metric("stepwell_wait_seconds_count") == 1)
        code, errors = server.end()
        status, why = asked.result()
        assert status == 503
        assert "The server ended before the answer was there" in why
        assert (code, errors) == (0, "")
        assert not any(map(alive, server.workers))


def test_a_thread_that_hangs_does_not_keep_the_server_from_ending():
    with toys(workers=0, limits={"drain": 0.3}) as server, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(server.double, HANG)
        until(lambda: server.metric("stepwell_wait_seconds_count") == 1)
        code, errors = server.end()
        assert asked.result()[0] == 503
        assert code == 0
        assert "is left behind" in errors


def test_a_file_of_the_working_folder_does_not_stand_for_pythons_own(tmp_path):
    (tmp_path / "queue.py").write_text("raise RuntimeError('I am not the queue you look for')")
    with toys(cwd=tmp_path) as server:
        assert server.double(4) == (200, [8])


def test_a_full_queue_says_when_to_come_again():
    with toys(models=[{"seconds": 0.2}], rows=1, limits={"queue": 2}) as server, ThreadPoolExecutor(12) as threads:
        assert server.double(1) == (200, [2])
        found = list(
            threads.map(
                lambda _: server.ask("POST", "/predict", b"\0\0\0\0", Content_Type="application/octet-stream"),
                range(12),
            )
        )
        assert {status for status, _, _ in found} == {200, 503}
        assert all(int(headers["retry-after"]) >= 1 for status, headers, _ in found if status == 503)


def test_a_request_is_dropped_at_its_deadline():
    with toys(models=[{"seconds": 0.5}], rows=1) as server, ThreadPoolExecutor(2) as threads:
        first = threads.submit(server.double, 1)
        until(lambda: server.metric("stepwell_wait_seconds_count") == 1)
        status, why = server.double(2, X_Timeout_Ms="50")
        assert status == 503
        assert "no worker was free" in why
        assert first.result() == (200, [2])


def test_a_token_is_asked_for():
    with toys(token="0123456789abcdef", workers=0) as server:
        status, why = server.double(1)
        assert status == 401
        assert "Authorization: Bearer" in why
        assert server.double(1, Authorization="Bearer 0123456789abcdef") == (200, [2])
        assert server.ask("GET", "/v2/health/live")[0] == 200
        assert server.ask("GET", "/")[0] == 200
        assert server.ask("GET", "/models")[0] == 401
        assert server.ask("GET", "/metrics")[0] == 401


def test_a_thread_of_the_server_does_the_same_work():
    with toys(workers=0) as server, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(server.double, range(40)))
        assert found == [(200, [2.0 * number]) for number in range(40)]
        assert server.double(RAISE)[0] == 500
        assert server.end()[0] == 0
