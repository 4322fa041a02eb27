"""Memory that is kept between steps: pages that the system had to clear, in processes of their own, whose heap is clean."""

import json
import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import json
from resource import RUSAGE_SELF, getrusage
from stepwell.core.memory import memory_kept

def step():
    "Ask for memory, write to all of it, let it go: 8 blocks of 24 MB, more than glibc keeps, each one that it may keep."
    blocks = [bytearray(b"x") * (24 * 2**20) for _ in range(8)]
    while blocks:
        blocks.pop()

def cleared():
    "Pages that the system clears in three steps."
    for _ in range(3):
        step()
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range(3):
        step()
    return getrusage(RUSAGE_SELF).ru_minflt - before

def held():
    "Pages that the process holds."
    return int(open("/proc/self/statm").read().split()[1])

found = {"usual": cleared()}
try:
    with memory_kept():
        found["kept"] = cleared()
        found["held"] = held()
        raise KeyError
except KeyError:
    found["held_after"] = held()
found["usual_again"] = cleared()
print(json.dumps(found))
"""
PAGES = 8 * 24 * 2**20 // os.sysconf("SC_PAGE_SIZE")  # of a step

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")


def found(**environment: str) -> dict[str, int]:
    """What the script counts."""
    told = {**os.environ, **environment}
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=told, check=True)
    return dict(json.loads(ended.stdout))


def test_a_step_uses_the_memory_of_the_one_before_until_an_error_ends_it() -> None:
    counts = found()
    assert counts["kept"] < counts["usual"] / 100
    assert counts["held"] - counts["held_after"] > 0.9 * PAGES
    assert counts["usual_again"] > counts["usual"] / 2


@pytest.mark.parametrize(
    "environment", [{"MALLOC_TRIM_THRESHOLD_": "65536"}, {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=65536"}]
)
def test_a_user_who_set_malloc_is_obeyed(environment: dict[str, str]) -> None:
    counts = found(**environment)
    assert counts["kept"] == pytest.approx(counts["usual"], rel=0.1)
