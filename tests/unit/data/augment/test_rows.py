"""What all operations share: a row's result is its own, bit for bit, and the images given stay as they are."""

import copy
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.core.keys import Key
from stepwell.data import ArraySource, Batch
from stepwell.data.augment import (
    AddNoise,
    Affine,
    Augment,
    Crop,
    Erase,
    Flip,
    Jitter,
    Operation,
    Permutation,
    Perspective,
    Shift,
    examples,
)

KEY = Key(3)("augment", 1)
OPERATIONS: dict[str, tuple[Operation, bool]] = {
    # operation, whether bytes stay bytes
    "flip": (Flip(), True),
    "flip both": (Flip(vertical=True, p=0.7), True),
    "shift": (Shift(3), True),
    "crop": (Crop(4), True),
    "crop, smaller": (Crop(1, (9, 8)), True),
    "permutation": (Permutation(5), True),
    "erase": (Erase(0.7, fill=0.5), True),
    "affine": (Affine(30, (0.1, 0.2), (0.8, 1.3), 10), False),
    "affine, border": (Affine(180, scale=(0.5, 0.6), isotropic=False, padding="border"), False),
    "perspective": (Perspective(0.6, 0.7), False),
    "jitter": (Jitter(0.4, 0.5, 0.6, 0.2), False),
    "jitter, bright": (Jitter(brightness=2), False),
    "noise": (AddNoise(0.1), False),
}
EACH = pytest.mark.parametrize(("operation", "exact"), OPERATIONS.values(), ids=OPERATIONS.keys())


def pictures(n: int = 67, channels: int = 3, height: int = 11, width: int = 13) -> torch.Tensor:
    generator = torch.Generator().manual_seed(n)
    return torch.randint(0, 256, (n, channels, height, width), dtype=torch.uint8, generator=generator)


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@EACH
def test_bytes_stay_bytes_where_pixels_only_move(operation: Operation, exact: bool) -> None:
    made = operation(pictures(5), torch.arange(5), KEY)
    assert made.dtype == (torch.uint8 if exact else torch.float32)


@EACH
@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_alone_is_the_row_in_a_batch(operation: Operation, exact: bool, channels: int, threads: int) -> None:
    images, rows = pictures(channels=channels), torch.arange(67) * 1_000_003
    whole = operation(images, rows, KEY)
    for place in (0, 1, 40, 66):
        assert torch.equal(operation(images[[place]], rows[[place]], KEY)[0], whole[place])


@EACH
@given(order=st.lists(st.integers(0, 66), max_size=67))
@settings(max_examples=20, deadline=None)
def test_no_batch_order_or_size_changes_a_row(operation: Operation, exact: bool, order: list[int]) -> None:
    images = pictures() if exact else pictures() / 255
    chosen = torch.tensor(order, dtype=torch.int64)
    whole = operation(images, torch.arange(67), KEY)
    assert torch.equal(operation(images[chosen], chosen, KEY), whole[chosen])


@pytest.mark.parametrize("shape", [(33, 1, 28, 28), (9, 3, 40, 64)])
@EACH
def test_a_row_is_its_own_in_larger_pictures(operation: Operation, exact: bool, shape: tuple[int, ...]) -> None:
    images, rows = pictures(*shape), torch.arange(shape[0])
    whole = operation(images, rows, KEY)
    for part in torch.split(torch.randperm(shape[0]), 5):
        assert torch.equal(operation(images[part], rows[part], KEY), whole[part])


@pytest.mark.parametrize(
    "operation",
    [
        Affine((20, 10, 5), 0.1, (0.8, 1.2), (5, 5, 5), isotropic=False),
        Flip(True, True, True),
        Shift(2),
        AddNoise(),
        Crop(1, 4),
    ],
)
def test_a_volume_is_its_own(operation: Operation) -> None:
    volumes, rows = torch.rand(9, 1, 5, 7, 8), torch.arange(9)
    whole = operation(volumes, rows, KEY)
    for part in torch.split(torch.randperm(9), 4):
        assert torch.equal(operation(volumes[part], rows[part], KEY), whole[part])


@EACH
def test_the_images_given_stay_as_they_are(operation: Operation, exact: bool) -> None:
    for images in (pictures(6), pictures(6) / 255):
        before = images.clone()
        operation(images, torch.arange(6), KEY)
        assert torch.equal(images, before)


@EACH
def test_keys_and_rows_decide(operation: Operation, exact: bool) -> None:
    images, rows = pictures(1).expand(40, -1, -1, -1), torch.arange(40)
    made = operation(images, rows, KEY)
    assert torch.equal(made, operation(images, rows, Key(3)("augment", 1)))
    if not isinstance(operation, Permutation):
        assert not torch.equal(made, operation(images, rows, Key(3)("augment", 2)))
        assert len(made.flatten(1).unique(dim=0)) > 1


@EACH
def test_doubles_stay_doubles(operation: Operation, exact: bool) -> None:
    images = pictures(5).double() / 255
    made = operation(images, torch.arange(5), KEY)
    assert made.dtype == torch.float64
    same = operation(images.float(), torch.arange(5), KEY)
    assert torch.allclose(made.float(), same, atol=1e-5)


@EACH
def test_an_operation_can_be_compared_and_copied(operation: Operation, exact: bool) -> None:
    assert copy.deepcopy(operation) == operation
    assert hash(operation) == hash(copy.deepcopy(operation))


@pytest.mark.parametrize("operation", [Affine(10), Jitter(0.1), AddNoise(), Perspective(p=1)])
def test_whole_numbers_are_no_images(operation: Operation) -> None:
    with pytest.raises(
        DataError, match=r"Images are bytes \(torch.uint8\) or floats from 0 to 1, but these are torch.int64"
    ):
        operation(pictures(2).long(), torch.arange(2), KEY)


def test_operations_follow_one_another_under_keys_of_their_own() -> None:
    images, rows = pictures(40), torch.arange(40)
    twice = Augment(Flip(), Flip()).images(images, rows, KEY)
    first = Flip()(images, rows, KEY("Flip", 0))
    assert torch.equal(twice, Flip()(first, rows, KEY("Flip", 1)))
    assert not torch.equal(twice, images)  # one coin for both would give the images back


def test_an_operation_at_the_end_changes_no_draw_before_it() -> None:
    images, rows = pictures(10), torch.arange(10)
    short = Augment(Shift(2), Flip()).images(images, rows, KEY)
    assert torch.equal(Augment(Shift(2), Flip(), Flip(p=0)).images(images, rows, KEY), short)


def test_a_batch_keeps_its_targets_and_rows() -> None:
    source = ArraySource(pictures(20), torch.arange(20))
    batch = source.batch(torch.tensor([7, 3, 3]), KEY)
    made = Augment(Affine(90))(batch, KEY)
    assert made.targets.tolist() == made.index.tolist() == [7, 3, 3]
    assert made.inputs.shape == (3, 3, 11, 13)
    assert torch.equal(made.inputs[1], made.inputs[2])


def test_no_operation_is_no_change() -> None:
    images = pictures(3)
    assert Augment().images(images, torch.arange(3), KEY) is images


@pytest.mark.parametrize(
    ("inputs", "said"), [({"x": torch.ones(2, 3)}, "a dict"), (torch.ones(2, 3), r"a tensor \(2, 3\)")]
)
def test_rows_that_are_no_images_are_refused(inputs: object, said: str) -> None:
    with pytest.raises(DataError, match=rf"Augmentation takes batches of images, .*, not {said}\."):
        Augment(Flip())(Batch(inputs, None, torch.arange(2)), KEY)


def test_augmentations_compare_by_their_operations() -> None:
    assert Augment(Flip(), Shift(1)) == Augment(Flip(), Shift(1))
    assert len({Augment(Flip()), Augment(Flip()), Augment(Shift(1))}) == 2
    assert repr(Augment(Shift(1))) == "Augment(Shift(pixels=1))"


def test_examples_are_what_epochs_show() -> None:
    images, augment = pictures(4), Augment(Flip(), Shift(2))
    shown = examples(augment, images, 3, key=Key(9))
    assert shown.shape == (3, 4, 3, 11, 13)
    seen = augment(Batch(images, None, torch.arange(4)), Key(9)("augment", 2)).inputs
    assert torch.equal(shown[2], seen / 255)
