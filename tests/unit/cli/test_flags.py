from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from stepwell.cli.app import invoke
from stepwell.cli.failures import WrongUse
from stepwell.cli.flags import Command
from stepwell.cli.settings import ResumeSettings, TrainSettings
from stepwell.core.errors import RecipeError
from stepwell.recipes.recipe import Recipe

Given = tuple[dict[str, Any], TrainSettings]


def full(
    data: Annotated[Path, "the file"],
    *,
    learning_rate: Annotated[float, "step size"] = 1e-05,
    precision: Literal["fp32", "bf16"] = "fp32",
    clip: float | None = 1.0,
    widths: tuple[int, ...] = (4, 5),
    shuffle: bool = True,
) -> Any:
    """All kinds of parameters."""


def parse(function: Callable[..., Any], words: Sequence[str], defaults: dict[str, Any] | None = None) -> Given:
    found: list[Given] = []
    recipe = Recipe(function.__name__, function.__name__, function)
    command = Command(recipe, TrainSettings, lambda *given: found.append(given), defaults or {})
    assert invoke(command.app(), words, "stepwell train full") == 0
    return found[0]


def test_defaults_are_the_signatures() -> None:
    parameters, settings = parse(full, ["a.csv"])
    assert parameters == {
        "data": Path("a.csv"),
        "learning_rate": 1e-05,
        "precision": "fp32",
        "clip": 1.0,
        "widths": (4, 5),
        "shuffle": True,
    }
    assert settings == TrainSettings()


def test_flags_replace_them() -> None:
    words = (
        "a.csv --learning-rate 0.1 --precision bf16 --clip none --widths 7 --no-shuffle --out o --keep 5 --patience 2"
    )
    parameters, settings = parse(full, words.split())
    assert parameters == {
        "data": Path("a.csv"),
        "learning_rate": 0.1,
        "precision": "bf16",
        "clip": None,
        "widths": (7,),
        "shuffle": False,
    }
    assert (settings.out, settings.keep, settings.patience) == ("o", 5, 2)


def test_a_runs_parameters_are_the_defaults_of_resume() -> None:
    saved = {
        "data": "b.csv",
        "learning_rate": 0.5,
        "precision": "bf16",
        "clip": None,
        "widths": [1, 2],
        "shuffle": False,
    }
    parameters, _ = parse(full, [], saved)
    assert parameters == {**saved, "data": Path("b.csv"), "widths": (1, 2)}


def test_help_has_flags_types_defaults_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = Recipe("full", "full", full)
    assert invoke(Command(recipe, TrainSettings, lambda *_: 0, {}).app(), ["--help"], "stepwell train full") == 0
    shown = " ".join(capsys.readouterr().out.split())
    for words in (
        "Usage: stepwell train full [OPTIONS] {DATA}",
        "the file (path) [required]",
        "--learning-rate float step size [default: 1e-05]",
        "--precision fp32|bf16 [default: fp32]",
        "--clip float|none [default: 1.0]",
        "--widths int,… [default: 4,5]",
        "--shuffle / --no-shuffle [default: shuffle]",
        "--out folder where the run folder is made [default: runs]",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["a", "--learning-rat", "1"],
            "There is no flag --learning-rat. Did you mean --learning-rate?\nSee stepwell train full --help",
        ),
        (["a", "--learning-rate", "fast"], "--learning-rate: 'fast' is not a number."),
        (["a", "--precision", "fp8"], "--precision: 'fp8' is not one of fp32, bf16."),
        (["a", "--keep", "0"], "Invalid value for '--keep': Input should be greater than or equal to 1"),
        (["a", "--clip"], "Option '--clip' requires an argument."),
        ([], "Missing argument 'DATA'."),
    ],
)
def test_wrong_use_is_explained(words: list[str], message: str) -> None:
    with pytest.raises(WrongUse) as error:
        parse(full, words)
    assert str(error.value).startswith(message)


def reserved(*, checkpoint_every_steps: int = 3) -> Any: ...


def untyped(*, options: dict[str, int] = {}) -> Any: ...  # noqa: B006 - what a careless user writes


def anything(**settings: int) -> Any: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            reserved,
            "has a parameter 'checkpoint_every_steps', but --checkpoint-every-steps is Stepwell's own flag. Rename",
        ),
        (
            untyped,
            "The parameter 'options' of the recipe untyped has the type dict, which no flag can give. Types that",
        ),
        (anything, r"The recipe anything takes any parameters \(\*settings\); a recipe names each of them."),
    ],
)
def test_recipes_that_cannot_be_commands_are_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse(function, [])


def test_own_flags_of_both_verbs_are_kept_free() -> None:
    recipe = Recipe("full", "full", full)
    names = [Command(recipe, kind, lambda *_: 0, {}) for kind in (TrainSettings, ResumeSettings)]
    assert all(command.app() is not None for command in names)
