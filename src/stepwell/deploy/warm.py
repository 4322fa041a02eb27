"""Running each model before the first client waits for it."""

from collections.abc import Iterable

from stepwell.core.errors import ModelError
from stepwell.core.trees import between, rows, tensors
from stepwell.deploy.servable import Servable
from stepwell.training.step import concatenate

_ELEMENTS = 2**20  # of a warm-up batch at most, as far as it is of several rows


def warm_up(servables: Iterable[Servable], max_rows: int) -> None:
    """Run each model with one example and with a batch: memory is taken and kernels are chosen before a client waits for it.

    Raises `ModelError` for a model that does not give one row for each that it takes.
    """
    for servable in servables:
        one = between(servable.examples, 0, 1)
        elements = sum(tensor.numel() for tensor in tensors(one))
        for count in (1, max(1, min(max_rows, _ELEMENTS // max(elements, 1)))):
            outputs = servable.outputs(concatenate([one] * count))
            servable.task.answers(outputs)
            if rows(outputs) != count:
                name = servable.card.name
                raise ModelError(
                    f"The model {name} gave {rows(outputs)} rows for {count}; to be served, it gives one for each."
                )
