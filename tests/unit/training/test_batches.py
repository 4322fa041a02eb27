"""Where batches come from: sources with everything exact, torch's DataLoaders as they are."""

from collections.abc import Iterator

import pytest
import torch
import toys
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import stepwell as sw
from stepwell.core.errors import DataError, StepwellWarning
from stepwell.training.batches import TorchBatches, evaluation_batches, train_batches
from stepwell.training.world import SOLO, World

X, Y = toys.table()


def loader(shuffle: bool = False) -> DataLoader:
    generator = torch.Generator().manual_seed(2)
    return DataLoader(TensorDataset(X, Y), batch_size=5, shuffle=shuffle, generator=generator)


def of_loader(**settings: object) -> sw.Experiment:
    return toys.experiment(data=sw.Splits(train=loader(**settings)))


def test_a_dataloader_trains_with_a_warning_that_names_the_caller() -> None:
    recorder = toys.Recorder()
    with pytest.warns(
        StepwellWarning, match=r"whose order no checkpoint can wind back.*as_source\(dataset\)"
    ) as caught:
        training = sw.fit(of_loader(), hooks=[recorder])
    assert [warning.filename for warning in caught] == [__file__]
    assert (training.step, training.epochs) == (12, 2)
    assert [len(rows) for rows in recorder._rows] == [5, 5, 5, 5, 5, 1] * 2


def test_training_on_a_dataloader_is_a_plain_loop_over_it() -> None:
    model, plain = toys.network(), toys.network()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9)
    shuffled = loader(shuffle=True)
    for _ in range(3):
        for x, y in shuffled:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(plain(x), y).backward()
            optimizer.step()
    with pytest.warns(StepwellWarning):
        sw.fit(toys.experiment(model, data=sw.Splits(train=loader(shuffle=True)), epochs=3))
    assert toys.weights(model) == toys.weights(plain)


def test_a_validation_dataloader_needs_no_warning() -> None:
    data = sw.Splits(train=sw.ArraySource(X, Y), val=loader())
    same = sw.Splits(train=sw.ArraySource(X, Y), val=sw.ArraySource(X, Y))
    one, other = (sw.fit(toys.experiment(toys.network(), data=d)) for d in (data, same))
    assert one.history[-1]["val"] == pytest.approx(other.history[-1]["val"], rel=1e-6)


def test_skipped_batches_are_drawn_and_rows_are_numbered_as_they_come() -> None:
    batches = TorchBatches(loader())
    whole = list(batches.epoch(0))
    assert torch.cat([batch.index for batch in whole]).tolist() == list(range(26))
    tail = list(batches.epoch(0, start=4))
    assert [batch.index.tolist() for batch in tail] == [batch.index.tolist() for batch in whole[4:]]


class Items(torch.utils.data.Dataset):
    def __init__(self, item: object) -> None:
        self.item = item

    def __len__(self) -> int:
        return 4

    def __getitem__(self, row: int) -> object:
        return self.item


def test_inputs_of_several_tensors_come_as_positions() -> None:
    batches = TorchBatches(DataLoader(Items(((torch.ones(2), torch.zeros(3)), 1)), batch_size=2))
    batch = next(batches.epoch(0))
    assert isinstance(batch.inputs, tuple)
    assert [tuple(t.shape) for t in batch.inputs] == [(2, 2), (2, 3)]


@pytest.mark.parametrize("item", [torch.ones(2), {"x": 1}, (1, 2, 3)])
def test_other_items_are_refused(item: object) -> None:
    with pytest.raises(DataError, match=r"gives pairs \(inputs, targets\); make its dataset return such pairs"):
        list(TorchBatches(DataLoader(Items(item))).epoch(0))


class Stream(IterableDataset):
    """A stream that says another length than it has."""

    def __init__(self, says: int, has: int) -> None:
        self.says, self.has = says, has

    def __len__(self) -> int:
        return self.says

    def __iter__(self) -> Iterator:
        return zip(X[: self.has], Y[: self.has], strict=True)


def test_a_loader_that_says_too_much_is_refused_rather_than_read_for_ever() -> None:
    data = sw.Splits(train=DataLoader(Stream(8, 6), batch_size=2))
    with pytest.warns(StepwellWarning), pytest.raises(DataError, match="says that it has 4 batches, but .* had 3"):
        sw.fit(toys.experiment(data=data))


def test_a_loader_of_unknown_length_is_refused() -> None:
    class Endless(IterableDataset):
        def __iter__(self) -> Iterator:
            return iter(())

    data = sw.Splits(train=DataLoader(Endless()))
    with pytest.warns(StepwellWarning), pytest.raises(DataError, match="does not know how many batches an epoch has"):
        sw.fit(toys.experiment(data=data))


def test_several_processes_need_a_source() -> None:
    for make in (train_batches, lambda e, w: evaluation_batches(e.data.train, e, w)):
        with pytest.raises(DataError, match="Several processes share a Source, not a torch DataLoader"):
            make(of_loader(), World(0, 2))


def test_a_batch_larger_than_the_data_is_refused_with_drop_last() -> None:
    experiment = toys.experiment(batch_size=27, drop_last=True)
    with pytest.raises(DataError, match=r"A batch of 27 rows is larger than the training split of 26, and drop_last"):
        sw.fit(experiment)
    sw.fit(toys.experiment(batch_size=27))
    sw.fit(toys.experiment(batch_size=26, drop_last=True))


def test_evaluations_see_all_rows_in_order_in_larger_batches() -> None:
    experiment = toys.experiment(drop_last=True)
    batches = list(evaluation_batches(experiment.data.train, experiment, SOLO).epoch(0))
    assert [batch.index.tolist() for batch in batches] == [list(range(26))]
    one_by_one = sw.as_source(TensorDataset(X, Y))
    assert [len(b.index) for b in evaluation_batches(one_by_one, experiment, SOLO).epoch(0)] == [4] * 6 + [2]


def test_accumulation_counts_updates_not_parts() -> None:
    assert sw.fit(toys.experiment(accumulate=2, epochs=1)).step == 7
