"""Checkpoints are whole or not there, verified before use, and hold no pickle."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from torch import Tensor

from stepwell.core.errors import CheckpointError, RunError
from stepwell.runs import Snapshot, checkpoint
from stepwell.runs.checkpoint import (
    checkpoints,
    clear_leftovers,
    is_best,
    read_checkpoint,
    remove_checkpoint,
    verify_checkpoint,
    write_checkpoint,
)

FILES = ["MANIFEST.json", "model.safetensors", "optimizer.safetensors", "state.json"]


def snapshot(step: int = 7, *, best: bool = False, size: int = 50) -> Snapshot:
    parts = {
        "model": {"layer.weight": torch.arange(float(size)), "on": torch.tensor(True), "none": torch.empty(0, 3)},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]},
        "scheduler": {"last_epoch": 2, "best": float("inf")},
    }
    return Snapshot(step=step, parts=parts, facts={"epochs": 2, "seconds": 1.5}, best=best)


def test_a_checkpoint_comes_back_bit_by_bit(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, snapshot(best=True))
    back = read_checkpoint(path)
    assert path == tmp_path / "7"
    assert (back.step, back.best, back.facts) == (7, True, {"epochs": 2, "seconds": 1.5})
    assert torch.equal(back.parts["model"]["layer.weight"], torch.arange(50.0))
    assert back.parts["model"]["on"].dtype == torch.bool
    assert back.parts["model"]["none"].shape == (0, 3)
    assert back.parts["optimizer"]["state"][0]["step"].item() == 3
    assert back.parts["optimizer"]["param_groups"] == [{"lr": 0.1, "betas": [0.9, 0.99]}]
    assert back.parts["scheduler"] == {"last_epoch": 2, "best": float("inf")}


@given(
    st.lists(st.floats(width=32) | st.just(float("nan")), max_size=20),
    st.sampled_from(["float32", "bfloat16", "float64"]),
)
@settings(deadline=None, max_examples=30)
def test_every_bit_of_a_tensor_is_kept(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], dtype: str
) -> None:
    tensor = torch.tensor(values, dtype=getattr(torch, dtype))
    path = write_checkpoint(tmp_path_factory.mktemp("c"), Snapshot(step=1, parts={"model": {"x": tensor}}))
    back: Tensor = read_checkpoint(path).parts["model"]["x"]
    assert back.dtype == tensor.dtype
    assert back.view(torch.uint8).tolist() == tensor.view(torch.uint8).tolist()


def test_the_files_are_plain(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, snapshot())
    assert sorted(os.listdir(path)) == FILES
    for name in FILES:
        if name.endswith(".json"):
            json.loads((path / name).read_text())
        else:
            with safe_open(path / name, "pt") as file:
                assert list(file.keys())
    every_byte = b"".join((path / name).read_bytes() for name in FILES)
    assert b"torch._utils" not in every_byte
    assert not every_byte.startswith((b"\x80", b"PK"))
    assert os.listdir(tmp_path) == ["7"]


def test_a_snapshot_is_apart_from_the_training() -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    copied = Snapshot.copy({"a": [weight.T, weight.expand(2, 3)], "b": 1})
    weight.zero_()
    assert copied["a"][0].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert all(tensor.is_contiguous() for tensor in copied["a"])


def test_tied_weights_are_kept(tmp_path: Path) -> None:
    tied = torch.ones(3)
    parts = Snapshot.copy({"model": {"a": tied, "b": tied, "part": tied[1:]}})
    back = read_checkpoint(write_checkpoint(tmp_path, Snapshot(step=1, parts=parts)))
    assert all(bool((back.parts["model"][name] == 1).all()) for name in ("a", "b", "part"))


def test_an_equal_step_is_replaced(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, snapshot(size=5))
    path = write_checkpoint(tmp_path, snapshot(size=9, best=True))
    assert len(read_checkpoint(path).parts["model"]["layer.weight"]) == 9
    assert is_best(path)
    assert os.listdir(tmp_path) == ["7"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "cut": (cut, r"{name} has [\d,]+ bytes, [\d,]+ were written\."),
    "altered": (flip, r"the content of {name} was altered\."),
    "missing": (Path.unlink, r"{name} is missing\."),
}


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named(name: str, damage: str, tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, snapshot())
    harm, text = DAMAGE[damage]
    harm(path / name)
    with pytest.raises(CheckpointError, match=f"The checkpoint {path} is damaged: " + text.format(name=name)):
        read_checkpoint(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1, "files": [', '{"format": 1}'])
def test_a_damaged_manifest_is_named(content: str, tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, snapshot())
    (path / "MANIFEST.json").write_text(content)
    with pytest.raises(RunError, match=r"MANIFEST\.json"):
        verify_checkpoint(path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, snapshot())
    manifest = json.loads((path / "MANIFEST.json").read_text())
    (path / "MANIFEST.json").write_text(json.dumps({**manifest, "format": 2}))
    with pytest.raises(CheckpointError, match="has the format 2; this Stepwell reads 1"):
        read_checkpoint(path)


def test_what_was_not_finished_is_no_checkpoint(tmp_path: Path) -> None:
    whole = write_checkpoint(tmp_path, snapshot(9))
    shutil.copytree(whole, tmp_path / ".10.abcd.tmp")
    shutil.copytree(whole, tmp_path / "11", ignore=lambda *_: ["MANIFEST.json"])
    shutil.copytree(whole, tmp_path / "notes")
    assert checkpoints(tmp_path) == [whole]
    clear_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["11", "9", "notes"]


def test_checkpoints_are_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for step in (100, 9, 20):
        write_checkpoint(tmp_path, snapshot(step))
    assert [path.name for path in checkpoints(tmp_path)] == ["9", "20", "100"]
    assert checkpoints(tmp_path / "nowhere") == []


@pytest.mark.parametrize("stops_at", ["save_file", "Path.write_text", "_digest", "sync", "Path.rename"])
def test_a_failure_midway_leaves_the_earlier_checkpoint_and_nothing_else(
    stops_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path, snapshot(size=5))

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        owner = Path if stops_at.startswith("Path") else checkpoint
        patch.setattr(owner, stops_at.removeprefix("Path."), fail)
        for step in (7, 8):
            with pytest.raises(RunError, match=rf"Cannot write {tmp_path / str(step)}: the disk is full"):
                write_checkpoint(tmp_path, snapshot(step))
    assert os.listdir(tmp_path) == ["7"]
    assert len(read_checkpoint(tmp_path / "7").parts["model"]["layer.weight"]) == 5


def test_a_kill_while_replacing_leaves_a_whole_checkpoint_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends at any one of the renames and deletions: what is left is never half a checkpoint."""

    class Killed(BaseException):
        pass

    for at in range(1, 4):
        folder = tmp_path / str(at)
        write_checkpoint(folder, snapshot(6, size=5))
        write_checkpoint(folder, snapshot(size=5))
        done = []

        def counted(real: Callable, done: list[str] = done, at: int = at) -> Callable:
            def call(*args: object, **kwargs: object) -> object:
                done.append(real.__name__)
                if len(done) >= at:  # dead: neither this nor any clean-up happens any more
                    raise Killed
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", counted(Path.rename))
            patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
            with pytest.raises(Killed):
                write_checkpoint(folder, snapshot(size=9))
        found = [read_checkpoint(path) for path in checkpoints(folder)]
        assert found[0].step == 6
        assert [len(one.parts["model"]["layer.weight"]) for one in found[1:]] in ([], [5], [9])


def test_a_full_disk(tiny_disk: Path) -> None:
    folder = tiny_disk / "checkpoints"
    kept = write_checkpoint(folder, snapshot(1))
    with pytest.raises(RunError, match=rf"Cannot write {folder / '2'}: the disk is full\. Free some space"):
        write_checkpoint(folder, snapshot(2, size=10**6))
    assert os.listdir(folder) == ["1"]
    assert read_checkpoint(kept).step == 1


def test_files_of_limited_size(tmp_path: Path, limited: Callable) -> None:
    kept = write_checkpoint(tmp_path, snapshot(1))
    with limited(20_000), pytest.raises(RunError, match=rf"Cannot write {tmp_path / '2'}: .*File too large"):
        write_checkpoint(tmp_path, snapshot(2, size=10**5))
    assert os.listdir(tmp_path) == ["1"]
    assert read_checkpoint(kept).step == 1


def test_a_checkpoint_that_is_being_deleted_is_none_from_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_checkpoint(tmp_path, snapshot())
    seen = []
    monkeypatch.setattr(checkpoint.shutil, "rmtree", lambda *a, **k: seen.append(checkpoints(tmp_path)))
    remove_checkpoint(path)
    assert seen == [[]]


def test_a_damaged_checkpoint_is_not_the_best(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, snapshot(best=True))
    for content in ("", "[]", "{}"):
        (path / "state.json").write_text(content)
        assert not is_best(path)
    (path / "state.json").unlink()
    assert not is_best(path)
