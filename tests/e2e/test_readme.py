"""The README's examples run as they stand."""

import re
from pathlib import Path

import pytest
import torch

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_library_example_learns(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    torch.manual_seed(0)
    exec(compile(BLOCKS[0], "README.md", "exec"), names)
    assert names["training"].history[-1]["val"]["accuracy"] >= 0.9
    assert "accuracy" in capsys.readouterr().out


def test_the_recipe_example_trains(tmp_path: Path) -> None:
    from stepwell.recipes.launch import train
    from stepwell.recipes.recipe import load

    (tmp_path / "recipe.py").write_text(BLOCKS[1])
    recipe = load(f"{tmp_path / 'recipe.py'}:mine")
    assert recipe.parameters["width"].help == "hidden units"
    launched = train(recipe, {"width": 16, "epochs": 3}, out=str(tmp_path / "runs"))
    assert (launched.run.folder / "report.html").exists()
