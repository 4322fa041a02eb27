"""Sources: rows in memory, subsets, transforms and torch's datasets."""

import random
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from stepwell.core.errors import DataError, StepwellError
from stepwell.core.keys import Key
from stepwell.data import ArraySource, Batch, Noise, Source, Subset, Transformed, as_source
from stepwell.data.arrays import DatasetSource, as_tensors

KEY = Key(3)("rows", 1)


class Two(NamedTuple):
    left: Any
    right: Any


def test_rows_are_gathered_from_every_tensor() -> None:
    source = ArraySource({"a": torch.arange(6).reshape(3, 2), "b": (np.arange(3.0),)}, torch.tensor([7, 8, 9]))
    batch = source.batch(torch.tensor([2, 0]), KEY)
    assert len(source) == 3
    assert batch.inputs["a"].tolist() == [[4, 5], [0, 1]]
    assert batch.inputs["b"][0].tolist() == [2.0, 0.0]
    assert batch.targets.tolist() == [9, 7]
    assert batch.index.tolist() == [2, 0]


def test_a_batch_is_a_copy_of_the_rows() -> None:
    data = torch.arange(3.0)
    ArraySource(data, data).batch(torch.arange(3), KEY).inputs.zero_()
    assert data.tolist() == [0, 1, 2]


def test_targets_may_be_missing() -> None:
    assert ArraySource(torch.ones(2, 3)).batch(torch.tensor([1]), KEY).targets is None


def test_row_bytes_count_inputs_and_targets() -> None:
    assert ArraySource(torch.ones(5, 3), torch.ones(5, dtype=torch.int64)).row_bytes == 12 + 8


def test_other_numbers_of_targets_are_refused() -> None:
    with pytest.raises(DataError, match=r"There are 3 rows of inputs but 2 of targets; give one each\."):
        ArraySource(torch.ones(3, 1), torch.ones(2))


@pytest.mark.parametrize("inputs", [torch.tensor(1.0), [1, 2, 3], (torch.ones(2), torch.ones(3))])
def test_what_has_no_rows_is_refused(inputs: Any) -> None:
    with pytest.raises(StepwellError, match="share their first dimension, the rows"):
        ArraySource(inputs, torch.ones(3))


def test_arrays_share_memory_and_containers_keep_their_kind() -> None:
    array = np.zeros((2, 2), np.float32)
    tree = as_tensors({"x": Two(array, [array])})
    tree["x"].left[0, 0] = 5
    assert array[0, 0] == 5
    assert isinstance(tree["x"], Two)
    assert isinstance(tree["x"].right[0], Tensor)


def test_read_only_and_reversed_arrays_are_copied() -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    assert as_tensors(array).tolist() == [0, 1, 2]
    assert as_tensors(np.arange(3)[::-1]).tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    "array", [np.array(["a", "b"]), np.array([None, 1]), np.array(["2020-01-01"], "datetime64[D]")]
)
def test_arrays_of_no_numbers_are_refused(array: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"An array of .* holds no numbers that a network can take"):
        ArraySource(array)


def test_a_subset_keeps_the_row_numbers_and_so_the_draws() -> None:
    x = torch.arange(10.0)
    whole = Transformed(ArraySource(x, x), Noise(1.0))
    part = Subset(whole, torch.tensor([7, 2, 5]))
    assert len(part) == 3
    assert part.row_bytes == whole.row_bytes
    batch, same = part.batch(torch.tensor([2, 0]), KEY), whole.batch(torch.tensor([5, 7]), KEY)
    assert batch.index.tolist() == [5, 7]
    assert torch.equal(batch.inputs, same.inputs)


def test_a_transform_gets_the_batch_and_the_key() -> None:
    seen = []

    def double(batch: Batch, key: Key) -> Batch:
        seen.append(key)
        return batch._replace(inputs=batch.inputs * 2)

    source = Transformed(ArraySource(torch.arange(4.0)), double)
    assert source.batch(torch.tensor([3, 1]), KEY).inputs.tolist() == [6, 2]
    assert seen == [KEY]
    assert len(source) == 4


NOISY = Transformed(ArraySource(torch.zeros(50, 4), torch.zeros(50)), Noise(0.5))


@given(st.lists(st.integers(0, 49), min_size=1, max_size=30))
@settings(deadline=None, max_examples=30)
def test_a_rows_noise_does_not_depend_on_its_batch(index: list[int]) -> None:
    alone = torch.cat([NOISY.batch(torch.tensor([row]), KEY).inputs for row in index])
    assert torch.equal(NOISY.batch(torch.tensor(index), KEY).inputs, alone)


def test_noise_has_the_given_spread_and_another_value_each_epoch() -> None:
    source = Transformed(ArraySource(torch.zeros(4000, 3)), Noise(0.5))
    drawn = [source.batch(torch.arange(4000), Key(0)("rows", epoch)).inputs for epoch in (0, 1)]
    assert float(drawn[0].std()) == pytest.approx(0.5, rel=0.03)
    assert abs(float(torch.corrcoef(torch.stack([d.flatten() for d in drawn]))[0, 1])) < 0.03


def test_noise_leaves_targets_and_whole_numbers_alone_and_keeps_dtypes() -> None:
    inputs = {"x": torch.zeros(3, dtype=torch.float64), "n": torch.zeros(3, dtype=torch.int64)}
    batch = Transformed(ArraySource(inputs, torch.zeros(3)), Noise(1.0)).batch(torch.arange(3), KEY)
    assert batch.inputs["x"].dtype == torch.float64
    assert bool(batch.inputs["x"].all())
    assert batch.inputs["n"].tolist() == [0, 0, 0]
    assert batch.targets.tolist() == [0, 0, 0]


def test_each_input_has_noise_of_its_own() -> None:
    source = Transformed(ArraySource((torch.zeros(1000), torch.zeros(1000))), Noise(1.0))
    first, second = source.batch(torch.arange(1000), KEY).inputs
    assert abs(float(torch.corrcoef(torch.stack([first, second]))[0, 1])) < 0.1


class Drawing(Dataset[tuple[Tensor, Tensor]]):
    """Items that draw from each of the generators that datasets use."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        drawn = [torch.rand(()).item(), float(np.random.rand()), random.random(), float(row)]
        return torch.tensor(drawn), torch.tensor(row)


def test_a_datasets_random_items_do_not_depend_on_the_batch() -> None:
    source = as_source(Drawing())
    whole = source.batch(torch.arange(12), KEY)
    for index in ([5], [11, 5, 0], list(range(11, -1, -1))):
        assert torch.equal(source.batch(torch.tensor(index), KEY).inputs, whole.inputs[index])
    for column in whole.inputs.unbind(1):
        assert len(set(column.tolist())) == 12
    other = source.batch(torch.arange(12), Key(3)("rows", 2))
    assert not bool((other.inputs[:, :3] == whole.inputs[:, :3]).any())


def test_a_datasets_draws_leave_the_generators_alone() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    as_source(Drawing()).batch(torch.arange(3), KEY)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


def test_a_dataset_is_collated_as_torch_does() -> None:
    data = [({"a": 1.5, "b": torch.ones(2)}, 3), ({"a": 2.5, "b": torch.zeros(2)}, 4)]
    batch = as_source(data).batch(torch.tensor([1, 0]), KEY)
    assert batch.inputs["a"].tolist() == [2.5, 1.5]
    assert batch.inputs["b"].tolist() == [[0, 0], [1, 1]]
    assert batch.targets.tolist() == [4, 3]


def test_items_without_targets() -> None:
    batch = as_source(TensorDataset(torch.arange(3.0))).batch(torch.tensor([2]), KEY)
    assert batch.targets is None
    assert batch.inputs[0].tolist() == [2]


def test_a_share_of_no_rows_has_the_form_of_the_others() -> None:
    batch = as_source(Drawing()).batch(torch.empty(0, dtype=torch.int64), KEY)
    assert batch.inputs.shape == (0, 4)
    assert batch.targets.shape == (0,)
    assert batch.index.shape == (0,)


def test_sources_stay_and_others_are_wrapped() -> None:
    source = ArraySource(torch.ones(2))
    assert as_source(source) is source
    assert isinstance(as_source([1, 2]), DatasetSource)
    assert as_source([1, 2]).row_bytes is None


class Stream(IterableDataset[int]):
    def __iter__(self) -> Any:
        return iter(range(3))


def test_streams_are_refused() -> None:
    with pytest.raises(DataError, match="Stream is no map-style dataset: rows need __len__ and __getitem__"):
        as_source(Stream())


def test_a_source_has_to_say_its_length_and_its_rows() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Source()  # type: ignore[abstract]
