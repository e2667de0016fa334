"""Queries: what the query of a page says of where its visitor came from: UTM parameters and click ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_plus

import polars as pl

UTM = {name: f"utm_{name}" for name in ("source", "medium", "campaign")}


def clean(text: pl.Expr) -> pl.Expr:
    """Return text without spaces around it, null where nothing is left."""
    trimmed = text.str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def parameter(name: str) -> str:
    """Return the expression that finds the first value of a parameter in the query of a page.

    >>> re.search(parameter("utm_source"), "https://a.com/p?b=1&utm_source=x%20y#utm_source=z")[1]
    'x%20y'
    """
    return rf"(?i)^[^?#]*\?(?:[^&#]*&)*?{re.escape(name)}=([^&#]+)"


def decoded(values: pl.Series) -> pl.Series:
    """Return the values with + and %20 as spaces, and all that is escaped like them.

    >>> decoded(pl.Series(["spring+sale", "caf%C3%A9", None, "a%zz"])).to_list()
    ['spring sale', 'café', None, 'a%zz']
    """
    coded = values.filter(values.str.contains("[%+]")).unique()
    return values.replace(coded, pl.Series([unquote_plus(each) for each in coded], dtype=pl.String))


def parameters_of(urls: pl.Series, names: Iterable[str]) -> pl.DataFrame:
    """Return the named parameters of each url, null where it has none or a blank one."""
    found = {name: decoded(urls.str.extract(parameter(name))).alias(name) for name in names}
    return pl.DataFrame(found, schema=dict.fromkeys(found, pl.String)).select(clean(pl.all()))


def filled(cells: pl.DataFrame, urls: pl.Series, click_ids: Mapping[str, Mapping[str, str]]) -> pl.DataFrame:
    """Return source, medium and campaign with what the query of the page says where they are null.

    A click id speaks where neither they nor the query name a source or a medium.
    """
    lacking = cells.select(pl.any_horizontal(pl.all().is_null())).to_series()
    asked = urls.filter(lacking).drop_nulls().unique()
    known = parameters_of(asked, [*UTM.values(), *click_ids]).with_columns(asked.alias("url"))
    rows = cells.with_columns(urls.alias("url")).join(known, on="url", how="left", maintain_order="left")
    rows = rows.with_columns(pl.coalesce(name, utm).alias(name) for name, utm in UTM.items())
    silent = pl.col("source").is_null() & pl.col("medium").is_null()
    platform = {
        cell: pl.coalesce(
            pl.lit(None, pl.String),
            *(
                pl.when(pl.col(name).is_not_null()).then(pl.lit(stands.get(cell, "")))
                for name, stands in click_ids.items()
            ),
        )
        for cell in ("source", "medium")
    }
    return rows.select(
        *(pl.when(silent).then(said).otherwise(pl.col(cell)).alias(cell) for cell, said in platform.items()),
        "campaign",
    )
