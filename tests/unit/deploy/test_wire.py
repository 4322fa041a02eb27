"""What a server and its workers write to each other."""

import os
import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stepwell.deploy.arena import Arena, new_memory
from stepwell.deploy.calls import File
from stepwell.deploy.wire import Messages, packed, read_outcomes, read_work, receive, write_outcomes, write_work
from stepwell.deploy.work import Outcome


def arena(size=2**20):
    descriptor = new_memory(size)
    try:
        return Arena(descriptor)
    finally:
        os.close(descriptor)


ARRAYS = st.sampled_from(["<f4", "<f8", "<i8", "|u1", "|b1"]).flatmap(
    lambda dtype: hnp.arrays(dtype, st.tuples(st.integers(1, 5), st.integers(1, 7)))
)


@settings(max_examples=50, deadline=None)
@given(st.lists(ARRAYS, min_size=1, max_size=4), st.lists(st.binary(max_size=50), max_size=3))
def test_a_batch_comes_out_as_it_went_in(arrays, files):
    shared = arena()
    stacks = {f"input {number}": [array, array] for number, array in enumerate(arrays)}
    message = write_work(shared, "m", ["answers"], [1, 1], stacks, [File(data, ".png") for data in files])
    (sent,) = Messages().feed(packed(message))
    work = read_work(shared, sent)
    assert work.model == "m"
    for number, array in enumerate(arrays):
        found = work.arrays[f"input {number}"]
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, np.concatenate([array, array]))
    assert [(file.data, file.suffix) for file in work.files] == [(data, ".png") for data in files]


def test_outcomes_come_back_and_outlive_the_next_batch():
    shared = arena()
    outcomes = [
        Outcome(b'[{"label": "a"}]', {}, ("a note",), rows=2),
        Outcome(arrays={"output": np.arange(6, dtype=np.float32).reshape(2, 3)}, rows=2),
        Outcome(refusal=(422, "too green")),
    ]
    first, second, third = read_outcomes(shared, write_outcomes(shared, outcomes, 0.5))
    write_outcomes(shared, [Outcome(b"\xff" * 500)], 0.1)
    assert (first.answers, first.notes, first.rows) == (b'[{"label": "a"}]', ("a note",), 2)
    assert second.arrays["output"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert third.refusal == (422, "too green")


def test_what_does_not_fit_is_refused_and_the_rest_is_not():
    outcomes = [Outcome(b"[1]"), Outcome(arrays={"output": np.zeros((2000, 1), np.float32)})]
    shared = arena(4096)
    good, bad = read_outcomes(shared, write_outcomes(shared, outcomes, 0.1))
    assert good.answers == b"[1]"
    assert bad.refusal is not None
    assert bad.refusal[0] == 413
    with pytest.raises(MemoryError, match="8,000 bytes do not fit"):
        write_work(shared, "m", ["answers"], [1], {"input": [np.zeros((2000, 1), np.float32)]}, [])


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers(), max_size=3), max_size=5), st.integers(1, 7))
def test_messages_are_cut_wherever_the_bytes_are(plain, step):
    data = b"".join(map(packed, plain))
    messages = Messages()
    found = [message for start in range(0, len(data), step) for message in messages.feed(data[start : start + step])]
    assert found == plain


def test_a_message_is_whole_or_the_other_side_is_gone():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(packed({"a": 1}) + packed({"b": 2})[:3])
        ours.shutdown(socket.SHUT_WR)
        assert receive(theirs) == {"a": 1}
        assert receive(theirs) is None
