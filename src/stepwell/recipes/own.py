"""Recipes of one's own: a function in a Python file."""

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stepwell.core.errors import RecipeError, StepwellError, suggest


def own_function(target: str) -> tuple[str, str, Callable[..., Any]]:
    """The name of `path/to/file.py:function`, what finds it again from any folder, and the function. Raises `RecipeError`."""
    name, _, function = target.partition(":")
    path = Path(name).resolve()
    if not path.is_file():
        raise RecipeError(f"There is no recipe file {name}.")
    module = _import(path)
    found = {n: f for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__}
    if function not in found:
        which = f"no function {function!r}" if function else "no function named"
        raise RecipeError(
            f"{name} has {which}; it has {', '.join(found) or 'none'}. Write {name}:FUNCTION.{suggest(function, found)}"
        )
    return function, f"{path}:{function}", found[function]


def _import(path: Path) -> Any:
    """A file as a module, with its folder on the path as when Python runs it."""
    name = f"stepwell_recipe_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RecipeError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except StepwellError:
        raise
    except Exception as error:  # somebody else's code may raise anything, and is told as it is
        raise RecipeError(f"The recipe file {path} failed: {told(error)}") from error
    return module


def told(error: Exception) -> str:
    """An error of somebody's code in two lines: what it was, and where."""
    where = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) or not where:
        return what
    return f"{what}\n  {where[-1].filename}:{where[-1].lineno}: {where[-1].line}"
