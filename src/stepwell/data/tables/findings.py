"""What may make the scores on a table wrong: leaks, copies, identifiers, classes that hardly occur."""

from collections.abc import Sequence
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from stepwell.data.splits import Split
from stepwell.data.tables.codes import Codes
from stepwell.data.tables.column import Column
from stepwell.data.tables.guesses import identifier
from stepwell.data.tables.leaks import exact_sums, lone_predictors
from stepwell.data.tables.summaries import counted, summaries
from stepwell.data.tables.target import Target

_SHOWN = 5
_MOSTLY = 0.9
_FEW_ROWS = 10
_ROWS_A_LEVEL = 5
_GRID = 0.1  # of the training rows: a table with fewer different rows than this is one of repetitions
_SIDES = {"val": "validation", "test": "test"}


class Finding(NamedTuple):
    """A sentence, and the columns in use that it makes suspect."""

    says: str
    suspects: tuple[str, ...] = ()


def table_warnings(frame: pl.DataFrame, columns: Sequence[Column], target: Target, split: Split) -> list[str]:
    """Sentences on what may make the scores wrong, each with the evidence and what to do. Training rows alone are judged,
    but for copies of them on the other sides.
    """
    return [finding.says for finding in table_findings(frame, columns, target, split)]


def table_findings(frame: pl.DataFrame, columns: Sequence[Column], target: Target, split: Split) -> list[Finding]:
    """The same, with the columns that each makes suspect."""
    used = [column for column in columns if column.encoding]
    train = split.rows["train"].numpy()
    return [
        *_sums(frame, train, used, target),
        *_lone(frame, train, used, target),
        *_kept_identifiers(frame, used),
        *_thin_levels(frame, train, used),
        *_idle(frame, train, used),
        *_copies(row_hashes(frame, columns), split),
        *_classes(frame, train, target),
    ]


def row_hashes(frame: pl.DataFrame, columns: Sequence[Column]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """A number for each row by its inputs: rows that are equal in all columns in use have the same. Groups for a split."""
    return frame.select(column.name for column in columns if column.encoding).hash_rows(seed=0).to_numpy()


def _sums(frame: pl.DataFrame, train: Codes, used: Sequence[Column], target: Target) -> list[Finding]:
    return [
        Finding(
            f"{target.name} is {first} {sign} {second} in every training row, so it can be computed and need not be"
            f" learnt. If they are not known before it is: --drop {quote(f'{first},{second}')}.",
            (first, second),
        )
        for first, sign, second in exact_sums(frame, train, used, target)[:_SHOWN]
    ]


def _lone(frame: pl.DataFrame, train: Codes, used: Sequence[Column], target: Target) -> list[Finding]:
    measure = "R² of its ranks" if target.kind == "regression" else "share of mistakes mended"
    return [
        Finding(
            f"{name} predicts {target.name} nearly alone ({measure} {score:.3f}). If it is not known before the target"
            f" is: --drop {quote(name)}.",
            (name,),
        )
        for name, score in list(lone_predictors(frame, train, used, target).items())[:_SHOWN]
    ]


def _kept_identifiers(frame: pl.DataFrame, used: Sequence[Column]) -> list[Finding]:
    """Those in use, which a flag kept."""
    asked = [column.name for column in used if column.asked and column.kind != "time"]
    found = [column for summary in summaries(frame.select(asked)) if (column := identifier(summary))]
    return [
        Finding(
            f"{column.name} is used, as a flag says, but {column.why.partition(', dropped')[0]}: a network can learn rows by"
            f" heart from it. If it is one: --drop {quote(column.name)}.",
            (column.name,),
        )
        for column in found[:_SHOWN]
    ]


def _thin_levels(frame: pl.DataFrame, train: Codes, used: Sequence[Column]) -> list[Finding]:
    embedded = [column.name for column in used if column.encoding == "embedding"]
    levels = {name: frame[name][train].n_unique() for name in embedded}
    return [
        Finding(
            f"{name} has {count:,} categories in {len(train):,} training rows, too few to learn most of them. If it names"
            f" things that rows belong to, keep each on one side: --group {quote(name)}; else"
            f" --drop {quote(name)}."
        )
        for name, count in levels.items()
        if count * _ROWS_A_LEVEL > len(train)
    ][:_SHOWN]


def _idle(frame: pl.DataFrame, train: Codes, used: Sequence[Column]) -> list[Finding]:
    """Columns that vary, but not among the training rows."""
    names = [column.name for column in used if frame[column.name][train].n_unique() == 1]
    if not names:
        return []
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    have = "has" if len(names) == 1 else "have"
    return [Finding(f"{shown} {have} the same value in every training row, so nothing can be learnt from it.")]


def _copies(hashes: np.ndarray[Any, Any], split: Split) -> list[Finding]:
    """Rows whose inputs are also those of a training row."""
    train = split.rows["train"].numpy()
    known = np.unique(hashes[train])
    if len(known) < _GRID * len(train):
        return []
    copied = {side: np.isin(hashes[split.rows[side].numpy()], known) for side in _SIDES if side in split.rows}
    found = [
        f"{counted(int(mask.sum()), 'row', 'rows')} of the {_SIDES[side]} side ({100 * mask.mean():.3g} %)"
        for side, mask in copied.items()
        if mask.any()
    ]
    if not found:
        return []
    return [
        Finding(
            f"Equal to a training row in every column but the target: {' and '.join(found)}, where memory counts as skill."
            " Drop the copies from the file, or keep them on one side: --copies together."
        )
    ]


def _classes(frame: pl.DataFrame, train: Codes, target: Target) -> list[Finding]:
    if target.kind == "regression":
        return []
    codes = target.encode(frame.select(target.name)[train]).long().flatten()
    counts = dict(zip(target.classes, codes.bincount(minlength=len(target.classes)).tolist(), strict=True))
    most = max(counts, key=counts.__getitem__)
    share = counts[most] / len(train)
    found = []
    if share >= _MOSTLY:
        found.append(
            Finding(
                f"{100 * share:.3g} % of the training rows are {target.name}={most}, and always to say so is right as often:"
                " look at precision, recall and the areas, and not at accuracy."
            )
        )
    rare = [f"{name} ({count})" for name, count in counts.items() if count < _FEW_ROWS]
    if rare:
        more = f" and {len(rare) - _SHOWN} more" if len(rare) > _SHOWN else ""
        found.append(
            Finding(
                f"Classes of {target.name} with fewer than {_FEW_ROWS} training rows, too few to be learnt or judged:"
                f" {', '.join(rare[:_SHOWN])}{more}."
            )
        )
    return found
