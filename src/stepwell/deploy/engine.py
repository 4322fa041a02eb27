"""What a worker does with a batch: read its files, run the model, say what came out; each call for itself where one fails."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from stepwell.core.errors import StepwellError
from stepwell.core.trees import Tree, between, rows
from stepwell.data.reader import Reading, read_bytes
from stepwell.deploy.calls import File, Numbers, Wants
from stepwell.deploy.servable import Servable, as_numpy
from stepwell.deploy.work import Outcome, Work
from stepwell.training.step import concatenate

_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


class Engine:
    """Models by name. At most `max_rows` rows go through one of them at once, and a file has at most `rows_per_call`."""

    def __init__(self, servables: Iterable[Servable], max_rows: int, rows_per_call: int = 2**14) -> None:
        self._servables = {servable.card.name: servable for servable in servables}
        self._max_rows, self._rows_per_call = max_rows, rows_per_call

    def run(self, work: Work) -> list[Outcome]:
        """What became of each call, in order. Where the batch fails, each call runs alone, so that a bad one fails alone."""
        servable = self._servables[work.model]
        if work.files:
            return self._of_files(servable, work)
        return self._of_rows(servable, servable.inputs_of(work.arrays), work.rows, work.wants)

    def _of_files(self, servable: Servable, work: Work) -> list[Outcome]:
        readings = [_read(servable, file, self._rows_per_call) for file in work.files]
        pairs = zip(readings, work.wants, strict=True)
        read = [(reading.inputs, wants) for reading, wants in pairs if isinstance(reading, Reading)]
        parts, wants = [inputs for inputs, _ in read], [wanted for _, wanted in read]
        together = concatenate(parts) if len(parts) > 1 else next(iter(parts), None)
        ran = iter(self._of_rows(servable, together, list(map(rows, parts)), wants) if parts else ())
        return [_noted(next(ran), found.notes) if isinstance(found, Reading) else found for found in readings]

    def _of_rows(
        self, servable: Servable, inputs: Tree, counts: Sequence[int], wants: Sequence[Wants]
    ) -> list[Outcome]:
        """What became of calls, `counts` rows of the inputs each; where they fail together, of each alone."""
        try:
            return self._together(servable, inputs, counts, wants)
        except Exception as error:  # noqa: BLE001 - a model may raise anything; whose fault it was shows when each runs alone
            if len(counts) == 1:
                return [_refusal(error)]
        spans = zip(_bounds(counts), wants, strict=True)
        return [
            self._of_rows(servable, between(inputs, start, end), [end - start], [wanted])[0]
            for (start, end), wanted in spans
        ]

    def _together(
        self, servable: Servable, inputs: Tree, counts: Sequence[int], wants: Sequence[Wants]
    ) -> list[Outcome]:
        if "explanation" in wants:  # which is no work for batches; the queue gives them one by one
            return [_explained(servable, between(inputs, start, end)) for start, end in _bounds(counts)]
        outputs = self._outputs(servable, inputs, sum(counts))
        answers = servable.task.answers(outputs) if "answers" in wants else []
        arrays = as_numpy(servable.task.predict(outputs)) if "arrays" in wants else {}
        spans = zip(_bounds(counts), wants, strict=True)
        return [_outcome(answers, arrays, wanted, start, end) for (start, end), wanted in spans]

    def _outputs(self, servable: Servable, inputs: Tree, count: int) -> Tree:
        if count <= self._max_rows:
            return servable.outputs(inputs)
        starts = range(0, count, self._max_rows)
        return concatenate([servable.outputs(between(inputs, start, start + self._max_rows)) for start in starts])


def _bounds(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Where the rows of each call begin and end."""
    ends = list(accumulate(counts))
    return list(zip([0, *ends], ends, strict=False))


def _read(servable: Servable, file: File, most: int) -> Reading | Outcome:
    if servable.reader is None:
        return Outcome(refusal=(415, f"The model {servable.card.name} reads no files; send its input as an array."))
    try:
        reading = read_bytes(servable.reader, file.data, file.suffix)
    except Exception as error:  # noqa: BLE001 - files hold anything, and so do the errors of what decodes them
        return _refusal(error)
    if (count := rows(reading.inputs)) > most:
        return Outcome(refusal=(413, f"The file has {count:,} rows; {most:,} are the most. Send fewer rows at a time."))
    return reading


def _outcome(answers: list[Any], arrays: Mapping[str, Numbers], wanted: Wants, start: int, end: int) -> Outcome:
    if wanted == "arrays":
        return Outcome(arrays={name: array[start:end] for name, array in arrays.items()}, rows=end - start)
    return _encoded(answers[start:end], end - start)


def _explained(servable: Servable, inputs: Tree) -> Outcome:
    if servable.explain is None:
        return Outcome(refusal=(422, f"There is no explanation for models such as {servable.card.name}."))
    if (count := rows(inputs)) > 1:
        return Outcome(refusal=(422, f"/explain explains one row at a time; here are {count:,}. Send each by itself."))
    return _encoded(servable.explain(servable, inputs), 1)


def _encoded(plain: Any, count: int) -> Outcome:
    try:
        return Outcome(answers=_JSON.encode(plain).encode(), rows=count)
    except ValueError:
        why = "The model's answer is not finite (NaN or infinite), which JSON cannot hold. Look for such numbers in the input."
        return Outcome(refusal=(422, why))


def _noted(outcome: Outcome, notes: tuple[str, ...]) -> Outcome:
    return Outcome(outcome.answers, outcome.arrays, notes, outcome.refusal, outcome.rows)


def _refusal(error: Exception) -> Outcome:
    """An input that cannot be read is the client's to mend; whatever else a model raises is told as it is."""
    if isinstance(error, StepwellError):
        return Outcome(refusal=(422, str(error)))
    return Outcome(refusal=(500, f"The model failed on this input: {type(error).__name__}: {error}"))
