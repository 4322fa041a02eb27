"""The formats that a graph is written in, and how a file of each is run. Needs the extra `export`, but for torch's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from stepwell.core.errors import ModelError
from stepwell.deploy.calls import Numbers
from stepwell.deploy.export.graph import Subject
from stepwell.deploy.export.quiet import quiet

BATCH = "batch"
"""The name of the dimension that may have any length."""

_TOLD = 2  # lines of an exporter's error, which are many
_TWO = 2  # rows to trace with: from one, torch concludes that there is always one

Run = Callable[[Mapping[str, Numbers]], list[Numbers]]
"""What a loaded file does: arrays by name, rows first, to predictions in the order of the outputs."""


@dataclass(frozen=True)
class Format:
    """A format: the `file` that is written, the packages it `needs`, how a traced graph is written and how the file is run."""

    file: str
    needs: tuple[str, ...]
    write: Callable[[ExportedProgram, Subject, Path], None]
    load: Callable[[Path, Sequence[str]], Run]


def check_installed(names: Sequence[str]) -> None:
    """Raise `ModelError`, with the command that mends it, where a format's packages are not there."""
    lacking = [package for name in names for package in FORMATS[name].needs if find_spec(package) is None]
    if lacking:
        raise ModelError(f"Exporting needs {', '.join(lacking)}: pip install 'stepwell[export]'.")


def traced(subject: Subject) -> ExportedProgram:
    """The graph as torch sees it with two rows and a batch of any length. Raises `ModelError` for what it cannot follow."""
    arrays = tuple(torch.from_numpy(array) for array in subject.batch(0, _TWO).values())
    batch = Dim(BATCH, min=1)
    with quiet():
        try:
            return torch.export.export(
                subject.graph, arrays, dynamic_shapes={"arrays": tuple({0: batch} for _ in arrays)}
            )
        except Exception as error:  # torch has dozens of errors for what it cannot trace
            raise _untraceable("torch.export", error) from error


def _untraceable(what: str, error: BaseException) -> ModelError:
    while error.__cause__ is not None:  # the innermost says which operation it is; the others, how to write to PyTorch
        error = error.__cause__
    lines = (str(error).strip() or type(error).__name__).splitlines()
    told = " ".join(line.strip() for line in lines[:_TOLD])
    return ModelError(
        f"{what} cannot follow this model: {told}\nA graph has no branches on values, and no sizes as Python's numbers"
        " (write x.shape[0], not len(x)). stepwell --debug shows where."
    )


def _write_torch(program: ExportedProgram, subject: Subject, path: Path) -> None:
    with quiet():
        torch.export.save(program, path)


def _load_torch(path: Path, names: Sequence[str]) -> Run:
    with quiet():
        module = torch.export.load(path).module()

    def run(arrays: Mapping[str, Numbers]) -> list[Numbers]:
        with torch.inference_mode():
            outputs: tuple[Tensor, ...] = module(*(torch.from_numpy(arrays[name]) for name in names))
        return [output.numpy() for output in outputs]

    return run


def _write_onnx(program: ExportedProgram, subject: Subject, path: Path) -> None:
    inputs = [each.name for each in subject.inputs]
    outputs = [each.name for each in subject.servable.card.outputs]
    names = {"arrays": tuple({0: BATCH} for _ in inputs)}  # which are those of its dimensions, no more
    with quiet():
        try:
            found = torch.onnx.export(
                program, input_names=inputs, output_names=outputs, dynamic_shapes=names, verbose=False
            )
        except Exception as error:  # the exporter's own errors, and those of whatever it calls
            raise _untraceable("The ONNX exporter", error) from error
        assert found is not None
        found.save(path, external_data=False)


def _load_onnx(path: Path, names: Sequence[str]) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(arrays: Mapping[str, Numbers]) -> list[Numbers]:
        found: list[Numbers] = session.run(None, dict(arrays))
        return found

    return run


FORMATS: Mapping[str, Format] = {
    "torch": Format("model.pt2", (), _write_torch, _load_torch),
    "onnx": Format("model.onnx", ("onnx", "onnxscript", "onnxruntime"), _write_onnx, _load_onnx),
}
