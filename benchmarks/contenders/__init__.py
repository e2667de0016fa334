"""Contenders, one a file: ``credits(touchpoints, outcomes, **options)`` gives {model: {channel: leads}}.

REQUIRES names the library that has to be there, and EXACT the models whose definition is ours. A contender
that can be timed without its reading has ``prepare`` and ``share``, one after the other its ``credits``.
"""

CONTENDERS = (
    "ours",
    "duckdb_sql",
    "polars_frames",
    "channel_attribution",
    "marketing_attribution_models",
    "decode_only",
    "spark_sql",
    "ours_on_spark",
)
RULES = ("first_touch", "last_touch", "linear", "position_based", "time_decay")
SIX = (*RULES, "markov")
