import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stepwell.core.errors import DataError
from stepwell.data.download import fetch

BODY = bytes(range(256)) * 4000  # about a megabyte: several blocks
SHA = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """A server whose manners a test can change."""

    daemon_threads = True
    body = BODY
    ranges = True
    cut_after: int | None = None
    asked: list[str | None]

    def handle_error(self, request, client_address):
        """A client that hung up is what some tests want."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.asked.append(wanted)
        if self.path != "/file":
            return self.send_error(404)
        body, start = self.server.body, 0
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:][: self.server.cut_after])
        return None

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def url(server) -> str:
    return f"http://127.0.0.1:{server.server_port}/file"


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "new" / "file.bin"


def part_of(path: Path, content: bytes) -> Path:
    part = path.with_name("file.bin.part")
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(content)
    return part


def test_downloads_checks_and_puts_in_place(server, url, path):
    told = []
    assert fetch(url, path, SHA, len(BODY), lambda done, total: told.append((done, total))) == path
    assert path.read_bytes() == BODY
    assert [file.name for file in path.parent.iterdir()] == ["file.bin"]
    assert (told[0], told[-1]) == ((0, len(BODY)), (len(BODY), len(BODY)))
    assert server.asked == [None]


def test_goes_on_from_the_part(server, url, path):
    part_of(path, BODY[:1000])
    told = []
    fetch(url, path, SHA, progress=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == BODY
    assert server.asked == ["bytes=1000-"]
    assert told[0] == (1000, len(BODY))


def test_starts_over_where_the_server_has_no_ranges(server, url, path):
    server.ranges = False
    part_of(path, BODY[:1000])
    fetch(url, path, SHA)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("size", [None, len(BODY)])
def test_a_complete_part_is_used(server, url, path, size):
    part_of(path, BODY)
    fetch(url, path, SHA, size)
    assert path.read_bytes() == BODY
    assert server.asked == ([] if size else [f"bytes={len(BODY)}-"])


@pytest.mark.parametrize("size", [None, len(BODY)])
def test_a_part_that_is_too_long_is_dropped(server, url, path, size):
    part_of(path, BODY + b"more")
    fetch(url, path, SHA, size)
    assert path.read_bytes() == BODY


def test_a_cut_is_named_and_gone_on_from(server, url, path):
    server.cut_after = 300_000
    with pytest.raises(DataError, match=r"cut after 300,000 of 1,024,000 bytes; the next try goes on from there"):
        fetch(url, path, SHA)
    assert not path.exists()
    server.cut_after = None
    fetch(url, path, SHA)
    assert path.read_bytes() == BODY
    assert server.asked == [None, "bytes=300000-"]


def test_wrong_bytes_are_deleted_and_named(server, url, path):
    server.body = b"another file"
    got = hashlib.sha256(b"another file").hexdigest()
    with pytest.raises(DataError, match=rf"SHA-256 {got} \(12 bytes\), expected is {SHA}; it was deleted") as caught:
        fetch(url, path, SHA)
    assert f"put it into {path.parent} as file.bin" in str(caught.value)
    assert list(path.parent.iterdir()) == []


def test_a_damaged_part_does_not_stay(server, url, path):
    part_of(path, b"x" * 1000)
    with pytest.raises(DataError, match="it was deleted"):
        fetch(url, path, SHA)
    fetch(url, path, SHA)
    assert path.read_bytes() == BODY


def test_a_file_that_is_there_stays_until_the_new_one_is_whole(server, url, path):
    part_of(path, b"")
    path.write_bytes(b"old")
    server.cut_after = 10
    with pytest.raises(DataError, match="cut after"):
        fetch(url, path, SHA)
    assert path.read_bytes() == b"old"
    server.cut_after = None
    fetch(url, path, SHA)
    assert path.read_bytes() == BODY


def test_not_found_is_named_with_what_to_do_by_hand(server, url, path):
    with pytest.raises(DataError) as caught:
        fetch(url + "s", path, SHA)
    assert str(caught.value) == (
        f"Could not download file.bin from {url}s: the server answered 404 Not Found.\n"
        f"By hand: get the file from that address on any machine, and put it into {path.parent} as file.bin."
    )
    assert caught.value.__suppress_context__


def test_a_refused_connection_is_named(path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as taken:  # bound but not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/file"
        with pytest.raises(DataError, match=r"Could not download file.bin from .*[Rr]efused") as caught:
            fetch(url, path, SHA)
    assert caught.value.__suppress_context__


def test_a_folder_that_cannot_be_made_is_named(url, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DataError, match="Could not download file.bin"):
        fetch(url, tmp_path / "taken" / "file.bin", SHA)


def test_control_c_keeps_the_part(server, url, path):
    def stop(done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(url, path, SHA, progress=stop)
    kept = path.with_name("file.bin.part").read_bytes()
    assert 0 < len(kept) < len(BODY)
    assert BODY.startswith(kept)
    fetch(url, path, SHA)
    assert path.read_bytes() == BODY
    assert server.asked == [None, f"bytes={len(kept)}-"]
