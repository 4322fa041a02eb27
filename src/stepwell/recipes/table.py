"""A table of your own: one column predicted from the others."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from stepwell.data.tables.columns import choose_columns
from stepwell.data.tables.fitting import fit_reader
from stepwell.data.tables.read import read_table
from stepwell.recipes.settings import check_settings
from stepwell.recipes.tabular import model_of, trained
from stepwell.recipes.tabular_flags import HEADER, check_named, dropped, split_rows, types_of
from stepwell.training.experiment import Experiment


def table(
    file: Annotated[Path, "a CSV or Parquet file; delimiter, header and types are found"],
    *,
    target: Annotated[str, "the column to predict; without it, those that there are are named"] = "",
    task: Annotated[
        Literal["auto", "regression", "binary", "multiclass"], "what to predict; auto: by its values"
    ] = "auto",
    drop: Annotated[tuple[str, ...], "columns to leave out"] = (),
    continuous: Annotated[tuple[str, ...], "columns that are numbers"] = (),
    ordinal: Annotated[tuple[str, ...], "columns whose values have an order: size:small<medium<large"] = (),
    ordinal_as: Annotated[Literal["number", "category", "cumulative"], "how ordinal columns are encoded"] = "number",
    nominal: Annotated[tuple[str, ...], "columns that are categories without an order"] = (),
    time: Annotated[str, "a column of dates; the rows are then split by it, the latest held out"] = "",
    group: Annotated[str, "a column whose equal values stay on one side of the split: patients, shops"] = "",
    copies: Annotated[
        Literal["warn", "together"], "rows that are equal: told, or kept on one side of the split"
    ] = "warn",
    types: Annotated[tuple[str, ...], "columns of another type than is found: zip:text,born:date"] = (),
    delimiter: Annotated[str | None, "what separates the fields, where finding it goes wrong"] = None,
    header: Annotated[Literal["auto", "yes", "no"], "whether the first line holds the columns' names"] = "auto",
    encoding: Annotated[str | None, "the file's text encoding, where finding it goes wrong"] = None,
    val: Annotated[float, "share of the rows that choose the best epoch"] = 0.15,
    test: Annotated[float, "share of the rows for the report, which choose nothing"] = 0.15,
    hidden: Annotated[tuple[int, ...], "widths of the hidden layers"] = (256, 256),
    members: Annotated[int, "networks that share their weights and are averaged"] = 4,
    bins: Annotated[int, "bends of each number's embedding; 0: numbers go in as they are"] = 32,
    dropout: Annotated[float, "share of hidden values that are dropped in training"] = 0.25,
    learning_rate: Annotated[float, "largest step size of AdamW, which rises to it and falls again"] = 2e-3,
    weight_decay: Annotated[float, "pull of the weights towards zero"] = 3e-3,
    batch_size: Annotated[int, "rows of an update"] = 128,
    epochs: Annotated[int | None, "passes over the training rows; else as many as make about 4,000 updates"] = None,
    seed: Annotated[int, "decides the split, the initial weights, the order and the dropout"] = 0,
) -> Experiment:
    """Predict one column of a table from the others: yours, in a CSV or Parquet file.

    Each column's kind is guessed and shown, and can be overruled by a flag. Numbers are embedded piecewise, categories are
    one-hot or embedded; all statistics are those of the training rows. The report compares the network with a linear model
    and with gradient boosting on the same rows.
    """
    check_settings(
        members=members, bins=bins, batch_size=batch_size, epochs=epochs or 1, dropout=dropout, val=val, test=test,
        learning_rate=learning_rate, weight_decay=weight_decay, hidden=min(hidden, default=1),
    )  # fmt: skip
    read = read_table(file, delimiter=delimiter, header=HEADER[header], encoding=encoding, types=types_of(types))
    check_named(read, target, "Which column is to be predicted?", "--target")
    columns = choose_columns(
        read.frame, target=target, drop=dropped(read, target, drop, group), continuous=continuous, ordinal=ordinal, nominal=nominal,
        time=time or None, ordinal_as=ordinal_as,
    )  # fmt: skip
    alike = columns if copies == "together" else []
    divided = partial(split_rows, by_time=time, by_group=group, alike=alike, val=val, test=test, seed=seed)
    reader, data = fit_reader(read, columns, target, task, divided)
    settings = {"hidden": hidden, "members": members, "bins": bins, "dropout": dropout, "seed": seed}
    model, meaning = model_of(reader, settings)
    return trained(
        reader, data, model, meaning, learning_rate=learning_rate, weight_decay=weight_decay, batch_size=batch_size,
        epochs=epochs, seed=seed,
    )  # fmt: skip
