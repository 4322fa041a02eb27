"""Early stopping: when, and at the same epoch when resumed."""

from pathlib import Path
from typing import Any

import pytest
import toys

import stepwell as sw
from stepwell.core.errors import TrainingError


def history(monkeypatch: pytest.MonkeyPatch, numbers: list[float], name: str = "loss") -> None:
    """Let the watched number of epoch n be the n-th of these."""

    def watched(self: sw.Training, line: dict[str, Any] | None = None) -> float:
        return numbers[(line or self.history[-1])["epoch"] - 1]

    monkeypatch.setattr(sw.Training, "watched", watched)
    monkeypatch.setattr(sw.Training, "watch", property(lambda self: (name, "min" if name == "loss" else "max")))


@pytest.mark.parametrize(
    ("numbers", "patience", "delta", "name", "epochs"),
    [
        ([5, 4, 3, 2, 1, 0], 1, 0.0, "loss", 6),
        ([5, 4, 4, 3, 2, 1], 1, 0.0, "loss", 3),
        ([5, 4, 4, 3, 3, 3], 2, 0.0, "loss", 6),
        ([5, 6, 7, 4, 5, 6], 3, 0.0, "loss", 6),
        ([5, 6, 7, 8, 4, 3], 3, 0.0, "loss", 4),
        ([5.0, 4.9, 4.8, 4.7, 4.6, 4.5], 2, 0.15, "loss", 6),
        ([5.0, 4.9, 4.8, 4.7, 4.6, 4.5], 2, 0.25, "loss", 3),
        ([0.1, 0.2, 0.2, 0.2, 0.9, 1.0], 2, 0.0, "accuracy", 4),
        ([float("nan")] * 6, 2, 0.0, "loss", 2),
    ],
)
def test_it_stops_after_epochs_without_improvement(
    numbers: list[float], patience: int, delta: float, name: str, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(monkeypatch, numbers, name)
    training = sw.fit(toys.experiment(epochs=6), hooks=[sw.EarlyStopping(patience, delta)])
    assert training.epochs == epochs
    if epochs < 6:
        assert training.stop_reason == f"{name} has not improved for {patience} epochs"


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_resumed_training_stops_where_an_uninterrupted_one_does(
    cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it had stopped already, or was ended after the last epoch and before it could be told."""
    history(monkeypatch, [5, 4, 4, 4, 3, 2])
    run = toys.folder(tmp_path)
    sw.fit(toys.experiment(epochs=cut), run, [sw.History(run), sw.Checkpoints(run)])
    hooks = [sw.History(run), sw.Checkpoints(run), sw.EarlyStopping(2)]
    resumed = sw.fit(toys.experiment(epochs=6), run, hooks, resume=run.read_checkpoint())
    assert resumed.epochs == 4
    assert resumed.stop_reason == "loss has not improved for 2 epochs"
    assert run.read_checkpoint().facts["epochs"] == 4


@pytest.mark.parametrize("patience", [0, -1])
def test_patience_is_a_number_of_epochs(patience: int) -> None:
    with pytest.raises(TrainingError, match=f"patience is {patience}; it is a number of epochs"):
        sw.EarlyStopping(patience)
