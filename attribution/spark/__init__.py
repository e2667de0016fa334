"""Spark: the same on a cluster: rows are packed by customer, stitched and observed where they are, and added.

A session that exists is used as it is, through its DataFrames: in one process (``local[4]``), standalone,
on Kubernetes, or one that a notebook hands out. Executors need this package, and Java is Spark's matter::

    import attribution as at
    import attribution.spark

    touchpoints = session.read.parquet("touchpoints.parquet")
    outcomes = session.table("sales.leads")
    result = at.spark.attribute(touchpoints, outcomes, at.Linear(), at.Markov(), lookback_days=30)
    log = at.spark.credit_log(touchpoints, outcomes, result, "campaign")
"""

from attribution.spark.learning import attribute, learn
from attribution.spark.logging import credit_log

__all__ = ["attribute", "credit_log", "learn"]
