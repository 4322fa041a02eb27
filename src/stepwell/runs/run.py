"""A run: the folder in which everything about one training is kept."""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from stepwell.core.errors import CheckpointError, RunError, suggest
from stepwell.runs.checkpoint import Snapshot, checkpoints, is_best, read_checkpoint
from stepwell.runs.files import read_json, sync, write_json, write_text, writing

Line = dict[str, Any]


class Run:
    """A run folder: `run.json`, `history.jsonl`, `timing.jsonl`, `split.json`, `report.html` and `checkpoints/`.

    `facts` is the content of `run.json`. Times are kept apart from the history, so that two runs of equal bits have equal
    histories.
    """

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self.folder, self.facts = folder, facts

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def checkpoint_folder(self) -> Path:
        """Where the checkpoints lie."""
        return self.folder / "checkpoints"

    def update(self, **facts: Any) -> None:
        """Change some facts in `run.json`."""
        self.facts = {**self.facts, **facts}
        write_json(self.folder / "run.json", self.facts)

    def write(self, name: str, content: str | Any) -> Path:
        """Write a text, or anything else as JSON, under a name in the folder."""
        path = self.folder / name
        (write_text if isinstance(content, str) else write_json)(path, content)
        return path

    def read(self, name: str) -> Any:
        """What `write` wrote as JSON under a name; None where it wrote nothing.

        Raises `RunError` where the file is damaged.
        """
        path = self.folder / name
        return read_json(path) if path.exists() else None

    def append(self, name: str, line: Line) -> None:
        """Add a line to `history.jsonl` or `timing.jsonl`."""
        path = self.folder / name
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def lines(self, name: str) -> list[Line]:
        """The lines of `history.jsonl` or `timing.jsonl`; a last line that a kill cut short is left out.

        Raises `RunError` that names the line where another one is damaged.
        """
        path = self.folder / name
        whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [_parse(path, number, line) for number, line in enumerate(whole, 1)]

    def rewind(self, epochs: int, history: Sequence[Line] | None = None) -> list[Line]:
        """Forget the lines of epochs after the first `epochs`; returns the history that is left.

        `history` are the lines that a checkpoint knows, which then replace those of the file.
        """
        for name in ("history.jsonl", "timing.jsonl"):
            kept = [line for line in self.lines(name) if line["epoch"] <= epochs]
            if name == "history.jsonl" and history is not None:
                kept = list(history)
            write_text(self.folder / name, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))
        return self.lines("history.jsonl")

    def sync(self) -> None:
        """Flush the history to the disk, which a checkpoint of later epochs relies on."""
        for name in ("history.jsonl", "timing.jsonl"):
            if (self.folder / name).exists():
                sync(self.folder / name)

    def checkpoints(self) -> list[Path]:
        """The checkpoints, oldest first."""
        return checkpoints(self.checkpoint_folder)

    def read_checkpoint(self, which: str | int = "last") -> Snapshot:
        """A verified checkpoint: the `last`, the `best`, or the one of a step.

        Raises `CheckpointError` where there is none, or where it is damaged; then the one before is offered.
        """
        found = self.checkpoints()
        if not found:
            raise CheckpointError(f"The run {self.folder} has no checkpoint yet; train it again from the start.")
        if which == "best":
            found = [path for path in found if is_best(path)] or found
        elif which != "last":
            found = [path for path in found if path.name == str(which)]
        if not found:
            steps = ", ".join(path.name for path in self.checkpoints())
            raise CheckpointError(f"The run {self.folder} has no checkpoint of step {which}; it has those of {steps}.")
        return self._read(found[-1])

    def _read(self, path: Path) -> Snapshot:
        try:
            return read_checkpoint(path)
        except RunError as error:
            before = [other.name for other in self.checkpoints() if int(other.name) < int(path.name)]
            offer = f"Use the one before it: --from {before[-1]}" if before else "There is no earlier one; train again"
            raise CheckpointError(f"{error} {offer}.") from None


def _parse(path: Path, number: int, line: bytes) -> Line:
    try:
        parsed = json.loads(line)
    except ValueError as error:
        raise RunError(f"Line {number} of {path} is damaged: {error}.") from None
    if not isinstance(parsed, dict):
        raise RunError(f"Line {number} of {path} is damaged: it is no JSON object.")
    return parsed


def create_run(out: Path | str, name: str, facts: dict[str, Any]) -> Run:
    """A new run folder `out/<name>-<date>-<time>`. Raises `RunError` where it cannot be made."""
    created = datetime.now().astimezone()
    folder = _new_folder(Path(out), f"{name}-{created:%Y%m%d-%H%M%S}")
    run = Run(folder, {"name": folder.name, "created": created.isoformat(timespec="seconds"), **facts})
    run.update(status="running")
    return run


def _new_folder(out: Path, stem: str) -> Path:
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 1000))
    for path in (out / name for name in names):
        with writing(path):
            try:
                path.mkdir(parents=True)
                return path
            except FileExistsError:
                if not path.exists():
                    raise
    raise RunError(f"There are a thousand runs {out / stem} already.")


def open_run(folder: Path | str) -> Run:
    """The run of an existing folder. Raises `RunError` where it is none, or its `run.json` is missing or damaged."""
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"There is no run folder {folder}.{suggest(folder.name, _names(folder.parent))}")
    if not (folder / "run.json").exists():
        raise RunError(f"{folder} is no run folder: it has no run.json. Run folders are made by `stepwell train`.")
    return Run(folder, read_json(folder / "run.json"))


def list_runs(out: Path | str) -> list[Run]:
    """The runs in a folder, oldest first."""
    found = (Path(out) / name for name in _names(Path(out)))
    runs = [open_run(folder) for folder in found if (folder / "run.json").exists()]
    return sorted(runs, key=lambda run: str(run.facts.get("created")))


def _names(folder: Path) -> Iterable[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()) if folder.is_dir() else ()
