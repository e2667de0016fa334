"""Plans: what a budget brings, as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from attribution.cli.show import NAME, harmless, show_table


def show_allocation(table: pl.DataFrame) -> None:
    """Print a plan: the spend of each channel now and then, what it brings, and why."""
    name = next(each for each in table.columns if each.endswith("_expected")).removesuffix("_expected")
    model, unit = table.select("model", "period").row(0)
    columns = {
        "channel": table["channel"],
        "spend_now": table["spend_now"],
        "spend_proposed": table["spend_proposed"],
        "change": [f"{each:+,.2f}" if each else "0.00" for each in table["change"]],  # to the cent
        f"{name}_now": table[f"{name}_now"],
        f"{name}_expected": spans(table, f"{name}_expected"),
        "gain": spans(table, "gain", "+"),
        "marginal_cost_now": table["marginal_cost_now"],
        "marginal_cost_proposed": table["marginal_cost_proposed"],
    }
    show_table(model, list(columns), zip(*columns.values(), strict=True))
    print_lines(
        [
            f"spend and {name} are those of a {unit}; {name} now: what the curves tell of the spend now",
            *sentences(table, "reason"),
            *sentences(table, "models_disagree", "other models would move it the other way: "),
        ]
    )


def show_estimates(table: pl.DataFrame, about: str) -> None:
    """Print a table of estimates with their intervals, what it is about, and the reasons."""
    ends = {f"{name}{end}" for name in table.columns for end in ("_low", "_high")}
    names = [name for name in table.columns if name not in ends | {"model", "period", "reason"}]
    cells = [spans(table, name) if f"{name}_low" in table.columns else table[name] for name in names]
    show_table(table["model"][0], names, zip(*cells, strict=True))
    print_lines([about, *(sentences(table, "reason") if "reason" in table.columns else [])])


def told_of(table: str, unit: str) -> str:
    """Return what the figures of a table of the curves are about."""
    return {
        "response": f"spend and outcomes are those of a {unit}; usual spend is the mean of all {unit}s",
        "curve": f"spend and outcomes are those of a {unit}; seen: between the least and the most so far",
        "backtest": "sums over the last periods; error: expected less credited; error unchanged: that of "
        "the mean before, as if spend made no difference",
    }[table]


def spans(table: pl.DataFrame, name: str, sign: str = "") -> list[str | None]:
    """Return the cells of a column with the ends of their intervals, which go below where it gets wide.

    >>> spans(pl.DataFrame({"leads": [2.0], "leads_low": [1.25], "leads_high": [3.0]}), "leads")
    ['2.00 (1.25 to 3.00)']
    """
    cells = [None if each is None else figure(each, sign) for each in table[name]]
    if f"{name}_low" not in table.columns:
        return cells
    told: list[str | None] = []
    for cell, low, high in zip(cells, table[f"{name}_low"], table[f"{name}_high"], strict=True):
        if cell is None or low is None:
            told.append(cell)
            continue
        interval = f"({figure(low)} to {figure(high)})"
        told.append(f"{cell}{' ' if len(cell) + len(interval) < NAME else chr(10)}{interval}")
    return told


def figure(value: float, sign: str = "") -> str:
    """Return a number with two decimals, from a thousand on without.

    >>> figure(12.345), figure(-1234.5, "+")
    ('12.35', '-1,234')
    """
    return f"{value:{sign},.{0 if abs(value) >= 1000 else 2}f}" if value else "0.00"


def sentences(table: pl.DataFrame, column: str, before: str = "") -> list[str]:
    """Return what a column says of each channel, a line for each of which it says something."""
    pairs: Sequence[tuple[str, str | None]] = table.select("channel", column).rows()
    return [f"{channel}: {before}{said}" for channel, said in pairs if said is not None]


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text, nothing in them able to steer a terminal."""
    for line in lines:
        print(harmless(line))
