"""What a run says about how it was made."""

import json
import sys
from importlib.metadata import version

import pytest
import torch

from stepwell.runs.environment import command, environment


def test_versions_hardware_and_command_are_plain_data() -> None:
    facts = environment()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["versions"]["torch"] == version("torch")
    assert facts["hardware"]["threads"] == torch.get_num_threads()
    assert facts["hardware"]["processor"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["/usr/bin/stepwell", "train", "moons"], "stepwell train moons"),
        (["/x/stepwell/__main__.py", "resume", "runs/a b"], "stepwell resume 'runs/a b'"),
        (["my.py"], "my.py"),
    ],
)
def test_the_command_is_as_a_person_would_type_it(
    arguments: list[str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    assert command() == text
