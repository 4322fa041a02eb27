"""`stepwell look`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepwell.cli.console import command, say, show, starting, suggest_next, table, warn
from stepwell.cli.failures import WrongUse
from stepwell.cli.resume import RUN
from stepwell.core.errors import DataError

if TYPE_CHECKING:
    from stepwell.recipes.known import Known
    from stepwell.recipes.predictor import Predictor
    from stepwell.reports.looked import Look
    from stepwell.runs import Run

_SHOWN, _WIDE = 5, 24
_PHOTOS = typer.Argument(help="pictures, or folders of them", metavar="PHOTO…")
_LAYER = typer.Option(help="show all maps of this layer, and take Grad-CAM from it", metavar="NAME")
_OUT = typer.Option(help="the page to write; default: RUN/look-PHOTO.html", metavar="PAGE.html")
_NEAREST = typer.Option("--nearest/--no-nearest", help="show the nearest training pictures, if the data is there")
_CHECKPOINT = typer.Option(
    "--checkpoint", "--from", help="whose weights: best, last, or a step", metavar="best|last|step"
)


def look(
    run: Annotated[str, RUN],
    photos: Annotated[list[Path], _PHOTOS],
    layer: Annotated[str | None, _LAYER] = None,
    out: Annotated[Path | None, _OUT] = None,
    nearest: Annotated[bool, _NEAREST] = True,
    checkpoint: Annotated[str, _CHECKPOINT] = "best",
) -> None:
    """Show what a run's network makes of pictures, layer by layer.

    Writes one page: the answer, where it comes from (Grad-CAM, occlusion, gradient), the maps of the layers, the nearest
    training pictures and the first filters.
    """
    _check(photos, out)
    with starting("reading the run and the pictures"):
        from stepwell.cli.runs import checkpoint_name, find_run, refuse_translation, relative
        from stepwell.recipes.looking import check_kind, looks, network_of
        from stepwell.recipes.predictor import load_predictor
        from stepwell.recipes.status import check_trained
        from stepwell.reports.looked import looked
        from stepwell.runs.files import write_text

        found = find_run(run)
        check_trained(found)
        refuse_translation(found, photos[0])
        predictor = load_predictor(found, checkpoint_name(checkpoint))
        check_kind(predictor)
        network = network_of(predictor.model, layer)
        known, note = _known(found, predictor) if nearest else (None, "")
        seen = list(looks(predictor, photos, layer=layer, known=known))
    if note:
        warn(note)
    for each in seen:
        _tell(each)
    path = out or found.folder / f"look-{photos[0].stem}.html"
    write_text(
        path, looked(_title(photos), replace(network, notes=[note] if note else []), seen, f"as {found.name} sees it")
    )
    say(str(relative(path)))
    if layer is None and network.filters_layer:
        again = command("look", run, *photos, "--layer", network.filters_layer)
        suggest_next([(again, "see one layer map by map")])


def _check(photos: list[Path], out: Path | None) -> None:
    missing = [str(photo) for photo in photos if not photo.exists()]
    if missing:
        raise DataError(f"There is no file {', '.join(missing)}.")
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise WrongUse(f"--out {out} ends in {out.suffix or 'nothing'}; the page is HTML: {out.with_suffix('.html')}")
    if out is not None and not out.parent.is_dir():
        raise WrongUse(f"There is no folder {out.parent} to write {out.name} to. Make it, or name another.")


def _known(run: "Run", predictor: "Predictor") -> "tuple[Known | None, str]":
    """The run's training pictures, or why there are none."""
    from stepwell.core.errors import StepwellError
    from stepwell.recipes.known import known_pictures

    try:
        return known_pictures(run, predictor.task, predictor.model), ""
    except StepwellError as error:
        return None, f"The nearest training pictures are left out: {error}"


def _title(photos: list[Path]) -> str:
    return photos[0].name if len(photos) == 1 else f"{photos[0].name} and {len(photos) - 1} more"


def _tell(look: "Look") -> None:
    """The answer, and the likeliest classes with a bar each."""
    say()
    say(f"{look.name}: {look.label}", style="bold")
    ranked = sorted(look.probabilities.items(), key=lambda item: -item[1])[:_SHOWN]
    if ranked:
        show(table(("", "", ""), [(name, f"{share:.1%}", "█" * round(_WIDE * share)) for name, share in ranked]))
    say()
