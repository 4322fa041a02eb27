import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stepwell.core.errors import DataError
from stepwell.data import weights
from stepwell.data.weights import PUBLISHED, check, find_weights, get_weights, published

CONTENT = b"not really weights"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPWELL_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "weights"


@pytest.fixture
def served(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server of small files under the published names; the table is told of their checksums."""
    origin = tmp_path / "origin"
    origin.mkdir()
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(origin))) as server:
        rows = {name: replace(one, sha256=sha256(CONTENT).hexdigest()) for name, one in PUBLISHED.items()}
        monkeypatch.setattr(weights, "PUBLISHED", rows)
        monkeypatch.setattr(weights, "_FROM", f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield origin
        server.shutdown()
        thread.join()


def test_the_digits_in_the_names_are_the_checksums() -> None:
    for name, one in PUBLISHED.items():
        assert one.name == name
        assert one.file.endswith(f"-{one.sha256[:8]}.pth")
        assert one.url == f"https://download.pytorch.org/models/{one.file}"
        assert len(one.sha256) in (8, 64)
        assert (one.crop, one.shorter) in ((224, 256), (299, 342))


def test_downloads_once_and_checks(served: Path, folder: Path) -> None:
    (served / PUBLISHED["resnet18"].file).write_bytes(CONTENT)
    told = []
    path = get_weights("resnet18", lambda done, total: told.append((done, total)))
    assert path == folder / "resnet18-f37072fd.pth"
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    (served / PUBLISHED["resnet18"].file).unlink()
    assert get_weights("resnet18") == get_weights("resnet18-f37072fd.pth") == get_weights("resnet18.pth") == path
    assert find_weights("resnet18") == find_weights("resnet18.pth") == find_weights("resnet18-f37072fd.pth") == path


def test_what_came_is_not_what_was_published(served: Path, folder: Path) -> None:
    (served / PUBLISHED["alexnet"].file).write_bytes(b"something else")
    with pytest.raises(DataError, match="expected is .*it was deleted"):
        get_weights("alexnet")
    assert list(folder.iterdir()) == []
    with pytest.raises(DataError, match=r"Could not download vgg16-397923af\.pth .* 404"):
        get_weights("vgg16")


def test_a_beginning_of_a_checksum_is_compared_but_nothing_is_fetched_by_it(folder: Path) -> None:
    with pytest.raises(DataError, match="not fetched, since only the beginning of their SHA-256 is known") as caught:
        get_weights("inception")
    assert f"  to   {folder / 'inception_v3_google-0cc3c7bd.pth'}" in str(caught.value)
    folder.mkdir(parents=True)
    path = folder / "inception_v3_google-0cc3c7bd.pth"
    path.write_bytes(CONTENT)
    digest = sha256(CONTENT).hexdigest()
    with pytest.raises(DataError, match=f"its SHA-256 begins with {digest[:8]}, not 0cc3c7bd"):
        find_weights("inception")
    assert check(path, replace(PUBLISHED["inception"], sha256=digest[:8])) == path


def test_missing_weights_say_where_to_get_them_and_where_to_put_them(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        find_weights("somewhere/resnet101.pth")
    assert str(caught.value) == (
        "The weights somewhere/resnet101.pth are not here, and are not fetched without being asked for. To have them:\n"
        "  get  https://download.pytorch.org/models/resnet101-63fe2227.pth (about 179 MB, SHA-256 63fe2227…)\n"
        f"  to   {folder / 'resnet101-63fe2227.pth'}\n"
        "  or   stepwell recognise PHOTO --weights resnet101 --download"
    )
    with pytest.raises(DataError, match=r"There is no file of weights resnet110\.pth, .* Did you mean 'resnet101'\?"):
        find_weights("resnet110.pth")
    with pytest.raises(
        DataError, match=r"There are no published weights 'resnet1'; there are .* Did you mean 'resnet18'"
    ):
        published("resnet1")


def test_a_path_comes_before_the_folder(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "mine.pth").write_bytes(b"in the folder")
    assert find_weights("mine.pth") == folder / "mine.pth"
    (tmp_path / "resnet18.pth").write_bytes(b"of anything: only published names are checked")
    assert find_weights(tmp_path / "resnet18.pth") == tmp_path / "resnet18.pth"
