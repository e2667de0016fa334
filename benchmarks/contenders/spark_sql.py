"""Spark SQL: the windows of a good analyst in a session of two cores, and a removal loop in numpy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contenders import RULES, SIX

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REQUIRES = "pyspark"
EXACT = SIX
DAY = 86_400_000_000  # microseconds
SETTINGS = {
    "spark.driver.memory": "12g",
    "spark.ui.enabled": "false",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "16",
    "spark.sql.session.timeZone": "UTC",
}

TOUCHED = """
    SELECT customer_id, channel, unix_micros(t.timestamp) AS moment, unix_micros(o.timestamp) AS ended, leads
    FROM touchpoints t {join} JOIN outcomes o USING (customer_id)
"""

# After the conversion the customer's touchpoints are a journey of their own, which ends at the last of them.
STEPS = """
    WITH touched AS (
        SELECT *, coalesce(moment <= ended, false) AS converts FROM ({touched})
    ), placed AS (
        SELECT channel, moment, converts, lag(channel) OVER w AS before, lag(moment) OVER w AS moment_before,
            lead(channel) OVER w IS NULL AS last,
            CASE WHEN converts THEN ended
                ELSE max(moment) OVER (PARTITION BY customer_id, converts) END - {lookback} AS since
        FROM touched
        WINDOW w AS (PARTITION BY customer_id, converts ORDER BY moment, channel)
    )
    SELECT CASE WHEN moment_before >= since THEN before END, channel, last, converts, count(*)
    FROM placed WHERE moment >= since GROUP BY ALL
"""

CONVERTING = """
    SELECT *, sum(decay) OVER (PARTITION BY customer_id) AS decays
    FROM (
        SELECT customer_id, channel, leads, pow(2, (moment - ended) / {half_life}) AS decay,
            row_number() OVER (PARTITION BY customer_id ORDER BY moment, channel) AS place,
            count(*) OVER (PARTITION BY customer_id) AS length
        FROM ({touched}) WHERE moment BETWEEN ended - {lookback} AND ended
    )
"""

SHARED = """
    SELECT channel,
        sum(CASE WHEN place = 1 THEN leads ELSE 0 END),
        sum(CASE WHEN place = length THEN leads ELSE 0 END),
        sum(leads / length),
        sum(leads * CASE WHEN length = 1 THEN 1D WHEN length = 2 THEN 0.5D
            WHEN place IN (1, length) THEN 0.4D ELSE 0.2D / (length - 2) END),
        sum(leads * decay / decays)
    FROM converting GROUP BY channel
"""

BY_EFFECT = """
    WITH met AS (
        SELECT channel, leads, effect, sum(effect) OVER (PARTITION BY customer_id) AS effects,
            count(*) OVER (PARTITION BY customer_id) AS channels
        FROM (SELECT DISTINCT customer_id, channel, leads FROM converting) JOIN removal USING (channel)
    )
    SELECT channel, sum(leads * CASE WHEN effects = 0 THEN 1D / channels ELSE effect / effects END)
    FROM met GROUP BY channel
"""


def session() -> SparkSession:
    """Return a session of two cores in this process."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").appName("spark_sql")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def prepare(touchpoints: Path, outcomes: Path) -> SparkSession:
    """Return a session that knows where the two tables are."""
    spark = session()
    for name, path in (("touchpoints", touchpoints), ("outcomes", outcomes)):
        spark.read.parquet(str(path)).createOrReplaceTempView(name)
    return spark


def share(spark: SparkSession) -> dict[str, dict[str, float]]:
    """Count steps over all journeys, share the outcomes of the converting ones."""
    from benchmarks.contenders.removal_loop import removal_effects

    lookback, half_life = 30 * DAY, 7 * DAY
    steps = spark.sql(STEPS.format(touched=TOUCHED.format(join="LEFT"), lookback=lookback))
    effects = removal_effects(tuple(row) for row in steps.collect())
    touched = TOUCHED.format(join="")
    converting = spark.sql(CONVERTING.format(touched=touched, lookback=lookback, half_life=half_life)).cache()
    try:
        converting.createOrReplaceTempView("converting")
        rules = spark.sql(SHARED).collect()
        removal = spark.createDataFrame(list(effects.items()), "channel string, effect double")
        removal.createOrReplaceTempView("removal")
        markov = spark.sql(BY_EFFECT).collect()
    finally:
        converting.unpersist()
    shared = {rule: {row[0]: row[place] for row in rules} for place, rule in enumerate(RULES, start=1)}
    return shared | {"markov": dict(markov)}


def credits(touchpoints: Path, outcomes: Path) -> dict[str, dict[str, float]]:
    """Start the session, count and share."""
    return share(prepare(touchpoints, outcomes))
