"""The ad log: touchpoints of a kind as activity: which customers saw ads, and which of them clicked."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from attribution.errors import TableError, shown
from attribution.kpis.engagement.activity import OWNER, WHEN, Activity, Grain, drawn_how, owners
from attribution.kpis.engagement.opened import opened
from attribution.stitched import FOLDS
from attribution.tables import Reading, Source

KINDS = {"impression": "impressions", "view": "impressions", "click": "clicks"}
KIND = "impressions or clicks of the row"  # no column of any table


def ad_log(
    touchpoints: Source,
    *,
    columns: Mapping[str, str] | None = None,
    intervals: float | None = None,
    replicates: int = 1000,
    seed: int = 0,
    folds: int = FOLDS,
    reading: Reading | None = None,
) -> Activity:
    """Return touchpoints as activity: impressions, clicks, and the users who saw or clicked an ad.

    ``touchpoints``: customer_id, timestamp, channel, kind (impression or view, click; rows of another kind
    are left out, and told). A user counts once in a cell and once in the total.

    Raises:
        TableError: the table cannot be used, has no column kind, or no row of these kinds.
        ParameterError: a parameter is outside its range.

    >>> from attribution import engagement
    >>> seen = {"customer_id": ["a", "a", "b"], "kind": ["view", "click", "view"], "channel": "ads"}
    >>> log = ad_log(pl.DataFrame(seen).with_columns(timestamp=pl.lit("2026-03-02")))
    >>> engagement(log).table().select("click_through_rate", "click_through_rate_by_user").row(0)
    (0.5, 0.5)
    """
    reading, drawn = reading or Reading(), drawn_how(intervals, replicates, seed, folds)
    seen = opened("touchpoints", touchpoints, columns, reading)
    table = seen.table
    if "kind" not in seen.has:
        raise TableError.of(
            table.where,
            f"no column 'kind'; found {', '.join(map(shown, table.columns[:30]))}",
            "a column that tells impressions (impression, view) from clicks (click)",
            "map it: columns={'kind': ...}",
            column="kind",
        )
    kind = pl.col("kind").str.to_lowercase().str.strip_chars()
    seen = seen.set_aside("other_kind", kind.is_null() | ~kind.is_in(list(KINDS)))
    table, rows = seen.table, seen.rows
    if not len(rows):
        raise TableError.of(
            table.where,
            f"no row of a kind {', '.join(KINDS)}; set aside: {dict(table.count.set_aside)}",
            "touchpoints that were seen or clicked",
            "map the column: columns={'kind': ...}",
            column="kind",
        )
    dimensions = tuple(rows.columns)
    rows = rows.with_columns(
        pl.col("timestamp").alias(WHEN), kind.replace_strict(KINDS).alias(KIND), *owners(rows["customer_id"])
    )
    is_click = pl.col(KIND) == "clicks"
    counts = {
        "impressions": (~is_click).sum(),
        "clicks": is_click.sum(),
        "users_reached": pl.col(OWNER).n_unique(),
        "users_clicking": pl.col(OWNER).filter(is_click).n_unique(),
    }
    warnings = list(table.warnings)
    if (clicks := rows.select(is_click.sum()).item()) > len(rows) - clicks:
        warnings.append(f"{table.where}: more clicks than impressions, so not every impression is there")
    zone, grain = reading.timezone or "UTC", Grain(rows, counts, dimensions)
    return Activity("touchpoints", (grain,), {"touchpoints": table}, zone, tuple(warnings), drawn)
