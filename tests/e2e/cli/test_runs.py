"""Commands on runs, and the run folders that they cannot use."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Said = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.usefixtures("run")


def test_evaluate(said: Said) -> None:
    code, out, err = said("evaluate", "runs/moons")
    assert (code, err) == (0, "")
    assert out.startswith("moons, weights of the best checkpoint, on 20 validation rows\nmetric")
    for words in ("accuracy", "Confusion: a row is a true class", "upper", "Worst rows, by their loss", "Next:"):
        assert words in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_evaluate_another_side_and_checkpoint(said: Said) -> None:
    code, out, _ = said("evaluate", "moons", "--on", "train", "--checkpoint", "10")
    assert code == 0
    assert out.startswith("moons, weights of step 10, on 80 training rows\n")


def test_report_is_written_anew(run: Path, said: Said) -> None:
    (run / "report.html").unlink()
    assert said("report", "runs/moons") == (0, "runs/moons/report.html\n", "")
    assert "</html>" in (run / "report.html").read_text()


def test_report_opens_a_browser(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert said("report", "runs/moons", "--open")[2] == "There is no browser to open it with.\n"
    assert opened[0].startswith("file://")


def test_a_run_that_is_done_says_so(said: Said) -> None:
    code, out, _ = said("resume", "runs/moons")
    assert code == 0
    assert out.splitlines() == [
        "runs/moons is done: 3 epochs, 15 steps.",
        "To train it longer, give it a larger budget:",
        "  stepwell resume runs/moons --epochs 6",
    ]


def test_resume_with_a_larger_budget(run: Path, said: Said) -> None:
    code, out, err = said("resume", "runs/moons", "--epochs", "5", "--patience", "9")
    assert (code, err) == (0, "")
    assert "parameters, on cpu; from step 15 on" in out
    assert "in epoch" in out
    assert "stepwell resume runs/moons --epochs 10" in out
    facts = json.loads((run / "run.json").read_text())
    assert (facts["parameters"]["epochs"], facts["hooks"]["patience"], facts["status"]) == (5, 9, "done")
    assert len((run / "history.jsonl").read_text().splitlines()) == 5


def test_resume_verify(said: Said) -> None:
    code, out, err = said("resume", "runs/moons", "--verify", "--verify-steps", "12")
    assert (code, err) == (0, "")
    assert "model" in out
    assert out.count("same") >= 4
    assert out.splitlines()[-1].startswith("Exact: 12 steps, interrupted after")


def test_verify_that_fails(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    from stepwell.recipes.verify import Verdict

    verdict = Verdict(12, [5], {"model": ("a" * 64, "b" * 64), "history": ("c" * 64, "c" * 64)})
    monkeypatch.setattr("stepwell.recipes.verify.verify", lambda *_, **__: verdict)
    code, out, err = said("resume", "runs/moons", "--verify")
    assert code == 1
    assert "aaaaaaaaaaaaaaaa  bbbbbbbbbbbbbbbb  DIFFERENT" in out
    assert err.startswith("Not exact: 12 steps, interrupted after 5, end in other bits.\n")


def _edit(run: Path, **facts: object) -> None:
    path = run / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:10])


_BROKEN: list[tuple[Callable[[Path], object], list[str], int, str]] = [
    (shutil.rmtree, ["evaluate", "runs/moons"], 1, "error: There is no run folder runs/moons."),
    (
        lambda run: None,
        ["evaluate", "runs/moo"],
        1,
        "error: There is no run folder runs/moo. Did you mean 'runs/moons'?",
    ),
    (
        lambda run: (run / "run.json").unlink(),
        ["resume", "runs/moons"],
        1,
        "error: runs/moons is no run folder: it has no run.json. Run folders are made by `stepwell train`.",
    ),
    (
        lambda run: (run / "run.json").write_text('{"name":'),
        ["evaluate", "runs/moons"],
        1,
        "error: runs/moons/run.json cannot be read: Expecting value",
    ),
    (
        lambda run: (run / "run.json").write_text("[1]"),
        ["report", "runs/moons"],
        1,
        "error: runs/moons/run.json is damaged: it lacks status and recipe and parameters.",
    ),
    (
        lambda run: _edit(run, recipe=None),
        ["resume", "runs/moons"],
        1,
        "error: runs/moons was not made by a recipe. Go on with its experiment in Python",
    ),
    (
        lambda run: _edit(run, recipe="mons"),
        ["resume", "runs/moons"],
        1,
        "error: There is no recipe 'mons'. Did you mean 'moons'?",
    ),
    (
        lambda run: shutil.rmtree(run / "checkpoints"),
        ["evaluate", "runs/moons"],
        1,
        "error: The run runs/moons has no checkpoint yet",
    ),
    (
        lambda run: _truncate(run / "checkpoints" / "15" / "model.safetensors"),
        ["resume", "runs/moons", "--epochs", "4"],
        1,
        "error: The checkpoint runs/moons/checkpoints/15 is damaged: model.safetensors has 10 bytes, 148 were written."
        " Use the one before it: --from 10.",
    ),
    (
        lambda run: (run / "checkpoints" / "15" / "model.safetensors").unlink(),
        ["evaluate", "runs/moons", "--checkpoint", "last"],
        1,
        "error: The checkpoint runs/moons/checkpoints/15 is damaged: model.safetensors is missing.",
    ),
    (
        lambda run: (run / "history.jsonl").write_text("garbage\n"),
        ["report", "runs/moons"],
        1,
        "error: Line 1 of runs/moons/history.jsonl is damaged",
    ),
    (
        lambda run: None,
        ["evaluate", "runs/moons", "--checkpoint", "7"],
        1,
        "error: The run runs/moons has no checkpoint of step 7; it has those of 5, 10, 15.",
    ),
    (
        lambda run: None,
        ["evaluate", "runs/moons", "--checkpoint", "newest"],
        2,
        "error: A checkpoint is named last, best, or by the number of its step; not 'newest'.",
    ),
    (
        lambda run: None,
        ["evaluate", "runs/moons", "--on", "test"],
        1,
        "error: The experiment has no test rows; it has train, val.",
    ),
    (
        lambda run: None,
        ["resume", "runs/moons", "--epochs", "2"],
        2,
        "error: moons has trained 3 epochs already, so 2 leave nothing to do. Give more:\n"
        "  stepwell resume runs/moons --epochs 6\n",
    ),
]


@pytest.mark.parametrize(("breaks", "words", "code", "message"), _BROKEN)
def test_what_cannot_be_used_is_named(
    breaks: Callable[[Path], object], words: list[str], code: int, message: str, run: Path, said: Said
) -> None:
    breaks(run)
    found, _, err = said(*words)
    assert found == code
    assert err.startswith(message)
    assert len(err.splitlines()) <= 3
