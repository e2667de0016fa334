"""Facts: credit, cost and stages by day, from the tables that a run has published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from attribution.channels import TOTAL
from attribution.dimensions import period, summed
from attribution.kpis import stage_entries
from attribution.kpis.logged import Logged, open_log
from attribution.report.published import Published

NO_LOG = "the run wrote no credit log; name one in outputs.log and run the job again"
ENTERED = "_entered"  # behind the names of stages
KNOWN = " is known"  # behind those of measures; no columns of any table


class Fact(NamedTuple):
    """The rows of a fact, None where the run does not have it, and what is to be known of them."""

    rows: pl.DataFrame | None
    note: str = ""


class Log(NamedTuple):
    """The credit log of a run: its models, its credit by day, and itself where it is of Parquet."""

    models: tuple[str, ...]
    daily: pl.DataFrame  # model, channel, date, campaign where the log has it, touchpoints, outcomes
    logged: Logged | None


def outcomes_of(run: Published) -> list[str]:
    """Return the names of the outcomes of a run, in their order."""
    return list(dict.fromkeys(each["outcome"] for each in run.manifest.content["conservation"]))


def log_of(run: Published, outcomes: Sequence[str]) -> Log | None:
    """Return the credit log of a run, which is read row group by row group; None where it wrote none.

    Raises:
        TableError: the file is not as the run wrote it.
    """
    from pyarrow.parquet import read_schema

    name = run.config["outputs"].get("log")
    path = run.file(name)
    if path is None:
        return None
    logged = open_log(path)
    if logged is not None:
        by = ["channel", "day", *({"campaign"} & {*read_schema(path).names})]
        return Log(logged.models, daily(logged.frames(by), outcomes), logged)
    table = run.table(name)
    day = period("day", run.config["reading"]["timezone"] or "UTC")
    assert table is not None
    assert day is not None
    # A column that holds nothing comes back from CSV without its type.
    times = table.with_columns(pl.col("ends_at").cast(pl.String).str.to_datetime("%+", time_unit="us"))
    return Log(tuple(table["model"].unique()), daily([times.with_columns(day)], outcomes), None)


def daily(frames: Iterable[pl.DataFrame], outcomes: Sequence[str]) -> pl.DataFrame:
    """Return the credit and the touchpoints of the rows of a log that have a weight, by day."""
    measures, parts = ["touchpoints", *outcomes], list[pl.DataFrame]()
    for frame in frames:
        keys = [name for name in ("model", "channel", "day", "campaign") if name in frame.columns]
        # An outcome without touchpoints has a row too, with no position.
        touched = frame.with_columns(touchpoints=pl.col("position").is_not_null())
        parts.append(summed(touched.filter(pl.col("weight") != 0), keys, measures))
    return summed(pl.concat(parts), keys, measures).rename({"day": "date"})


def credit_fact(run: Published, log: Log | None, outcomes: Sequence[str]) -> Fact:
    """Return credit by model, channel, day and campaign: of the log, and of credits what it does not hold."""
    credits = run.output("credits")
    if credits is None:
        return Fact(log.daily) if log else Fact(None, "the run wrote neither credits nor a credit log")
    in_log = pl.col("model").is_in(log.models if log else ())
    lacking = credits.filter(~in_log, pl.any_horizontal(pl.col(outcomes) != 0)).sort("model", "channel")
    columns = log.daily.columns if log else ["model", "channel", "date", "touchpoints", *outcomes]
    unknown = [pl.lit(None).alias(name) for name in columns if name not in credits.columns]
    undated = lacking.with_columns(unknown).select(columns)
    rows = pl.concat([log.daily, undated], how="vertical_relaxed") if log else undated
    if not len(undated):
        return Fact(rows)
    why = "they share totals and not journeys" if log else NO_LOG
    return Fact(rows, f"no dates for {', '.join(undated['model'].unique().sort())}: {why}")


def cost_fact(run: Published) -> Fact:
    """Return the costs by day, channel, campaign and type: sums, null where nothing is known."""
    costs = run.output("costs")
    if costs is None:
        return Fact(None, "the run wrote no costs; name a file for them in outputs.costs, with [spend]")
    keys = [name for name in ("date", "channel", "campaign", "cost_type") if name in costs.columns]
    measures = [name for name in ("spend", "impressions", "clicks") if name in costs.columns]
    known = [pl.col(name).is_not_null().cast(pl.Float64).alias(f"{name}{KNOWN}") for name in measures]
    ordered = costs.select(*keys, *measures, *known).sort(*keys, *measures)
    sums = summed(ordered.with_columns(pl.col(measures).fill_null(0.0)), keys, ordered.columns[len(keys) :])
    return Fact(sums.with_columns(pl.when(pl.col(f"{name}{KNOWN}") > 0).then(name) for name in measures))


def stage_fact(log: Log | None) -> Fact:
    """Return what entered each stage on each day, by model and channel, as credit."""
    if log is None:
        return Fact(None, NO_LOG)
    if log.logged is None:
        return Fact(None, "the credit log is CSV; name it .parquet in outputs.log")
    table = stage_entries(replace(log.logged, drawn=None), "day").table()  # draws would only take time
    names = [name for name in table.columns if name.endswith(ENTERED)]
    if len(names) == 1:
        return Fact(None, "the leads have no times of stages (mql_at, ..., won_at, lost_at)")
    rows = table.filter(pl.col("channel") != TOTAL).rename({"entered_day": "date"})
    long = rows.unpivot(
        names, index=["model", "channel", "date"], variable_name="stage", value_name="entered"
    ).with_columns(pl.col("stage").str.strip_suffix(ENTERED))
    return Fact(long.filter(pl.col("entered") != 0).sort("model", "channel", "stage", "date"))
