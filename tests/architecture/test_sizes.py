"""Small functions, small files, documented names, and none of what the design forbids."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import stepwell

HOME = Path(stepwell.__file__).parent
FILES = sorted(HOME.rglob("*.py"))
names = [str(path.relative_to(HOME)) for path in FILES]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
Function = ast.FunctionDef | ast.AsyncFunctionDef
per_file = pytest.mark.parametrize("path", FILES, ids=names)


def functions(tree: ast.AST) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    return function.end_lineno - function.lineno + 1


def test_functions_have_at_most_60_lines_and_nine_in_ten_at_most_25() -> None:
    lengths = sorted((length(f), f.name, str(path)) for path, tree in TREES.items() for f in functions(tree))
    assert lengths[-1][0] <= 60, lengths[-1]
    assert lengths[int(0.9 * len(lengths))][0] <= 25, lengths[int(0.9 * len(lengths))]


def test_recipes_have_at_most_150_lines() -> None:
    for path in (HOME / "recipes").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 150, path


@per_file
def test_files_have_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def public(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The public classes and functions of a file, and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, *Function.__args__)) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, Function) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner


@per_file
def test_public_names_are_documented(path: Path) -> None:
    tree = TREES[path]
    assert ast.get_docstring(tree) or not tree.body
    for name, node in public(tree):
        assert ast.get_docstring(node), f"{path}: {name} has no docstring"


def calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@per_file
def test_nothing_is_pickled(path: Path) -> None:
    assert not imports(TREES[path]) & {"pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
    for call in ast.walk(TREES[path]):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("torch.load", "np.load", "numpy.load"):
            safe = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert safe.get("weights_only") == "True" or safe.get("allow_pickle", "False") == "False", call.lineno
            assert not ast.unparse(call.func).startswith("torch") or safe.get("weights_only") == "True", call.lineno
        assert not (isinstance(call, ast.Call) and ast.unparse(call.func) == "torch.save"), path


@per_file
def test_only_the_command_line_prints(path: Path) -> None:
    if path.relative_to(HOME).parts[0] not in ("cli", "__main__.py"):
        for call, line in calls(TREES[path]):
            assert call not in ("print", "pprint", "input", "exit", "sys.exit"), f"{path}:{line}"


@per_file
def test_no_code_is_made_from_text(path: Path) -> None:
    for call, line in calls(TREES[path]):
        assert call not in ("eval", "exec", "compile", "plt.show", "inspect.currentframe"), f"{path}:{line}"


@per_file
def test_broad_excepts_say_why(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            assert not broad or raises or "#" in lines[node.lineno - 1], f"{path}:{node.lineno}"


@per_file
def test_no_global_state_is_changed(path: Path) -> None:
    for node in ast.walk(TREES[path]):
        assert not isinstance(node, ast.Global), f"{path}:{node.lineno}"
    for call, line in calls(TREES[path]):
        allowed = path.name in ("devices.py", "arrays.py")  # which give the generators back
        assert allowed or call not in ("torch.manual_seed", "torch.set_default_dtype", "random.seed"), f"{path}:{line}"
