"""The embedded sample: 180 days of an invented company that sells software to companies."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import NamedTuple

import polars as pl


class Sample(NamedTuple):
    """The tables of the sample: an event log, what came of it, and what it cost in EUR."""

    touchpoints: pl.DataFrame
    leads: pl.DataFrame
    spend: pl.DataFrame


def folder() -> Path:
    """Return the folder that holds the Parquet files of the sample.

    >>> sorted(path.name for path in folder().glob("*.parquet"))
    ['leads.parquet', 'spend.parquet', 'touchpoints.parquet']
    """
    return Path(str(resources.files(__name__)))


def load() -> Sample:
    """Read the sample.

    >>> load().spend.columns
    ['date', 'channel', 'campaign', 'spend', 'impressions', 'clicks', 'currency']
    """
    return Sample(*(pl.read_parquet(folder() / f"{name}.parquet") for name in Sample._fields))
