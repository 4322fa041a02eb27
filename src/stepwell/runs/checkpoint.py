"""Checkpoints: folders of plain files that are renamed into place when they are whole, and verified before they are used.

A checkpoint holds tensors in safetensors files, all else in `state.json`, and in `MANIFEST.json`, written last, the
SHA-256 of each. There is no pickle, so loading one runs no code.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from stepwell.core.errors import CheckpointError, RunError
from stepwell.core.trees import Tree, attach_tensors, detach_tensors, map_tensors
from stepwell.runs.files import read_json, sync, temporary_beside, writing

_MANIFEST, _STATE = "MANIFEST.json", "state.json"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of a training at one step, apart from the training, so that it can be written while that goes on.

    `parts` are trees of tensors on the CPU: the model's, the optimizer's state and so on. `facts` is plain data.
    """

    step: int
    parts: Mapping[str, Tree]
    facts: Mapping[str, Any] = field(default_factory=dict)
    best: bool = False

    @staticmethod
    def copy(tree: Tree) -> Tree:
        """A copy on the CPU that later steps do not change, contiguous as files hold it."""
        return map_tensors(lambda t: t.detach().to("cpu", copy=True, memory_format=torch.contiguous_format), tree)


def write_checkpoint(folder: Path, snapshot: Snapshot) -> Path:
    """Write `folder/<step>`, all of it or none; an equal step that is there is replaced. Raises `RunError`."""
    path = folder / str(snapshot.step)
    beside, replaced = temporary_beside(path), temporary_beside(path)
    with writing(path):
        try:
            beside.mkdir(parents=True)
            _fill(beside, snapshot)
            sync(beside)
            if path.exists():  # moved away first: to delete it takes longer, and a kill would leave neither
                path.rename(replaced)
            beside.rename(path)
            sync(folder)
        except SafetensorError as error:  # the library's own name for an operating system's error
            raise OSError(28 if "No space" in str(error) else None, str(error)) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            shutil.rmtree(replaced, ignore_errors=True)
    return path


def _fill(folder: Path, snapshot: Snapshot) -> None:
    state: dict[str, Any] = {"step": snapshot.step, "best": snapshot.best, **snapshot.facts, "parts": {}}
    for name, tree in snapshot.parts.items():
        state["parts"][name], tensors = detach_tensors(tree)
        if tensors:
            save_file(tensors, folder / f"{name}.safetensors")
    (folder / _STATE).write_text(json.dumps(state), encoding="utf-8")
    files = {path.name: _digest(path) for path in sorted(folder.iterdir())}
    (folder / _MANIFEST).write_text(json.dumps({"format": _FORMAT, "files": files}, indent=2), encoding="utf-8")
    for path in folder.iterdir():  # all at the end: the first flush then carries most of the others' work
        sync(path)


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}


def remove_checkpoint(path: Path) -> None:
    """Delete a checkpoint, its manifest first, so that what a kill leaves of it is never taken for whole."""
    (path / _MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder that were written to their end, oldest first; they are not verified yet."""
    found = [path for path in folder.glob("*") if path.name.isdigit() and (path / _MANIFEST).exists()]
    return sorted(found, key=lambda path: int(path.name))


def is_best(path: Path) -> bool:
    """Whether a checkpoint is that of a best epoch; a damaged one is not."""
    try:
        return read_json(path / _STATE).get("best") is True
    except (RunError, AttributeError):
        return False


def clear_leftovers(folder: Path) -> None:
    """Delete what a kill left of checkpoints that were being written."""
    for path in folder.glob(".*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def verify_checkpoint(path: Path) -> None:
    """Compare every file with the manifest. Raises `CheckpointError` that names what differs."""
    manifest = read_json(path / _MANIFEST)
    if not (isinstance(manifest, dict) and isinstance(manifest.get("files"), dict)):
        raise CheckpointError(f"The checkpoint {path} is damaged: {_MANIFEST} was altered.")
    if manifest.get("format") != _FORMAT:
        raise CheckpointError(f"{path} has the format {manifest.get('format')}; this Stepwell reads {_FORMAT}.")
    for name, expected in manifest["files"].items():
        if not (path / name).exists():
            raise CheckpointError(f"The checkpoint {path} is damaged: {name} is missing.")
        given = _digest(path / name)
        if given["bytes"] != expected["bytes"]:
            raise CheckpointError(
                f"The checkpoint {path} is damaged: {name} has {given['bytes']:,} bytes, {expected['bytes']:,} were written."
            )
        if given["sha256"] != expected["sha256"]:
            raise CheckpointError(f"The checkpoint {path} is damaged: the content of {name} was altered.")


def read_checkpoint(path: Path) -> Snapshot:
    """A verified checkpoint's content. Raises `CheckpointError` where it is damaged."""
    verify_checkpoint(path)
    state = read_json(path / _STATE)
    plain = state.pop("parts")
    parts = {name: attach_tensors(tree, _tensors(path / f"{name}.safetensors")) for name, tree in plain.items()}
    return Snapshot(step=state.pop("step"), best=state.pop("best"), parts=parts, facts=state)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path) if path.exists() else {}
