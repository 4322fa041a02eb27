"""What is printed of a run's variants, and which command trains a run longer."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from stepwell.cli.findings import tell_variants
from stepwell.cli.recognise import _shortened
from stepwell.cli.runs import larger_budget, refuse_translation
from stepwell.core.errors import CheckpointError, RunError
from stepwell.recipes.status import check_trained
from stepwell.runs import Run


@pytest.mark.parametrize(
    ("number", "written"),
    [(1296.4, "1,300"), (710.2, "710"), (71.26, "71.3"), (0.071349, "0.0713"), (9.999, "10.0"), (12345.0, "12,300")],
)
def test_milliseconds_have_three_digits_and_no_exponent(
    number: float, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = {"name": "fp32", "milliseconds": number, "difference": None, "verdict": "taken"}
    tell_variants({"variant": {"trials": [trial]}})
    assert capsys.readouterr().out.splitlines()[1].split()[1] == written


def run_with(steps: int, scheduler: str | None) -> Run:
    facts = {"recipe": "images", "parameters": {"epochs": 1}, "finished": {"steps": steps, "epochs": 1}}
    return Run(Path("runs/x"), {**facts, "optimizer": {"scheduler": scheduler}})


@pytest.mark.parametrize(
    ("steps", "scheduler", "command"),
    [
        (3, None, "stepwell train images --epochs 2"),
        (4, "OneCycleLR", "stepwell train images --epochs 2"),
        (4, None, "stepwell resume runs/x --epochs 2"),
        (3, "StepLR", "stepwell resume runs/x --epochs 2"),
    ],
)
def test_a_run_too_short_for_its_cycle_is_trained_anew(steps: int, scheduler: str | None, command: str) -> None:
    assert larger_budget(run_with(steps, scheduler)) == command


def test_a_run_that_failed_says_with_what(tmp_path: Path) -> None:
    check_trained(Run(tmp_path, {"status": "running"}))
    with pytest.raises(
        CheckpointError, match=r"failed before the first one, with:\n  No space left\nMend that, and start"
    ):
        check_trained(Run(tmp_path, {"status": "failed", "error": "No space left"}))


def test_a_run_that_translates_has_no_answers() -> None:
    refuse_translation(Run(Path("runs/x"), {"task": {"kind": "Multiclass"}}), Path("a.jpg"))
    with pytest.raises(RunError, match="stepwell translate a.jpg --weights runs/x"):
        refuse_translation(Run(Path("runs/x"), {"task": {"kind": "Translation"}}), Path("a.jpg"))


def test_show_takes_the_flags_of_train(tmp_path: Path, said: Callable[..., tuple[int, str, str]]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(8):
            Image.effect_noise((16, 16), 20 + number).save(tmp_path / name / f"{number}.png")
    code, out, err = said("show", "images", str(tmp_path), "--size", "12")
    assert (code, err) == (0, "")
    assert "1×12×12, uint8" in out
    assert "net.fc" in out
    assert out.endswith(f"stepwell train images {tmp_path} --size 12   train it\n")
    assert said("show", "images", str(tmp_path), "--sise", "12")[0] == 2


def test_long_names_leave_room() -> None:
    assert _shortened("coot, marsh hen", 15) == "coot, marsh hen"
    assert _shortened("coot, marsh hens", 15) == "coot, marsh he…"
