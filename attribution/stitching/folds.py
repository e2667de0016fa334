"""Folds: the checked tables as folds of customers, or of accounts, each assembled where it is observed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np
import polars as pl

from attribution.channels import vocabulary
from attribution.journeys import Journeys
from attribution.stitched import Batch, Stitched, StitchReport
from attribution.stitching.accounts import Accounts, accounts_of
from attribution.stitching.assemble import Cut, assembled
from attribution.stitching.partition import Partitions, partition_bits_for, scattered
from attribution.stitching.rows import outcome_rows, touchpoint_rows
from attribution.stitching.window import Window
from attribution.tables import Checked, Origin

KEPT = 1 << 20  # touchpoints whose journeys stay when they were assembled; more are assembled whenever asked


@dataclass(frozen=True)
class Layout:
    """How rows are scattered; no digit depends on it."""

    chunk_rows: int = 1_000_000
    partitions: int | None = None  # a power of two >= 256; by the number of rows without it


def won_before(ended: Checked) -> dict[str, int]:
    """Return the note of outcomes that were won before their time; a win at midnight may be that of a day."""
    if "won_at" not in ended.used.columns:
        return {}
    won, time = pl.col("won_at"), pl.col("timestamp")
    day = won == won.dt.truncate("1d")
    before = ended.used.select((won < pl.when(day).then(time.dt.truncate("1d")).otherwise(time)).sum()).item()
    return {"negative_delay": before} if before else {}


def joined(
    touched: Checked,
    ended: Checked,
    outcome_names: tuple[str, ...],
    window: Window,
    end_of_data: int,
    warnings: tuple[str, ...],
    layout: Layout,
    fold_bits: int,
    origins: Mapping[str, Origin],
) -> Stitched:
    """Return the folds of two checked tables."""
    channels, clean, alike = vocabulary(touched.used["channel"], touched.where)
    accounts = accounts_of(touched, ended)
    rows, below_sequence = touchpoint_rows(touched, clean, channels, accounts)
    ends, values = outcome_rows(ended, outcome_names, accounts)
    bits = (layout.partitions or 1 << partition_bits_for(len(rows), fold_bits)).bit_length() - 1
    cut = Cut(
        channels,
        outcome_names,
        values,
        window.lookback,
        window.restart,
        window.youngest(end_of_data),
        below_sequence,
        window.most,
        fold_bits,
    )
    kept: Callable[[Callable[[], Batch]], Callable[[], Batch]] = (
        cache if len(rows) <= KEPT else lambda assemble: assemble
    )
    folds = Folds(
        scattered(rows, layout.chunk_rows, bits, fold_bits),
        scattered(ends, layout.chunk_rows, fold_bits, fold_bits),
        cut,
        touched.frame["customer_id"],
        ended.frame["customer_id"],
        accounts,
    )
    aside = {table.table: table.aside for table in (touched, ended)}
    return Stitched(
        channels,
        outcome_names,
        [kept(partial(folds.assemble, number)) for number in range(1 << fold_bits)],
        StitchReport(
            aside, {}, {**won_before(ended), **accounts.notes}, (*warnings, *alike, *accounts.warnings)
        ),
        folds.names,
        origins=origins,
        rejected=pl.concat([touched.rejected, ended.rejected]),
        owners="accounts" if accounts.known else "customers",
        lookback_days=window.lookback_days if window.restart and window.max_touchpoints is None else None,
        until=end_of_data,
    )


@dataclass(frozen=True, eq=False)
class Folds:
    """What the folds are assembled from."""

    touchpoints: Partitions
    outcomes: Partitions
    cut: Cut
    touched: pl.Series  # customer_id by row of the touchpoints
    ended: pl.Series  # customer_id by row of the outcomes
    accounts: Accounts

    def assemble(self, number: int) -> Batch:
        """Return the batch of one fold."""
        touched, ended = self.touchpoints.fold(number), self.outcomes.fold(number)
        return Batch(*assembled(touched, ended, self.cut)) if len(touched) or len(ended) else self.nothing

    @cached_property
    def nothing(self) -> Batch:
        """The batch of a fold without rows: of few customers most are so."""
        return Batch(
            *assembled(self.touchpoints.chunks[0].cut(0, 0), self.outcomes.chunks[0].cut(0, 0), self.cut)
        )

    def names(self, _: int, journeys: Journeys) -> pl.DataFrame:
        """Return journey_id (customer / ordinal), customer_id, and account_id where accounts are known."""
        assert journeys.outcome_row is not None
        assert journeys.touchpoint_row is not None
        converting = journeys.outcome_row >= 0
        null, ended = np.flatnonzero(~converting), np.flatnonzero(converting)
        first = journeys.touchpoint_row[journeys.offsets[null]]
        customers = pl.concat(
            [
                self.touched.gather(first).cast(pl.String),
                self.ended.gather(journeys.outcome_row[ended]).cast(pl.String),
            ]
        )
        place = np.argsort(np.concatenate([null, ended]))
        ordinal = pl.int_range(1, pl.len() + 1).over("customer_id")
        owned = customers.gather(place).alias("customer_id")
        named = owned.to_frame().select(
            pl.format("{}/{}", "customer_id", ordinal).alias("journey_id"), "customer_id"
        )
        return (
            named.with_columns(self.accounts.of(owned).alias("account_id")) if self.accounts.known else named
        )
