"""TABLES: every table that comes in, with its columns, their kinds and meaning: one literal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from attribution.errors import ParameterError

# Columns of our own tables, which no outcome may be named as.
OURS = frozenset(
    {"journey_id", "customer_id", "ends_at", "converted", "channel", "age_days", "count"}
    | {"model", "credited_by", "spend", "cost_marginal", "cost_fully_loaded", "reason"}
)


@dataclass(frozen=True)
class Column:
    """One column of a table; kind: id, time, name, path, text, whole, number, flag or list.

    ``null`` is what an empty cell of a number stands for; without it the row is set aside. ``unless``
    names a column whose value makes up for an empty cell; ``beside`` one without which this is not read.
    """

    name: str
    kind: str
    meaning: str
    required: bool = False
    null: float | None = None
    default: float | None = None  # of the whole column, where it is absent
    unless: str = ""
    beside: str = ""
    gaps: bool = False  # an empty cell of a number stays empty
    coded: bool = False  # may stay Categorical: what is looked at are its distinct values


ACCOUNT = Column("account_id", "text", "account of the customer: customers of one are drawn together")

TOUCHPOINT = (
    Column("customer_id", "id", "who was touched (text or integer)", required=True),
    Column("timestamp", "time", "when", required=True),
    Column("channel", "name", "where it happened", required=True),
    Column("campaign", "text", "campaign of the channel"),
    Column("sequence", "whole", "order within one instant"),
    Column("event_id", "text", "unique name of the event"),
    Column("kind", "text", "click, view, ..."),
    ACCOUNT,
)

SOURCES = (
    Column("source", "text", "where the visitor came from, as utm_source (or url has it)", required=True),
    Column("medium", "text", "by what kind of link, as utm_medium (or url has it)", required=True),
    Column("campaign", "text", "name of the campaign, as utm_campaign"),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "counted_touchpoints": tuple(
        each for each in TOUCHPOINT if each.name in ("timestamp", "channel", "campaign")
    ),
    "touchpoints": tuple(replace(each, coded=each.name == "channel") for each in TOUCHPOINT),
    "outcomes": (
        Column("customer_id", "id", "who became a lead (text or integer)", required=True),
        Column("timestamp", "time", "when", required=True),
        Column("outcome_id", "text", "unique name of the outcome"),
        Column("leads", "number", "leads the row stands for", default=1.0),
        Column("wins", "number", "leads that were won", null=0.0),
        Column("revenue", "number", "revenue of the wins", null=0.0),
        Column("mql_at", "time", "when marketing called the lead qualified"),
        Column("sql_at", "time", "when sales called it qualified"),
        Column("opportunity_at", "time", "when it became an opportunity"),
        Column("won_at", "time", "when it was won"),
        Column("lost_at", "time", "when it was lost"),
        Column("churned_at", "time", "when the customer left"),
        Column("currency", "text", "currency of the revenue, one for the table"),
        ACCOUNT,
    ),
    "events": (
        *TOUCHPOINT,
        Column("conversion", "flag", "1 where the touchpoint converted", required=True),
        Column("revenue", "number", "value of the conversion", null=0.0),
        Column("journey", "text", "journey the row belongs to (flag='journey')"),
    ),
    "sources": SOURCES,
    "links": (
        Column("url", "text", "page that was entered, with its query", required=True),
        *(replace(each, required=False) for each in SOURCES),
    ),
    "spend": (
        Column("channel", "name", "channel the money went to", required=True, unless="shared_by"),
        Column("spend", "number", "money spent", required=True),
        Column("date", "time", "day of the spend"),
        Column("campaign", "text", "campaign of the channel"),
        Column("currency", "text", "currency of the money, one for the table, or with a table of rates"),
        Column("cost_type", "text", "media, tool, content, agency, labour, event or other"),
        Column("months", "whole", "months from the date that share it equally", beside="cost_type"),
        Column(
            "shared_by", "text", "what it follows: campaigns, spend, touchpoints or leads", beside="cost_type"
        ),
        Column("variable", "text", "1 where one more lead makes more of it (media)", beside="cost_type"),
    ),
    "ads": (
        Column("impressions", "number", "how often ads were shown", gaps=True),
        Column("clicks", "number", "how often ads were clicked", gaps=True),
        Column("conversions", "number", "conversions that the platform claims", gaps=True),
    ),
    "visits": (
        Column("visit_id", "id", "unique name of the visit; pages refer to it"),
        Column("customer_id", "id", "who visited (text or integer)"),
        Column("timestamp", "time", "when the visit began", required=True),
        Column("channel", "name", "where the visit came from"),
        Column("visits", "whole", "visits that the row stands for: one, where the column is absent"),
        Column("page_views", "whole", "page views of the visit, or visits"),
        Column("bounces", "whole", "of the visits, those of a single page"),
        Column("engaged_visits", "whole", "of the visits, those that were engaged"),
        Column("converting_visits", "whole", "of the visits, those that converted"),
        Column("seconds", "number", "seconds from the first page view to the last", gaps=True),
    ),
    "pages": (
        Column("visit_id", "id", "visit of the page view; without it visits are cut by idle time"),
        Column("customer_id", "id", "who viewed the page (text or integer)"),
        Column("timestamp", "time", "when the page view began", required=True),
        Column("page", "text", "page that was viewed", required=True),
        Column("channel", "name", "where the visit came from"),
        Column("sequence", "whole", "order within one instant"),
        Column("seconds", "number", "seconds on the page: until the next page view, where absent", gaps=True),
    ),
    "rates": (
        Column("currency", "text", "currency that is converted", required=True),
        Column("rate", "number", "worth of one unit in the currency of the report", required=True),
        Column("date", "time", "day from which it holds"),
    ),
    "amounts": (
        Column("currency", "text", "currency of the row's money", required=True),
        Column("timestamp", "time", "when, which decides the rate where rates have days"),
    ),
    "benchmarks": (
        Column("kpi", "text", "name of the KPI, as in the KPI table", required=True),
        Column("value", "number", "what it is elsewhere", required=True),
    ),
    "hours": (
        Column("hours", "number", "hours that were worked", required=True),
        Column("rate", "number", "money per hour", required=True),
        Column("outcome_id", "text", "outcome that they were worked for"),
        Column("owner", "text", "who worked them, for all outcomes that are theirs"),
    ),
    "paths": (
        Column("path", "path", "channels of the journey, oldest first", required=True),
        Column("conversions", "number", "journeys of this path that converted", required=True, null=0.0),
        Column("null", "number", "journeys of this path that did not", null=0.0, default=0.0),
        Column("revenue", "number", "value of the conversions", null=0.0),
    ),
    "journeys": (
        Column("journey_id", "id", "customer id / ordinal", required=True),
        Column("customer_id", "id", "whose journey it is"),
        ACCOUNT,
        Column("ends_at", "time", "when it ended"),
        Column("channel", "list", "channels, oldest first", required=True),
        Column("age_days", "list", "days from each touchpoint to the end"),
        Column("count", "number", "journeys the row stands for", default=1.0),
    ),
    "experiment": (
        Column("variant", "text", "variant that the user was shown", required=True),
        Column("users", "number", "users the row stands for, where it counts several"),
    ),
    "credits": (
        Column("model", "name", "model that gave the credit", required=True),
        Column("channel", "name", "channel that has it", required=True),
        Column("credited_by", "text", "journey, or total (no win rate)"),
        Column("reason", "text", "why an interval is not known"),
    ),
}


def mapping_hint(table: str, column: str) -> str:
    """Return how to say which column of the source is meant, in Python and on the command line."""
    ours = f"columns={{{column!r}: ...}}"
    if table in ("touchpoints", "outcomes", "events", "spend"):
        return f"{ours} (--{table}-columns {column}=...)"
    if table in ("visits", "pages"):
        return f"columns={{{table!r}: {{{column!r}: ...}}}} (--{table}-columns {column}=...)"
    if table in ("sources", "links", "benchmarks"):
        return f"{ours} (--columns {column}=...)"
    if table == "paths":
        name = "value" if column == "revenue" else column
        return f"{name}=... (--{name} ...)"
    if table == "experiment":
        hints = {"variant": "variant=... (--variant ...)", "customer_id": "customer=... (--customer ...)"}
        return hints.get(column, "metrics=... (--metric ...)")
    return f"rename it to {column!r}"


def check_outcome_names(names: Iterable[str], taken: Iterable[str] = OURS) -> None:
    """Raise ParameterError if an outcome is named as a column of our tables, or twice."""
    given = list(names)
    for name in given:
        if name in set(taken) or given.count(name) > 1:
            raise ParameterError.out_of_range("outcome_names", name, "names of no other column, each once")
