"""The verb compare: models side by side, what channels do, and which differences are more than chance."""

from __future__ import annotations

from typing import Annotated

import polars as pl
from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.attribute import credited
from attribution.cli.progress import compiling
from attribution.cli.show import (
    cells_of,
    deliver,
    show_report,
    show_side_by_side,
    show_table,
    show_text,
    show_warnings,
)
from attribution.cli.sources import SourceOptions, Sources
from attribution.comparison import Comparison
from attribution.comparison import compare as compare_models
from attribution.models import parse_model
from attribution.statistics import Resampling
from attribution.tables import SUFFIXES


def compare(
    touchpoints: str | None = None,
    outcomes: str | None = None,
    /,
    *,
    model: options.Models = None,
    reference: Annotated[
        str | None, Parameter(help="Model that others are compared with; last_touch where it is there.")
    ] = None,
    outcome: Annotated[str | None, Parameter(help="Outcome that is compared; the first without it.")] = None,
    out: options.Out = None,
    intervals: options.Intervals = Resampling.intervals,
    draws: options.DrawOptions | None = None,
    json: options.Json = False,
    force: options.Force = False,
    threads: options.Threads = None,
    how: options.StitchOptions | None = None,
    others: SourceOptions | None = None,
    window: options.WindowOptions = None,
    reading: options.ReadingOptions = None,
) -> None:
    """Compare models: shares, ranks and differences with intervals, openers and closers, agreement.

    Sources and models are those of attribute.

    Parameters
    ----------
    touchpoints
        Table of customer_id, timestamp, channel: a Parquet, CSV or NDJSON file, or a glob.
    outcomes
        Table of customer_id, timestamp, and leads, wins, revenue where there are any.
    """
    sources = Sources.of(touchpoints, outcomes, others, how, window, reading)
    sources.check_targets([(out, SUFFIXES)])
    chosen = [parse_model(text) for text in model or ()]
    drawn = (draws or options.DrawOptions()).given(intervals)
    compiling()
    journeys, more = sources.observable()
    result = credited(journeys, chosen, threads, drawn)
    compared = compare_models(result, reference=reference, outcome=outcome)
    deliver(compared.table(), out, json, force, lambda: show(compared))
    show_report(more + result.report)
    show_warnings(compared.warnings)


def show(compared: Comparison) -> None:
    """Draw the tables: shares by model, the reference's channels, what channels do, and agreement."""
    share = f"share of {compared.outcome}"
    names = {f"share{end}": f"{share}{end}" for end in ("", "_low", "_high")}
    show_side_by_side(compared.models.rename(names), [share], share=True)
    if compared.models["alike"].null_count() < len(compared.models):
        at_reference = compared.models.filter(pl.col("model") == compared.reference)
        show_text(
            f"{compared.reference.replace('_', ' ')}: channels that cannot be told apart",
            ("channel", "ranks", "cannot be told apart from"),
            [
                (channel, f"{low} - {high}" if low < high else str(low), alike or "-")
                for channel, low, high, alike in at_reference.select(
                    "channel", "rank_low", "rank_high", "alike"
                ).iter_rows()
            ],
        )
    columns = ["channel", "disagreement", "opens", "assists", "closes", "role", "conversion_rate"]
    cells = [cells_of(compared.channels, name, share=True) for name in columns]
    show_table("what channels do", columns, zip(*cells, strict=True))
    show_text(
        "why models differ", ("channel", "reason"), compared.channels.select("channel", "reason").iter_rows()
    )
    if len(compared.agreement):
        pairs = compared.agreement.select("model", "other", "total_variation").iter_rows()
        between = {frozenset((one, other)): value for one, other, value in pairs}
        models = list(dict.fromkeys(compared.models["model"]))
        rows = [
            [one.replace("_", " "), *(between.get(frozenset((one, other))) for other in models)]
            for one in models
        ]
        show_table("total variation of shares", ["model", *models], rows, share=True)
