"""Dimensions: the channels, models and days that facts name, a row each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import polars as pl

from attribution.channels import UNATTRIBUTED
from attribution.models import MODELS, sentence_of
from attribution.report.published import Published


def channels_of(facts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the channels of the facts, with the first and the last day of each."""
    days = [each.select("channel", pl.col("date").cast(pl.Date)) for each in facts]
    seen = pl.concat([pl.DataFrame(schema={"channel": pl.String, "date": pl.Date}), *days])
    date = pl.col("date")
    rows = seen.filter(pl.col("channel").is_not_null()).group_by("channel")
    is_channel = pl.col("channel") != UNATTRIBUTED
    kind = pl.when(is_channel).then(pl.lit("channel")).otherwise(pl.lit("unattributed"))
    found = rows.agg(date.min().alias("first_date"), date.max().alias("last_date"))
    return found.with_columns(kind=kind).sort("channel")


def models_of(run: Published, logged: Sequence[str]) -> pl.DataFrame:
    """Return the models of a run; who is ``logged`` shares journeys."""
    credits = run.output("credits")
    by_journey = dict.fromkeys(logged, True)
    if credits is not None:
        by_journey |= {
            model: by == "journey" for model, by in credits.select("model", "credited_by").iter_rows()
        }
    about = {model.__name__: sentence_of(model) for model in MODELS.values()}
    rows = [
        {
            "model": name,
            "class": told["model"],
            "parameters": compact({key: value for key, value in told.items() if key != "model"}),
            "description": about.get(told["model"]),
            "by_journey": by_journey.get(name),
        }
        for name, told in run.manifest.content["models"].items()
    ]
    return pl.DataFrame(rows)


def compact(values: object) -> str:
    """Return values as JSON without spaces.

    >>> compact({"order": 2, "share": "journey"})
    '{"order":2,"share":"journey"}'
    """
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def days_of(facts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return every day from the first of the facts to the last, with what a calendar says of it."""
    date = pl.col("date")
    known = [each.select(date.cast(pl.Date)) for each in facts]
    seen = pl.concat([pl.DataFrame(schema={"date": pl.Date}), *known]).drop_nulls()
    days = seen.select(pl.date_range(date.min(), date.max())) if len(seen) else seen
    return days.with_columns(
        year=date.dt.year(),
        quarter=date.dt.quarter(),
        month=date.dt.month(),
        month_name=date.dt.strftime("%B"),
        iso_year=date.dt.iso_year(),
        iso_week=date.dt.week(),
        week_start=date.dt.truncate("1w"),
        weekday=date.dt.weekday(),
        weekday_name=date.dt.strftime("%A"),
        is_weekend=date.dt.weekday() > 5,
    )
