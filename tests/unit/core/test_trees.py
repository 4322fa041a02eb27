"""Trees of tensors: kinds are kept, and a tree that was taken apart for a file comes back."""

import json
from collections import OrderedDict
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from stepwell.core.errors import StepwellError
from stepwell.core.trees import (
    Tree,
    attach_tensors,
    between,
    detach_tensors,
    map_tensors,
    rows,
    take,
    tensors,
    to_device,
)


class Pair(NamedTuple):
    first: Any
    second: Any


TENSORS = st.builds(
    lambda shape, dtype: torch.ones(shape, dtype=dtype),
    st.sampled_from([(), (2,), (0, 3), (1, 2)]),
    st.sampled_from([torch.float32, torch.int64, torch.bool, torch.bfloat16]),
)
LEAVES = TENSORS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
# names that could be taken for another's: dotted ones, ours, numbers
NAMES = st.sampled_from(["a", "b", "a.b", "0", "", "$tensor", "$items", "a~2"])
KEYS = NAMES | st.integers(0, 3) | st.booleans() | st.none()
TREES = st.recursive(
    LEAVES,
    lambda below: (
        st.lists(below, max_size=3)
        | st.tuples(below, below)
        | st.builds(Pair, below, below)
        | st.dictionaries(KEYS, below, max_size=3)
    ),
    max_leaves=8,
)


def same(one: Tree, other: Tree) -> bool:
    """Equal in content and kinds, tuples taken for lists."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        kinds = [(type(a), a) for a in one] == [(type(b), b) for b in other]
        return kinds and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(TREES)
@settings(deadline=None, max_examples=300)
def test_what_was_detached_and_written_as_json_is_attached_again(tree: Tree) -> None:
    plain, found = detach_tensors(tree)
    assert len(found) == len(list(tensors(tree)))
    assert same(tree, attach_tensors(json.loads(json.dumps(plain)), found))


@given(TREES)
@settings(deadline=None, max_examples=100)
def test_mapping_keeps_the_kind_of_every_container(tree: Tree) -> None:
    def kinds(tree: Tree) -> Any:
        if isinstance(tree, dict):
            return {name: kinds(branch) for name, branch in tree.items()}
        if isinstance(tree, (list, tuple)):
            return (type(tree), [kinds(branch) for branch in tree])
        return type(tree)

    mapped = map_tensors(lambda tensor: tensor.clone(), tree)
    assert kinds(mapped) == kinds(tree)
    assert all(torch.equal(a, b) and a is not b for a, b in zip(tensors(mapped), tensors(tree), strict=True))


def test_other_mappings_keep_their_kind() -> None:
    assert type(map_tensors(torch.neg, OrderedDict(a=torch.ones(1)))) is OrderedDict


def test_tensors_are_named_by_their_place() -> None:
    _, found = detach_tensors({"inputs": {"image": torch.ones(1)}, "list": [torch.ones(2), (torch.ones(3),)]})
    assert list(found) == ["inputs.image", "list.0", "list.1.0"]


def test_tensors_of_one_dotted_name_are_both_kept() -> None:
    tree = {"a": {"b": torch.tensor(1)}, "a.b": torch.tensor(2)}
    plain, found = detach_tensors(tree)
    assert len(found) == 2
    assert same(tree, attach_tensors(plain, found))


def test_an_optimizers_state_comes_back() -> None:
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    plain, found = detach_tensors(optimizer.state_dict())
    back = attach_tensors(json.loads(json.dumps(plain)), found)
    assert list(back["state"]) == [0, 1]
    fresh = torch.optim.Adam(layer.parameters())
    fresh.load_state_dict(back)
    assert same(optimizer.state_dict()["state"], fresh.state_dict()["state"])


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"a": {"f": print}}, "a.f holds a builtin_function_or_method, which a checkpoint cannot keep."),
        (object(), "The state holds a object, which a checkpoint cannot keep."),
        ({"a": {(1, 2): 3}}, "a holds the key of a mapping, a tuple, which a checkpoint cannot keep."),
        ({"a": [1, {2, 3}]}, "a.1 holds a set, which a checkpoint cannot keep."),
    ],
)
def test_what_json_lacks_is_named(tree: Tree, text: str) -> None:
    with pytest.raises(StepwellError) as caught:
        detach_tensors(tree)
    assert str(caught.value) == text


def test_rows_are_the_shared_first_dimension() -> None:
    assert rows({"a": torch.ones(3, 2), "b": (torch.ones(3), None)}) == 3
    assert rows(torch.ones(0, 5)) == 0


@pytest.mark.parametrize(
    ("tree", "shapes"),
    [
        ((torch.ones(3), torch.ones(2, 5)), r"\(3,\), \(2, 5\)"),
        (torch.tensor(1.0), r"\(\)"),
        ((torch.ones(1), torch.tensor(1.0)), r"\(1,\), \(\)"),
        ({"a": None}, "none"),
    ],
)
def test_trees_without_common_rows_are_refused(tree: Tree, shapes: str) -> None:
    with pytest.raises(StepwellError, match=rf"share their first dimension, the rows; .* shapes {shapes}\."):
        rows(tree)


def test_taking_and_cutting_rows() -> None:
    tree = Pair(torch.arange(5), {"x": torch.arange(10).reshape(5, 2)})
    taken = take(tree, torch.tensor([4, 0, 4]))
    assert isinstance(taken, Pair)
    assert taken.first.tolist() == [4, 0, 4]
    assert taken.second["x"].tolist() == [[8, 9], [0, 1], [8, 9]]
    cut = between(tree, 1, 3)
    assert cut.first.tolist() == [1, 2]
    assert cut.second["x"].data_ptr() == tree.second["x"][1].data_ptr()


def test_a_tree_that_lies_on_its_device_is_not_copied() -> None:
    tensor = torch.ones(2)
    assert to_device([tensor], torch.device("cpu"))[0] is tensor
    assert to_device((tensor,), torch.device("meta"))[0].device.type == "meta"
