"""What a network's body makes of every row, computed once and kept, so that a new head is trained in seconds.

A frozen body gives the same features in every epoch; to compute them again is most of the work (Godoy, rows S7.2, S7.11).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from stepwell.core.devices import device_of
from stepwell.core.errors import DataError, ModelError
from stepwell.core.modules import call_model, mode_restored
from stepwell.core.trees import to_device
from stepwell.data.arrays import ArraySource
from stepwell.data.batch import Batch, Source
from stepwell.data.checks import blocks
from stepwell.data.fingerprint import bytes_of_rows
from stepwell.models.heads import with_head, without_head
from stepwell.models.pixels import FromPixels
from stepwell.runs.files import sync, temporary_beside, writing

_FACTS = "stepwell"  # the name of the facts in the file's own metadata
_FORMAT = 1


def extract(
    model: nn.Module, source: Source, path: Path | str, *, batch_size: int = 64, facts: Mapping[str, Any] | None = None
) -> ArraySource:
    """Put every row of a source through the model's body, in eval mode and without gradients, and keep what comes out.

    The file, `.safetensors`, holds `features` `(rows, width)`, `targets` and `index` (the row numbers), and facts: the
    body's fingerprint and what `facts` adds, such as the names of classes. Returns the same as `read_features`. The model's
    mode is given back as it was.

    Raises `ModelError` for a network whose head is not known, `DataError` for a source without rows, `RunError` where the
    file cannot be written.
    """
    path = Path(path)
    if not len(source):
        raise DataError("The source has no rows, so there are no features to extract.")
    body = without_head(model)
    found = [_seen(body, batch) for batch in blocks(source, batch_size)]
    kept = {name: torch.cat([each[name] for each in found]).contiguous() for name in found[0]}
    known = {"format": _FORMAT, "body": body_fingerprint(model), "network": _name(model), **(facts or {})}
    _write(path, kept, known)
    return ArraySource(kept["features"], kept.get("targets"))


def read_features(path: Path | str, model: nn.Module | None = None) -> ArraySource:
    """The features, and targets where there are any, that `extract` kept: rows to train a head on.

    With `model`, its body must be the one that they were extracted with. Raises `DataError` for a file that is missing or is
    none of these, and `ModelError` for another body.
    """
    kept, facts = _read(Path(path))
    if model is not None:
        _check_body(model, facts, Path(path))
    return ArraySource(kept["features"], kept.get("targets"))


def read_facts(path: Path | str) -> dict[str, Any]:
    """What is known of kept features: the body's fingerprint (`body`), its `network`, and what was added."""
    return _read(Path(path))[1]


def attach(model: nn.Module, head: nn.Module, features: Path | str | None = None) -> nn.Module:
    """The whole network: the model's body and a head that was trained on its features; it shares the layers of both.

    On pictures it says what the head says on their features. With `features`, the file that the head was trained on, the
    body must be the one that made them. Raises `ModelError` for another, and for a head that takes another width.
    """
    if features is not None:
        kept, facts = _read(Path(features))
        _check_body(model, facts, Path(features))
        _check_head(head, kept["features"].shape[1])
    return with_head(model, head)


def body_fingerprint(model: nn.Module) -> str:
    """SHA-256 (64 hexadecimal digits) of the body's parameters and buffers: names, dtypes, shapes and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(without_head(model).state_dict().items()):
        if not name.endswith("num_batches_tracked"):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
            digest.update(bytes_of_rows(tensor.reshape(1, -1)).data)
    return digest.hexdigest()


def _seen(body: nn.Module, batch: Batch) -> dict[str, Tensor]:
    with mode_restored(body), torch.no_grad():
        features = call_model(body.eval(), to_device(batch.inputs, device_of(body))).cpu()
    found = {"features": features.flatten(1), "index": batch.index}
    if batch.targets is None:
        return found
    if not isinstance(batch.targets, Tensor):
        raise DataError(f"Targets that are kept are one tensor, these are a {type(batch.targets).__name__}.")
    return {**found, "targets": batch.targets}


def _write(path: Path, kept: dict[str, Tensor], facts: dict[str, Any]) -> None:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = temporary_beside(path)
        try:
            save_file(kept, beside, {_FACTS: json.dumps(facts)})
            sync(beside)
            beside.replace(path)
        except SafetensorError as error:  # the library's own name for an operating system's error
            raise OSError(None, str(error)) from error
        finally:
            beside.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    if not path.is_file():
        raise DataError(
            f"There are no features {path}. Make them: stepwell.insight.extract.extract(model, source, path)."
        )
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {}).get(_FACTS, "null"))
            kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as features: {error}. Extract them anew.") from None
    if not facts or "features" not in kept:
        raise DataError(f"{path} holds no features that Stepwell kept; it holds {', '.join(kept) or 'nothing'}.")
    return kept, facts


def _name(model: nn.Module) -> str:
    return type(model.net if isinstance(model, FromPixels) else model).__name__


def _check_body(model: nn.Module, facts: Mapping[str, Any], path: Path) -> None:
    if facts["body"] != body_fingerprint(model):
        raise ModelError(
            f"The features in {path} were made by another body ({facts['network']}, {facts['body'][:8]}…) than this"
            f" {_name(model)} has ({body_fingerprint(model)[:8]}…), so a head of theirs means nothing here. Load the"
            " weights that they were made with, or extract them anew."
        )


def _check_head(head: nn.Module, width: int) -> None:
    first = next((layer for layer in head.modules() if isinstance(layer, nn.Linear)), None)
    if first is not None and first.in_features != width:
        raise ModelError(f"The head takes {first.in_features} features a row, the body gives {width}.")
