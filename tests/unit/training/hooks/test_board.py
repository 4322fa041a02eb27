"""TensorBoard: what was written can be read back."""

import sys
from pathlib import Path

import pytest
import toys

import stepwell as sw
from stepwell.core.errors import TrainingError

STEPS = -(-toys.ROWS // toys.BATCH)


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder)).Reload()
    return {name: [(e.step, e.value) for e in events.Scalars(name)] for name in events.Tags()["scalars"]}


@pytest.mark.filterwarnings("default::DeprecationWarning")
def test_the_history_is_written(tmp_path: Path) -> None:
    training = sw.fit(toys.experiment(), hooks=[sw.TensorBoard(tmp_path)])
    found = scalars(tmp_path)
    assert set(found) == {"loss/train", "loss/val", "accuracy/train", "accuracy/val", "learning_rate/0"}
    for name in ("loss", "accuracy"):
        for side in ("train", "val"):
            expected = [(line["step"], pytest.approx(line[side][name], rel=1e-6)) for line in training.history]
            assert found[f"{name}/{side}"] == expected
    assert found["learning_rate/0"][0] == (STEPS, pytest.approx(0.1))


@pytest.mark.filterwarnings("default::DeprecationWarning")
def test_a_resumed_training_goes_on_in_the_same_board(tmp_path: Path) -> None:
    first = sw.fit(toys.experiment(epochs=1), hooks=[sw.TensorBoard(tmp_path)])
    sw.fit(toys.experiment(epochs=3), hooks=[sw.TensorBoard(tmp_path)], resume=first.snapshot())
    assert [step for step, _ in scalars(tmp_path)["loss/train"]] == [STEPS, 2 * STEPS, 3 * STEPS]


def test_without_tensorboard_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard.writer", None)
    with pytest.raises(TrainingError, match=r"TensorBoard is not installed: pip install 'stepwell\[tensorboard\]'"):
        sw.fit(toys.experiment(), hooks=[sw.TensorBoard(tmp_path)])
