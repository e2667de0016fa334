"""Trials: what is run against what, in one interleaved row of whole processes; only its ratios carry over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.cases import Case, million, thousand
from benchmarks.contenders import RULES, SIX

GLOBAL_1 = "markov:share=global,name=markov_global_1"
GLOBAL_2 = "markov:order=2,share=global,name=markov_global_2"
PROCESS, SECOND_CALL, SHARE, SECOND_SHARE = "process", "second call", "share", "second share"


@dataclass(frozen=True)
class Entry:
    """One contender on one case."""

    name: str
    case: Case | None = None
    contender: str = "ours"
    options: Mapping[str, Any] = field(default_factory=dict)
    timed: str = (
        PROCESS  # or a part of it that is timed inside: the second call, or sharing without preparing
    )
    command: tuple[str, ...] = ()  # what python runs instead of a contender
    cold: bool = False  # with an empty cache of kernels, as after an install
    rounds: int = 5
    slow: bool = False  # left out of a quick run
    seconds: float = 900  # after which it is stopped


@dataclass(frozen=True)
class Trial:
    """Entries that take turns, and the models by which ours tells whether the others agree."""

    name: str
    entries: tuple[Entry, ...]
    quick: bool = False
    models: tuple[str, ...] = (*SIX, GLOBAL_1)

    def quickly(self) -> Trial:
        """Return the trial of a quick run."""
        return replace(
            self, entries=tuple(replace(e, rounds=min(e.rounds, 2)) for e in self.entries if not e.slow)
        )


def race(case: Case, *, rounds: int = 5, slow: bool = True, others: int = 3) -> tuple[Entry, ...]:
    """Return all that share the case by six models, and the floor."""
    return (
        Entry("ours", case, rounds=rounds),
        Entry("duckdb", case, "duckdb_sql", rounds=rounds),
        Entry("polars", case, "polars_frames", rounds=rounds),
        Entry("decode only", case, "decode_only", rounds=rounds),
        Entry("polars + ChannelAttribution", case, "channel_attribution", rounds=others, slow=slow),
    )


def mam(case: Case, rounds: int, slow: bool) -> Entry:
    """Return marketing-attribution-models on a case."""
    name = "polars + marketing-attribution-models"
    return Entry(name, case, "marketing_attribution_models", rounds=rounds, slow=slow)


def on_spark(case: Case) -> tuple[Entry, ...]:
    """Return ours in one process, and what shares the case in a session that has begun."""
    return (
        Entry("ours", case, rounds=3),
        Entry("ours on Spark", case, "ours_on_spark", timed=SHARE, rounds=3),
        Entry("Spark SQL", case, "spark_sql", timed=SHARE, rounds=3),
    )


def skew(name: str, case: Case, **options: Any) -> tuple[Entry, ...]:
    """Return ours on a case, timed in the second call, and DuckDB to tell whether it is right."""
    ours = Entry(name, case, timed=SECOND_CALL, options=options)
    return (ours,) if options else (ours, Entry(f"{name}, duckdb", case, "duckdb_sql", rounds=1))


TEN = million(10)
TRIALS = (
    Trial("100k", (*race(thousand(100), slow=False), mam(thousand(100), 3, slow=False)), quick=True),
    Trial("1M", (*race(million(1)), mam(million(1), 2, slow=True)), quick=True),
    Trial(
        "10M",
        (
            *race(TEN, others=1),
            Entry("ours, 1,000 replicates", TEN, options={"intervals": 0.95}),
        ),
    ),
    Trial(
        "10M-text",
        (
            Entry("ours", million(10, ids="text")),
            Entry("duckdb", million(10, ids="text"), "duckdb_sql", rounds=3),
        ),
    ),
    Trial(
        "growth",
        (
            Entry("1M", million(1)),
            Entry("10M", TEN),
            Entry("10M, 100 channels", million(10, channels=100)),
            Entry("100M", million(100), rounds=3),
            Entry("100M, 2 GiB", million(100), options={"memory_limit": "2GiB"}, rounds=3),
        ),
    ),
    Trial(
        "kernels",
        (
            Entry("ours", TEN, timed=SECOND_SHARE, rounds=3),
            Entry("ChannelAttribution", TEN, "channel_attribution", timed=SHARE, rounds=1),
        ),
    ),
    Trial(
        "order-2",
        (
            Entry(
                "ours",
                thousand(100, channels=100),
                options={"models": ["markov:order=2"]},
                timed=SECOND_SHARE,
            ),
            Entry(
                "ChannelAttribution",
                thousand(100, channels=100),
                "channel_attribution",
                {"orders": [2], "heuristics": False},
                timed=SHARE,
                rounds=1,
            ),
        ),
        models=("markov:order=2", GLOBAL_2),
    ),
    Trial(
        "orders",
        tuple(
            Entry(f"order {order}", TEN, options={"models": [f"markov:order={order}"]}, rounds=3)
            for order in range(1, 6)
        ),
    ),
    Trial("spark-10M", on_spark(million(2.5))),
    Trial("spark-40M", on_spark(TEN)),
    Trial(
        "start-up",
        (
            Entry("python", command=("-c", "pass")),
            Entry("import attribution", command=("-c", "import attribution")),
            Entry("attribution models", command=("-m", "attribution", "models")),
            Entry("100k journeys", thousand(100)),
            Entry("1M journeys", million(1)),
            Entry("100k journeys, first run", thousand(100), cold=True, rounds=1),
        ),
        quick=True,
    ),
    Trial(
        "skew",
        (
            Entry("ordinary, 5M touchpoints", million(1.25), timed=SECOND_CALL),
            Entry("ordinary, 1M touchpoints", million(0.25), timed=SECOND_CALL),
            Entry("ordinary, rules only", million(1.25), timed=SECOND_CALL, options={"models": list(RULES)}),
            *skew("one customer", Case(1, shape="one customer", touchpoints=5_000_000)),
            *skew("one touchpoint each", million(1, shape="one touchpoint each")),
            *skew("one channel", million(1.25, channels=1)),
            *skew("65,535 channels, rules only", million(1.25, channels=65_535), models=list(RULES)),
            *skew("one instant", million(1.25, channels=100, shape="one instant")),
            *skew("reversed", million(1.25, shape="reversed")),
        ),
    ),
)
