import shlex
from collections.abc import Callable
from importlib.metadata import version

import pytest

Said = Callable[..., tuple[int, str, str]]


def test_version(said: Said) -> None:
    assert said("--version") == (0, f"stepwell {version('stepwell')}\n", "")


@pytest.mark.parametrize("words", [(), ("--help",)])
def test_help_lists_the_verbs(words: tuple[str, ...], said: Said) -> None:
    code, out, err = said(*words)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line] == [
        *("list", "show", "train", "resume", "evaluate", "predict", "look", "recognise"),
        *("report", "compare", "sweep", "find-rate", "translate", "serve", "export", "load", "data"),
    ]


def test_list_names_every_recipe(said: Said) -> None:
    code, out, _ = said("list")
    assert code == 0
    for words in ("digits", "Read 1,797 real", "moons", "stepwell train digits"):
        assert words in out


_WRONG = [
    ("trian digits", "error: There is no verb 'trian'. Did you mean 'train'?\nSee stepwell --help\n"),
    ("moons --epochs 3", "error: moons is a recipe, not a verb. Train it with:\n  stepwell train moons --epochs 3\n"),
    ("train", "error: Which recipe? stepwell train RECIPE\n"),
    ("train --epochs 3 moons", "error: The recipe comes first, its flags after it: stepwell train RECIPE --epochs …\n"),
    (
        "train mons",
        "error: There is no recipe 'mons'. Did you mean 'moons'? Your own are named path/to/file.py:function.\n"
        "See stepwell list\n",
    ),
    (
        "train moons --epoch 3",
        "error: There is no flag --epoch. Did you mean --epochs?\nSee stepwell train moons --help\n",
    ),
    (
        "train moons --lr 0.1",
        "error: There is no flag --lr. Did you mean --learning-rate?\nSee stepwell train moons --help\n",
    ),
    ("train moons --colour 3", "error: There is no flag --colour.\nSee stepwell train moons --help\n"),
    ("data chek", "error: There is no verb 'chek'. Did you mean 'check'?\nSee stepwell data --help\n"),
    ("resume", "error: Which run? stepwell resume RUN\n"),
]


@pytest.mark.parametrize(("words", "message"), _WRONG)
def test_wrong_use_suggests_the_nearest(words: str, message: str, said: Said) -> None:
    assert said(*shlex.split(words)) == (2, "", message)
