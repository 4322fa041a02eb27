"""Exporting: a folder with a graph in each format and `model.json`, which is either whole and compared or not there."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch.export import ExportedProgram

from stepwell.core.errors import ModelError, RunError
from stepwell.deploy.export.comparing import BATCHES, Difference, difference, milliseconds
from stepwell.deploy.export.facts import KIND, describe, versions
from stepwell.deploy.export.formats import FORMATS, Run, check_installed, traced
from stepwell.deploy.export.graph import Subject
from stepwell.deploy.export.subjects import subject_of
from stepwell.deploy.servable import Servable
from stepwell.runs.files import read_json, sync, temporary_beside, write_json, writing

FACTS = "model.json"
_TOLD = 5  # files that a message names


@dataclass(frozen=True)
class Artefact:
    """An exported file: its name, size in bytes, SHA-256, difference from the run's model, and milliseconds for one row."""

    file: str
    size: int
    sha256: str
    difference: Difference
    milliseconds: float


@dataclass(frozen=True)
class Exported:
    """What lies in a folder: the artefacts, how many rows they were compared by, and the eager model's milliseconds a row."""

    folder: Path
    artefacts: tuple[Artefact, ...]
    rows: int
    milliseconds: float


def export(servable: Servable, formats: Sequence[str], folder: Path, *, replace: bool = False) -> Exported:
    """Write a model's graph in each of the `formats` (keys of `FORMATS`) into a folder, with `model.json` beside.

    Each file is loaded again and compared with the model on held-out rows, at several batch sizes. Raises `ModelError`
    where torch cannot trace the model, or where a file differs by more than rounding: then there is no folder. Raises
    `RunError` where it cannot be written, and where it is there; `replace` makes place, if it is an export and nothing else.
    """
    check_installed(formats)
    check_place(folder, replace=replace)
    subject = subject_of(servable, max(BATCHES))
    beside = temporary_beside(folder)
    with writing(folder):
        try:
            beside.mkdir(parents=True)
            exported = _write(subject, traced(subject), formats, beside)
            check_place(folder, replace=replace)  # again, since that took a while
            _put(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return Exported(folder, exported.artefacts, exported.rows, exported.milliseconds)


def check_place(folder: Path, *, replace: bool) -> None:
    """Raise `RunError` where something is in the way that may not be replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not _is_export(folder):
        raise RunError(f"{folder} is there and is no export, so it is left alone. Choose another folder with --out.")
    if not replace:
        raise RunError(f"{folder} holds an export. Replace it with --force, or choose another folder with --out.")
    others = _others(folder)
    if others:
        more = f" and {len(others) - _TOLD} more" if len(others) > _TOLD else ""
        raise RunError(
            f"{folder} holds an export, and beside it what an export does not write: {', '.join(others[:_TOLD])}{more}. It would"
            " be lost, so the folder is left alone. Move it away, or choose another folder with --out."
        )


def _is_export(folder: Path) -> bool:
    """Whether a folder has a `model.json` that says it is of an export: other programs write files of that name, too."""
    if not (folder / FACTS).is_file():
        return False
    try:
        facts = read_json(folder / FACTS)
    except RunError:
        return False
    return isinstance(facts, dict) and facts.get("format") == KIND


def _others(folder: Path) -> list[str]:
    """The names in an export's folder that an export never writes."""
    ours = {FACTS, *(form.file for form in FORMATS.values())}
    return sorted(path.name for path in folder.iterdir() if path.name not in ours or not path.is_file())


def _write(subject: Subject, program: ExportedProgram, formats: Sequence[str], folder: Path) -> Exported:
    names = [each.name for each in subject.inputs]
    runs: dict[str, Run] = {}
    for name in formats:
        form = FORMATS[name]
        form.write(program, subject, folder / form.file)
        sync(folder / form.file)
        runs[form.file] = form.load(folder / form.file, names)
    differences = {file: _compared(subject, run, file) for file, run in runs.items()}
    times = _times(subject, runs)
    artefacts = tuple(_artefact(folder / file, found, times[file]) for file, found in differences.items())
    packages = tuple(package for name in formats for package in FORMATS[name].needs)
    exported = Exported(folder, artefacts, subject.rows, times[""])
    write_json(folder / FACTS, {**describe(subject), **_of_files(exported), "versions": versions(packages)})
    return exported


def _compared(subject: Subject, run: Run, file: str) -> Difference:
    found = difference(subject, run)
    if not found.allowed:
        size = max(found.by_batch, key=lambda each: found.by_batch[each])
        raise ModelError(
            f"{file} differs from the run's model by {found.largest:.2g} in batches of {size}{_in_logs(found)}; rounding"
            f" explains at most {found.tolerance:.2g}. So nothing was written. Either a layer behaves otherwise in the exported"
            " graph, or the model's answer depends on more than its input."
        )
    return found


def _in_logs(found: Difference) -> str:
    if found.logs <= found.logs_tolerance:
        return ""
    return f" (the logarithms of its probabilities by {found.logs:.2g}, of {found.logs_tolerance:.2g} allowed)"


def _times(subject: Subject, runs: dict[str, Run]) -> dict[str, float]:
    """Milliseconds for one row, by file; the eager model's under an empty name."""
    one = subject.batch(0, 1)
    return milliseconds(
        {"": lambda: subject.expected(0, 1), **{file: lambda run=run: run(one) for file, run in runs.items()}}  # type: ignore[misc]
    )


def _artefact(path: Path, found: Difference, took: float) -> Artefact:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Artefact(path.name, path.stat().st_size, digest, found, took)


def _of_files(exported: Exported) -> dict[str, Any]:
    """What `model.json` says of the files."""
    files = [
        {
            **{name: value for name, value in asdict(each).items() if name != "difference"},
            "difference": {
                "largest": each.difference.largest,
                "allowed": each.difference.tolerance,
                "by batch size": each.difference.by_batch,
                "of logarithms": each.difference.logs,
                "allowed of logarithms": each.difference.logs_tolerance,
            },
        }
        for each in exported.artefacts
    ]
    return {"files": files, "compared": {"rows": exported.rows, "eager milliseconds": exported.milliseconds}}


def _put(beside: Path, folder: Path) -> None:
    """Rename a whole folder into its place; what was there goes last."""
    old = temporary_beside(folder)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
