"""Alongside: what is counted before the lead, put beside the credits and the spend of the same cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from attribution.errors import ParameterError
from attribution.kpis.credited import Credited
from attribution.kpis.engagement.activity import Activity
from attribution.kpis.engagement.counted import Beside, Counted, OfCounts, beside, check_names, told_once
from attribution.kpis.entries import Kpi
from attribution.kpis.replicated import Replicated
from attribution.kpis.totals import in_order


@dataclass(frozen=True, eq=False)
class Alongside:
    """The counts by cell, the rates of goals, and warnings."""

    parts: tuple[Counted, ...] = ()
    rates: tuple[Kpi, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def totals(self) -> dict[str, float | None]:
        """Each count in sum."""
        return {name: value for part in self.parts for name, value in part.totals.items()}

    @property
    def lacking(self) -> dict[str, str]:
        """Why a cell has no such count, by count."""
        return {name: part.lacking for part in self.parts for name in part.names}

    def beside(self, sums: pl.DataFrame, what: Credited, by: Sequence[str]) -> pl.DataFrame:
        """Return the cells of all models with their counts, and those that have counts alone."""
        if not self.parts:
            return sums
        same = {name: sums[name][0] if len(sums) else None for name in ("credited_by", "no_spend")}
        tables = []
        for model in what.models:
            alone: Mapping[str, object] = {"model": model, **same, **dict.fromkeys(what.outcome_names, 0.0)}
            told = {name: pl.lit(value) for name, value in alone.items()}
            tables.append(in_order(beside(sums.filter(model=model), self.parts, by, told), by))
        return pl.concat(tables)

    def drawn(self, source: Replicated | str, by: Sequence[str]) -> tuple[Replicated | str, tuple[str, ...]]:
        """Return the replicates of credits and counts beside one another, and the counts that are drawn."""
        parts = [part for part in self.parts if part.by_fold is not None]
        if isinstance(source, str) or not parts:
            return source, ()
        counts = (OfCounts(source.resampling, source.folds, tuple(by), part) for part in parts)
        return Beside((source, *counts), tuple(by)), tuple(name for part in parts for name in part.names)


def alongside(
    ads: Counted | None, activity: Activity | Sequence[Activity], what: Credited, by: Sequence[str]
) -> Alongside:
    """Return what spend and activity count by the dimensions of the credits, drawn with their customers.

    Raises:
        ParameterError: a count is named as an outcome or a dimension, or the activity is none.
        TableError: a dimension is of another kind than that of the credits.
    """
    logs = [activity] if isinstance(activity, Activity) else list(activity)
    for each in logs:
        if not isinstance(each, Activity):
            raise ParameterError.out_of_range("activity", each, "what web_log or ad_log returns")
    folds = 0 if what.replicated is None or isinstance(what.replicated, str) else what.replicated.folds
    parts = [*([ads] if ads else []), *(each.counted(by, folds) for each in logs)]
    parts, warnings = told_once(parts)
    check_names(parts, {"by": by, "outcome_names": what.outcome_names})
    parts = [part.like(by, what.table.schema, "activity") for part in parts]
    unsure = {
        f"no intervals of {', '.join(part.names)}: {part.unsure}" for part in parts if part.unsure and logs
    }
    told = (*warnings, *(line for each in logs for line in each.warnings), *sorted(unsure if folds else ()))
    return Alongside(tuple(parts), tuple(kpi for each in logs for kpi in each.rates), told)


def more_leads_than_visits(kpis: pl.DataFrame) -> list[str]:
    """Return the warning of cells with more leads than visits, which the visits table does not cover then."""
    if "lead_rate" not in kpis.columns or not (above := (kpis["lead_rate"] > 1).sum()):
        return []
    return [f"{above:,} cells have more leads than visits: the visits are not those of the leads' time"]
