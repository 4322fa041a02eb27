"""A room imports only rooms to its left, and what is optional or slow is imported where it is needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stepwell

HOME = Path(stepwell.__file__).parent
# design.md: "core ← data, models, metrics, runs, plots ← tasks ← training ← insight ← reports, deploy ← recipes, lung ← cli"
LEVELS = [
    {"core"},
    {"data", "models", "metrics", "runs", "plots"},
    {"tasks"},
    {"training"},
    {"insight"},
    {"reports", "deploy"},
    {"recipes", "lung"},
    {"cli"},
]
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}
FILES = sorted(HOME.rglob("*.py"))
FILES_OF_ROOMS = [path for path in FILES if path.parent != HOME]
names = [str(path.relative_to(HOME)) for path in FILES_OF_ROOMS]


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """The modules that a file imports anywhere, also for type checkers, with their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("stepwell."):
            yield node.value.partition(":")[0], node.lineno  # a name that is imported when it is needed


def rooms(path: Path) -> Iterator[tuple[str, int]]:
    for module, line in imported(path):
        if module.startswith("stepwell."):
            yield module.split(".")[1], line


def test_every_folder_is_a_room_of_the_design() -> None:
    folders = {path.name for path in HOME.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(LEVEL)
    assert {"core", "data", "models", "metrics", "tasks", "runs", "training", "recipes", "cli"} <= folders


@pytest.mark.parametrize("path", FILES_OF_ROOMS, ids=names)
def test_a_room_imports_only_rooms_to_its_left(path: Path) -> None:
    own = path.relative_to(HOME).parts[0]
    for room, line in rooms(path):
        where = f"{path}:{line}: {own} imports {room}"
        assert room in LEVEL, where
        assert room == own or LEVEL[room] < LEVEL[own], where


def test_the_check_sees_what_it_should(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(
        "def f():\n    from stepwell.cli import main\nimport stepwell.runs.run as r\nNAME = 'stepwell.tasks:X'\n"
    )
    assert sorted(room for room, _ in rooms(file)) == ["cli", "runs", "tasks"]


HEAVY = {
    "matplotlib": {"plots", "reports"},
    "sklearn": {"data", "recipes", "metrics"},
    "polars": {"data", "recipes", "cli"},
    "typer": {"cli"},
    "tensorboard": {"training"},
}


@pytest.mark.parametrize("package", HEAVY)
def test_heavy_packages_stay_in_their_rooms(package: str) -> None:
    for path in FILES_OF_ROOMS:
        if any(module.split(".")[0] == package for module, _ in imported(path)):
            assert path.relative_to(HOME).parts[0] in HEAVY[package], path


def loaded(code: str) -> set[str]:
    """The top-level packages that a fresh Python has loaded after some code."""
    script = f"{code}\nimport sys; print('\\n'.join(name for name in sys.modules))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


@pytest.fixture(scope="module")
def after_fit() -> set[str]:
    return loaded(
        "import stepwell; stepwell.fit; stepwell.Experiment; stepwell.Progress; stepwell.Multiclass; stepwell.split_random"
    )


@pytest.mark.parametrize(
    "package", ["matplotlib", "sklearn", "scipy", "polars", "pandas", "transformers", "typer", "fastapi"]
)
def test_training_loads_nothing_that_it_does_not_need(package: str, after_fit: set[str]) -> None:
    assert "torch" in after_fit
    assert not {name for name in after_fit if name.split(".")[0] == package}


def test_the_package_itself_and_the_command_line_are_light() -> None:
    assert not {"torch", "numpy", "rich"} & loaded("import stepwell")
    assert not {"torch", "matplotlib", "sklearn"} & loaded("import stepwell.cli.main")


def test_every_public_name_is_found_and_no_other() -> None:
    for name in stepwell.__all__:
        assert getattr(stepwell, name) is not None
    assert dir(stepwell) == stepwell.__all__ == sorted(stepwell.__all__, key=lambda n: (not n[0].isupper(), n))
    with pytest.raises(AttributeError, match="module 'stepwell' has no attribute 'fti'"):
        stepwell.fti  # noqa: B018


def test_public_names_for_type_checkers_are_those_at_run_time() -> None:
    tree = ast.parse((HOME / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == set(stepwell.__all__)
