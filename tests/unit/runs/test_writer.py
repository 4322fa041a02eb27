"""The writing thread: what is kept, in which order, and where its errors surface."""

import threading
from pathlib import Path

import pytest
import torch

from stepwell.core.errors import RunError
from stepwell.runs import Run, Snapshot, create_run, writer
from stepwell.runs.writer import CheckpointWriter


def snapshot(step: int, *, best: bool = False) -> Snapshot:
    return Snapshot(step=step, parts={"model": {"x": torch.tensor([float(step)])}}, best=best)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path, "x", {})


def kept(run: Run) -> list[int]:
    return [int(path.name) for path in run.checkpoints()]


def test_the_newest_and_the_best_stay(run: Run) -> None:
    thread = CheckpointWriter(run, keep=2)
    for step in range(1, 9):
        thread.submit(snapshot(step, best=step in (2, 4)))
    thread.close()
    assert kept(run) == [4, 7, 8]
    assert run.read_checkpoint("best").parts["model"]["x"].item() == 4


def test_a_newer_best_replaces_the_older(run: Run) -> None:
    thread = CheckpointWriter(run, keep=1)
    for step, best in ((1, True), (2, False), (3, True), (4, False), (5, False)):
        thread.submit(snapshot(step, best=best))
    thread.close()
    assert kept(run) == [3, 5]


def test_an_older_best_that_is_submitted_late_is_kept(run: Run) -> None:
    thread = CheckpointWriter(run, keep=1)
    for step, best in ((10, False), (8, True), (12, False)):
        thread.submit(snapshot(step, best=best))
    thread.close()
    assert kept(run) == [8, 12]


def test_leftovers_of_a_kill_are_cleared(run: Run) -> None:
    run.checkpoint_folder.mkdir()
    (run.checkpoint_folder / ".7.abcd.tmp").mkdir()
    CheckpointWriter(run, keep=1).close()
    assert list(run.checkpoint_folder.iterdir()) == []


def test_a_damaged_older_checkpoint_does_not_stop_the_writing(run: Run) -> None:
    thread = CheckpointWriter(run, keep=2)
    thread.submit(snapshot(1))
    thread.close()
    (run.checkpoint_folder / "1" / "state.json").unlink()
    thread = CheckpointWriter(run, keep=2)
    thread.submit(snapshot(2))
    thread.submit(snapshot(3))
    thread.close()
    assert kept(run) == [2, 3]


def test_an_error_surfaces_at_the_close(run: Run) -> None:
    thread = CheckpointWriter(run, keep=1)
    run.checkpoint_folder.write_text("a file where the folder is due")
    thread.submit(snapshot(1))
    with pytest.raises(RunError, match="Cannot write"):
        thread.close()
    assert not thread._thread.is_alive()


def test_an_error_surfaces_at_the_next_submit_in_the_callers_thread(run: Run) -> None:
    run.checkpoint_folder.write_text("a file where the folder is due")
    thread = CheckpointWriter(run, keep=1)

    def submit_until_told() -> None:
        for step in range(1, 5):  # the first fails; one may wait and be dropped; a later call tells
            thread.submit(snapshot(step))

    with pytest.raises(RunError, match="Cannot write"):
        submit_until_told()
    run.checkpoint_folder.unlink()
    thread.submit(snapshot(9))  # a mended disk is written to again
    thread.close()
    assert kept(run)[-1] == 9


def test_at_most_one_snapshot_waits(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is written, one may wait; a third `submit` waits itself, so memory stays bounded."""
    begun, go_on = threading.Event(), threading.Event()
    real = writer.write_checkpoint

    def slow(folder: Path, one: Snapshot) -> Path:
        begun.set()
        assert go_on.wait(30)
        return real(folder, one)

    monkeypatch.setattr(writer, "write_checkpoint", slow)
    thread = CheckpointWriter(run, keep=9)
    thread.submit(snapshot(1))
    assert begun.wait(30)
    thread.submit(snapshot(2))
    third = threading.Thread(target=thread.submit, args=(snapshot(3),))
    third.start()
    assert thread._queue.full()
    assert third.is_alive()
    go_on.set()
    third.join(30)
    thread.close()
    assert kept(run) == [1, 2, 3]


def test_the_history_is_on_the_disk_before_the_checkpoint(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    monkeypatch.setattr(Run, "sync", lambda self: order.append("history"))
    real = writer.write_checkpoint
    monkeypatch.setattr(writer, "write_checkpoint", lambda *args: (order.append("checkpoint"), real(*args))[1])
    thread = CheckpointWriter(run, keep=1)
    thread.submit(snapshot(1))
    thread.close()
    assert order == ["history", "checkpoint"]
