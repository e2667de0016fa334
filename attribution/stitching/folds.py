"""Folds: the checked tables as folds of customers, or of accounts, each assembled where it is observed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property, partial

import numpy as np
import polars as pl

from attribution.journeys import Journeys
from attribution.stitched import Batch, Stitched, StitchReport
from attribution.stitching.assemble import Cut, assembled
from attribution.stitching.buffers import Buffer, InMemory
from attribution.stitching.hashing import SEED
from attribution.stitching.partition import Partitions, scattered
from attribution.stitching.rows import outcome_chunk
from attribution.stitching.touchpoints import Touchpoints
from attribution.stitching.window import Window
from attribution.tables import Checked, Origin

KEPT = 1 << 20  # touchpoints whose journeys stay when they were assembled; more are assembled whenever asked


def won_before(ended: Checked, zone: str) -> dict[str, int]:
    """Return the note of outcomes won before their time; a win at local midnight may be that of a day."""
    if "won_at" not in ended.used.columns:
        return {}
    won, time = pl.col("won_at"), pl.col("timestamp")
    local_won, local_time = (
        each.dt.convert_time_zone(zone).dt.replace_time_zone(None) for each in (won, time)
    )
    same_day = local_won == local_time.dt.truncate("1d")
    before = ended.used.select(((won < time) & ~same_day).sum()).item()
    return {"negative_delay": before} if before else {}


def joined(
    touched: Touchpoints,
    ended: Checked,
    outcome_names: tuple[str, ...],
    window: Window,
    end_of_data: int,
    warnings: tuple[str, ...],
    fold_bits: int,
    origins: Mapping[str, Origin],
) -> Stitched:
    """Return the folds of the scattered touchpoints and the checked outcomes."""
    accounts = touched.accounts
    chunk, values = outcome_chunk(ended, outcome_names, accounts)
    columns: dict[str, Buffer] = {
        name: InMemory(np.empty(len(each), each.dtype)) for name, each in chunk.columns.items()
    }
    cut = Cut(
        touched.channels,
        outcome_names,
        values,
        window.lookback,
        window.restart,
        window.youngest(end_of_data),
        touched.below_sequence,
        window.most,
        fold_bits,
    )
    folds = Folds(
        touched, scattered([lambda: iter([chunk])], columns, fold_bits), cut, ended.frame["customer_id"]
    )
    aside = {"touchpoints": touched.aside, "outcomes": ended.aside}
    zone = origins["outcomes"].reading.timezone or "UTC"
    notes = {**won_before(ended, zone), **accounts.notes}
    settings = {**asdict(window), "hash_seed": SEED}
    if window.maturity_days is not None:  # which journeys are ripe depends on it
        settings["end_of_data"] = end_of_data
    plain = Stitched(
        touched.channels,
        outcome_names,
        folds.all,
        StitchReport(aside, {}, notes, (*warnings, *touched.alike, *accounts.warnings)),
        folds.names,
        origins=origins,
        rejected=pl.concat([touched.rejected, ended.rejected]),
        owners="accounts" if accounts.known else "customers",
        lookback_days=window.lookback_days if window.restart and window.max_touchpoints is None else None,
        until=end_of_data,
        settings=settings,
    )
    return plain if touched.has_rows else replace(plain, trace=partial(traced, plain, folds))


def traced(stitched: Stitched, folds: Folds) -> Stitched:
    """Return the same journeys with the row numbers of their touchpoints."""
    known = replace(folds, touchpoints=folds.touchpoints.with_rows())
    return replace(stitched, folds=known.all, name=known.names, trace=None)


@dataclass(frozen=True, eq=False)
class Folds:
    """What the folds are assembled from."""

    touchpoints: Touchpoints
    outcomes: Partitions
    cut: Cut
    ended: pl.Series  # customer_id by row of the outcomes

    @property
    def all(self) -> Sequence[Callable[[], Batch]]:
        """Every fold, to be assembled; what was is kept where there is little of it."""
        assemble = [partial(self.assemble, number) for number in range(1 << self.cut.fold_bits)]
        return [cache(each) for each in assemble] if self.touchpoints.pieces.rows <= KEPT else assemble

    def assemble(self, number: int) -> Batch:
        """Return the batch of one fold."""
        touched, ended = self.touchpoints.partitions.fold(number), self.outcomes.fold(number)
        return Batch(*assembled(touched, ended, self.cut)) if len(touched) or len(ended) else self.nothing

    @cached_property
    def nothing(self) -> Batch:
        """The batch of a fold without rows: of few customers most are so."""
        nowhere = [(0, 0)]
        return Batch(
            *assembled(self.touchpoints.partitions.rows(nowhere), self.outcomes.rows(nowhere), self.cut)
        )

    @cached_property
    def touched(self) -> pl.Series:
        """The customer_id by row of the touchpoints."""
        return self.touchpoints.customers

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
        accounts = self.touchpoints.accounts
        owned = customers.gather(place).alias("customer_id")
        named = owned.to_frame().select(
            pl.format("{}/{}", "customer_id", ordinal).alias("journey_id"), "customer_id"
        )
        return named.with_columns(accounts.of(owned).alias("account_id")) if accounts.known else named
