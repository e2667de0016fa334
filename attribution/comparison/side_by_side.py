"""Side by side: what models say of each channel, where they agree, and what is more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.channels import label
from attribution.comparison.apart import name_alike, tell_apart
from attribution.comparison.shares import DIGITS, Shares, ranked, shares_of
from attribution.comparison.words import explained
from attribution.credits import Result
from attribution.errors import ParameterError

REFERENCE = "last_touch"
ROLES = ("opens", "assists", "closes")
UNSEEN = 2.0  # journeys of a channel that may have ended otherwise: a rate of 0 has draws that are all 0
EVEN = np.array([0.25, 0.5, 0.25])  # what a channel without a place of its own has in each part of a journey


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models compared over the same journeys, as tables.

    ``models``: model, channel, share of all outcomes, rank, difference of the share from that of the
    reference, and ``alike``: the channels that it cannot be told apart from in this model.
    ``channels``: per channel the least and the greatest share, their difference (``disagreement``),
    how often it opens, assists (neither opens nor closes) and closes the converting journeys that met
    it, where its credit under equal weights lies (first quarter, middle half, last quarter of the
    journey) and the ``role`` which that is (null where it has no place of its own), journeys,
    conversion rate, and a sentence.
    ``agreement``: for each pair of models the rank correlation (Spearman) and the total variation
    distance, half the sum of the absolute differences of their shares. Intervals are in _low and
    _high, null where the result has no replicates.
    """

    outcome: str
    reference: str
    models: pl.DataFrame
    channels: pl.DataFrame
    agreement: pl.DataFrame
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return a row a model and channel, with what the channel does beside what the model makes of it."""
        return self.models.join(self.channels, on="channel", how="left", maintain_order="left")


def compare(result: Result, *, reference: str | None = None, outcome: str | None = None) -> Comparison:
    """Return the models of a result side by side, in an outcome (the first without a name).

    The reference is last touch, or the first model where that is not among them. Whether two channels
    can be told apart is asked of all pairs together, so that looking at many raises no false alarm.

    Raises:
        ParameterError: there is no such model or outcome.
        TableError: there is no outcome to share.

    >>> from attribution import FirstTouch, LastTouch, attribute, from_paths
    >>> paths = pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [3, 1], "null": [1, 3]})
    >>> compared = compare(attribute(from_paths(paths, null="null"), FirstTouch(), LastTouch()))
    >>> compared.table().select("model", "channel", "share", "difference").rows()[:2]
    [('first_touch', 'ads', 0.75, 0.75), ('first_touch', 'mail', 0.25, -0.75)]
    """
    if result.roles is None:
        raise ParameterError("got credits without their journeys, expected the result of at.attribute")
    shares = shares_of(result, outcome)
    if reference is None:
        reference = REFERENCE if REFERENCE in shares.models else shares.models[0]
    if reference not in shares.models:
        raise ParameterError.unknown("model", reference, shares.models)
    return Comparison(
        shares.outcome,
        reference,
        pl.concat([model_table(shares, place, reference) for place in range(len(shares.models))]),
        channel_table(shares, result),
        agreement_table(shares),
        result.warnings,
    )


def with_ends(shares: Shares, name: str, values: Float64, drawn: Float64 | None) -> dict[str, pl.Series]:
    """Return a figure as a column, with its ends where there are replicates [R, ...] of it."""
    unknown = np.full(len(values), np.nan)
    low, high = (unknown, unknown) if drawn is None else shares.bounds(drawn)
    return {
        key: pl.Series(np.asarray(column, dtype=np.float64), nan_to_null=True)
        for key, column in ((name, values), (f"{name}_low", low), (f"{name}_high", high))
    }


def model_table(shares: Shares, place: int, reference: str) -> pl.DataFrame:
    """Return one model's shares, ranks and differences, channels in order of rank."""
    other = shares.models.index(reference)
    values, drawn = shares.values[place], None if shares.drawn is None else shares.drawn[place]
    base = None if shares.drawn is None else shares.drawn[other]
    places = None if drawn is None else np.where(np.isnan(drawn), np.nan, ranked(drawn))
    rank = with_ends(shares, "rank", shares.ranks[place], places)
    ends = {"rank": pl.Series.round, "rank_low": pl.Series.floor, "rank_high": pl.Series.ceil}
    table = pl.DataFrame(
        {
            "model": pl.Series([shares.models[place]] * len(values), dtype=pl.String),
            "channel": pl.Series(list(map(label, shares.channels)), dtype=pl.String),
            **with_ends(shares, "share", values, drawn),
            **{name: to_whole(rank[name]).cast(pl.Int64) for name, to_whole in ends.items()},
            **with_ends(
                shares,
                "difference",
                values - shares.values[other],
                None if drawn is None or base is None else drawn - base,
            ),
            "alike": pl.Series(alike(shares, values, drawn), dtype=pl.String),
        }
    )
    return table.sort("rank")


def alike(shares: Shares, values: Float64, drawn: Float64 | None, least: Float64 | None = None) -> list[Any]:
    """Return the channels that each cannot be told apart from, None where there are no replicates."""
    if drawn is None or shares.resampling is None:
        return [None] * len(values)
    apart = tell_apart(values, drawn, shares.resampling.intervals, least)
    return list(name_alike(list(map(label, shares.channels)), apart))


def channel_table(shares: Shares, result: Result) -> pl.DataFrame:
    """Return what each channel does in journeys and what models make of it, most disputed first."""
    counts, drawn = result.roles.counts, None if shares.resampling is None else result.role_replicates
    met, conversions, by_role, parts = counts[:, 0], counts[:, 1], counts[:, [2, 4, 3]], counts[:, 5:8]
    spread = shares.values.max(axis=0) - shares.values.min(axis=0)
    spreads = None if shares.drawn is None else shares.drawn.max(axis=0) - shares.drawn.min(axis=0)
    acts, where = part_of(by_role, conversions), part_of(parts, parts.sum(axis=1))
    rates, drawn_rates = (
        part_of(conversions, met),
        None if drawn is None else part_of(drawn[..., 1], drawn[..., 0]),
    )
    played = [
        None if np.isnan(row).any() or np.allclose(row, EVEN) else ROLES[int(np.argmax(row / EVEN))]
        for row in where
    ]
    columns: dict[str, Any] = {
        "channel": pl.Series(list(map(label, shares.channels)), dtype=pl.String),
        "share_least": shares.values.min(axis=0),
        "share_most": shares.values.max(axis=0),
        **with_ends(shares, "disagreement", spread, spreads),
        **{name: pl.Series(acts[:, i], nan_to_null=True) for i, name in enumerate(ROLES)},
        **{
            name: pl.Series(where[:, i], nan_to_null=True)
            for i, name in enumerate(("first_quarter", "middle", "last_quarter"))
        },
        "role": pl.Series(played, dtype=pl.String),
        "journeys": met,
        "conversions": conversions,
        **with_ends(shares, "conversion_rate", rates, drawn_rates),
        "rate_alike": pl.Series(
            alike(shares, rates, drawn_rates, part_of(np.full_like(met, UNSEEN), met)), dtype=pl.String
        ),
        "disputed": pl.Series([disputed(shares, i) for i in range(len(shares.channels))], dtype=pl.Boolean),
        "reason": pl.Series(
            [reason(shares, place, acts[place]) for place in range(len(shares.channels))], dtype=pl.String
        ),
    }
    return pl.DataFrame(columns).sort("disagreement", "channel", descending=[True, False])


def part_of(parts: Float64, wholes: Float64) -> Float64:
    """Return parts / wholes along the first axis, NaN where there is nothing."""
    below = wholes if parts.ndim == wholes.ndim else wholes[:, None]
    return np.asarray(np.divide(parts, below, out=np.full(parts.shape, np.nan), where=below != 0))


def disputed(shares: Shares, place: int) -> bool | None:
    """Return whether two models differ on a channel by more than chance; None without replicates."""
    if shares.drawn is None:
        return None
    most, least = int(shares.values[:, place].argmax()), int(shares.values[:, place].argmin())
    low, high = shares.bounds(shares.drawn[most, :, place] - shares.drawn[least, :, place])
    return not low <= 0 <= high


def reason(shares: Shares, place: int, acts: Float64) -> str:
    """Return why models differ on a channel, or that they agree: no difference of two is more than chance."""
    agree = disputed(shares, place) is False
    opens, _, closes = (None if np.isnan(part) else float(part) for part in acts)
    given = dict(zip(shares.models, shares.values[:, place].tolist(), strict=True))
    return explained(given, opens, closes, shares.outcome, agree)


def agreement_table(shares: Shares) -> pl.DataFrame:
    """Return rank correlation and total variation distance of each pair of models."""
    pairs = list(combinations(range(len(shares.models)), 2))
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    drawn = shares.drawn
    return pl.DataFrame(
        {
            "model": pl.Series([shares.models[a] for a in left], dtype=pl.String),
            "other": pl.Series([shares.models[b] for b in right], dtype=pl.String),
            "rank_correlation": pl.Series(
                [rank_correlation(shares.values[a], shares.values[b]) for a, b in pairs], dtype=pl.Float64
            ),
            **with_ends(
                shares,
                "total_variation",
                np.array([distance(shares.values[a], shares.values[b]) for a, b in pairs]),
                None
                if drawn is None or not pairs
                else np.stack([distance(drawn[a], drawn[b]) for a, b in pairs], axis=1),
            ),
        }
    )


def distance(left: Float64, right: Float64) -> Any:
    """Return the total variation distance of shares along the last axis."""
    return np.abs(left - right).sum(axis=-1) / 2


def rank_correlation(left: Float64, right: Float64) -> float | None:
    """Return Spearman's rank correlation of shares, None where one of the two ranks nothing."""
    left, right = left.round(DIGITS), right.round(DIGITS)
    if len(set(left)) < 2 or len(set(right)) < 2:
        return None
    pair = pl.DataFrame({"left": left, "right": right})
    return float(pair.select(pl.corr("left", "right", method="spearman")).item())
