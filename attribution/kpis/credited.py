"""Credited: the outcomes that KPIs divide, by the dimensions asked for, from credits, a log or a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import polars as pl

from attribution.credit_log import NAMES, CreditLog
from attribution.credits import Credits, Result
from attribution.dimensions import PERIODS, period, summed
from attribution.errors import ParameterError, TableError
from attribution.tables import TABLES, Column, Reading, Source, check_seal, check_table, unescaped
from attribution.tables.sources import read

CreditsLike: TypeAlias = Result | Credits | CreditLog | Source


class Credited(NamedTuple):
    """model, the dimensions, the outcomes, credited_by; models in order, channels by their credit."""

    table: pl.DataFrame
    outcome_names: tuple[str, ...]


def credited(credits: CreditsLike, by: Sequence[str], reading: Reading) -> Credited:
    """Return what is credited by the dimensions.

    Raises:
        ParameterError: the credits do not know a dimension.
        TableError: a file holds no credits, or is not as it was written.
    """
    if isinstance(credits, CreditLog):
        return of_log(credits.frames(*by), by, credits.outcome_names)
    if isinstance(credits, (str, Path)) and Path(credits).suffix == ".parquet" and Path(credits).is_file():
        about = check_seal(Path(credits), f"credit log ({credits})")
        if about is not None and about.get("table") == "credit_log":
            return of_log([log_file(Path(credits), by)], by, tuple(about["outcomes"]))
    if list(by) != ["channel"]:
        raise ParameterError(
            f"parameter 'by': got {', '.join(by)}, but credits know channels only; "
            "for other dimensions pass the credit log: at.credit_log(journeys, credits), or its Parquet file"
        )
    if isinstance(credits, (Result, Credits)):
        names = (
            credits.outcome_names
            if isinstance(credits, Credits)
            else next(iter(credits.values())).outcome_names
        )
        return Credited(credits.table(), names)
    return of_table(credits, reading)


def of_log(frames: Iterable[pl.DataFrame], by: Sequence[str], outcome_names: tuple[str, ...]) -> Credited:
    """Return the sums of a credit log; its parts are added in their order."""
    keys = ["model", *by]
    parts = [summed(frame, keys, outcome_names) for frame in frames]
    models = pl.concat([part["model"] for part in parts]).unique(maintain_order=True)
    rows = summed(pl.concat(parts), keys, outcome_names)
    place = {name: place for place, name in enumerate(models)}
    first = pl.col("model").replace_strict(place, return_dtype=pl.Int64)
    order = [-pl.col(outcome_names[0]), *by] if list(by) == ["channel"] else by
    rows = rows.sort(first, *order, nulls_last=True, maintain_order=True)
    return Credited(rows.with_columns(credited_by=pl.lit("journey")), outcome_names)


def log_file(path: Path, by: Sequence[str]) -> pl.DataFrame:
    """Return the columns of a written credit log that the dimensions and the sums need."""
    log = pl.read_parquet(path, glob=False)
    known = [name for name in log.columns if name not in NAMES] + ["channel", *PERIODS]
    for name in by:
        if name not in log.columns and period(name) is None:
            raise ParameterError.unknown(f"dimension of {path}", name, known)
    return log.with_columns(
        each for name in by if name not in log.columns for each in [period(name)] if each is not None
    )


def of_table(credits: Any, reading: Reading) -> Credited:
    """Return the credits of a credits table."""
    source = read(credits, "credits", None, reading.delimiter)
    known = {column.name for column in TABLES["credits"]} | {"run_id"}
    names = [n for n in source.columns if n not in known and not n.endswith(("_low", "_high"))]
    if not names:
        raise TableError.of(
            source.where, "no outcome column", "a column such as leads", "pass a credits table"
        )
    extra = [Column(name, "number", "an outcome", required=True, null=0.0) for name in names]
    table = check_table("credits", source, reading, None, extra)
    if table.count.set_aside:
        raise TableError.of(
            source.where,
            f"rows that are no credits: {dict(table.count.set_aside)}",
            "model, channel and numbers in every row",
            "write the table anew with attribute",
            count=len(table.rejected),
            examples=tuple(f"row {row}" for row in table.rejected["row"].head(5)),
        )
    names_of = [pl.col("model"), pl.col("channel")]
    if isinstance(credits, (str, Path)) and ".csv" in Path(credits).suffixes:
        names_of = [unescaped(name) for name in names_of]
    by = pl.col("credited_by") if "credited_by" in table.frame.columns else pl.lit("journey")
    return Credited(table.frame.select(*names_of, *names, by.alias("credited_by")), tuple(names))
