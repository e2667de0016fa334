"""Alongside: what is counted before the lead, put beside the credits and the spend of the same cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from attribution.errors import ParameterError
from attribution.kpis.costs.clock import dated
from attribution.kpis.credited import Credited
from attribution.kpis.engagement.activity import Activity
from attribution.kpis.engagement.ads import AD_NAMES
from attribution.kpis.engagement.counted import (
    Beside,
    Counted,
    OfCounts,
    alike,
    beside,
    check_free,
    told_once,
)
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

    def told(self, lacking: str) -> Alongside:
        """Return it with another reason for cells without counts."""
        return replace(self, parts=tuple(replace(part, lacking=lacking) for part in self.parts))

    def beside(self, sums: pl.DataFrame, what: Credited, by: Sequence[str]) -> pl.DataFrame:
        """Return the cells of all models with their counts, and those that have counts alone."""
        if not self.parts:
            return sums
        tables = []
        for model in what.models:
            rows = sums.filter(model=model)
            told = {"credited_by": "journey", "no_spend": "no spend"}
            same = {name: rows[name][0] if len(rows) else value for name, value in told.items()}
            alone: Mapping[str, object] = {"model": model, **same, **dict.fromkeys(what.outcome_names, 0.0)}
            columns = {name: pl.lit(value) for name, value in alone.items()}
            tables.append(in_order(beside(rows, self.parts, by, columns), by))
        return pl.concat(tables)

    def drawn(self, source: Replicated | str, by: Sequence[str]) -> tuple[Replicated | str, tuple[str, ...]]:
        """Return the replicates of credits and counts beside one another, and the counts that are drawn."""
        parts = [part for part in self.parts if part.whole is not None]
        if isinstance(source, str) or not parts:
            return source, ()
        counts = (OfCounts(source.resampling, source.folds, tuple(by), part) for part in parts)
        return Beside((source, *counts), tuple(by)), tuple(name for part in parts for name in part.names)


def alongside(ads: Counted | None, logs: Sequence[Activity], what: Credited, by: Sequence[str]) -> Alongside:
    """Return what spend and activity count by the dimensions of the credits, drawn with their customers.

    Where credits were drawn by account, the customers of the activity are not theirs: it is held then.

    Raises:
        ParameterError: a count is named as an outcome, or the days of activity and credits differ.
        TableError: a dimension is of another kind than that of the credits.
    """
    check_zones(logs, what, by)
    drawn = None if isinstance(what.replicated, str) else what.replicated
    folds = drawn.folds if drawn is not None and drawn.owners == "customers" else 0
    parts = [each.counted(by, folds) for each in logs]
    if drawn is not None and not folds:
        why = f"credits are drawn by {drawn.owners}, and not by customer"
        parts = [replace(part, unsure=why) for part in parts]
    warnings = [line for each in logs for line in each.warnings]
    if ads is not None and (met := sorted({*ads.names} & {*what.outcome_names})):
        warnings.append(
            f"{', '.join(met)} of ads, and the rest of them, are left out: an outcome has the name"
        )
        ads = None
    for part in parts:
        if met := sorted({*part.names} & {*what.outcome_names}):
            allowed = f"other names: {met[0]} is counted beside it"
            raise ParameterError.out_of_range("outcome_names", ", ".join(met), allowed)
    if drawn is not None:
        unsure = [part for part in parts if part.unsure]
        warnings += [f"no intervals of {', '.join(part.names)}: {part.unsure}" for part in unsure]
    shown, twice = told_once([*([ads] if ads else []), *parts])
    rates = {kpi.name: kpi for each in logs for kpi in each.rates}
    return Alongside(tuple(alike(shown, by, what.table.schema)), tuple(rates.values()), (*warnings, *twice))


def check_zones(logs: Sequence[Activity], what: Credited, by: Sequence[str]) -> None:
    """Raise ParameterError where days of the activity are not those of the credits."""
    for each in logs:
        if any(map(dated, by)) and what.zone and each.zone != what.zone:
            allowed = f"days of {what.zone}, as the credits have: reading=Reading(timezone={what.zone!r})"
            raise ParameterError.out_of_range("activity", f"days of {each.zone}", allowed)


def logs_of(
    activity: Activity | Sequence[Activity], by: Sequence[str], spend: object | None
) -> list[Activity]:
    """Return the activity as a list.

    Raises:
        ParameterError: it is no activity, or a dimension is named as what is counted.
    """
    logs = [activity] if isinstance(activity, Activity) else activity
    for each in logs if isinstance(logs, (list, tuple)) else [logs]:
        if not isinstance(each, Activity):
            expected = "what web_log or ad_log returns"
            raise ParameterError.out_of_range("activity", type(each).__name__, expected)
    names = [name for each in logs for name in ("fold", *each.columns)]
    check_free(by, [*names, *(AD_NAMES if spend is not None else ())])
    return list(logs)


def more_leads_than_visits(kpis: pl.DataFrame) -> list[str]:
    """Return the warning of cells with more leads than visits, which the visits table does not cover then."""
    if "lead_rate" not in kpis.columns or not (above := (kpis["lead_rate"] > 1).sum()):
        return []
    return [f"{above:,} cells have more leads than visits: the visits are not those of the leads' time"]
