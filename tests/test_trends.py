"""Trends: every period beside that of the year before, by ISO week and by date."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import attribution as at
from attribution import ParameterError
from attribution.arrays import Float64
from attribution.kpis import Measured
from attribution.kpis.periods.panel import history, year_before
from attribution.kpis.periods.year_before import year_over_year
from attribution.kpis.replicated import OfLog
from attribution.models import Linear
from attribution.statistics import Resampling
from attribution.tables import RowCount

OUTCOMES = ("leads", "wins", "revenue")
DRAWN = Resampling(0.9, 200, 3)


def made(
    rows: Sequence[Mapping[str, Any]],
    by: Sequence[str],
    outcomes: Sequence[str] = OUTCOMES,
    replicated: OfLog | str | None = None,
) -> Measured:
    """Return what was measured, from the sums of its cells."""
    same = {"model": "linear", "spend": None, "no_spend": "no spend", "credited_by": "journey"}
    types = {"spend": pl.Float64} | dict.fromkeys(outcomes, pl.Float64)
    names = ["model", *by, "spend", *outcomes, "credited_by", "no_spend"]
    full = [same | dict.fromkeys(outcomes, 0.0) | dict(row) for row in rows]
    sums = pl.DataFrame(full, schema_overrides=types, infer_schema_length=None).select(names)
    return Measured(pl.DataFrame(), sums, RowCount(), (), tuple(by), tuple(outcomes), replicated)


def firsts(unit: str, start: date, number: int) -> list[date]:
    """Return the first days of periods one after the other."""
    if unit in ("day", "week"):
        return [start + timedelta(days=n * (7 if unit == "week" else 1)) for n in range(number)]
    step = {"month": 1, "quarter": 3, "year": 12}[unit]
    months = [start.year * 12 + start.month - 1 + n * step for n in range(number)]
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def by_fold(
    by: Sequence[str], cells: Sequence[tuple[Any, ...]], rates: Float64, seed: int, folds: int = 64
) -> tuple[Measured, dict[tuple[Any, ...], Float64]]:
    """Return sums and replicates of cells whose leads come by chance, 40 % of them won; and the fold sums."""
    draws = np.random.default_rng(seed)
    found = {}
    for cell, rate in zip(cells, rates, strict=True):
        leads = draws.poisson(rate / folds, folds).astype(float)
        wins = draws.binomial(leads.astype(int), 0.4).astype(float)
        found[cell] = np.stack([leads, wins, 100 * wins], axis=1)
    names = pl.DataFrame([dict(zip(by, cell, strict=True)) for cell in cells])
    table = names[np.repeat(np.arange(len(cells)), folds)].with_columns(
        pl.Series("fold", np.tile(np.arange(folds), len(cells))),
        *(pl.Series(name, np.concatenate([*found.values()])[:, i]) for i, name in enumerate(OUTCOMES)),
        model=pl.lit("linear"),
    )
    table = table.select("model", *by, "fold", *OUTCOMES).sort(*by, "fold")
    source = OfLog(DRAWN, folds, tuple(by), OUTCOMES, table)
    rows = [
        {
            **dict(zip(by, cell, strict=True)),
            "spend": 50.0,
            **dict(zip(OUTCOMES, sums.sum(axis=0), strict=True)),
        }
        for cell, sums in found.items()
    ]
    return made(rows, by, replicated=source), found


# Which period is compared.


@pytest.mark.parametrize(
    ("unit", "align", "day", "before"),
    [
        ("week", "iso_week", "2021-01-04", "2019-12-30"),  # week 1, the year before began in December
        ("week", "iso_week", "2020-12-28", None),  # week 53 of 2020; 2019 had 52
        ("week", "iso_week", "2027-01-04", "2025-12-29"),  # 2026 has 53 weeks: week 1 is 53 weeks earlier
        ("week", "iso_week", "2021-12-27", "2020-12-21"),
        ("week", "iso_week", "2026-11-16", "2025-11-17"),
        ("week", "date", "2026-11-16", "2025-11-17"),
        ("week", "date", "2020-12-28", "2019-12-30"),
        ("week", "date", "2021-01-04", "2020-01-06"),
        ("day", "iso_week", "2026-01-01", "2025-01-02"),  # both are the Thursday of week 1
        ("day", "iso_week", "2021-01-01", None),  # Friday of week 53
        ("day", "date", "2026-01-01", "2025-01-01"),
        ("day", "date", "2024-02-29", None),
        ("day", "date", "2025-02-28", "2024-02-28"),
        ("day", "date", "2025-03-01", "2024-03-01"),
        ("month", "date", "2024-02-01", "2023-02-01"),
        ("quarter", "date", "2026-10-01", "2025-10-01"),
        ("year", "date", "2026-01-01", "2025-01-01"),
    ],
)
def test_the_period_a_year_before(unit: str, align: str, day: str, before: str | None) -> None:
    expected = None if before is None else date.fromisoformat(before)
    assert year_before(date.fromisoformat(day), unit, align) == expected


def test_by_iso_week_every_day_of_thirty_years_meets_its_week_and_weekday() -> None:
    lacking = 0
    for day in firsts("day", date(2000, 1, 1), 30 * 365):
        year, week, weekday = day.isocalendar()
        before = year_before(day, "day", "iso_week")
        if before is None:
            assert week == 53
            lacking += 1
        else:
            assert before.isocalendar() == (year - 1, week, weekday)
    assert lacking == 7 * 5  # 2004, 2009, 2015, 2020, 2026


def test_a_week_by_date_shares_at_least_five_dates_and_no_two_share_a_partner() -> None:
    weeks = firsts("week", date(2000, 1, 3), 1500)
    partners = [year_before(week, "week", "date") for week in weeks]
    assert len(set(partners)) == 1500
    for week, partner in zip(weeks, partners, strict=True):
        dates = {(each.month, each.day) for each in firsts("day", week, 7)}
        assert len(dates & {(each.month, each.day) for each in firsts("day", partner, 7)}) >= 5


# The table.

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    rows = [
        {
            "channel": "Ads",
            "month": date(2025, 3, 1),
            "spend": 100.0,
            "leads": 10.0,
            "wins": 5.0,
            "revenue": 50.0,
        },
        {
            "channel": "Mail",
            "month": date(2025, 3, 1),
            "spend": 20.0,
            "leads": 40.0,
            "wins": 4.0,
            "revenue": 40.0,
        },
        {"channel": "Ads", "month": MARCH, "spend": 120.0, "leads": 20.0, "wins": 5.0, "revenue": 75.0},
        {"channel": "Social", "month": MARCH, "spend": 30.0, "leads": 5.0, "wins": 0.0},
        {"channel": "(unattributed)", "month": MARCH, "leads": 5.0, "wins": 1.0},
        {"channel": "Ads", "month": APRIL, "spend": 7.0},
    ]
    return year_over_year(made(rows, ["channel", "month"]), align="date")


def cell(table: pl.DataFrame, channel: str, month: date = MARCH) -> dict[str, Any]:
    """Return a row."""
    return table.filter(channel=channel, month=month).row(0, named=True)


def test_columns_and_rows_stand_in_order(table: pl.DataFrame) -> None:
    four = ["{}", "{}_year_before", "{}_change", "{}_growth"]
    expected = ["model", "channel", "month", "aligned_by", "compared_with"]
    expected += [each.format(name) for name in ("spend", *OUTCOMES) for each in four]
    expected += [each.format(name) for name in ("cost_per_lead", "win_rate") for each in four[:3]]
    assert table.columns == [*expected, "reason"]
    assert table.filter(month=MARCH)["channel"].to_list() == [
        "Ads",
        "Mail",
        "Social",
        "(unattributed)",
        "(total)",
    ]
    assert table["month"].is_sorted()
    assert set(table["aligned_by"]) == {"date"}


def test_a_cell_is_compared_with_itself_a_year_before(table: pl.DataFrame) -> None:
    ads = cell(table, "Ads")
    assert ads["compared_with"] == date(2025, 3, 1)
    assert [ads["spend"], ads["spend_year_before"], ads["spend_change"]] == [120, 100, 20]
    assert [ads["leads"], ads["leads_year_before"], ads["leads_change"]] == [20, 10, 10]
    assert [ads["leads_growth"], ads["wins_growth"], ads["revenue_growth"]] == [1.0, 0.0, 0.5]
    assert [ads["cost_per_lead"], ads["cost_per_lead_year_before"], ads["cost_per_lead_change"]] == [
        6,
        10,
        -4,
    ]
    assert [ads["win_rate"], ads["win_rate_year_before"], ads["win_rate_change"]] == [0.25, 0.5, -0.25]
    assert ads["reason"] is None


def test_the_total_is_a_ratio_of_sums(table: pl.DataFrame) -> None:
    total = cell(table, "(total)")
    assert [total["spend"], total["spend_year_before"]] == [150, 120]
    assert [total["leads"], total["leads_year_before"], total["leads_growth"]] == [30, 50, 30 / 50 - 1]
    assert [total["cost_per_lead"], total["cost_per_lead_year_before"]] == [150 / 30, 120 / 50]
    assert [total["win_rate"], total["win_rate_year_before"]] == [6 / 30, 9 / 50]
    assert total["win_rate_change"] == 6 / 30 - 9 / 50
    rates = table.filter(pl.col("channel") != "(total)", month=MARCH)["win_rate"].drop_nulls()
    assert total["win_rate"] != pytest.approx(rates.mean(), abs=0.01)


def test_a_cell_of_one_year_only_is_zero_in_the_other(table: pl.DataFrame) -> None:
    gone, new = cell(table, "Mail"), cell(table, "Social")
    assert [gone["leads"], gone["leads_change"], gone["leads_growth"]] == [0, -40, -1]
    assert [gone["spend"], gone["spend_growth"]] == [0, -1]
    assert (gone["win_rate"], gone["win_rate_year_before"], gone["win_rate_change"]) == (None, 0.1, None)
    assert "win_rate: no credited leads" in gone["reason"]
    assert [new["leads_year_before"], new["leads_change"], new["leads_growth"]] == [0, 5, None]
    assert "leads_growth: not above 0 the year before" in new["reason"]
    assert "cost_per_lead_year_before: no credited leads" in new["reason"]
    assert (new["cost_per_lead"], new["cost_per_lead_year_before"], new["cost_per_lead_change"]) == (
        6,
        None,
        None,
    )


def test_spend_that_is_not_known_is_null_with_the_reason(table: pl.DataFrame) -> None:
    rest = cell(table, "(unattributed)")
    assert (rest["spend"], rest["spend_change"], rest["cost_per_lead"]) == (None, None, None)
    assert "spend: no spend" in rest["reason"]
    assert "cost_per_lead: no spend" in rest["reason"]


def test_a_year_before_the_first_period_is_not_zero_but_unknown(table: pl.DataFrame) -> None:
    first = table.filter(month=date(2025, 3, 1))
    assert len(first) == 3
    assert first["reason"].str.starts_with("before the first month measured").all()
    assert set(first["compared_with"]) == {date(2024, 3, 1)}
    before = [name for name in table.columns if name.endswith(("_year_before", "_change", "_growth"))]
    assert set(first.select(before).null_count().row(0)) == {3}
    assert first.filter(channel="(total)").select("leads", "win_rate").row(0) == (50, 9 / 50)


def test_a_month_within_the_history_in_which_nothing_was_met_is_zero(table: pl.DataFrame) -> None:
    ads = cell(table, "Ads", APRIL)
    assert (ads["leads_year_before"], ads["spend_year_before"], ads["spend_change"]) == (0, 0, 7)
    assert "before the first" not in ads["reason"]
    assert not len(table.filter(month=date(2025, 6, 1)))


def test_week_53_has_no_partner_and_says_so() -> None:
    rows = [{"week": week, "leads": 1.0} for week in firsts("week", date(2019, 12, 2), 60)]
    table = year_over_year(made(rows, ["week"]), align="iso_week")
    (lone,) = table.filter(week=date(2020, 12, 28)).to_dicts()
    assert (lone["leads"], lone["leads_change"], lone["compared_with"]) == (1.0, None, None)
    assert lone["reason"].startswith("no week 53 the year before")
    (after,) = table.filter(week=date(2021, 1, 4)).to_dicts()
    assert (after["compared_with"], after["leads_change"]) == (date(2019, 12, 30), 0.0)
    (same,) = year_over_year(made(rows, ["week"]), align="date").filter(week=date(2020, 12, 28)).to_dicts()
    assert (same["compared_with"], same["leads_change"]) == (date(2019, 12, 30), 0.0)


def test_29_february_has_no_partner_by_date() -> None:
    rows = [{"day": day, "leads": 1.0} for day in firsts("day", date(2023, 2, 1), 500)]
    (leap,) = year_over_year(made(rows, ["day"]), align="date").filter(day=date(2024, 2, 29)).to_dicts()
    assert (leap["leads"], leap["leads_change"], leap["compared_with"]) == (1.0, None, None)
    assert leap["reason"].startswith("no 29 February the year before")
    (leap,) = year_over_year(made(rows, ["day"]), align="iso_week").filter(day=date(2024, 2, 29)).to_dicts()
    assert (leap["leads_change"], leap["compared_with"]) == (0.0, date(2023, 3, 2))


def test_by_a_period_alone_there_is_one_row_a_period() -> None:
    rows = [{"month": month, "leads": 2.0} for month in firsts("month", date(2025, 1, 1), 14)]
    table = year_over_year(made(rows, ["month"]), align="date")
    assert table["month"].to_list() == firsts("month", date(2025, 1, 1), 14)
    assert table["leads_change"].to_list() == [None] * 12 + [0.0, 0.0]


# Twin and laws.


def random_rows(unit: str, seed: int, number: int) -> list[dict[str, Any]]:
    """Return cells of which many lack a period, spend or leads."""
    draws = np.random.default_rng(seed)
    rows = []
    for period in firsts(unit, date(2019, 1, 7) if unit in ("day", "week") else date(2019, 1, 1), number):
        for channel in ("Ads", "Mail", None, "(unattributed)"):
            if draws.random() < 0.6:
                leads = round(draws.random() * 9, 3) * (draws.random() < 0.8)
                row = {"channel": channel, unit: period, "leads": leads, "wins": leads * draws.random()}
                rows.append(row | {"spend": None if draws.random() < 0.3 else round(draws.random() * 99, 2)})
    return rows


def twin(rows: Sequence[Mapping[str, Any]], unit: str, align: str) -> dict[Any, list[Any]]:
    """Return leads, their change and growth, spend, win rate and its change of each cell, one by one."""
    first, last = min(row[unit] for row in rows), max(row[unit] for row in rows)
    sums: dict[Any, dict[str, Any]] = {}
    for row in rows:
        sums[row["channel"], row[unit]] = dict(row)
        total = sums.setdefault(("(total)", row[unit]), {"leads": [], "wins": [], "spend": []})
        for name in ("leads", "wins", "spend"):
            total[name].append(row[name])
    for total in (each for (channel, _), each in sums.items() if channel == "(total)"):
        known = [each for each in total["spend"] if each is not None]
        total |= {name: math.fsum(total[name]) for name in ("leads", "wins")}
        total["spend"] = math.fsum(known) if known else None
    found = {}
    nothing = {"leads": 0.0, "wins": 0.0, "spend": 0.0}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if align == "iso_week":
            year, week, weekday = day.isocalendar()
            lone = week == 53
            before = None if lone else date.fromisocalendar(year - 1, week, weekday)
        else:
            lone = (day.month, day.day) == (2, 29)
            before = None if lone else day.replace(year=day.year - 1)
            if unit == "week":
                before = day - timedelta(weeks=52)
        before = before if before is not None and before >= first else None
        for channel in ("Ads", "Mail", None, "(unattributed)", "(total)"):
            if (channel, day) in sums or (channel, before) in sums:
                now, then = sums.get((channel, day), nothing), sums.get((channel, before), nothing)
                rate = now["wins"] / now["leads"] if now["leads"] else None
                row = [now["leads"], None, None, now["spend"], None, rate, None]
                if before is not None:
                    row[1] = now["leads"] - then["leads"]
                    row[2] = now["leads"] / then["leads"] - 1 if then["leads"] else None
                    row[4] = then["spend"]
                    row[6] = (
                        rate - then["wins"] / then["leads"] if rate is not None and then["leads"] else None
                    )
                found[channel, day] = row
    return found


@pytest.mark.parametrize(
    ("unit", "align", "number"),
    [
        ("day", "date", 800),
        ("day", "iso_week", 800),
        ("week", "date", 200),
        ("week", "iso_week", 200),
        ("month", "date", 40),
        ("quarter", "date", 12),
        ("year", "date", 5),
    ],
)
def test_every_row_is_what_is_said_naively(unit: str, align: str, number: int) -> None:
    rows = random_rows(unit, number, number)
    table = year_over_year(made(rows, ["channel", unit], OUTCOMES[:2]), align=align)
    expected = twin(rows, unit, align)
    figures = [
        "leads",
        "leads_change",
        "leads_growth",
        "spend",
        "spend_year_before",
        "win_rate",
        "win_rate_change",
    ]
    found = {tuple(row[:2]): list(row[2:]) for row in table.select("channel", unit, *figures).iter_rows()}
    assert found.keys() == expected.keys()
    assert len(found) == len(table)
    for key, row in expected.items():
        assert found[key] == [
            each if each is None else pytest.approx(each, rel=1e-12, abs=1e-12) for each in row
        ], key
    nulls = table.filter(pl.any_horizontal(pl.col(figures).is_null()))
    assert nulls["reason"].null_count() == 0
    assert table["leads_growth"].null_count() < len(table)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_changes_no_bit(seed: int) -> None:
    rows = random_rows("week", 5, 120)
    mixed = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    tables = [year_over_year(made(each, ["channel", "week"]), align="date") for each in (rows, mixed)]
    assert tables[0].equals(tables[1])


# Intervals.

CELLS = [(name, day) for name in ("Ads", "Mail") for day in (date(2025, 5, 1), date(2026, 5, 1))]


def test_changes_have_the_quantiles_of_their_replicates() -> None:
    measured, sums = by_fold(["channel", "month"], CELLS, np.array([90.0, 120.0, 300.0, 200.0]), seed=1)
    spend = pl.when(pl.col("month") == date(2025, 5, 1)).then(30.0).otherwise("spend").alias("spend")
    measured = replace(measured, sums=measured.sums.with_columns(spend))
    table = year_over_year(measured, align="date").filter(month=date(2026, 5, 1))
    weights = DRAWN.weights(64)
    drawn = {cell: weights @ values for cell, values in sums.items()}
    for channel in ("Ads", "Mail", "(total)"):
        names = ("Ads", "Mail") if channel == "(total)" else (channel,)
        before, now = (sum(drawn[name, day] for name in names) for _, day in CELLS[:2])
        many = len(names)
        figures = {
            **{f"{name}_change": now[:, i] - before[:, i] for i, name in enumerate(OUTCOMES)},
            **{f"{name}_growth": now[:, i] / before[:, i] - 1 for i, name in enumerate(OUTCOMES)},
            "cost_per_lead_change": 50 * many / now[:, 0] - 30 * many / before[:, 0],
            "win_rate_change": now[:, 1] / now[:, 0] - before[:, 1] / before[:, 0],
        }
        (row,) = table.filter(channel=channel).to_dicts()
        for name, values in figures.items():
            ends = np.quantile(values, [0.05, 0.95])
            assert [row[f"{name}_low"], row[f"{name}_high"]] == pytest.approx(ends, rel=1e-9), (channel, name)
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]
    assert not {"spend_change_low", "leads_low"} & set(table.columns)
    names = table.columns
    assert names[names.index("wins_growth") + 1 :][:2] == ["wins_growth_low", "wins_growth_high"]


def test_intervals_of_changes_hold_the_truth_as_often_as_they_say() -> None:
    held = {"leads_change": 0, "leads_growth": 0, "win_rate_change": 0, "cost_per_lead_change": 0}
    truth = dict(zip(held, (40.0, 0.25, 0.0, 50 / 200 - 50 / 160), strict=True))
    for seed in range(80):
        measured, _ = by_fold(
            ["month"], [(day,) for _, day in CELLS[:2]], np.array([160.0, 200.0]), 1000 + seed
        )
        row = year_over_year(measured, align="date").row(-1, named=True)
        for name in held:
            held[name] += row[f"{name}_low"] <= truth[name] <= row[f"{name}_high"]
    # 0.9 of 80 with a standard error of 2.7; four of them down.
    assert all(61 <= number < 80 for number in held.values()), held


def test_a_cell_that_no_replicate_changes_says_so() -> None:
    measured, _ = by_fold(["channel", "month"], CELLS, np.array([0.0, 0.0, 50.0, 0.0]), seed=1)
    table = year_over_year(measured, align="date")
    ads, mail = (cell(table, name, date(2026, 5, 1)) for name in ("Ads", "Mail"))
    assert (ads["leads_change"], ads["leads_change_low"]) == (0.0, None)
    assert "leads_change: no interval, all replicates agree" in ads["reason"]
    assert mail["leads_change_low"] < mail["leads_change"] < mail["leads_change_high"] < 0
    assert (mail["leads_growth"], mail["leads_growth_low"]) == (-1.0, None)
    first = cell(table, "Mail", date(2025, 5, 1))
    assert first["leads_change_low"] is None
    assert "replicates" not in first["reason"]


def test_a_year_before_that_many_replicates_lack_has_no_interval_of_its_growth() -> None:
    measured, _ = by_fold(["month"], [(day,) for _, day in CELLS[:2]], np.array([1.0, 300.0]), seed=0)
    row = year_over_year(measured, align="date").row(-1, named=True)
    assert row["leads_year_before"] == 1.0  # a third of the replicates have none
    assert row["leads_growth"] == row["leads"] - 1
    assert (row["leads_growth_low"], row["leads_growth_high"]) == (None, None)
    assert "leads_growth: no interval, too many replicates lack the denominator" in row["reason"]
    assert row["leads_change_low"] < row["leads_change_high"]


def test_without_replicates_the_ends_are_null_for_the_reason_given() -> None:
    rows = [{"month": day, "leads": 3.0} for _, day in CELLS[:2]]
    table = year_over_year(made(rows, ["month"], replicated="no intervals: too few"), align="date")
    ends = table.select(pl.selectors.ends_with("_low", "_high"))
    assert ends.width == 2 * (2 * 3 + 2)
    assert set(ends.null_count().row(0)) == {2}
    assert table["reason"].str.ends_with("no intervals: too few").all()


@pytest.fixture(scope="module")
def log() -> at.CreditLog:
    """Return the log of half a year, and of the same a year later."""
    sample = at.sample.load()
    later = [
        table.head(number).with_columns(
            pl.col("timestamp") + timedelta(days=365), pl.col("customer_id") + "b"
        )
        for table, number in ((sample.touchpoints, 6000), (sample.leads, 500))
    ]
    touchpoints = pl.concat([sample.touchpoints.head(6000), later[0].with_columns(pl.col("event_id") + "b")])
    leads = pl.concat([sample.leads.head(500), later[1].with_columns(pl.col("outcome_id") + "b")])
    stitched = at.stitch(touchpoints, leads, lookback_days=30)
    return at.credit_log(stitched, at.attribute(stitched, Linear(), intervals=0.9, replicates=100))


def test_of_a_credit_log_figures_are_those_of_the_kpi_table(log: at.CreditLog) -> None:
    measured = at.measure(log, at.sample.load().spend, by=["channel", "month"])
    table = year_over_year(measured, align="date")
    figures = ["spend", *OUTCOMES, "cost_per_lead", "win_rate"]
    keys = ["model", "channel", "month"]
    both = measured.table().filter(pl.col("month").is_not_null()).join(table, on=keys, suffix="_trend")
    assert len(both) == len(measured.table()) - 1 > 50
    for name in figures:
        assert both[name].equals(both[f"{name}_trend"]), name
    held = table.filter(pl.col("leads_change_low").is_not_null())
    assert len(held) > 20
    assert (held["leads_change_low"] <= held["leads_change_high"]).all()
    assert set(table.filter(channel="(total)")["month"]) == set(measured.sums["month"])


@pytest.mark.parametrize(
    "by", [["touchpoint_month", "channel"], ["channel", "owner", "week"], ["quarter"]], ids=str
)
def test_replicates_of_a_log_are_those_of_its_kpi_table(by: list[str], log: at.CreditLog) -> None:
    day = {"date": [date(2026, 1, 5)], "channel": ["Display"], "owner": ["Bruno"], "spend": [9.0]}
    spend = pl.DataFrame(day).select("date", "channel", "spend", *({"owner"} & set(by)))
    measured = at.measure(log, spend, by=by)
    found = history(measured)
    panel = found.panel("linear")
    ends = {}
    for number, day in enumerate(found.days):
        low, high = measured.replicated.resampling.bounds(panel.drawn(measured.replicated, number))
        for row, *pair in zip(panel.rows.iter_rows(named=True), low, high, strict=True):
            ends[tuple(day if name == found.period else row[name] for name in by)] = np.stack(pair)
    seen = 0
    for row in measured.table()[:-1].drop_nulls(found.period).iter_rows(named=True):
        for i, name in enumerate(measured.outcome_names):
            if row[f"{name}_low"] is not None:
                mine = ends[tuple(row[name] for name in by)][:, i]
                assert mine.tolist() == pytest.approx([row[f"{name}_low"], row[f"{name}_high"]], rel=1e-9)
                seen += 1
    assert seen >= 9


# What cannot be.


@pytest.mark.parametrize(
    ("by", "align", "said"),
    [
        (["month"], "iso_week", "'align': got 'iso_week', expected date: a month has no ISO week"),
        (["quarter"], "iso_week", "a quarter has no ISO week"),
        (["touchpoint_year"], "iso_week", "a year has no ISO week"),
        (["week"], "iso", "'align': got 'iso', expected iso_week or date"),
        (["channel"], "date", "'by': got .* one period among them: day, week"),
        (["week", "touchpoint_week"], "date", "one period among them"),
        (["week", "reason"], "date", "'by': got 'reason'"),
        (["week", "leads_change"], "date", "'by': got 'leads_change'"),
    ],
)
def test_what_cannot_be_compared_is_refused(by: list[str], align: str, said: str) -> None:
    row = {name: date(2026, 1, 5) if name in ("week", "touchpoint_week") else "x" for name in by}
    with pytest.raises(ParameterError, match=said):
        year_over_year(made([row], by), align=align)


def test_align_has_to_be_named() -> None:
    with pytest.raises(TypeError, match="align"):
        year_over_year(made([{"week": date(2026, 1, 5)}], ["week"]))  # type: ignore[call-arg]


def test_nothing_measured_by_the_period_is_an_error_that_says_so() -> None:
    empty = made([{"touchpoint_week": None}], ["touchpoint_week"])
    with pytest.raises(at.ConvergenceError, match="nothing was measured by touchpoint_week"):
        year_over_year(empty, align="date")
