"""Orders: how many channels a chain should remember, judged by journeys that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from attribution.arrays import Float64
from attribution.errors import ParameterError, TableError
from attribution.statistics import Resampling, TransitionCounts, Transitions, total
from attribution.statistics.endings import Endings
from attribution.statistics.interning import distinct
from attribution.statistics.mergeable import summed
from attribution.statistics.observing import observe_folds
from attribution.stitched import Stitched


@dataclass(frozen=True, eq=False)
class OrderChoice:
    """The order that was chosen, the one with the highest likelihood, and how all of them did."""

    order: int
    best: int
    scores: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """Return a row an order.

        ``states`` of the chain; ``log_likelihood`` a held-out journey, in nats; ``shortfall``, what that is
        below the best order's; ``auc``, held out, and ``auc_in_sample``; a standard error beside each of the
        first three (null where there is but one group); ``chosen``.
        """
        return self.scores


@dataclass(frozen=True, eq=False)
class Trial:
    """How chains of o orders that learned from some groups did on h others, which they had not seen."""

    log_likelihoods: Float64  # [o, h] summed over a group's journeys
    journeys: Float64  # [h]
    ranked: Float64  # [o, h] pairs of a converting and a null journey of one group in the right order
    pairs: Float64  # [h]
    ranked_in_all: Float64  # [o] the same over pairs of any groups held out together
    pairs_in_all: float


def choose_order(
    journeys: Stitched,
    orders: Sequence[int] = range(1, 6),
    *,
    held_out: Stitched | None = None,
    groups: int = 10,
    threads: int | None = None,
) -> OrderChoice:
    """Return the smallest order whose held-out likelihood is within one standard error of the best.

    At order k a journey ends in the window w of its last k channels (all of them, if it is shorter) and
    converts with

        p_k(w) = (conversions_w + p_{k-1}(w')) / (journeys_w + 1),   p_0 = conversions / journeys,

    where w' is its window one order below: one journey's worth of what the shorter window knows. A window
    that was the whole journey one order below stays as it was. Fold i of the customers is in group
    i % groups; each group is judged by what the others teach or, with ``held_out``, all of its groups by
    ``journeys``. Of a held-out group with L the sum of y ln p + (1 - y) ln(1 - p) over its n journeys:

        log_likelihood = sum L / sum n,   shortfall = sum (L_best - L) / sum n,
        error of R = sum A / sum n: sqrt(g / (g - 1) sum (A - R n)^2) / sum n over g groups.

    The choice takes the error of the shortfall: what makes a group easy or hard is the same at every
    order and falls out. The AUC is the share of pairs of a converting and a null journey, judged by the
    same chain, that p puts in the right order, ties one half; ``auc_in_sample`` ranks the journeys by the
    plain ratio conversions_w / journeys_w of those same journeys. Journeys without touchpoints have no
    window and are left out. No digit depends on ``threads``.

    Raises:
        ParameterError: no order, an order or ``groups`` outside its range, too few folds for the groups.
        TableError: no conversion or no null journey to learn from, or to judge by.
        VocabularyError: the outcomes held out have other names.

    Source: Breiman, Friedman, Olshen, Stone (1984), "Classification and Regression Trees", section 3.4.3,
    and Hastie, Tibshirani, Friedman (2009), "The Elements of Statistical Learning", section 7.10 (one
    standard error); Hanley & McNeil (1982), "The meaning and use of the area under a ROC curve".

    >>> from attribution import from_paths
    >>> table = pl.DataFrame({"path": ["a", "b"], "conversions": [3, 1], "null": [1, 3]})
    >>> paths = from_paths(table, null="null")
    >>> (row,) = choose_order(paths, [1], held_out=paths).table().to_dicts()
    >>> round(row["log_likelihood"], 6), row["auc"]  # p is 0.7 after a, 0.3 after b: (3 ln 0.7 + ln 0.3) / 4
    (-0.568499, 0.75)
    """
    ks = checked(orders, groups)
    learned = grouped("journeys", journeys, groups, ks[-1], threads)
    if held_out is None:
        if len(learned) < groups:
            raise ParameterError(
                f"parameter 'groups': got {groups}, of which {groups - len(learned)} have no journeys with "
                "touchpoints, expected some in each: use fewer groups, or pass held_out="
            )
        ends = Endings.of(learned)
        trials = [(ends.select(rest), ends.select(~rest)) for rest in ~np.eye(groups, dtype=bool)]
        check_both_kinds("journeys", ends)
    else:
        judged = grouped("held_out", held_out, groups, ks[-1], threads)
        channels = sorted({*journeys.channels, *held_out.channels})
        ends = Endings.of([part.recode(channels) for part in (*learned, *judged)])
        known = np.arange(len(learned) + len(judged)) < len(learned)
        trials = [(ends.select(known), ends.select(~known))]
        check_both_kinds("held_out", ends.select(~known))
    for known_ends, _ in trials:
        check_both_kinds("journeys to learn from", known_ends)
    whole = total(learned)
    scores = pl.DataFrame(
        {
            "order": ks,
            "states": [len(distinct(whole.windows[:, :k])[0]) for k in ks],
            **judged_by_order([judge(*trial, ks) for trial in trials]),
            "auc_in_sample": [auc_in_sample(whole, k) for k in ks],
        }
    )
    return chosen(scores)


def checked(orders: Sequence[int], groups: int) -> list[int]:
    """Return the orders, each once and rising; ParameterError if they or the groups cannot be used."""
    whole = isinstance(orders, Sequence) and all(type(order) is int and order >= 1 for order in orders)
    if not whole or not len(orders):
        raise ParameterError.out_of_range("orders", orders, "whole numbers >= 1, at least one")
    if type(groups) is not int or groups < 2:
        raise ParameterError.out_of_range("groups", groups, "a whole number >= 2")
    return sorted(set(orders))


def grouped(
    where: str, journeys: Stitched, groups: int, order: int, threads: int | None
) -> list[TransitionCounts]:
    """Return what each group of folds counts, without the groups that have no journeys with touchpoints."""
    chain = Transitions(order)
    folds = journeys.folds if journeys.thinned is None else journeys.thinned(Resampling.seed)
    learned, _ = observe_folds(folds, (chain,), threads)
    parts = [total(learned[chain][group::groups]) for group in range(min(groups, len(folds)))]
    if not any(part.journeys for part in parts):
        raise TableError.of(where, "no journey has a touchpoint", "journeys", "check what was stitched")
    return [part for part in parts if part.journeys]


def check_both_kinds(where: str, ends: Endings) -> None:
    """Raise TableError unless some journeys convert and some do not: a chance of 0 or 1 has no likelihood."""
    for kind, count in (("conversion", ends.conversions), ("null journey", ends.nulls)):
        if not count.sum() > 0:
            raise TableError.of(
                where,
                f"no {kind} among the journeys with touchpoints",
                "conversions and null journeys, in more than one group of customers",
                "keep the customers who did not convert, and take a longer period or fewer groups",
            )


def judge(known: Endings, judged: Endings, orders: Sequence[int]) -> Trial:
    """Return how what the known groups teach at each order does on the judged ones."""
    by_order = known.chances(orders[-1])
    chances = [by_order[order] for order in orders]
    conversions, nulls = judged.conversions, judged.nulls
    together = conversions.sum(axis=0), nulls.sum(axis=0)
    return Trial(
        np.stack([(conversions * np.log(p) + nulls * np.log1p(-p)).sum(axis=1) for p in chances]),
        (conversions + nulls).sum(axis=1),
        np.array([[ranked(p, *group) for group in zip(conversions, nulls, strict=True)] for p in chances]),
        conversions.sum(axis=1) * nulls.sum(axis=1),
        np.array([ranked(p, *together) for p in chances]),
        float(together[0].sum() * together[1].sum()),
    )


def ranked(scores: Float64, conversions: Float64, nulls: Float64) -> float:
    """Return how many pairs of a conversion and a null the scores put in the right order, ties one half.

    >>> ranked(np.array([0.1, 0.4, 0.4]), np.array([0.0, 1.0, 1.0]), np.array([2.0, 0.0, 1.0]))
    5.0
    """
    met = conversions + nulls > 0
    levels, level = np.unique(scores[met], return_inverse=True)
    above, at = (summed(level, each[met], len(levels)) for each in (conversions, nulls))
    return float((above * (np.cumsum(at) - at / 2)).sum())


def auc_in_sample(counts: TransitionCounts, order: int) -> float:
    """Return the AUC of the plain ratio conversions / journeys of each window, where it was counted."""
    states, place = distinct(counts.windows[:, :order])
    conversions, nulls = (summed(place, each, len(states)) for each in (counts.ends[:, 0], counts.nulls))
    met = conversions + nulls > 0
    conversions, nulls = conversions[met], nulls[met]
    pairs = conversions.sum() * nulls.sum()
    return float(ranked(conversions / (conversions + nulls), conversions, nulls) / pairs)


def judged_by_order(trials: Sequence[Trial]) -> dict[str, Float64]:
    """Return the columns of the table that are held out, from all trials."""
    logs = np.hstack([trial.log_likelihoods for trial in trials])
    sizes = np.concatenate([trial.journeys for trial in trials])
    ranks = np.hstack([trial.ranked for trial in trials])
    pairs = np.concatenate([trial.pairs for trial in trials])
    means = logs.sum(axis=1) / sizes.sum()
    behind = logs[means.argmax()] - logs
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = sum(t.ranked_in_all for t in trials) / np.float64(sum(t.pairs_in_all for t in trials))
    return {
        "log_likelihood": means,
        "log_likelihood_error": standard_errors(logs, sizes),
        "shortfall": behind.sum(axis=1) / sizes.sum(),
        "shortfall_error": standard_errors(behind, sizes),
        "auc": auc,
        "auc_error": standard_errors(ranks, pairs),
    }


def standard_errors(parts: Float64, sizes: Float64) -> Float64:
    """Return the standard error of each row's sum of parts / sum of sizes over groups, NaN of fewer than two.

    >>> standard_errors(np.array([[1.0, 3.0]]), np.array([1.0, 1.0])).tolist()
    [1.0]
    """
    parts, sizes = parts[:, sizes > 0], sizes[sizes > 0]
    groups = len(sizes)
    if groups < 2:
        return np.full(len(parts), np.nan)
    left = parts - (parts.sum(axis=1) / sizes.sum())[:, None] * sizes
    return np.asarray(np.sqrt(groups / (groups - 1) * (left**2).sum(axis=1)) / sizes.sum())


def chosen(scores: pl.DataFrame) -> OrderChoice:
    """Return the choice: the smallest order that is behind the best by no more than the error of that."""
    scores = scores.with_columns(pl.selectors.float().fill_nan(None))
    near = scores.filter(pl.col("shortfall") <= pl.col("shortfall_error").fill_null(0.0))
    order, best = near["order"][0], near.sort("shortfall", maintain_order=True)["order"][0]
    return OrderChoice(order, best, scores.with_columns(chosen=pl.col("order") == order))
