"""The dispatcher, with workers whose batches end when the test says so."""

import asyncio

import pytest
from held_workers import call, skipping, started, turns

from stepwell.deploy.calls import Refused


def values(batch):
    return [float(entry.call.payload.arrays["input"][0, 0]) for entry in batch]


def count(meter, name):
    return next(float(line.split()[-1]) for line in meter.text().decode().splitlines() if line.startswith(name))


@skipping
async def test_an_idle_worker_starts_at_once_and_the_next_batch_gathers_while_it_runs():
    dispatcher, (worker,), _ = await started(rows=8)
    first = dispatcher.submit(call(0))
    await turns()
    assert [values(batch) for batch in worker.batches] == [[0]], "nothing is waited for"
    rest = [dispatcher.submit(call(number)) for number in range(1, 4)]
    await turns()
    assert len(worker.batches) == 1
    worker.finish()
    assert (await first).answers == b"[0]"
    await turns()
    assert values(worker.batches[1]) == [1, 2, 3]
    worker.finish()
    replies = await asyncio.gather(*rest)
    assert [reply.answers for reply in replies] == [b"[1]", b"[2]", b"[3]"]
    assert [reply.batch for reply in replies] == [3, 3, 3]


@skipping
async def test_requests_of_one_turn_of_the_loop_share_a_batch_which_is_never_larger_than_its_bound():
    dispatcher, (worker,), _ = await started(rows=4)
    asked = [dispatcher.submit(call(number)) for number in range(10)]
    for _ in range(3):
        await turns()
        worker.finish()
    assert [values(batch) for batch in worker.batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert len(await asyncio.gather(*asked)) == 10


@skipping
async def test_two_workers_run_side_by_side():
    dispatcher, workers, _ = await started(workers=2, rows=2)
    asked = [dispatcher.submit(call(number)) for number in range(4)]
    await turns()
    assert sorted(values(worker.batches[0]) for worker in workers) == [[0, 1], [2, 3]]
    for worker in workers:
        worker.finish()
    await asyncio.gather(*asked)


@skipping
async def test_inputs_of_other_shapes_never_share_a_batch():
    dispatcher, (worker,), _ = await started(rows=8)
    asked = [dispatcher.submit(call(number, size=1 + number % 2)) for number in range(4)]
    await turns()
    assert values(worker.batches[0]) == [0, 2]
    worker.finish()
    await turns()
    assert values(worker.batches[1]) == [1, 3]
    worker.finish()
    await asyncio.gather(*asked)


@skipping
async def test_a_bad_input_fails_alone_and_the_service_lives_on():
    dispatcher, (worker,), _ = await started()
    asked = [dispatcher.submit(call(number)) for number in range(3)]
    await turns()
    worker.finish(refuse={1.0})
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [getattr(answer, "answers", None) for answer in answers] == [b"[0]", None, b"[2]"]
    assert isinstance(answers[1], Refused)
    assert answers[1].status == 422
    later = dispatcher.submit(call(7))
    await turns()
    worker.finish()
    assert (await later).answers == b"[7]"


@skipping
async def test_with_a_wait_a_batch_that_fills_leaves_no_timer_that_could_hurt_later():
    """The book's server: a timer that was overwritten fires on an empty queue, kills the runner, and all later requests hang."""
    dispatcher, (worker,), _ = await started(rows=3, wait=0.02)
    asked = [dispatcher.submit(call(0))]
    await turns()
    assert not worker.batches, "it waits for more"
    asked += [dispatcher.submit(call(number)) for number in (1, 2)]
    await turns()
    assert values(worker.batches[0]) == [0, 1, 2], "a full batch starts before the wait is over"
    worker.finish()
    await asyncio.gather(*asked)
    await asyncio.sleep(0.03)  # the first request's timer fires, and finds an empty queue
    assert len(worker.batches) == 1
    later = dispatcher.submit(call(9))
    await asyncio.sleep(0.02)
    worker.finish()
    assert (await later).answers == b"[9]"


@skipping
@pytest.mark.parametrize(("patience", "waited"), [(30.0, 0.01), (0.004, 0.002)])
async def test_with_a_wait_the_oldest_waits_so_long_and_no_longer_than_half_of_its_own_time(patience, waited):
    dispatcher, (worker,), _ = await started(rows=64, wait=0.01)
    began = asyncio.get_running_loop().time()
    asked = dispatcher.submit(call(0, deadline=began + patience))
    await asyncio.sleep(0.9 * waited)
    assert not worker.batches
    await asyncio.sleep(0.1 * waited)
    await turns()
    worker.finish()
    assert (await asked).waited == pytest.approx(waited, rel=0.01)


@skipping
async def test_a_full_queue_is_told_with_the_time_that_it_takes_to_empty():
    dispatcher, (worker,), meter = await started(rows=2, queue=4)
    running = dispatcher.submit(call(0))
    await turns()
    worker.finish(seconds=3.0)  # an element takes 3 s here
    await running
    held = [dispatcher.submit(call(number)) for number in range(2)]
    await turns()
    held += [dispatcher.submit(call(number)) for number in range(4)]
    with pytest.raises(Refused, match="full") as refused:
        dispatcher.submit(call(9))
    assert refused.value.status == 503
    assert refused.value.retry_after == pytest.approx(4 * 3.0)
    assert count(meter, 'stepwell_shed_total{reason="queue"}') == 1


@skipping
async def test_one_client_cannot_take_the_whole_queue():
    dispatcher, (worker,), _ = await started(per_client=2)
    asked = [dispatcher.submit(call(number, client="a")) for number in range(2)]
    with pytest.raises(Refused, match="its share") as refused:
        dispatcher.submit(call(2, client="a"))
    assert refused.value.status == 429
    asked.append(dispatcher.submit(call(3, client="b")))
    await turns()
    worker.finish()
    await asyncio.gather(*asked)
    dispatcher.submit(call(4, client="a"))


@skipping
async def test_what_nobody_waits_for_any_more_is_not_run():
    dispatcher, (worker,), meter = await started()
    running = dispatcher.submit(call(0))
    await turns()
    gone, late = (
        dispatcher.submit(call(1)),
        dispatcher.submit(call(2, deadline=asyncio.get_running_loop().time() + 0.01)),
    )
    stays = dispatcher.submit(call(3))
    gone.cancel()
    with pytest.raises(Refused, match="no worker was free") as refused:
        await late
    assert refused.value.status == 503
    worker.finish()
    await turns()
    assert values(worker.batches[1]) == [3]
    worker.finish()
    await asyncio.gather(running, stays)
    assert count(meter, "stepwell_cancelled_total") == 1
    assert count(meter, 'stepwell_shed_total{reason="deadline"}') == 1
    assert dispatcher.waiting.cost == 0


@skipping
async def test_a_deadline_does_not_stop_work_that_has_begun():
    dispatcher, (worker,), _ = await started()
    asked = dispatcher.submit(call(0, deadline=asyncio.get_running_loop().time() + 0.01))
    await turns()
    await asyncio.sleep(0.02)
    worker.finish()
    assert (await asked).answers == b"[0]"


@skipping
async def test_a_batch_that_kills_its_worker_is_tried_again_one_by_one_and_the_killer_is_remembered():
    dispatcher, (worker,), meter = await started()
    asked = [dispatcher.submit(call(number)) for number in range(3)]
    await turns()
    worker.die()
    assert worker.starts == 1, "it is started again after a while, not at once"
    await asyncio.sleep(0.2)
    assert worker.starts == 2
    await turns()
    assert values(worker.batches[1]) == [0], "what is tried again runs alone"
    worker.finish()
    await turns()
    assert values(worker.batches[2]) == [1]
    worker.die()
    with pytest.raises(Refused, match="SIGKILL.*twice") as refused:
        await asked[1]
    assert refused.value.status == 500
    await asyncio.sleep(0.4)
    assert worker.starts == 3
    await turns()
    assert values(worker.batches[3]) == [2]
    worker.finish()
    assert [(await asked[number]).answers for number in (0, 2)] == [b"[0]", b"[2]"]
    with pytest.raises(Refused, match="twice") as refused:
        dispatcher.submit(call(1))
    assert refused.value.status == 422
    assert count(meter, "stepwell_retried_total") == 3
    assert count(meter, "stepwell_worker_restarts_total") == 2


@skipping
async def test_a_batch_that_never_ends_costs_its_worker_and_is_tried_once_more():
    dispatcher, (worker,), _ = await started(batch_timeout=1.0)
    asked = dispatcher.submit(call(0))
    await asyncio.sleep(1.15)
    assert worker.starts == 2
    await turns()
    assert worker.killed == 1
    worker.finish()
    assert (await asked).answers == b"[0]"


@skipping
async def test_a_deadline_that_passed_while_it_ran_holds_when_its_worker_dies():
    dispatcher, (worker,), _ = await started(timeout=1.0)
    asked = dispatcher.submit(call(0))
    await asyncio.sleep(2.0)
    worker.die()
    with pytest.raises(Refused, match="no worker was free") as refused:
        await asked
    assert refused.value.status == 503
    assert dispatcher.waiting.cost == 0


@skipping
async def test_a_worker_that_cannot_be_given_work_is_ended_and_the_work_tried_again():
    dispatcher, (worker,), _ = await started()

    def broken(entries, done):
        worker.run = taking
        raise BrokenPipeError

    taking, worker.run = worker.run, broken
    asked = dispatcher.submit(call(3))
    await asyncio.sleep(0.2)
    assert (worker.killed, worker.starts) == (1, 2)
    worker.finish()
    assert (await asked).answers == b"[3]"


@skipping
async def test_a_machine_without_room_for_a_worker_is_asked_again():
    dispatcher, (worker,), meter = await started()
    failures = [OSError(24, "Too many open files"), OSError(12, "Cannot allocate memory")]
    start = worker.start

    async def starting(died):
        if failures:
            raise failures.pop(0)
        return await start(died)

    worker.start = starting
    worker.die()
    asked = dispatcher.submit(call(1))
    await asyncio.sleep(0.1 + 0.2 + 0.4)
    await turns()
    worker.finish()
    assert (await asked).answers == b"[1]"
    assert count(meter, "stepwell_workers") == 1


@skipping
async def test_at_the_end_what_waits_and_what_runs_is_refused_with_a_sentence():
    dispatcher, (worker,), _ = await started()
    runs = dispatcher.submit(call(0))
    await turns()
    waits = dispatcher.submit(call(1))
    dispatcher.end()
    for each in (runs, waits):
        with pytest.raises(Refused, match="The server ended") as refused:
            await each
        assert refused.value.status == 503
    worker.finish()
    await turns()
    assert dispatcher.waiting.cost == 0


@skipping
async def test_a_request_of_too_many_rows_is_refused_before_it_waits():
    dispatcher, _, _ = await started(rows_per_call=100)
    dispatcher.submit(call(0, rows=100))
    with pytest.raises(Refused, match="101 rows; 100 are the most") as refused:
        dispatcher.submit(call(0, rows=101))
    assert refused.value.status == 413
