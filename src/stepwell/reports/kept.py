"""An evaluation as plain data and arrays, so that its report can be written again without the model and the data."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from stepwell.reports.evaluation import AnyArray, Evaluation

_ARRAYS = {
    "": ("confusion", "targets", "values"),
    "ranking": ("thresholds", "true_positives", "false_positives", "curve"),
    "calibration": ("predicted", "observed", "rows"),
}
_NUMBERS = {
    "": ("split", "rows", "metrics", "classes"),
    "ranking": ("positives", "negatives", "threshold"),
    "calibration": ("error",),
}
_MISTAKE = ("row", "loss", "target", "predicted", "confidence")


def taken_apart(evaluation: Evaluation) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """What JSON can hold of an evaluation, and its arrays by name."""
    plain: dict[str, Any] = {"worst": [_picked(mistake, _MISTAKE) for mistake in evaluation.worst]}
    arrays = {f"input.{place}": mistake.input for place, mistake in enumerate(evaluation.worst)}
    for name, fields in _ARRAYS.items():
        part = getattr(evaluation, name) if name else evaluation
        if part is not None:
            plain |= {name: _picked(part, _NUMBERS[name])} if name else _picked(part, _NUMBERS[name])
            arrays |= {f"{name}.{field}": getattr(part, field) for field in fields}
    return plain, {name: array for name, array in arrays.items() if array is not None}


def put_together(plain: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Evaluation:
    """The evaluation that was taken apart, as far as a report needs it."""
    worst = [
        SimpleNamespace(**mistake, input=arrays.get(f"input.{place}")) for place, mistake in enumerate(plain["worst"])
    ]
    parts = {name: _part(name, plain.get(name), arrays) for name in ("ranking", "calibration")}
    whole = {**_picked_of(plain, _NUMBERS[""]), **_arrays_of("", arrays), **parts, "worst": worst}
    return cast(Evaluation, SimpleNamespace(**whole))


def _part(name: str, numbers: Mapping[str, Any] | None, arrays: Mapping[str, AnyArray]) -> SimpleNamespace | None:
    return None if numbers is None else SimpleNamespace(**numbers, **_arrays_of(name, arrays))


def _arrays_of(name: str, arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray | None]:
    return {field: arrays.get(f"{name}.{field}") for field in _ARRAYS[name]}


def _picked(part: object, fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: getattr(part, field) for field in fields}


def _picked_of(plain: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: plain[field] for field in fields}
