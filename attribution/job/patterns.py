"""The patterns of a job: models side by side, what its journeys look like, and what was spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from attribution.comparison import compare
from attribution.credits import Credits, Result
from attribution.graphs import transition_table
from attribution.job.inputs import Inputs
from attribution.job.loop import lag_of, spend_of
from attribution.job.sections import Job
from attribution.kpis.costs.cost_lines import cost_table
from attribution.patterns import path_lengths, path_table, time_lags
from attribution.statistics import PLAYED, RoleCounts
from attribution.stitched import Stitched


def pattern_tables(
    job: Job, inputs: Inputs, result: Result, journeys_here: Callable[[], Stitched]
) -> Iterator[tuple[str, pl.DataFrame, tuple[str, ...]]]:
    """Yield each of these tables that the job names: its file, rows and warnings."""
    outputs = job.outputs
    if outputs.comparison is not None:
        yield outputs.comparison, compared(result), ()
    if outputs.paths is not None:
        yield outputs.paths, path_table(journeys_here(), fewest_customers=outputs.fewest_customers), ()
    if outputs.path_lengths is not None:
        yield outputs.path_lengths, path_lengths(journeys_here()), ()
    if outputs.time_lags is not None:
        yield outputs.time_lags, time_lags(journeys_here()), ()
    if outputs.transitions is not None:
        yield outputs.transitions, transition_table(journeys_here()), ()
    if outputs.costs is not None:
        touchpoints = lag_of(job, inputs)["touchpoints"]
        money = spend_of(job, inputs)
        yield outputs.costs, cost_table(reading=inputs.reading, touchpoints=touchpoints, **money), ()


def compared(result: Result) -> pl.DataFrame:
    """Return the models side by side in the first outcome, no row where there is nothing of it to share."""
    credits = next(iter(result.values()))
    if credits.totals[0] > 0:
        return compare(result).table()
    nothing = Credits("", (), ("",), np.zeros((0, 1)), np.ones(1))
    roles = RoleCounts((), ("",), np.zeros((0, PLAYED)))
    return compare(replace(result, credits={"": nothing}, roles=roles)).table()
