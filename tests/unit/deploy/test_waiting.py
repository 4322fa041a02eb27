"""The queue: first in first out by lane, bounded by elements."""

import asyncio
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.deploy.calls import Call, File, Refused
from stepwell.deploy.waiting import Entry, Waiting


def entry(number, bucket="a", rows=1, cost=1, *, alone=False, arrived=0.0, deadline=30.0):
    loop = asyncio.new_event_loop()
    try:
        answer = loop.create_future()
    finally:
        loop.close()
    return Entry(Call("m", File(b"", ".png")), rows, cost, bucket, number, arrived, deadline, answer, alone)


ENTRIES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=40)


@given(ENTRIES, st.integers(1, 12), st.integers(1, 30))
def test_batches_hold_one_lane_in_order_within_bounds_and_nothing_is_lost(given_entries, max_rows, max_cost):
    waiting = Waiting(10_000)
    for number, (bucket, rows, cost) in enumerate(given_entries):
        waiting.add(entry(number, bucket, rows, cost))
    seen, left = [], set(range(len(given_entries)))
    while batch := waiting.take(max_rows, max_cost):
        numbers = [each.number for each in batch]
        assert numbers[0] == min(left), "the entry that came first is always in the next batch"
        assert len({each.bucket for each in batch}) == 1
        assert numbers == sorted(numbers)
        if len(batch) > 1:
            assert sum(each.rows for each in batch) <= max_rows
            assert sum(each.cost for each in batch) <= max_cost
        left -= set(numbers)
        seen += numbers
    assert sorted(seen) == list(range(len(given_entries)))
    assert waiting.cost == 0
    assert len(waiting) == 0


@given(ENTRIES, st.data())
def test_what_is_removed_is_never_taken_and_its_room_is_given_back(given_entries, data):
    waiting = Waiting(10_000)
    entries = [entry(number, *each) for number, each in enumerate(given_entries)]
    for each in entries:
        waiting.add(each)
    gone = data.draw(st.sets(st.sampled_from(range(len(entries)))))
    for number in gone:
        assert waiting.remove(entries[number])
        assert not waiting.remove(entries[number])
    assert waiting.cost == sum(each.cost for each in entries if each.number not in gone)
    taken = set()
    while batch := waiting.take(4, 100):
        taken |= {each.number for each in batch}
    assert taken == set(range(len(entries))) - gone


def test_a_full_queue_refuses_and_says_how_full_it_is():
    waiting = Waiting(10)
    waiting.add(entry(0, cost=8))
    with pytest.raises(Refused, match="8 of 10 elements") as refused:
        waiting.add(entry(1, cost=3))
    assert refused.value.status == 503
    waiting.add(entry(2, cost=2))


def test_one_that_is_larger_than_the_queue_is_taken_where_nothing_waits():
    waiting = Waiting(10)
    waiting.add(entry(0, cost=50))
    assert [each.number for each in waiting.take(4, 10)] == [0]


def test_one_that_is_tried_again_goes_first_alone_and_finds_room():
    waiting = Waiting(10)
    waiting.add(entry(5, cost=10))
    again = entry(1, cost=10, alone=True)
    waiting.add(again)
    assert waiting.due(1.0, 64) == -inf
    assert [each.number for each in waiting.take(64, 100)] == [1]
    assert [each.number for each in waiting.take(64, 100)] == [5]


def test_a_batch_is_due_when_its_first_has_waited_or_one_has_lost_half_of_its_time():
    waiting = Waiting(100)
    assert waiting.due(1.0, 4) == inf
    waiting.add(entry(0, arrived=10.0, deadline=40.0))
    assert waiting.due(1.0, 4) == 11.0
    waiting.add(entry(1, arrived=10.25, deadline=10.75))
    assert waiting.due(1.0, 4) == 10.5
    waiting.add(entry(2, rows=2, arrived=10.3))
    assert waiting.due(1.0, 4) == -inf
