"""Files of weights as dictionaries of tensors, whoever wrote them and however they are wrapped."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from stepwell.core.errors import ModelError

State = dict[str, Tensor]

_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights")
_LEVELS = 8  # of wrappers in each other; a file can also hold a dictionary that holds itself
_PREFIXES = ("module.", "_orig_mod.")  # of DataParallel, and of torch.compile


def read_state(path: Path | str) -> State:
    """The tensors in a `.safetensors` file, or in one that `torch.save` wrote (`.pth`, `.pt`), by name, on the CPU.

    A dictionary inside of `state_dict`, `model_state`, `model` or the like is unwrapped, and prefixes that `DataParallel` or
    `torch.compile` set before every name are taken away. Files are mapped into memory where their format allows, so that
    what is not used is not read. Nothing is unpickled but tensors and plain data, so reading a file runs none of its code.
    Raises `ModelError` for a file that is missing or damaged, and for one that holds a whole pickled model.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"There is no file of weights {path}.")
    found = _safetensors(path) if path.suffix == ".safetensors" else _torch_file(path)
    return _named(_unwrapped(found, path), path)


def _safetensors(path: Path) -> Any:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read as safetensors: {error}. Get the file anew.") from error


def _torch_file(path: Path) -> Any:
    zipped = zipfile.is_zipfile(path)
    try:
        found = None if zipped and _is_script(path) else _loaded(path, mapped=zipped)
    except Exception as error:  # of many kinds, and all of them mean that nothing can be had from this file
        raise ModelError(_refused(path, f"{type(error).__name__}: {error}")) from error
    if found is None:
        raise ModelError(
            f"{path} is a TorchScript program, not a file of weights. Where it was written, save its weights:"
            " torch.save(dict(program.state_dict()), 'weights.pth')."
        )
    return found


def _loaded(path: Path, *, mapped: bool) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)


def _is_script(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _refused(path: Path, message: str) -> str:
    """Why torch did not load a file, in a sentence, and what to do."""
    if named := re.search(r"GLOBAL ([\w.]+)", message):
        return (
            f"{path} holds more than weights: loading it would run code of {named[1]}, which Stepwell never does. Where you"
            " trust the file, load it in Python with that code at hand, and save its weights alone:\n"
            "  torch.save(torch.load(FILE, weights_only=False).state_dict(), 'weights.pth')"
        )
    reason = (message.strip().splitlines() or ["it ends too early"])[0].rstrip(".")
    if "weights_only" in reason:  # torch's advice to run whatever is in the file
        reason = "it is none that torch.save wrote"
    return f"{path} cannot be read as a file of weights: {reason[:200]}. Get the file anew, or name another."


def _unwrapped(found: Any, path: Path) -> Mapping[Any, Any]:
    for _ in range(_LEVELS):
        if not isinstance(found, Mapping):
            break
        inner = next((found[name] for name in _WRAPPERS if isinstance(found.get(name), Mapping)), None)
        if inner is None:
            return found
        found = inner
    raise ModelError(
        f"{path} holds {_what(found)}; a file of weights holds a dictionary of tensors by their layers' names."
    )


def _what(found: Any) -> str:
    if isinstance(found, Mapping):
        return f"dictionaries in each other, more than {_LEVELS} deep"
    return f"one tensor {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"


def _named(found: Mapping[Any, Any], path: Path) -> State:
    state = {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not state:
        shown = ", ".join(map(str, list(found)[:5])) or "nothing"
        raise ModelError(f"{path} holds no tensors by name, so it is no file of weights. It holds {shown}.")
    while prefix := next((each for each in _PREFIXES if all(name.startswith(each) for name in state)), ""):
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state
