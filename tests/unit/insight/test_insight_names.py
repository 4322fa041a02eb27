"""What `stepwell.insight` gives by name."""

import importlib
import subprocess
import sys

import pytest

import stepwell.insight


@pytest.mark.parametrize("name", stepwell.insight.__all__)
def test_each_name_is_a_function_or_a_class(name: str) -> None:
    assert callable(getattr(stepwell.insight, name))


@pytest.mark.parametrize("name", ["capture", "extract", "occlusion", "saliency"])
def test_a_function_called_as_its_module_wins(name: str) -> None:
    module = importlib.import_module(f"stepwell.insight.{name}")
    assert getattr(stepwell.insight, name) is getattr(module, name)


@pytest.mark.parametrize(
    "first",
    [
        "import stepwell.insight.capture",
        "from stepwell.insight.saliency import Saliency",
        "import stepwell.insight.filters",
        "import stepwell; assert not any(name.startswith(('torch', 'stepwell.insight')) for name in sys.modules)",
    ],
)
def test_whatever_was_imported_first(first: str) -> None:
    """In a process of its own, which has imported nothing yet."""
    then = "from stepwell.insight import capture, saliency, filters_of; assert callable(capture) and callable(saliency)"
    subprocess.run([sys.executable, "-c", f"import sys; {first}; {then}"], check=True)
