"""Measure: credits and spend become cost per lead, win rate, return on spend: by channel and model."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import polars as pl

from attribution.channels import TOTAL, UNATTRIBUTED, label, near_duplicates, normalised
from attribution.credits import Credits, Result
from attribution.errors import TableError, shown
from attribution.kpis.dictionary import KPIS, Kpi
from attribution.tables import (
    OURS,
    TABLES,
    Column,
    Reading,
    RowCount,
    Source,
    check_outcome_names,
    check_table,
    unescaped,
)
from attribution.tables.sources import read

CreditsLike: TypeAlias = Result | Credits | Source


@dataclass(frozen=True, eq=False)
class Measured:
    """The KPI table, the count of the spend rows, and what had to be left out, in words."""

    kpis: pl.DataFrame
    spend_rows: RowCount
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return the KPI table: per model the channels, (unattributed) and (total), a ratio of sums."""
        return self.kpis


def measure(
    credits: CreditsLike,
    spend: Source,
    *,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> Measured:
    """Return spend, credited outcomes and their ratios by model and channel.

    A ratio without a denominator is null and the column ``reason`` says why. The first outcome
    plays the role of leads. ``columns`` maps our names to those of the spend table.

    Raises:
        TableError: the credits or the spend table cannot be used.

    >>> result = Credits("linear", ("ads",), ("leads", "wins"), [[4, 1]], [1, 0])
    >>> spend = pl.DataFrame({"channel": ["ads"], "spend": [10.0]})
    >>> measure(result, spend).table()["cost_per_lead"].to_list()
    [2.5, None, 2.0]
    """
    taken = OURS | {kpi.name for kpi in KPIS}
    for each in credits.values() if isinstance(credits, Result) else [credits]:
        if isinstance(each, Credits):
            check_outcome_names(each.outcome_names, taken)
    credited = credits_table(credits, reading or Reading())
    money = check_table("spend", spend, reading, columns)
    money = money.set_aside("negative_spend", pl.col("spend") < 0)
    by_channel = spend_by_channel(money.used)
    outcomes = tuple(credited.columns[2:-1])
    rows = pl.concat(
        [
            with_total(each, by_channel, outcomes)
            for each in credited.partition_by("model", maintain_order=True)
        ]
    )
    roles = {"spend": "spend", "leads": outcomes[0]}
    roles |= {name: name for name in ("wins", "revenue") if name in outcomes}
    ratios = [ratio(kpi, roles) for kpi in KPIS]
    why = pl.concat_str([reason(kpi, roles) for kpi in KPIS], separator="; ", ignore_nulls=True)
    table = rows.select(
        "model", "channel", "spend", *outcomes, *ratios, pl.when(why != "").then(why).alias("reason")
    )
    warnings = (*money.warnings, *unmatched(credited, by_channel))
    return Measured(table, money.count, warnings)


def credits_table(credits: CreditsLike, reading: Reading) -> pl.DataFrame:
    """Return model, channel, the outcomes and credited_by."""
    if isinstance(credits, (Result, Credits)):
        return credits.table()
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
    return table.frame.select(*names_of, *names, by.alias("credited_by"))


def spend_by_channel(used: pl.DataFrame) -> dict[str, float]:
    """Return exactly rounded sums: they do not depend on the order of the rows."""
    amounts = defaultdict(list)
    for channel, amount in used.select("channel", "spend").iter_rows():
        amounts[label(normalised(channel))].append(amount)
    return {channel: math.fsum(each) for channel, each in sorted(amounts.items())}


def with_total(model: pl.DataFrame, spend: Mapping[str, float], outcomes: Sequence[str]) -> pl.DataFrame:
    """Return one model's channels with their spend, those with spend alone, (unattributed) and (total)."""
    name, by = model["model"][0], model["credited_by"][0]
    met = set(model["channel"])
    alone = [channel for channel in spend if channel not in met]
    money = pl.DataFrame(
        {"channel": list(spend), "spend": list(spend.values())},
        schema={"channel": pl.String, "spend": pl.Float64},
    )
    only_spend = pl.DataFrame(
        {"model": name, "channel": alone, **dict.fromkeys(outcomes, 0.0), "credited_by": by},
        schema=model.schema,
    )
    is_rest = pl.col("channel") == UNATTRIBUTED
    rows = pl.concat([model.filter(~is_rest), only_spend, model.filter(is_rest)]).join(
        money, on="channel", how="left", maintain_order="left"
    )
    total = pl.DataFrame(
        {
            "model": [name],
            "channel": [TOTAL],
            **{outcome: [math.fsum(rows[outcome])] for outcome in outcomes},
            "credited_by": [by],
            "spend": [math.fsum(spend.values())],
        }
    )
    return pl.concat([rows, total])


def ratio(kpi: Kpi, roles: Mapping[str, str]) -> pl.Expr:
    """Return the KPI, null where it has no value."""
    if kpi.numerator not in roles or kpi.denominator not in roles:
        return pl.lit(None, dtype=pl.Float64).alias(kpi.name)
    value = pl.col(roles[kpi.numerator]) / pl.col(roles[kpi.denominator])
    return pl.when(reason(kpi, roles).is_null()).then(value).alias(kpi.name)


def reason(kpi: Kpi, roles: Mapping[str, str]) -> pl.Expr:
    """Return why the KPI has no value, null where it has one."""
    for role in (kpi.numerator, kpi.denominator):
        if role not in roles:
            return pl.lit(f"{kpi.name}: no column {role}")
    denominator = pl.col(roles[kpi.denominator])
    lacking = "spend" if kpi.denominator == "spend" else f"credited {roles[kpi.denominator]}"
    shared = pl.lit(kpi.by_journey) & (pl.col("credited_by") == "total")
    no_spend = pl.lit("spend" in (kpi.numerator, kpi.denominator)) & pl.col("spend").is_null()
    return (
        pl.when(shared)
        .then(pl.lit(f"{kpi.name}: totals were shared, not journeys"))
        .when(no_spend)
        .then(pl.lit(f"{kpi.name}: no spend"))
        .when(denominator == 0)
        .then(pl.lit(f"{kpi.name}: no {lacking}"))
        .when(~(pl.col(roles[kpi.numerator]) / denominator).is_finite())
        .then(pl.lit(f"{kpi.name}: too little {lacking}"))
    )


def unmatched(credited: pl.DataFrame, spend: Mapping[str, float]) -> list[str]:
    """Return which channels have spend but no touchpoint, and touchpoints but no spend."""
    met = set(credited["channel"]) - {UNATTRIBUTED}
    lines = []
    if only_spend := sorted(set(spend) - met):
        alike = [group for group in near_duplicates({*only_spend, *met}) if set(group) & set(only_spend)]
        hint = "".join(f"; {' and '.join(map(shown, group))} look alike" for group in alike)
        lines.append(f"spend without touchpoints: {', '.join(map(shown, only_spend))}{hint}")
    if only_met := sorted(met - set(spend)):
        lines.append(f"touchpoints without spend: {', '.join(map(shown, only_met))}")
    return lines
