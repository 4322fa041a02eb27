"""Sweeps: the grid, the folder, and what survives."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import InterruptAt

from stepwell.core.errors import RecipeError, RunError
from stepwell.recipes.breast_cancer import breast_cancer
from stepwell.recipes.grid import checked, combinations, join_values, split_values, sweep_command
from stepwell.recipes.member import Member
from stepwell.recipes.recipe import Recipe, load
from stepwell.recipes.sweep import PAGE, new_sweep, open_sweep, sweep
from stepwell.training.hooks import Hook

CURVE = {"points": 20, "batch_size": 10, "hidden": 3, "epochs": 3}
MOONS = {"epochs": 1}


# --- the grid -------------------------------------------------------------------------------------------------------------


def test_every_combination_once_and_the_last_parameter_first() -> None:
    made = combinations({"layers": [0, 1], "seed": [5, 6, 7]})
    assert [(each["layers"], each["seed"]) for each in made] == [(0, 5), (0, 6), (0, 7), (1, 5), (1, 6), (1, 7)]


def test_values_get_their_parameters_types_as_json_holds_them() -> None:
    assert checked(load("moons"), {"learning_rate": ["0.1", 1], "hidden": ["4"]}) == {
        "learning_rate": [0.1, 1.0],
        "hidden": [4],
    }
    assert checked(load("breast-cancer"), {"hidden": ["64,32", (8,)]}) == {"hidden": [[64, 32], [8]]}


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ({}, "A sweep varies one parameter or more; none is given."),
        ({"hiden": [1]}, "The recipe moons has no parameter 'hiden'. Did you mean 'hidden'?"),
        ({"zzz": [1]}, "The recipe moons has no parameter 'zzz'. It has points, noise, hidden, learning_rate,"),
        ({"hidden": []}, "The parameter 'hidden' is to be varied, but no value is given."),
        ({"hidden": [1, "x"]}, "The parameter 'hidden' of the recipe moons: 'x' is not a whole number."),
        ({"hidden": [1, "1"]}, "The parameter 'hidden' has the value 1 twice."),
    ],
)
def test_what_cannot_be_varied_is_refused(varied: dict[str, Sequence[object]], message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as error:
        new_sweep(load("moons"), varied, {}, out=str(tmp_path))
    assert str(error.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_the_separator_of_values_with_commas_is_explained() -> None:
    with pytest.raises(RecipeError, match="blanks separate them: '64,32 128,64'"):
        checked(load("breast-cancer"), {"hidden": ["64", "x"]})


@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=3), min_size=1, max_size=4))
def test_values_are_read_as_they_are_written(values: list[list[int]]) -> None:
    recipe = Recipe("breast-cancer", "breast-cancer", breast_cancer)
    unique = [value for place, value in enumerate(values) if value not in values[:place]]
    assert checked(recipe, {"hidden": split_values(join_values(unique))}) == {"hidden": unique}


def test_the_command_of_a_sweep() -> None:
    varied = {"hidden": [[64], [64, 32]], "seed": [0, 1]}
    command = sweep_command(load("breast-cancer"), varied, {"epochs": 5, "batch_size": 32, "hidden": [8]})
    assert command == "stepwell sweep breast-cancer --epochs 5 --vary 'hidden=64 64,32' --vary seed=0,1"


# --- the folder -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    out = tmp_path_factory.mktemp("swept")
    return sweep(load("curve"), {"learning_rate": [1e-3, 1e30], "seed": [0, 1]}, CURVE, out=str(out))


def test_each_combination_has_a_run_of_its_own(swept: list[Member]) -> None:
    assert [member.varied["learning_rate"] for member in swept] == [1e-3, 1e-3, 1e30, 1e30]
    folders = {member.run.folder for member in swept if member.run}
    assert len(folders) == 4
    [parent] = {folder.parent for folder in folders}
    assert parent.name.startswith("curve-sweep-")
    for member in swept:
        assert member.run is not None
        assert member.run.facts["parameters"] == {**member.parameters, **CURVE, **member.varied}
        assert member.run.facts["recipe"] == "curve"


def test_a_member_that_diverges_is_told_and_ends_nothing(swept: list[Member]) -> None:
    assert [member.status for member in swept] == ["done", "done", "failed", "failed"]
    assert [member.whole for member in swept] == [True, True, False, False]
    assert "The loss became" in swept[2].error
    assert swept[0].trial.number > 0
    assert swept[2].trial.number != swept[2].trial.number  # NaN


def test_the_page_links_to_the_reports_beside_it(swept: list[Member]) -> None:
    assert swept[0].run is not None
    page = (swept[0].run.folder.parent / PAGE).read_text()
    assert f'href="{swept[0].run.name}/report.html"' in page
    assert "stepwell sweep curve" in page
    assert "The loss became" in page


def test_a_member_that_cannot_be_built_has_no_run(tmp_path: Path) -> None:
    members = sweep(load("moons"), {"batch_size": [0, 16]}, MOONS, out=str(tmp_path))
    assert [(member.status, member.run is None) for member in members] == [("failed", True), ("done", False)]
    assert members[0].error == "batch_size is 0; it must be more than 0."


# --- interruptions --------------------------------------------------------------------------------------------------------


def interrupting(seed: int, step: int):  # type: ignore[no-untyped-def]
    def hooks(member: Member) -> Sequence[Hook]:
        return [InterruptAt(step)] if member.varied["seed"] == seed else []

    return hooks


def lines(members: Sequence[Member]) -> list[object]:
    return [member.run.lines("history.jsonl") if member.run else None for member in members]


def test_an_interrupted_sweep_goes_on_and_ends_in_the_same_bits(tmp_path: Path) -> None:
    recipe, varied = load("curve"), {"seed": [0, 1, 2]}
    through = sweep(recipe, varied, CURVE, out=str(tmp_path / "through"))
    begun = new_sweep(recipe, varied, CURVE, out=str(tmp_path / "pieces"), asked={"patience": None})
    with pytest.raises(KeyboardInterrupt):
        list(begun.train(interrupting(seed=1, step=3)))
    assert [member.status for member in begun.members] == ["done", "stopped", "waiting"]
    kept = begun.members[0].run
    assert kept is not None
    before = (kept.folder / "run.json").stat().st_mtime_ns
    reopened = open_sweep(begun.folder)
    assert reopened.asked == {"patience": None}
    went_on = list(reopened.train())
    assert [member.status for member in went_on] == ["done"] * 3
    assert (kept.folder / "run.json").stat().st_mtime_ns == before
    assert len([path for path in begun.folder.iterdir() if path.is_dir()]) == 3
    assert lines(went_on) == lines(through)


def test_a_run_that_was_killed_before_its_report_gets_one(tmp_path: Path) -> None:
    [member] = sweep(load("moons"), {"seed": [3]}, MOONS, out=str(tmp_path))
    assert member.run is not None
    history = (member.run.folder / "history.jsonl").read_bytes()
    (member.run.folder / "report.html").unlink()
    reopened = open_sweep(member.run.folder.parent)
    assert not reopened.members[0].whole
    assert next(iter(reopened.train())).whole
    assert (member.run.folder / "history.jsonl").read_bytes() == history


def test_what_concerns_all_members_is_raised(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Cannot write"):
        sweep(load("moons"), {"seed": [0]}, MOONS, out=str(tmp_path / "file"))
    begun = new_sweep(load("moons"), {"seed": [0]}, MOONS, out=str(tmp_path))
    with pytest.raises(RunError, match="There is no sweep.json"):
        open_sweep(tmp_path)
    (begun.folder / "sweep.json").write_text("{}")
    with pytest.raises(RunError, match="is damaged"):
        open_sweep(begun.folder)
