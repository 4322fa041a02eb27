"""The hooks that write a run folder: which checkpoints, when, and what a failing disk does."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import toys

import stepwell as sw
from stepwell.core.errors import RunError, TrainingError
from stepwell.runs import Run, Snapshot, checkpoint, writer
from stepwell.training.hooks import records

STEPS = -(-toys.ROWS // toys.BATCH)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return toys.folder(tmp_path / "run")


def fit(run: Run, *more: sw.Hook, epochs: int = 3, **settings: Any) -> sw.Training:
    settings.setdefault("every_seconds", None)
    hooks = [sw.History(run), sw.Checkpoints(run, **settings), *more]
    return sw.fit(toys.experiment(toys.network(0.3), epochs=epochs), run, hooks)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """The steps that are written, and whether as the best."""
    found: list[tuple[int, bool]] = []
    real = writer.write_checkpoint

    def note(folder: Path, snapshot: Snapshot) -> Path:
        found.append((snapshot.step, snapshot.best))
        return real(folder, snapshot)

    monkeypatch.setattr(writer, "write_checkpoint", note)
    return found


def test_the_history_on_disk_is_the_trainings(run: Run) -> None:
    training = fit(run)
    assert run.lines("history.jsonl") == training.history
    timing = run.lines("timing.jsonl")
    assert [line["epoch"] for line in timing] == [1, 2, 3]
    assert all(line[what] >= 0 for line in timing for what in ("train", "val", "data"))


def test_the_last_state_is_saved_at_the_end(run: Run, written: list[tuple[int, bool]]) -> None:
    training = fit(run, best=False)
    assert written == [(3 * STEPS, False)]
    assert toys.bits(run.read_checkpoint()) == toys.bits(training.snapshot())


def test_every_so_many_steps(run: Run, written: list[tuple[int, bool]]) -> None:
    fit(run, every_steps=5, best=False)
    assert [step for step, _ in written] == [5, 10, 15, 20, 21]
    assert [path.name for path in run.checkpoints()] == ["20", "21"]


def test_every_so_many_epochs(run: Run, written: list[tuple[int, bool]]) -> None:
    fit(run, every_epochs=2, best=False, epochs=5, keep=9)
    assert [step for step, _ in written] == [2 * STEPS, 4 * STEPS, 5 * STEPS]


def test_every_so_many_seconds(run: Run, written: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ticks when a step ends: every 20 seconds is every fourth step of six seconds."""
    now = [0.0]

    class Clock(sw.Hook):
        def step_end(self, training: sw.Training, result: object) -> None:
            now[0] += 6.0

    monkeypatch.setattr(records.time, "perf_counter", lambda: now[0])
    hooks = [Clock(), sw.Checkpoints(run, every_seconds=20.0, best=False)]
    sw.fit(toys.experiment(epochs=1), run, hooks)
    assert [step for step, _ in written] == [4, 7]


@pytest.mark.parametrize("every_steps", [None, 1, 3, STEPS])
def test_the_best_epoch_is_kept_with_its_own_weights(run: Run, every_steps: int | None) -> None:
    training = fit(run, epochs=5, every_steps=every_steps, keep=1)
    best = run.read_checkpoint("best")
    assert best.step == training.history[training.best_epoch() - 1]["step"]
    shorter = sw.fit(toys.experiment(toys.network(0.3), epochs=training.best_epoch()))
    assert toys.bits(best)["model"] == toys.bits(shorter.snapshot())["model"]
    assert best.facts["epochs"] == training.best_epoch()
    assert run.read_checkpoint().step == 5 * STEPS
    assert len(run.checkpoints()) == len({best.step, 5 * STEPS})


@pytest.mark.parametrize("every_epochs", [1, None])
def test_a_step_is_written_again_only_where_it_ended_an_epoch(
    every_epochs: int | None, run: Run, written: list[tuple[int, bool]]
) -> None:
    fit(run, every_steps=1, every_epochs=every_epochs, best=False)
    again = [STEPS, 2 * STEPS, 3 * STEPS] if every_epochs else [3 * STEPS]
    assert [step for step, _ in written] == sorted([*range(1, 3 * STEPS + 1), *again])
    assert run.read_checkpoint().facts["epochs"] == 3


class Fails(sw.Hook):
    def __init__(self, step: int) -> None:
        self._step = step

    def step_end(self, training: sw.Training, result: object) -> None:
        if training.step == self._step:
            raise KeyError("broken")


def test_after_an_error_the_doubtful_state_is_not_saved_but_the_best_is(run: Run) -> None:
    with pytest.raises(KeyError):
        fit(run, Fails(STEPS + 2))
    assert [path.name for path in run.checkpoints()] == [str(STEPS)]
    assert run.read_checkpoint().best


def test_an_interruption_is_saved_at_once(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(run, toys.InterruptAt(4))
    assert run.read_checkpoint().step == 4


def test_at_least_one_has_to_stay(run: Run) -> None:
    with pytest.raises(TrainingError, match="keep is 0; at least the newest checkpoint has to stay"):
        sw.Checkpoints(run, keep=0)


def full_disk(*args: object, **kwargs: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_stops_the_training_with_a_sentence_and_leaves_what_was_saved(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fills(sw.Hook):
        def step_end(self, training: sw.Training, result: object) -> None:
            if training.step == 6:
                monkeypatch.setattr(checkpoint, "save_file", full_disk)

    with pytest.raises(RunError, match=r"Cannot write .*checkpoints/\d+: the disk is full\. Free some space"):
        fit(run, Fills(), every_steps=1, best=False)
    steps = [int(path.name) for path in run.checkpoints()]
    assert steps
    assert max(steps) <= 6
    assert run.read_checkpoint().step == max(steps)
    assert not [name for name in os.listdir(run.checkpoint_folder) if name.startswith(".")]


def test_a_full_disk_at_the_very_end_is_not_swallowed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "save_file", full_disk)
    with pytest.raises(RunError, match="the disk is full"):
        fit(run, best=False)
    assert run.checkpoints() == []


def test_a_history_that_cannot_be_written_stops_the_training(run: Run) -> None:
    (run.folder / "history.jsonl").symlink_to("/dev/full")
    recorder = toys.Recorder()
    with pytest.raises(RunError, match=r"Cannot write .*history\.jsonl: the disk is full"):
        fit(run, recorder)
    assert isinstance(recorder._error, RunError)


def test_the_writing_thread_ends_with_the_training(run: Run) -> None:
    hook = sw.Checkpoints(run)
    sw.fit(toys.experiment(epochs=1), run, [sw.History(run), hook])
    assert not hook._writer._thread.is_alive()


def test_no_pickle_is_in_the_run_folder(run: Run) -> None:
    fit(run)
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".jsonl", ".safetensors"}
    for path in files:
        assert not path.read_bytes().startswith((b"\x80", b"PK"))
