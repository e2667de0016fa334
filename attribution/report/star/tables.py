"""Tables: the facts and dimensions of a run, each with the columns that the schema gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from attribution.report.published import Published
from attribution.report.star.dimensions import channels_of, days_of, models_of
from attribution.report.star.facts import cost_fact, credit_fact, log_of, outcomes_of, stage_fact
from attribution.report.star.files import check_place, write_tables
from attribution.report.star.schema import STAR, Kind


@dataclass(frozen=True, eq=False)
class Star:
    """The tables by name, and what is to be known of one, or why it is left out."""

    tables: Mapping[str, pl.DataFrame]
    notes: Mapping[str, str]


def star_of(run: Published) -> Star:
    """Return the star of a run: its tables as STAR describes them.

    A fact that the run does not have is left out; the dimensions are always there.

    Raises:
        TableError: an output is not as the run wrote it.
        ParameterError: an outcome is named as a column of a table.
    """
    outcomes = outcomes_of(run)
    kinds = {each.name: each.kinds(outcomes) for each in STAR}
    log = log_of(run, outcomes)
    found = {
        "fct_credit": credit_fact(run, log, outcomes),
        "fct_cost": cost_fact(run),
        "fct_stage": stage_fact(log),
    }
    tables = {name: fact.rows for name, fact in found.items() if fact.rows is not None}
    facts = list(tables.values())
    tables |= {
        "dim_channel": channels_of(facts),
        "dim_model": models_of(run, log.models if log else ()),
        "dim_date": days_of(facts),
    }
    run_id = pl.lit(run.run_id).alias("run_id")
    shaped = {
        name: typed(tables[name].with_columns(run_id), known)
        for name, known in kinds.items()
        if name in tables
    }
    return Star(shaped, {name: fact.note for name, fact in found.items() if fact.note})


def typed(rows: pl.DataFrame, kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """Return the columns that there are of those that there may be, in their order and types."""
    return rows.select(pl.col(name).cast(kind) for name, kind in kinds.items() if name in rows.columns)


def write_star(
    run_folder: str | Path, out: str | Path, *, format: str | None = None, force: bool = False
) -> bool:
    """Write the tables of a run that a BI tool loads; return whether anything changed.

    ``out`` is a folder, which gets a file a table in ``format`` (parquet without it, or csv), or a
    workbook (.xlsx) with a sheet a table. Text that a spreadsheet would run is escaped in CSV and workbooks.

    Raises:
        TableError: the folder holds no run, or an output is not as the run wrote it.
        ParameterError: there is no such format, or an outcome is named as a column of a table.
        OutputExistsError: a table is there with other content and ``force`` is not set.
        OutputError: the tables cannot be written, or do not fit into a workbook.
    """
    run = Published.read(run_folder)
    check_place(Path(out), run.folder, format)
    return write_tables(star_of(run).tables, Path(out), run.run_id, format, force)
