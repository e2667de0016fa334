"""Late data: the last days are measured again, and what is older stays as it was published."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

import polars as pl

from attribution.dimensions import PERIODS, period
from attribution.errors import ParameterError, TableError
from attribution.job.sections import Breakdown, Job
from attribution.kpis import KPIS, Measured, kpi_table
from attribution.kpis.costs.ledger import BASES, COSTS
from attribution.kpis.costs.sales_time import SALES_COST
from attribution.kpis.engagement.ads import AD_NAMES
from attribution.manifest import Manifest, checksum

SEVERAL_RUNS = "periods that were measured in several runs"
SEVERAL = f"no intervals: a sum of {SEVERAL_RUNS}"
BEFORE_LEADS = {"lead_rate", *AD_NAMES, *(kpi.name for kpi in KPIS if kpi.verb == "engagement")}


@dataclass(frozen=True)
class Published:
    """The results of the run before: their folder, and the manifest, None where there is none."""

    folder: Path
    manifest: Manifest | None


class Late(NamedTuple):
    """A KPI table, the day before which its periods are as they were published, and what to tell."""

    table: pl.DataFrame
    kept_before: date | None = None
    warnings: tuple[str, ...] = ()


def with_published(
    job: Job, breakdown: Breakdown, measured: Measured, models: Mapping[str, Any], published: Published
) -> Late:
    """Return the KPI table in which the periods that ended ``reprocess_days`` ago keep what was published.

    They are counted from ``as_of``, or from the beginning of the last period with an outcome. A
    period that was never published is measured now. Ratios and totals are those of all sums.

    Raises:
        ParameterError: the breakdown has no period.
        TableError: the file that was published is not as it was written.
    """
    if breakdown.reprocess_days is None:
        return Late(measured.table())
    sums = measured.sums
    name = next((name for name in breakdown.by if period(name) is not None), None)
    if name is None:
        raise ParameterError(
            f"key breakdowns.by of {breakdown.file}: got {', '.join(breakdown.by)}, expected a period "
            f"({', '.join(PERIODS)}) among them: reprocess_days keeps what is older"
        )
    same = ("credited_by", "no_spend")
    costs = [each for each in BASES if each in sums.columns]
    counts = measured.counts.lacking
    outcomes = [each for each in sums.columns if each not in ("model", *costs, *counts, *breakdown.by, *same)]
    last = end_of_data(job, sums.filter(pl.col(outcomes[0]) != 0)[name])
    if published.manifest is None or last is None:
        return Late(measured.table())
    differing = differences(job, breakdown, models, published.manifest)
    before = pl.DataFrame() if differing else published_file(published, breakdown)
    counted = {*counts, *BEFORE_LEADS, *(kpi.name for kpi in measured.counts.rates)}
    if not differing and figures(before) - counted != figures(measured.table()) - counted:
        differing = ["outcomes"]
    if differing:
        why = f"{' and '.join(differing)} differ from those of the run before"
        return Late(measured.table(), warnings=(f"{breakdown.file}: all periods were measured again: {why}",))
    first = last - timedelta(days=breakdown.reprocess_days)
    every = PERIODS[name.removeprefix("touchpoint_")]
    absent = [name for name in counts if name not in before.columns]
    before = before.with_columns(pl.lit(None, pl.Float64).alias(name) for name in absent)
    kept = before.filter(pl.col(name).dt.offset_by(every) <= first)
    if not len(kept):
        return Late(measured.table(), first)
    recent = sums.join(kept.select(name).unique(), on=name, how="anti", maintain_order="left")
    told = sums.select(same).head(1)
    parts = [kept.join(told, how="cross").select(sums.columns).cast(dict(sums.schema)), recent]  # type: ignore[arg-type]
    names = list(dict.fromkeys(measured.table()["model"]))
    both = pl.concat([part.filter(pl.col("model") == model) for model in names for part in parts])
    one = both.filter(pl.col("model") == names[0])
    totals = {each: paid(one, each, measured) for each in (*costs, *counts)}
    mine = sums.filter(pl.col("model") == names[0])
    totals |= {name: None for name in counts if not adds_up(mine[name], measured.totals[name])}
    alongside = measured.counts.told(f"no count, or none that adds up over {SEVERAL_RUNS}")
    table = kpi_table(both, breakdown.by, outcomes, names, totals, alongside)
    return Late(with_ends(table, [kept, measured.table()], breakdown.by), first)


def adds_up(cells: pl.Series, total: float | None) -> bool:
    """Return whether a count of cells is that of all, as that of users need not be."""
    return total is None or math.isclose(math.fsum(cells.drop_nulls()), total, rel_tol=1e-9)


def paid(cells: pl.DataFrame, cost: str, measured: Measured) -> float | None:
    """Return what cells cost together without sales time, or count, else what was measured in sum."""
    known = cells.filter(pl.col(cost).is_not_null())
    sales = known[SALES_COST] if cost in COSTS and SALES_COST in known.columns else None
    amounts = known[cost] if sales is None else known[cost] - sales
    return math.fsum(amounts) if len(amounts) else measured.totals.get(cost)


def with_ends(table: pl.DataFrame, tables: Sequence[pl.DataFrame], by: Sequence[str]) -> pl.DataFrame:
    """Return the KPI table with the intervals, or the reasons, of its cells in the first table with the cell.

    Totals of periods that were measured in several runs have none.
    """
    names = tables[-1].columns
    ends = [name for name in names if name not in table.columns]
    if not ends:
        return table
    keys = ["model", *by]
    known = []
    for each in tables:
        new = [name for name in ends if name not in each.columns]
        why = [pl.col("reason"), *([pl.lit("no intervals: published without them")] if new else [])]
        told = pl.concat_str(why, separator="; ", ignore_nulls=True).replace("", None).alias("told")
        cells = each.with_columns(pl.lit(None, pl.Float64).alias(name) for name in new)
        known.append(cells.select(*keys, *ends, told))
    found = pl.concat(known, how="vertical_relaxed").unique(keys, keep="first", maintain_order=True)
    last = pl.int_range(pl.len()).over("model") == pl.len().over("model") - 1  # of each model, its total
    several = pl.concat_str("reason", pl.lit(SEVERAL), separator="; ", ignore_nulls=True)
    joined = table.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(
        *(pl.when(~last).then(name).alias(name) for name in ends),
        reason=pl.when(last).then(several).otherwise("told"),
    ).select(names)


def differences(job: Job, breakdown: Breakdown, models: Mapping[str, Any], manifest: Manifest) -> list[str]:
    """Return in what the breakdown is another one than that of the run before."""
    told = manifest.content
    before = [each for each in told["config"]["breakdowns"] if each["file"] == breakdown.file]
    now = breakdown.model_dump(mode="json")
    drawn = told["config"].get("intervals"), job.model_dump(mode="json")["intervals"]
    pairs = {
        "intervals": drawn if None not in drawn else (None, None),
        "job": (told["job"], job.name),
        "most_channels": (told["config"].get("most_channels"), job.most_channels),
        "breakdown": ([{**each, "reprocess_days": 0} for each in before], [{**now, "reprocess_days": 0}]),
        "models": (told["models"], dict(models)),
        "visits": tuple(before_leads(config) for config in (told["config"], job.model_dump(mode="json"))),
    }
    return [name for name, (old, new) in pairs.items() if old != new]


def before_leads(config: Mapping[str, Any]) -> Any:
    """Return what a job says of visits, pages and goals, but for their files."""
    sections = (config.get("visits") or {}, config.get("pages") or {})
    told = [{key: value for key, value in each.items() if key != "path"} for each in sections]
    return config.get("goals") or [], told


def figures(table: pl.DataFrame) -> set[str]:
    """Return the columns of a breakdown without the ends of intervals and the run."""
    return {name for name in table.columns if not name.endswith(("_low", "_high"))} - {"run_id"}


def published_file(published: Published, breakdown: Breakdown) -> pl.DataFrame:
    """Return the file of the run before; TableError unless it is as it was written."""
    path = published.folder / breakdown.file
    assert published.manifest is not None
    written = published.manifest.content["outputs"].get(breakdown.file, {}).get("sha256")
    if not path.is_file() or checksum(path) != written:
        raise TableError.of(
            f"published results ({path})",
            "its checksum differs from that in the manifest, or it is gone",
            "the file as it was published: older periods are taken from it",
            "put it back from a backup, or begin anew under another name of the breakdown's file",
        )
    return pl.read_parquet(path, glob=False)


def end_of_data(job: Job, periods: pl.Series) -> date | None:
    """Return the last day: as the job tells it, or the beginning of the last period."""
    if job.as_of is None:
        return cast(date | None, periods.max())
    told = datetime.fromisoformat(str(job.as_of))
    return told.astimezone(ZoneInfo(job.reading.timezone or "UTC")).date() if told.tzinfo else told.date()
