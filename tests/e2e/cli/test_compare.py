"""`stepwell compare`: what it prints, what it writes, what it refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Said = Callable[..., tuple[int, str, str]]


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture
def other(run: Path) -> Path:
    """A second run beside the first, with a parameter of its own and better by every metric."""
    made = Path(shutil.copytree(run, run.parent / "better"))
    facts = json.loads((made / "run.json").read_text())
    _edit(made / "run.json", parameters={**facts["parameters"], "hidden": 8})
    metrics = json.loads((made / "evaluation.json").read_text())["metrics"]
    _edit(made / "evaluation.json", metrics=metrics | {"accuracy": 1.0})
    return made


@pytest.mark.usefixtures("other")
def test_two_runs_side_by_side(run: Path, said: Said) -> None:
    code, out, err = said("compare", "runs/moons", "runs/better")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split()[:4] == ["run", "accuracy", "precision", "recall"]
    assert [line.split()[:2] for line in lines[1:3]] == [["A", "moons"], ["B", "better"]]
    assert ["hidden", "0", "8"] in [line.split() for line in lines]
    assert "10 other parameters are the same." in lines
    assert "B, better, is best by accuracy: 1, against " in out
    assert lines[-1] == "runs/compare.html"
    html = (run.parent / "compare.html").read_text()
    assert "<h1>2 runs compared</h1>" in html
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.usefixtures("other")
def test_the_page_goes_where_it_is_asked_for(tmp_path: Path, said: Said) -> None:
    code, out, _ = said("compare", "moons", "better", "--out", "here/page.html")
    assert (code, out.splitlines()[-1]) == (0, "here/page.html")
    assert "</html>" in (tmp_path / "here" / "page.html").read_text()
    code, _, err = said("compare", "moons", "better", "--out", "/proc/page.html")
    assert code == 1
    assert err.startswith("error: Cannot write /proc/page.html")


@pytest.mark.usefixtures("other")
def test_the_page_is_opened(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert said("compare", "moons", "better", "--open")[2] == "There is no browser to open it with.\n"
    assert opened[0].endswith("/runs/compare.html")


def test_other_rows_are_warned_of(other: Path, said: Said) -> None:
    _edit(other / "evaluation.json", rows=19)
    code, _, err = said("compare", "moons", "better")
    assert code == 0
    assert err == (
        "warning: The runs were evaluated on different rows (A: 20 val rows; B: 19 val rows), so their metrics cannot be"
        " compared.\n"
    )


def test_a_run_without_an_evaluation_is_shown_and_warned_of(other: Path, said: Said) -> None:
    (other / "evaluation.json").unlink()
    (other / "timing.jsonl").unlink()
    code, out, err = said("compare", "moons", "better")
    assert code == 0
    assert "warning: Not all runs have been evaluated: better. Run stepwell report on these first." in err
    assert "The runs share no metric" in out


def test_runs_of_one_name_are_told_by_their_folders(other: Path, said: Said) -> None:
    shutil.move(other, other.parents[1] / "elsewhere" / "moons")
    assert "B  elsewhere/moons" in said("compare", "runs/moons", "elsewhere/moons")[1]


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "A comparison takes two to 8 runs, given: 0. stepwell compare RUN RUN [RUN …]"),
        (["moons"], 2, "A comparison takes two to 8 runs, given: 1."),
        (["moons"] * 9, 2, "A comparison takes two to 8 runs, given: 9."),
        (["moons", "runs/moons"], 2, "runs/moons is given twice; a comparison takes different runs."),
        (["runs/moons", "runs/bettr"], 1, "There is no run folder runs/bettr. Did you mean 'better'?"),
        (["runs/moons", "runs"], 1, "runs is no run folder: it has no run.json."),
        (["runs/moons", "--out"], 2, ""),
    ],
)
def test_what_cannot_be_compared_is_named(words: list[str], code: int, message: str, said: Said) -> None:
    found, _, err = said("compare", *words)
    assert found == code
    assert err.startswith(f"error: {message}")
    assert len(err.splitlines()) <= 3
