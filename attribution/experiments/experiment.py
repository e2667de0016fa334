"""Experiment: every variant against the control, metric by metric, with what forbids to read it so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from attribution.experiments.assignment import assignment
from attribution.experiments.cautions import on_few, on_looks, on_missing, on_rows, on_split, planned_of
from attribution.experiments.corrections import holm, simultaneous
from attribution.experiments.effect import Effect, Ends
from attribution.experiments.means import Mean, effect_on_mean
from attribution.experiments.names import variant_of
from attribution.experiments.rates import Rate, effect_on_rate
from attribution.parameters import check, param
from attribution.tables import Reading, RowCount, Source

TEXT = ("metric", "kind", "variant", "control", "reason")
COUNTS = ("users", "users_control")
COLUMNS = (
    *("metric", "kind", "variant", "control", "users", "users_control", "value", "value_control"),
    *("difference", "difference_low", "difference_high", "standard_error"),
    *("ratio", "ratio_low", "ratio_high", "p_value", "p_value_adjusted"),
    *("incremental", "incremental_low", "incremental_high", "confidence", "reason"),
)


@dataclass(frozen=True)
class Rules:
    """How sure the result is to be, fixed before it is read."""

    confidence: float = param(
        0.95, "share of experiments whose intervals all hold what is true", above=0, below=1
    )
    correction: str = param("holm", "what several variants ask of each comparison", choices=("holm", "none"))
    planned: int | None = param(
        None,
        "users planned for each variant, for the smallest of them",
        kind=int,
        low=1,
        high=1e15,
        optional=True,
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Experiment:
    """The table of comparisons, how many rows were used, and warnings."""

    comparisons: pl.DataFrame
    rows: RowCount
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return a row a metric and variant other than the control."""
        return self.comparisons


def experiment(
    table: Source,
    *,
    variant: str = "variant",
    control: str | float,
    metrics: Iterable[str] = ("conversion",),
    customer: str | None = None,
    planned: int | None = Rules.planned,
    planned_shares: Mapping[Any, float] | None = None,
    confidence: float = Rules.confidence,
    correction: str = Rules.correction,
    reading: Reading | None = None,
) -> Experiment:
    """Return what each variant of a page, an ad or a holdout has brought against the control, and how sure.

    A row is a user, assigned by chance to the variant in the column ``variant``. A metric that is 0 or 1 (or
    true or false, yes or no) everywhere is a rate, another a mean. A user without a value is left out of that
    metric and no other: null is not 0. With a column users a row counts several users of a variant, and
    metrics count those of them who converted. ``control`` may be a number or a boolean where the column holds
    such. ``customer`` names the column of who was assigned: it has to have one row, and who was shown several
    variants is set aside.

    Formula: difference = value - value_control; its interval is Newcombe's score interval for rates, Welch's
    for means; p_value is that of the pooled z test, or of Welch's t; the ratio's interval is that of Katz, or
    Fieller's; incremental = difference x users of the variant: what it brought. Of several variants, p-values
    are adjusted by Holm and intervals are widened to hold together (Bonferroni), metric by metric, unless
    ``correction`` is "none"; the column confidence is that of each single interval. What is not known is
    null, and ``reason`` says why.

    All who were assigned are tested (chi²) against ``planned_shares``, or against equal ones. ``planned`` is
    how many users each variant, the smallest one, was to have (``sample_size``).

    Raises:
        ParameterError: the control or a planned variant is not in the table, or an option is out of range.
        TableError: the table cannot be used, or a variant has no users, or none with a value of a metric.

    >>> counts = {"variant": ["new", "old"], "users": [1000, 1000], "conversions": [30, 20]}
    >>> found = experiment(pl.DataFrame(counts), control="old", metrics=["conversions"], planned=1000).table()
    >>> row = found.row(0, named=True)
    >>> {name: round(row[name], 4) for name in ("difference", "difference_low", "difference_high", "p_value")}
    {'difference': 0.01, 'difference_low': -0.0039, 'difference_high': 0.0243, 'p_value': 0.1521}
    >>> round(row["incremental"], 6)  # of the 30 who converted
    10.0
    """
    rules = Rules(confidence, correction, planned)
    found = assignment(table, variant, metrics, customer, reading)
    name = variant_of("control", control, found.users)
    shares = planned_of(found.users, planned_shares)
    warnings = [*found.table.warnings, *on_rows(found.table.count)]
    warnings += on_split(found.users, shares, planned_shares is not None)
    warnings += on_looks(found.users, shares, planned)
    rows = []
    for metric in found.metrics:
        samples = metric.samples
        kind = "rate" if isinstance(samples[name], Rate) else "mean"
        known = {"metric": metric.name, "kind": kind, "control": name}
        rows += [known | row for row in compared(samples, name, rules)]
        warnings += [*on_missing(found.users, metric), *on_few(metric, name)]
    schema = {
        name: pl.String if name in TEXT else pl.Int64 if name in COUNTS else pl.Float64 for name in COLUMNS
    }
    return Experiment(pl.DataFrame(rows, schema=schema), found.table.count, tuple(warnings))


def compared(
    samples: Mapping[str, Rate] | Mapping[str, Mean], control: str, rules: Rules
) -> list[dict[str, Any]]:
    """Return a row a variant other than the control, its cells by column."""
    names = [name for name in samples if name != control]
    alone = rules.correction == "none"
    level = rules.confidence if alone else simultaneous(rules.confidence, len(names))
    effects = [effect(samples[name], samples[control], level) for name in names]
    p_values = [each.p_value for each in effects]
    adjusted = p_values if alone else holm(p_values)
    return [
        {
            "variant": name,
            "users": samples[name].users,
            "users_control": samples[control].users,
            "value": each.value,
            "value_control": each.value_control,
            **spread("difference", each.difference, each.difference_ends),
            "standard_error": each.standard_error,
            **spread("ratio", each.ratio, each.ratio_ends),
            "p_value": each.p_value,
            "p_value_adjusted": p_value,
            **spread("incremental", each.difference, each.difference_ends, samples[name].users),
            "confidence": level,
            "reason": "; ".join(each.reasons) or None,
        }
        for name, each, p_value in zip(names, effects, adjusted, strict=True)
    ]


def effect(variant: Rate | Mean, control: Rate | Mean, confidence: float) -> Effect:
    """Return what the variant differs by, both rates or both means."""
    if isinstance(variant, Rate) and isinstance(control, Rate):
        return effect_on_rate(variant, control, confidence)
    if isinstance(variant, Mean) and isinstance(control, Mean):
        return effect_on_mean(variant, control, confidence)
    raise TypeError("a rate and a mean do not compare")


def spread(name: str, value: float | None, ends: Ends, times: int = 1) -> dict[str, float | None]:
    """Return a figure and the ends of its interval by column, so many times as large.

    >>> spread("difference", 0.5, (0.25, None), 4)
    {'difference': 2.0, 'difference_low': 1.0, 'difference_high': None}
    """
    cells = zip((name, f"{name}_low", f"{name}_high"), (value, *ends), strict=True)
    return {column: None if cell is None else times * cell for column, cell in cells}
