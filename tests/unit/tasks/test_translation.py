"""Translation: what the numbers of a game come to."""

import pytest
import torch

from stepwell.core.errors import TaskError
from stepwell.tasks import Translation

OUTPUTS = torch.tensor([[1.0, 2, 3, 4, 5, 6, 0.1, 0.2, 0.3, 0.4], [0, 0, 1, 0, 0, 0, 1, 1, 1, 1]])
PARTNERS = torch.tensor([7, 0])


def test_losses_are_the_weighted_sums() -> None:
    assert Translation().losses(OUTPUTS, PARTNERS).tolist() == [1 + 2 + 10 * 7, 10]
    weighed = Translation(cycle=2.0, identity=0.5).losses(OUTPUTS, PARTNERS)
    assert weighed.tolist() == [3 + 2 * 7 + 0.5 * 11, 2]
    assert Translation().discriminators_losses(OUTPUTS[:, 6:]).tolist() == pytest.approx([0.5, 2.0])


def test_metrics_are_means_of_columns() -> None:
    (metric,) = Translation().metrics()
    state = metric.zero(torch.device("cpu"))
    assert all(number != number for number in metric.compute(state).values())
    for row in OUTPUTS:
        metric.update(state, row[None], PARTNERS[:1])
    assert metric.compute(state) == pytest.approx({"fooled": 0.75, "cycle": 2.0, "judged": 0.625})


def test_rows_are_named_for_people() -> None:
    task = Translation(kinds=("horse", "zebra"))
    assert task.name_target(PARTNERS[0]) == "with zebra 7"
    assert task.name_target(OUTPUTS[0]) == "cycle 3.5"
    assert list(task.answers(OUTPUTS)[1]["values"].items())[2] == ("cycle_a", 1.0)


def test_mistakes_are_told() -> None:
    with pytest.raises(TaskError, match="cycle=-1"):
        Translation(cycle=-1.0)
    with pytest.raises(TaskError, match="has no right answers"):
        Translation().view("labels", OUTPUTS)
    with pytest.raises(TaskError, match=r"outputs have the shape \(2, 9\).*expected \(batch, 10\)"):
        Translation().check_outputs(OUTPUTS[:, :9], PARTNERS)
