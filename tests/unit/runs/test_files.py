"""Files are whole or not there, and what the operating system refuses is told in a sentence."""

import errno
import json
import math
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.core.errors import RunError
from stepwell.runs import files
from stepwell.runs.files import read_json, sync, temporary_beside, write_json, write_text, writing


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "facts.json"
    value = {"ä": [1, None, True], "e": 1e-300}
    write_json(path, value)
    assert read_json(path) == value
    assert "ä" in path.read_text(encoding="utf-8")
    assert os.listdir(path.parent) == ["facts.json"]


def test_nan_and_infinity_come_back(tmp_path: Path) -> None:
    write_json(tmp_path / "x", [math.nan, math.inf, -math.inf])
    nan, *rest = read_json(tmp_path / "x")
    assert math.isnan(nan)
    assert rest == [math.inf, -math.inf]


@pytest.mark.parametrize("fails_at", ["sync", "Path.replace", "Path.write_text"])
def test_a_failure_midway_leaves_the_old_file_and_nothing_else(
    fails_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "facts.json"
    write_text(path, "old")

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    owner, name = (files, "sync") if fails_at == "sync" else (Path, fails_at.removeprefix("Path."))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises(RunError, match=r"Cannot write .*facts\.json: the disk is full\. Free some space"):
            write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["facts.json"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "the disk is full. Free some space, or choose another folder with --out."),
        (errno.EDQUOT, "your quota on this disk is used up. Free some space, or choose another folder with --out."),
        (errno.EACCES, "there is no permission to write there. Change it, or choose another folder with --out."),
        (errno.EROFS, "the disk is read-only. Choose another folder with --out."),
        (errno.EIO, "Input/output error."),
    ],
)
def test_each_refusal_has_its_sentence(number: int, text: str) -> None:
    with pytest.raises(RunError) as caught, writing(Path("there")):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"Cannot write there: {text}"


def test_a_file_where_a_folder_is_due_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"Cannot write .*: (File exists|a part of this path is a file)"):
        write_text(tmp_path / "file" / "x", "text")
    with pytest.raises(RunError, match=r"a part of this path is a file, not a folder\."):
        write_text(tmp_path / "file" / "deeper" / "x", "text")


def test_a_full_disk(tiny_disk: Path) -> None:
    write_text(tiny_disk / "x", "old")
    with pytest.raises(RunError, match=r"Cannot write .*x: the disk is full\."):
        write_text(tiny_disk / "x", "new" * 200_000)
    assert (tiny_disk / "x").read_text() == "old"
    assert os.listdir(tiny_disk) == ["x"]


def test_a_read_only_disk(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(RunError, match=r"Cannot write .*x: the disk is read-only\. Choose another folder with --out"):
        write_text(tiny_disk / "x", "new")


def test_files_of_limited_size(tmp_path: Path, limited: Callable) -> None:
    write_text(tmp_path / "x", "old")
    with limited(1000), pytest.raises(RunError, match=r"Cannot write .*x: File too large\."):
        write_text(tmp_path / "x", "new" * 1000)
    assert (tmp_path / "x").read_text() == "old"
    assert os.listdir(tmp_path) == ["x"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=rf"There is no facts\.json in {tmp_path}\."):
        read_json(tmp_path / "facts.json")


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe", b'{"a": 1}}'])
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_bytes(content)
    with pytest.raises(RunError, match=r"facts\.json cannot be read: "):
        read_json(tmp_path / "facts.json")


def test_temporary_names_are_hidden_and_differ() -> None:
    names = {temporary_beside(Path("a/b")).name for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith(".b.") and name.endswith(".tmp") for name in names)


def test_sync_takes_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(json.dumps(1))
    sync(tmp_path / "x")
    sync(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "y")
