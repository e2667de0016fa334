"""Rules: which channel a source, medium and campaign stand for, read from a versioned file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from attribution.errors import ParameterError, closest, shown
from attribution.grouping.declared import check_keys, load_toml, table_of, text_of
from attribution.grouping.sites import OF_PACKAGE, Sites

OURS = Path(__file__).with_name("rules.toml")
CELLS = ("source", "medium", "campaign")
SITE = "site"  # the category of the source
FLAGS = re.compile(r"(?<!\\)(?:\\\\)*(\(\?[a-zA-Z]*-[a-zA-Z]*i)")  # an inline flag by which case counts
KEYS = ("version", "name", "otherwise", "patterns", "rules", "click_ids")


@dataclass(frozen=True)
class Rule:
    """A channel, and the alternatives of which one has to match with all its conditions."""

    channel: str
    alternatives: tuple[Mapping[str, str], ...]

    def matches(self) -> pl.Expr:
        """Return whether a row of source, medium, campaign and site matches."""
        return pl.any_horizontal(
            pl.all_horizontal(condition(name, value) for name, value in each.items())
            for each in self.alternatives
        )


@dataclass(frozen=True)
class Rules:
    """The rules in order, what stands for no match, and which source and medium a click id stands for.

    Name and version tell of a result by which rules it was made.
    """

    version: str
    name: str
    otherwise: str
    ordered: tuple[Rule, ...]
    click_ids: Mapping[str, Mapping[str, str]]

    def channel(self) -> pl.Expr:
        """Return the channel of the first rule that matches a row of source, medium, campaign and site."""
        matched = (pl.when(rule.matches()).then(pl.lit(rule.channel)) for rule in self.ordered)
        return pl.coalesce(*matched, pl.lit(self.otherwise))


def condition(name: str, value: str) -> pl.Expr:
    """Return whether a cell, or the category of the source, is what is asked for."""
    if name == SITE:
        return pl.col(SITE).eq_missing(pl.lit(value))
    return pl.col(name).str.contains(f"(?i){value}")


def load_rules(path: str | Path | None, sites: Sites) -> Rules:
    """Return the rules of a TOML file, without one those of the package, for a list of sites.

    Raises:
        ParameterError: the file cannot be read, has no version, or a pattern or rule in it cannot be.
    """
    given, where = load_toml(OURS if path is None else path, "rules")
    check_keys(given, KEYS, where)
    version = text_of(given, "version", where, "the version of the rules")
    otherwise = text_of(given, "otherwise", where, "the channel of what no rule matches")
    name = text_of(given, "name", where, "a name of the rules")
    declared = table_of(given, "patterns", where)
    patterns = {key: pattern(declared, key, f"{where}, pattern {shown(key)}") for key in declared}
    rules = given.get("rules")
    if not isinstance(rules, list) or not rules:
        raise ParameterError(f"{where}: got no rules, expected [[rules]] in their order")
    ordered = tuple(
        rule_of(rule, f"{where}, rule {place}", patterns, sites) for place, rule in enumerate(rules, start=1)
    )
    click_ids = {
        key: click_id(value, f"{where}, click id {shown(key)}")
        for key, value in table_of(given, "click_ids", where).items()
    }
    return Rules(version, name, otherwise, ordered, click_ids)


def rule_of(given: Any, where: str, patterns: Mapping[str, str], sites: Sites) -> Rule:
    """Return a rule as it is declared; ParameterError where it cannot be."""
    if not isinstance(given, dict):
        raise ParameterError(f"{where}: got {shown(given)}, expected a table [[rules]]")
    channel = text_of(given, "channel", where, "the channel of the rule")
    where = f"{where} ({channel})"
    check_keys(given, ("channel", "any"), where)
    alternatives = given.get("any")
    if not isinstance(alternatives, list) or not alternatives:
        raise ParameterError(f"{where}: got no conditions, expected any = [{{ medium = ... }}, ...]")
    found = []
    for each in alternatives:
        if not isinstance(each, dict) or not each:
            raise ParameterError(f"{where}: got {shown(each)} in any, expected conditions {{ medium = ... }}")
        check_keys(each, (*CELLS, SITE), where)
        texts = {name: text_of(each, name, where, "a condition") for name in each}
        found.append({name: resolved(name, text, where, patterns) for name, text in texts.items()})
        check_category(texts.get(SITE), where, sites)
    return Rule(channel, tuple(found))


def check_category(site: str | None, where: str, sites: Sites) -> None:
    """Raise ParameterError where a rule names a category that the sites have not: whose file it is, first."""
    if site is None or site in sites.categories:
        return
    told, known = f"{shown(site)}{closest(site, sites.categories)}", ", ".join(sites.categories)
    if sites.where == OF_PACKAGE:
        raise ParameterError(f"{where}: unknown category of sites {told}; {sites.where} have {known}")
    raise ParameterError(f"{sites.where}: no category {told}, which {where} asks for; it has {known}")


def resolved(name: str, text: str, where: str, patterns: Mapping[str, str]) -> str:
    """Return a condition with the pattern it names in its place; ParameterError where it is no expression."""
    if name == SITE:
        return text
    if not text.startswith("$"):
        return compiled(text, f"{where}: got {shown(text)} as {name}")
    if text[1:] not in patterns:
        known = [f"${each}" for each in patterns]
        raise ParameterError(
            f"{where}: unknown pattern {shown(text)}{closest(text, known)}; known: {', '.join(known)}"
        )
    return patterns[text[1:]]


def pattern(given: Mapping[str, Any], key: str, where: str) -> str:
    """Return a pattern, whether a rule names it or not; ParameterError where it can match nothing."""
    text = text_of(given, key, where, "a regular expression")
    if text.startswith("$"):
        raise ParameterError(f"{where}: got {shown(text)}, expected a regular expression: it names no other")
    return compiled(text, f"{where}: got {shown(text)}")


def compiled(text: str, got: str) -> str:
    """Return a regular expression; ParameterError where it is none, or heeds case, which cells have not."""
    if found := FLAGS.search(text):
        raise ParameterError(f"{got}, expected a regular expression without {found[1]}: case does not count")
    try:
        pl.Series([""]).str.contains(f"(?i){text}")
    except pl.exceptions.ComputeError as error:
        why = str(error).partition("error: ")[2].splitlines()
        told = next((line.removeprefix("error: ") for line in why if line.startswith("error: ")), why[0])
        raise ParameterError(f"{got}, expected a regular expression: {told}") from None
    return text


def click_id(given: Any, where: str) -> Mapping[str, str]:
    """Return the source, and the medium if any, that a click id stands for."""
    if not isinstance(given, dict):
        raise ParameterError(f"{where}: got {shown(given)}, expected {{ source = ..., medium = ... }}")
    check_keys(given, ("source", "medium"), where)
    source = text_of(given, "source", where, "the platform")
    return {
        "source": source,
        **({"medium": text_of(given, "medium", where, "a medium")} if "medium" in given else {}),
    }
