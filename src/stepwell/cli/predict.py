"""`stepwell predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepwell.cli.console import command, say, show, starting, suggest_next, table, warn
from stepwell.cli.failures import WrongUse
from stepwell.cli.resume import RUN

if TYPE_CHECKING:
    import polars

_SHOWN = 5
_FORMATS = (".csv", ".parquet")
_FILE = typer.Argument(
    help="new rows: a file like the one that the run was trained on; for an image run a photo, or a folder of photos",
    metavar="FILE",
)
_OUT = typer.Option(help="where to write the rows with their predictions (.csv or .parquet); else a few are shown")
_CHECKPOINT = typer.Option(
    "--checkpoint", "--from", help="whose weights: best, last, or a step", metavar="best|last|step"
)


def predict(
    run: Annotated[str, RUN],
    file: Annotated[Path, _FILE],
    out: Annotated[Path | None, _OUT] = None,
    checkpoint: Annotated[str, _CHECKPOINT] = "best",
) -> None:
    """Predict the rows of a new file, or what new photos show, with a run's model.

    The training data is not needed: what was learnt about its columns is kept in the run.
    """
    if out is not None and out.suffix.lower() not in _FORMATS:
        raise WrongUse(f"--out {out} ends in {out.suffix or 'nothing'}; predictions are written as .csv or .parquet.")
    if out is not None and not out.parent.is_dir():
        raise WrongUse(f"There is no folder {out.parent} to write {out.name} to. Make it, or name another.")
    with starting("reading the run and the file"):
        from stepwell.cli.runs import checkpoint_name, find_run, refuse_translation
        from stepwell.recipes.predictor import load_predictor
        from stepwell.recipes.status import check_trained

        found = find_run(run)
        check_trained(found)
        refuse_translation(found, file)
        predictor = load_predictor(found, checkpoint_name(checkpoint))
        reading = predictor.read(file)
        answered = predictor.reader.answered(reading, predictor.answers(reading.inputs))
    for note in reading.notes:
        warn(note)
    if out is None:
        _show(answered)
        suggest_next([(command("predict", run, file, "--out", "predictions.csv"), "write them all")])
        return
    _write(answered, out)
    say(f"{out}: {len(answered):,} rows")


def _show(rows: "polars.DataFrame") -> None:
    """The first rows, with the columns that fit: the predictions, which are last, and what stands left of them."""
    names = rows.columns if len(rows.columns) <= 8 else [*rows.columns[:3], *rows.columns[-5:]]
    show(table(names, [[_written(value) for value in row] for row in rows.select(names).head(_SHOWN).iter_rows()]))
    left_out = f", and {len(names)} of {len(rows.columns)} columns" if len(names) < len(rows.columns) else ""
    say(f"{min(_SHOWN, len(rows))} of {len(rows):,} rows{left_out}", style="dim")


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _write(rows: "polars.DataFrame", out: Path) -> None:
    """All of the file or none of it."""
    from stepwell.runs.files import temporary_beside, writing

    with writing(out):
        beside = temporary_beside(out)
        try:
            if out.suffix.lower() == ".csv":
                rows.write_csv(beside, datetime_format="%Y-%m-%d %H:%M:%S")
            else:
                rows.write_parquet(beside)
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)
