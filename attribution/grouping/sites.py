"""Sites: what kind of site a source is (search, shopping, social, video), read from a versioned file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from attribution.errors import ParameterError, shown
from attribution.grouping.declared import check_keys, load_toml, table_of, text_of

OURS = Path(__file__).with_name("sites.toml")
OF_PACKAGE = "sites of the package"
BEFORE = r"^(?:www|m|l|lm|touch|web)\.(.+\..+)$"  # of a host, which say nothing of the site; m.me is one
BEHIND = r"^([^.]{3,})(?:\.(?:com?|org|net))?\.[a-z]{2,3}$"  # what makes a name a host: .com, .de, .co.uk


@dataclass(frozen=True)
class Sites:
    """The category of each site, and the version of the file, which tells of a result how it was made."""

    where: str
    version: str
    category: Mapping[str, str]
    categories: tuple[str, ...]

    def of(self, source: pl.Expr) -> pl.Expr:
        """Return the category of each source in lower case, null where it has none.

        >>> sites = Sites("sites", "1", {"ask": "search", "ask.fm": "social"}, ("search", "social"))
        >>> given = pl.DataFrame({"source": ["ask", "www.ask.co.uk", "ask.fm", "me.ask.com"]})
        >>> given.select(sites.of(pl.col("source"))).to_series().to_list()
        ['search', 'search', 'social', None]
        """
        host = source.str.replace(BEFORE, "${1}")
        names, kinds = list(self.category), list(self.category.values())
        by_name = host.str.replace(BEHIND, "${1}").replace_strict(
            names, kinds, default=None, return_dtype=pl.String
        )
        return host.replace_strict(names, kinds, default=by_name, return_dtype=pl.String)


def load_sites(path: str | Path | None = None) -> Sites:
    """Return the sites of a TOML file, without one those of the package.

    Raises:
        ParameterError: the file cannot be read, has no version, or something in it cannot be.
    """
    given, where = load_toml(OURS if path is None else path, "sites")
    where = OF_PACKAGE if path is None else where
    check_keys(given, ("version", "sites"), where)
    version = text_of(given, "version", where, "the version of the list")
    categories = table_of(given, "sites", where)
    if not categories:
        raise ParameterError(f"{where}: got no categories, expected lists of sites in a table [sites]")
    category: dict[str, str] = {}
    for kind, names in categories.items():
        if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
            raise ParameterError(f"{where}: got {shown(names)} as {kind}, expected a list of sites as text")
        for name in (re.sub(BEFORE, r"\1", each.strip().lower()) for each in names):
            if category.setdefault(name, kind) != kind:
                raise ParameterError(
                    f"{where}: site {shown(name)} is {category[name]} and {kind}; keep one of them"
                )
    return Sites(where, version, category, tuple(categories))
