"""What a run was made with: versions, hardware, command."""

import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("stepwell", "torch", "numpy", "safetensors")


def environment() -> dict[str, Any]:
    """Versions, hardware and the command of this process, for `run.json`."""
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "hardware": {
            "machine": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
        "command": command(),
    }


def command() -> str:
    """The command line of this process, as a person would type it."""
    program = Path(sys.argv[0])
    name = "stepwell" if program.name in ("stepwell", "__main__.py") else program.name
    return shlex.join([name, *sys.argv[1:]])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
