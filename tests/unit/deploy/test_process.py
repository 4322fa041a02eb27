"""A worker process as the server sees it, with real ones."""

import asyncio
import os
import sys

import pytest
import served_models

from stepwell.core.errors import StepwellError
from stepwell.deploy.process import Job, ProcessWorker

JOB = Job(load="served_models:servable", models=({},))


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    folder = os.path.dirname(served_models.__file__)
    monkeypatch.setenv("PYTHONPATH", folder)


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_a_process_that_died_in_the_middle_of_a_message_is_replaced():
    async def whole():
        worker, dead = ProcessWorker(JOB), asyncio.get_running_loop().create_future()
        await worker.start(dead.set_result)
        worker.data_received(b"\0\0\0\x10{")
        worker.kill()
        assert await dead == "was killed by SIGKILL"
        loaded = await worker.start(lambda _: None)
        await worker.stop()
        return loaded

    assert [card.name for card in asyncio.run(whole()).cards] == ["double"]


def test_a_process_that_cannot_be_started_leaves_nothing_open(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    async def whole():
        worker = ProcessWorker(JOB)
        before = open_descriptors()
        for _ in range(3):
            with pytest.raises(FileNotFoundError):
                await worker.start(lambda _: None)
        await worker.stop()
        return open_descriptors() - before

    assert asyncio.run(whole()) == 0


def test_one_that_ends_before_it_is_ready_says_so():
    async def whole():
        await ProcessWorker(Job(load="served_models:nothing", models=({},))).start(lambda _: None)

    with pytest.raises(StepwellError, match="ended with exit code 1 before it was ready. What it printed above"):
        asyncio.run(whole())
