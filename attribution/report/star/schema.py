"""Schema: the tables that a BI tool loads, with their grain, keys and columns, as one literal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import polars as pl

from attribution.tables import check_outcome_names

Kind: TypeAlias = type[pl.DataType]
OUTCOMES = "<outcomes>"  # stands for a column an outcome of the run: leads, wins, revenue


@dataclass(frozen=True)
class Column:
    """One column: its type and meaning; ``of`` names the dimension that has a row for each of its values."""

    name: str
    kind: Kind
    meaning: str
    of: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """One table: what it is, what a row of it is, and the columns that tell its rows apart."""

    name: str
    caption: str
    grain: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]

    def kinds(self, outcomes: Sequence[str]) -> dict[str, Kind]:
        """Return every column that there may be with its type, in order.

        Raises:
            ParameterError: an outcome is named as another column.
        """
        if any(each.name == OUTCOMES for each in self.columns):
            check_outcome_names(outcomes, {each.name for each in self.columns})
        return {
            name: each.kind
            for each in self.columns
            for name in (outcomes if each.name == OUTCOMES else [each.name])
        }


MODEL = Column("model", pl.String, "name of the model", of="dim_model")
CHANNEL = Column("channel", pl.String, "name of the channel, or (unattributed)", of="dim_channel")
CAMPAIGN = Column("campaign", pl.String, "campaign of the channel, null where there is none", optional=True)
RUN = Column("run_id", pl.String, "the run that the row comes from")

STAR: tuple[Table, ...] = (
    Table(
        "fct_credit",
        "What each model credits: outcomes by the day on which they happened.",
        "one row a model, channel, date and campaign (where the credit log has it) with credit",
        ("model", "channel", "date", "campaign"),
        (
            MODEL,
            CHANNEL,
            Column(
                "date",
                pl.Date,
                "day of the outcome in the job's time zone; null for models that share totals and not "
                "journeys, and for all where the run wrote no credit log: their rows are those of credits",
                of="dim_date",
            ),
            CAMPAIGN,
            Column(
                "touchpoints",
                pl.Int64,
                "touchpoints with a weight above 0, of (unattributed) none; null without a date",
            ),
            Column(OUTCOMES, pl.Float64, "credit; over all dates and campaigns the sum is that of credits"),
            RUN,
        ),
    ),
    Table(
        "fct_cost",
        "What was spent, and what ads were shown and clicked for it.",
        "one row a date, channel, campaign and cost_type (the last two where the costs have them)",
        ("date", "channel", "campaign", "cost_type"),
        (
            Column("date", pl.Date, "day of the cost, null where it is not known", of="dim_date"),
            Column("channel", pl.String, "name of the channel, null where none is named", of="dim_channel"),
            CAMPAIGN,
            Column(
                "cost_type", pl.String, "media, tool, content, agency, labour, event, other", optional=True
            ),
            Column("spend", pl.Float64, "money spent"),
            Column("impressions", pl.Float64, "how often ads were shown, null if unknown", optional=True),
            Column("clicks", pl.Float64, "how often ads were clicked, null if unknown", optional=True),
            RUN,
        ),
    ),
    Table(
        "fct_stage",
        "When leads came to each stage, as credit of the channels that brought them.",
        "one row a model that shares journeys, channel, stage and date with an entry",
        ("model", "channel", "stage", "date"),
        (
            MODEL,
            CHANNEL,
            Column("stage", pl.String, "leads, mqls, sqls, opportunities, wins or lost"),
            Column("date", pl.Date, "day on which the stage was entered", of="dim_date"),
            Column("entered", pl.Float64, "credit of the leads that entered; a skipped stage has no day"),
            RUN,
        ),
    ),
    Table(
        "dim_channel",
        "Every channel that a fact names.",
        "one row a channel",
        ("channel",),
        (
            Column("channel", pl.String, "name of the channel, or (unattributed)"),
            Column("kind", pl.String, "channel, or unattributed: outcomes without a touchpoint"),
            Column("first_date", pl.Date, "first day in any fact, null where no day is known"),
            Column("last_date", pl.Date, "last day in any fact, null where no day is known"),
            RUN,
        ),
    ),
    Table(
        "dim_model",
        "Every model of the run, with its parameters.",
        "one row a model",
        ("model",),
        (
            Column("model", pl.String, "name of the model in this run"),
            Column("class", pl.String, "class of the model in Python"),
            Column("parameters", pl.String, "parameters as JSON"),
            Column("description", pl.String, "what the model does, in a sentence"),
            Column("by_journey", pl.Boolean, "whether journeys are shared, and not totals; null if unknown"),
            RUN,
        ),
    ),
    Table(
        "dim_date",
        "Every day from the first in any fact to the last.",
        "one row a day",
        ("date",),
        (
            Column("date", pl.Date, "the day"),
            Column("year", pl.Int32, "calendar year"),
            Column("quarter", pl.Int32, "1 to 4"),
            Column("month", pl.Int32, "1 to 12"),
            Column("month_name", pl.String, "January to December"),
            Column("iso_year", pl.Int32, "year of the ISO week"),
            Column("iso_week", pl.Int32, "ISO week, 1 to 53"),
            Column("week_start", pl.Date, "Monday of the week"),
            Column("weekday", pl.Int32, "1 (Monday) to 7 (Sunday)"),
            Column("weekday_name", pl.String, "Monday to Sunday"),
            Column("is_weekend", pl.Boolean, "Saturday or Sunday"),
            RUN,
        ),
    ),
)


def described() -> dict[str, Any]:
    """Return the tables as plain values: caption, grain, keys, and each column with its type and meaning.

    >>> described()["dim_date"]["keys"]
    ['date']
    """
    return {
        table.name: {
            "caption": table.caption,
            "grain": table.grain,
            "keys": list(table.keys),
            "columns": {
                column.name: {
                    "type": column.kind.__name__,
                    "meaning": column.meaning,
                    **({"of": column.of} if column.of else {}),
                    **({"optional": True} if column.optional else {}),
                }
                for column in table.columns
            },
        }
        for table in STAR
    }
