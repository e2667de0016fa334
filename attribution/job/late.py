"""Late data: the last days are measured again, and what is older stays as it was published."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import polars as pl

from attribution.errors import ParameterError
from attribution.job.sections import Breakdown
from attribution.kpis import Measured, kpi_table
from attribution.tables import check_seal


def with_published(
    breakdown: Breakdown, measured: Measured, before: Path, as_of: datetime | date | str | None
) -> tuple[pl.DataFrame, date | None]:
    """Return the KPI table, and the first day whose period was measured again (None: all were).

    A period that began more than ``reprocess_days`` before the end of the data keeps the sums of the
    file ``before``; ratios and totals are made anew from the sums of both.

    Raises:
        ParameterError: the breakdown has no period.
        TableError: the file that was published is not as it was written.
    """
    if breakdown.reprocess_days is None:
        return measured.table(), None
    sums = measured.sums
    period = next((name for name in breakdown.by if sums.schema[name] == pl.Date), None)
    if period is None:
        raise ParameterError(
            f"key breakdowns.by of {breakdown.file}: got {', '.join(breakdown.by)}, expected a period "
            "(day, week, month, quarter, year) among them: reprocess_days keeps what is older"
        )
    if not before.is_file() or not len(sums):
        return measured.table(), None
    first = end_of_data(sums[period], as_of) - timedelta(days=breakdown.reprocess_days)
    check_seal(before, f"published results ({before})")
    same = sums.select("credited_by", "no_spend").head(1)
    kept = pl.read_parquet(before, glob=False).filter(pl.col(period) < first).join(same, how="cross")
    recent = sums.filter(pl.col(period).is_null() | (pl.col(period) >= first))
    parts = [kept.select(sums.columns).cast(dict(sums.schema)), recent]  # type: ignore[arg-type]
    models = pl.concat([part["model"] for part in parts]).unique(maintain_order=True)
    both = pl.concat([part.filter(pl.col("model") == model) for model in models for part in parts])
    known = ("model", *breakdown.by, "spend", *same.columns)
    outcomes = [name for name in sums.columns if name not in known]
    paid = both.filter(pl.col("model") == models[0])["spend"].drop_nulls()
    return kpi_table(
        both, breakdown.by, outcomes, list(models), math.fsum(paid) if len(paid) else None
    ), first


def end_of_data(periods: pl.Series, as_of: datetime | date | str | None) -> date:
    """Return the last day: as the job tells it, or of the last period that there is."""
    if as_of is None:
        return cast(date, periods.max())
    told = datetime.fromisoformat(str(as_of))
    return (told.astimezone(UTC) if told.tzinfo else told).date()
