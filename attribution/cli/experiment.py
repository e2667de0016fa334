"""The verb experiment: every variant of an A/B test or a holdout against its control."""

from __future__ import annotations

from typing import Annotated, Any

import polars as pl
from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import deliver, say, show_table, show_warnings
from attribution.errors import ParameterError
from attribution.experiments import Rules
from attribution.experiments import experiment as experiment_of
from attribution.tables import Reading, check_target

SHOWN = (
    *("metric", "variant", "users", "value", "value control", "difference", "ratio"),
    *("p value", "p adjusted", "incremental"),
)


def experiment(
    table: str,
    /,
    *,
    control: Annotated[str, Parameter(help="Variant that the others are compared with.")],
    variant: Annotated[str, Parameter(help="Column of what each user was shown.")] = "variant",
    metric: Annotated[
        list[str] | None,
        Parameter(help="Numeric column that is compared; may be repeated (conversion).", negative=""),
    ] = None,
    customer: Annotated[
        str | None, Parameter(help="Column of who was assigned: a customer of several variants is set aside.")
    ] = None,
    planned_shares: Annotated[
        str | None, Parameter(help="Shares of the users that were planned, as VARIANT=SHARE,...")
    ] = None,
    rules: options.RuleOptions = None,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
    reading: options.ReadingOptions = None,
) -> None:
    """Compare variants of a page, an ad or a holdout with their control: rates, means, what they brought.

    Parameters
    ----------
    table
        Table with a row a user, or with a column users and counts of those who converted, by variant.
    """
    if out is not None:
        check_target(out, (table,))
    made = experiment_of(
        table,
        variant=variant,
        control=control,
        metrics=metric or ["conversion"],
        customer=customer,
        planned_shares=shares_of(planned_shares),
        **options.given(rules, Rules),
        reading=Reading(**options.given(reading, Reading)),
    )
    found = made.table()
    deliver(found, out, json, force, lambda: show_comparisons(found))
    say(
        f"experiment: {made.rows.read:,} rows read, {made.rows.used:,} used; "
        f"each interval is one of {100 * found['confidence'][0]:.4g} %"
    )
    for name, each, reason in found.select("metric", "variant", "reason").drop_nulls().iter_rows():
        say(f"{name} of {each}: {reason}")
    show_warnings(made.warnings)


def shares_of(text: str | None) -> dict[str, float] | None:
    """Return the shares that VARIANT=SHARE,... stands for.

    >>> shares_of("a=50,b=1=50")  # the last sign of a part is the one before its share
    {'a': 50.0, 'b=1': 50.0}
    """
    if text is None:
        return None
    pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
    names = [name.strip() for name, _, _ in pairs]
    if len({*names}) < len(names):
        raise ParameterError.out_of_range("--planned-shares", text, "each variant once")
    try:
        shares = [float(share) for _, _, share in pairs]
    except ValueError:
        shares = []
    if not (all(names) and shares):
        expected = "VARIANT=SHARE with numbers, separated by commas"
        raise ParameterError.out_of_range("--planned-shares", text, expected)
    return dict(zip(names, shares, strict=True))


def show_comparisons(table: pl.DataFrame) -> None:
    """Print a row a metric and variant, intervals below their figures."""
    rows = [
        (
            row["metric"],
            row["variant"],
            f"{row['users']:,}",
            figure(row["value"], row["kind"]),
            figure(row["value_control"], row["kind"]),
            between(row, "difference", lambda value, kind=row["kind"]: change(value, kind)),
            between(row, "ratio", lambda value: f"{value:.2f}"),
            chance(row["p_value"]),
            chance(row["p_value_adjusted"]),
            between(row, "incremental", lambda value: f"{value:,.1f}"),
        )
        for row in table.rows(named=True)
    ]
    show_table(f"against {table['control'][0]}", SHOWN, rows, keep=2)


def figure(value: float, kind: str) -> str:
    """Return a rate in percent, and a mean as a number.

    >>> figure(0.01253, "rate"), figure(1234.5, "mean"), figure(0.0004567, "mean")
    ('1.253 %', '1,234.50', '0.0004567')
    """
    if kind == "rate":
        return f"{100 * value:.3f} %"
    return f"{value:,.2f}" if abs(value) >= 1 or not value else f"{value:.4g}"


def change(value: float, kind: str) -> str:
    """Return a difference of rates in percentage points, and one of means as a number, with its sign.

    >>> change(0.0068, "rate"), change(-1.5, "mean")
    ('+0.680 points', '-1.50')
    """
    if kind == "rate":
        return f"{100 * value:+.3f} points"
    return ("+" if value > 0 else "") + figure(value, kind)


def between(row: dict[str, Any], name: str, told: Any) -> str:
    """Return a figure with the ends of its interval below it."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if value is None:
        return "-"
    if low is None:
        return str(told(value))
    low, high = (told(end).removesuffix(" points") for end in (low, high))
    return f"{told(value)}\n{low} to {high}"


def chance(p_value: float | None) -> str:
    """Return a p-value as a person reads it.

    >>> chance(0.0312), chance(1e-9), chance(None)
    ('0.0312', '< 0.0001', '-')
    """
    if p_value is None:
        return "-"
    return f"{p_value:.4f}" if p_value >= 0.0001 else "< 0.0001"
