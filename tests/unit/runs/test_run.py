"""Run folders: facts, history, and which checkpoint is read."""

import json
import math
import os
import subprocess
from pathlib import Path

import pytest
import torch

from stepwell.core.errors import CheckpointError, RunError
from stepwell.runs import Run, Snapshot, create_run, list_runs, open_run
from stepwell.runs.checkpoint import write_checkpoint


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path, "moons", {"seed": 3})


def save(run: Run, *steps: int, best: tuple[int, ...] = ()) -> None:
    for step in steps:
        parts = {"model": {"x": torch.tensor([float(step)])}}
        write_checkpoint(run.checkpoint_folder, Snapshot(step=step, parts=parts, best=step in best))


def test_a_run_is_made_and_opened(run: Run, tmp_path: Path) -> None:
    again = open_run(str(run.folder))
    assert again.facts == run.facts
    assert (again.facts["seed"], again.facts["status"], again.facts["name"]) == (3, "running", run.folder.name)
    assert run.folder.parent == tmp_path
    assert run.name.startswith("moons-2")
    assert run.facts["created"].count(":") >= 2


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    folders = {create_run(tmp_path / "new", "x", {}).folder for _ in range(4)}
    assert len(folders) == 4
    assert len(list_runs(tmp_path / "new")) == 4


def test_facts_are_changed_on_disk(run: Run) -> None:
    run.update(status="done", steps=5)
    assert open_run(run.folder).facts["status"] == "done"
    assert open_run(run.folder).facts["seed"] == 3


def test_texts_are_written_as_they_are_and_the_rest_as_json(run: Run) -> None:
    assert run.write("report.html", "<p>é</p>").read_text(encoding="utf-8") == "<p>é</p>"
    assert json.loads(run.write("split.json", {"a": [1]}).read_text()) == {"a": [1]}


LINES = [{"epoch": n, "val": {"loss": v}} for n, v in ((1, 0.1), (2, math.nan), (3, -math.inf))]


def test_the_history_comes_back_with_every_bit_and_nan(run: Run) -> None:
    for line in LINES:
        run.append("history.jsonl", line)
    back = run.lines("history.jsonl")
    assert repr(back) == repr(LINES)
    assert run.lines("timing.jsonl") == []


def test_texts_with_odd_line_ends_stay_one_line(run: Run) -> None:
    line = {"epoch": 1, "name": "a\u2028b\x85c\x0bd\r\ne"}
    run.append("history.jsonl", line)
    assert run.lines("history.jsonl") == [line]


@pytest.mark.parametrize("bytes_lost", [1, 2, 10])
def test_a_last_line_that_was_cut_is_left_out(run: Run, bytes_lost: int) -> None:
    for line in LINES:
        run.append("history.jsonl", line)
    path = run.folder / "history.jsonl"
    path.write_bytes(path.read_bytes()[:-bytes_lost])
    assert repr(run.lines("history.jsonl")) == repr(LINES[:2])


def test_a_cut_in_the_middle_of_a_letter_is_left_out(run: Run) -> None:
    run.append("history.jsonl", {"epoch": 1})
    path = run.folder / "history.jsonl"
    path.write_bytes(path.read_bytes() + '{"é'.encode()[:-1])
    assert run.lines("history.jsonl") == [{"epoch": 1}]


@pytest.mark.parametrize("middle", ["{", "", "3", "\x00"])
def test_a_damaged_line_is_named(run: Run, middle: str) -> None:
    path = run.folder / "history.jsonl"
    path.write_text(f'{{"epoch": 1}}\n{middle}\n{{"epoch": 3}}\n')
    with pytest.raises(RunError, match=r"Line 2 of .*history\.jsonl is damaged: "):
        run.lines("history.jsonl")


def test_rewinding_forgets_later_epochs_and_cut_lines(run: Run) -> None:
    for name in ("history.jsonl", "timing.jsonl"):
        for line in LINES:
            run.append(name, line)
    before = (run.folder / "history.jsonl").read_bytes().splitlines(keepends=True)
    with (run.folder / "history.jsonl").open("a") as file:
        file.write('{"epo')
    assert repr(run.rewind(2)) == repr(LINES[:2])
    assert (run.folder / "history.jsonl").read_bytes() == b"".join(before[:2])
    assert [line["epoch"] for line in run.lines("timing.jsonl")] == [1, 2]
    assert run.rewind(0) == []
    run.append("history.jsonl", LINES[0])
    assert run.lines("history.jsonl") == [LINES[0]]


def test_a_history_on_a_full_disk_is_told_in_a_sentence(run: Run) -> None:
    (run.folder / "history.jsonl").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"Cannot write .*history\.jsonl: the disk is full\. Free some space"):
        run.append("history.jsonl", LINES[0])


def test_syncing_what_is_there(run: Run) -> None:
    run.sync()
    run.append("history.jsonl", LINES[0])
    run.sync()


# Which checkpoint is read.


def test_the_last_the_best_and_one_by_its_step(run: Run) -> None:
    save(run, 5, 20, 100, best=(5, 20))
    assert run.read_checkpoint().step == run.read_checkpoint("last").step == 100
    assert run.read_checkpoint("best").step == 20
    assert run.read_checkpoint(5).step == run.read_checkpoint("5").step == 5


def test_without_a_best_the_last_is_read(run: Run) -> None:
    save(run, 5, 20)
    assert run.read_checkpoint("best").step == 20


def test_a_step_that_is_not_there_is_told_with_those_that_are(run: Run) -> None:
    save(run, 5, 20)
    with pytest.raises(CheckpointError, match=r"has no checkpoint of step 7; it has those of 5, 20\."):
        run.read_checkpoint(7)


def test_a_run_without_checkpoints(run: Run) -> None:
    with pytest.raises(CheckpointError, match="has no checkpoint yet; train it again from the start"):
        run.read_checkpoint()


@pytest.mark.parametrize("which", ["last", "best", 20])
@pytest.mark.parametrize("name", ["model.safetensors", "MANIFEST.json"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_offered(run: Run, which: str | int, name: str) -> None:
    save(run, 5, 11, 20, best=(20,))
    path = run.checkpoint_folder / "20" / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match=rf"20.*{name}.* Use the one before it: --from 11\."):
        run.read_checkpoint(which)
    assert run.read_checkpoint(11).step == 11


def test_a_damaged_only_checkpoint_leaves_nothing_to_offer(run: Run) -> None:
    save(run, 5)
    (run.checkpoint_folder / "5" / "model.safetensors").unlink()
    with pytest.raises(
        CheckpointError, match=r"model\.safetensors is missing\. There is no earlier one; train again\."
    ):
        run.read_checkpoint()


def test_the_best_is_found_though_another_is_damaged(run: Run) -> None:
    save(run, 5, 11, 20, best=(11,))
    (run.checkpoint_folder / "20" / "state.json").unlink()
    assert run.read_checkpoint("best").step == 11


# Folders that are none, and lists of them.


def test_a_folder_that_is_not_there_is_told_with_the_nearest(run: Run) -> None:
    with pytest.raises(RunError, match=rf"There is no run folder .*{run.name}x\. Did you mean '{run.name}'\?"):
        open_run(run.folder.with_name(run.name + "x"))


def test_a_folder_without_facts_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no run folder: it has no run\.json\."):
        open_run(tmp_path)


@pytest.mark.parametrize("content", ["", '{"name": '])
def test_damaged_facts_are_named(run: Run, content: str) -> None:
    (run.folder / "run.json").write_text(content)
    with pytest.raises(RunError, match=r"run\.json cannot be read"):
        open_run(run.folder)


def test_a_run_cannot_be_made_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match="a part of this path is a file, not a folder. Choose another folder with --out"):
        create_run(tmp_path / "runs", "x", {})


def test_a_run_cannot_be_made_on_a_read_only_disk(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(RunError, match="the disk is read-only. Choose another folder with --out"):
        create_run(tiny_disk / "runs", "x", {})


def test_runs_are_listed_oldest_first_and_other_folders_left_out(tmp_path: Path) -> None:
    for name, created in (("a", "2026-03-02"), ("b", "2026-03-01")):
        create_run(tmp_path, name, {}).update(created=created)
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").write_text("")
    assert [run.name[0] for run in list_runs(tmp_path)] == ["b", "a"]
    assert list_runs(tmp_path / "nowhere") == []
    assert sorted(os.listdir(tmp_path))[-1] == "notes"
