"""DuckDB: the SQL of a good analyst, windows over all touchpoints once, and a removal loop in numpy."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contenders import RULES, SIX

REQUIRES = "duckdb"
EXACT = SIX
DAY = 86_400_000_000  # microseconds

TOUCHED = """
    SELECT customer_id, t.channel::channel AS channel, epoch_us(t.timestamp) AS moment,
        epoch_us(o.timestamp) AS ended, o.leads
    FROM touchpoints t {join} JOIN outcomes o USING (customer_id)
"""

# After the conversion the customer's touchpoints are a journey of their own, which ends at the last of them.
STEPS = """
    WITH touched AS (
        SELECT *, coalesce(moment <= ended, false) AS converts FROM ({touched})
    ), placed AS (
        SELECT channel, moment, converts, lag(channel) OVER w AS before, lag(moment) OVER w AS moment_before,
            lead(channel) OVER w IS NULL AS last,
            CASE WHEN converts THEN ended ELSE last_value(moment) OVER
                (w ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) END - {lookback} AS since
        FROM touched
        WINDOW w AS (PARTITION BY customer_id, converts ORDER BY moment, channel)
    )
    SELECT CASE WHEN moment_before >= since THEN before END, channel, last, converts, count(*)
    FROM placed WHERE moment >= since GROUP BY ALL
"""

CONVERTING = """
    CREATE TEMP TABLE converting AS
    SELECT customer_id, channel, leads, row_number() OVER (journey ORDER BY moment, channel) AS place,
        count(*) OVER journey AS length, pow(2, (moment - ended) / {half_life}) AS decay,
        sum(decay) OVER journey AS decays
    FROM ({touched}) WHERE moment BETWEEN ended - {lookback} AND ended
    WINDOW journey AS (PARTITION BY customer_id)
"""

SHARED = """
    SELECT channel::VARCHAR,
        sum(CASE WHEN place = 1 THEN leads ELSE 0 END),
        sum(CASE WHEN place = length THEN leads ELSE 0 END),
        sum(leads / length),
        sum(leads * CASE WHEN length = 1 THEN 1.0 WHEN length = 2 THEN 0.5
            WHEN place IN (1, length) THEN 0.4 ELSE 0.2 / (length - 2) END),
        sum(leads * decay / decays)
    FROM converting GROUP BY channel
"""

BY_EFFECT = """
    WITH met AS (
        SELECT channel, leads, effect, sum(effect) OVER journey AS effects, count(*) OVER journey AS channels
        FROM (SELECT DISTINCT customer_id, channel, leads FROM converting) JOIN removal USING (channel)
        WINDOW journey AS (PARTITION BY customer_id)
    )
    SELECT channel::VARCHAR, sum(leads * CASE WHEN effects = 0 THEN 1 / channels ELSE effect / effects END)
    FROM met GROUP BY channel
"""


def credits(touchpoints: Path, outcomes: Path) -> dict[str, dict[str, float]]:
    """Count steps over all journeys, share the outcomes of the converting ones."""
    import duckdb

    from benchmarks.contenders.removal_loop import removal_effects

    lookback, half_life = 30 * DAY, 7 * DAY
    with duckdb.connect(config={"temp_directory": str(touchpoints.parent / "spilled")}) as base:
        for name, path in (("touchpoints", touchpoints), ("outcomes", outcomes)):
            base.execute(f"CREATE VIEW {name} AS FROM read_parquet('{path}')")
        base.execute(
            "CREATE TYPE channel AS ENUM (SELECT DISTINCT channel FROM touchpoints ORDER BY channel)"
        )
        steps = STEPS.format(touched=TOUCHED.format(join="LEFT"), lookback=lookback)
        effects = removal_effects(base.execute(steps).fetchall())
        base.execute(
            CONVERTING.format(touched=TOUCHED.format(join=""), lookback=lookback, half_life=half_life)
        )
        rules = base.execute(SHARED).fetchall()
        base.execute(
            "CREATE TEMP TABLE removal AS SELECT unnest(?)::channel AS channel, unnest(?) AS effect",
            [list(effects), list(effects.values())],
        )
        markov = base.execute(BY_EFFECT).fetchall()
    shared = {rule: {row[0]: row[place] for row in rules} for place, rule in enumerate(RULES, start=1)}
    return shared | {"markov": dict(markov)}
