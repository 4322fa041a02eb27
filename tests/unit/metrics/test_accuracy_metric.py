import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from stepwell.metrics import Accuracy

CPU = torch.device("cpu")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_equals_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted, truth = torch.tensor(pairs).T
    state = Accuracy().zero(CPU)
    Accuracy().update(state, predicted, truth)
    assert Accuracy().compute(state) == {"accuracy": accuracy_score(truth, predicted)}


def test_counts_stay_exact_where_float32_would_not() -> None:
    state = torch.tensor([2**24, 2**24])
    Accuracy().update(state, torch.tensor([1]), torch.tensor([1]))
    assert state.tolist() == [2**24 + 1, 2**24 + 1]


def test_a_target_that_is_no_whole_number_is_missed() -> None:
    state = Accuracy().zero(CPU)
    Accuracy().update(state, torch.tensor([0, 1, 1]), torch.tensor([0.5, float("nan"), 1.0]))
    assert state.tolist() == [1, 3]
