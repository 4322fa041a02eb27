"""Two processes under torchrun train as one does with the same global batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("out")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    script = [str(HERE / "two_processes.py"), str(folder)]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([sys.executable, *script], check=True, env=environment, timeout=120)
    subprocess.run([*torchrun, *script], check=True, env=environment, timeout=120, capture_output=True)
    return {path.stem: torch.load(path, weights_only=True) for path in folder.glob("*.pt")}


def test_they_see_the_same_rows(found: dict[str, dict]) -> None:
    alone, first, second = (found[name]["rows"] for name in ("1-0", "2-0", "2-1"))
    assert len(alone) == len(first) == len(second) == 52
    for whole, a, b in zip(alone, first, second, strict=True):
        assert whole[0::2] == a
        assert whole[1::2] == b


def test_they_come_to_the_same_weights(found: dict[str, dict]) -> None:
    for name, weights in found["1-0"]["weights"].items():
        torch.testing.assert_close(found["2-0"]["weights"][name], weights, rtol=1e-4, atol=1e-5)
        assert torch.equal(found["2-0"]["weights"][name], found["2-1"]["weights"][name])


def test_they_write_the_same_history(found: dict[str, dict]) -> None:
    for one, two in zip(found["1-0"]["history"], found["2-0"]["history"], strict=True):
        assert one["step"] == two["step"]
        assert two["train"]["loss"] == pytest.approx(one["train"]["loss"], rel=1e-5)
        assert two["val"] == pytest.approx(one["val"], rel=1e-4)
    assert found["2-0"]["history"] == found["2-1"]["history"]
