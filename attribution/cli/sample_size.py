"""The verb sample-size: how many users an experiment needs, or what so many would show."""

from __future__ import annotations

from typing import Annotated, Any

import polars as pl
from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.experiment import change, figure
from attribution.cli.show import deliver, show_table
from attribution.errors import ParameterError
from attribution.experiments import Setting, detectable, plan_of
from attribution.experiments import sample_size as sample_size_of


def sample_size(
    *,
    baseline: Annotated[float, Parameter(help="Rate of the control, or its mean.")],
    difference: Annotated[
        float | None, Parameter(help="Difference to be shown. Without it: the least that --users show.")
    ] = None,
    power: Annotated[
        float | None, Parameter(help="How often it is to be shown, 0.8 without it (>= 0.5 and < 1).")
    ] = None,
    users: Annotated[
        int | None, Parameter(help="Users of each variant: tell their power, or what they show.")
    ] = None,
    setting: options.SettingOptions = None,
    out: options.Out = None,
    json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Plan an experiment: users for a difference and a power, power of users, or the least difference."""
    given = options.given(setting, Setting)
    wanted: dict[str, Any] = {} if power is None else {"power": power}
    if users is None:
        if difference is None:
            raise ParameterError("--difference is missing: name it, or --users for the least that they show")
        plan = sample_size_of(baseline, difference, **wanted, **given)
    elif difference is None:
        least = detectable(baseline, users, **wanted, **given)
        plan = plan_of(baseline, least, users, Setting(**given))
    elif power is None:
        plan = plan_of(baseline, difference, users, Setting(**given))
    else:
        raise ParameterError("got --difference, --users and --power, of which two decide the third")
    table = plan.table()
    deliver(table, out, json, force, lambda: show_plan(table))


def show_plan(table: pl.DataFrame) -> None:
    """Print the plan, a line a figure."""
    (row,) = table.rows(named=True)
    spread = row["standard_deviation"]
    lines = [
        ("baseline", figure(row["baseline"], row["kind"])),
        ("difference", change(row["difference"], row["kind"])),
        *([] if spread is None else [("standard deviation", figure(spread, "mean"))]),
        ("power", f"{100 * row['power']:.1f} %"),
        ("confidence", f"{100 * row['confidence']:.4g} %"),
        ("comparisons", f"{row['comparisons']:,}"),
        ("users of the control", f"{row['users_control']:,}"),
        ("users of each variant", f"{row['users_variant']:,}"),
        ("users", f"{row['users']:,}"),
    ]
    show_table(f"plan for a {row['kind']}", ("figure", "value"), lines)
