"""A training that is killed again and again ends with the bits of one that never was."""

import multiprocessing
import random
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import noisy
import pytest

import stepwell as sw
from stepwell.recipes.verify import digest

STEPS = 13 * noisy.EPOCHS


def sit(folder: Path, workers: int, kill_at: int) -> int:
    """A sitting in a process of its own; returns its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["stepwell.training", "stepwell.training.hooks", "stepwell.runs"])
    process = context.Process(target=noisy.sit, args=(folder, workers, kill_at))
    process.start()
    process.join(timeout=120)
    return process.exitcode


def ending(folder: Path) -> dict[str, str]:
    """The digests of what a training came to."""
    run = sw.open_run(folder)
    last = run.read_checkpoint()
    assert last.step == STEPS
    return {name: digest(last.parts[name]) for name in last.parts} | {"history": (folder / "history.jsonl").read_text()}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place for a run, in memory where the machine has one: hundreds of checkpoints are flushed to it."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as path:
        yield Path(path) / "run"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert sit(folder, workers=0, kill_at=-1) == 0
    return ending(folder)


@pytest.mark.parametrize("workers", [(0,), (1,), (2,), (2, 0, 1)], ids=str)
def test_five_kills_change_no_bit(workers: tuple[int, ...], uninterrupted: dict[str, str], folder: Path) -> None:
    steps = sorted(random.Random(repr(workers)).sample(range(1, STEPS), 5))
    for number, step in enumerate(steps):
        assert sit(folder, workers[number % len(workers)], kill_at=step) == -signal.SIGKILL
    assert sit(folder, workers[-1], kill_at=-1) == 0
    assert ending(folder) == uninterrupted


def test_the_comparison_can_fail(uninterrupted: dict[str, str], folder: Path) -> None:
    """A training under another seed is told from the uninterrupted one."""
    run = noisy._new(folder)
    sw.fit(replace(noisy.build(), seed=12), run, [sw.History(run), sw.Checkpoints(run)])
    other = ending(folder)
    assert all(other[part] != uninterrupted[part] for part in ("model", "optimizer", "history"))
