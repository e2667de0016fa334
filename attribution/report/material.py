"""Material: the tables of a run as a page shows them: channels by their shown names, the many folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from attribution.channels import TOTAL
from attribution.errors import TableError
from attribution.rare_channels import OTHER
from attribution.report.charts.canvas import outcomes_of
from attribution.report.names import folded, most_named, named
from attribution.report.parts import Number
from attribution.report.published import Published

MOST = 15  # channels that have a name of their own


@dataclass(frozen=True, eq=False)
class Material:
    """A run, and how its channels are shown."""

    run: Published
    credits: pl.DataFrame  # as the run wrote them
    names: Mapping[str, str]

    @classmethod
    def of(cls, run: Published) -> Material:
        """Return the material of a run.

        Raises:
            TableError: the run has no credits, or a file is not as it was written.
        """
        credits = run.output("credits")
        if credits is None:
            raise TableError.of(
                str(run.folder),
                "a run without credits",
                "a table of credits",
                "name outputs.credits in the job and run it again",
            )
        outcome = outcomes_of(credits)[0]
        return cls(run, credits, most_named(credits, outcome, MOST))

    @cached_property
    def outcomes(self) -> list[str]:
        """The outcomes, the first being what models learn from."""
        return outcomes_of(self.credits)

    @cached_property
    def models(self) -> list[str]:
        """The models in the order of the run."""
        return self.credits["model"].unique(maintain_order=True).to_list()

    @cached_property
    def model(self) -> str:
        """The model that is shown first: that of the plan or of the first breakdown, or the first."""
        config = self.run.config
        plan = [config["budget"]] if config["budget"] else []
        keys = ("breakdowns", "funnels", "velocities", "values", "trends")
        for section in [*plan, *(each for key in keys for each in config[key])]:
            for name in section["models"] or ():
                if name in self.models:
                    return str(name)
        return self.models[0]

    @cached_property
    def kpis(self) -> pl.DataFrame | None:
        """The KPIs by model and channel, None where the run has none."""
        return self.output("kpis", "model", "channel")

    @cached_property
    def disputes(self) -> pl.DataFrame | None:
        """One row a channel of what models make of it, most disputed first; None where the run has none."""
        table = self.output("comparison")
        if table is None:
            return None
        one = table.unique("channel", maintain_order=True).drop("model")
        return one.sort(["disagreement", "channel"], descending=[True, False])

    @cached_property
    def few(self) -> int:
        """How many channels have no name of their own."""
        return sum(shown == OTHER != name for name, shown in self.names.items())

    def file(self, key: str) -> str:
        """Return the file name of an output."""
        return str(self.run.config["outputs"][key])

    def output(self, key: str, *keys: str) -> pl.DataFrame | None:
        """Return an output of the job, its channels folded by keys where there are any."""
        return self.shown(self.run.output(key), *keys)

    def table(self, section: Mapping[str, Any], key: str = "file", *keys: str) -> pl.DataFrame | None:
        """Return the table of a section of the job, its channels folded by keys where there are any."""
        return self.shown(self.run.table(section.get(key), section.get("by") or ()), *keys)

    def shown(self, table: pl.DataFrame | None, *keys: str) -> pl.DataFrame | None:
        """Return a table with the channels as they are shown; without keys the unnamed ones are left out."""
        if table is None or table.is_empty() or "channel" not in table.columns:
            return table if table is not None and len(table) else None
        if keys:
            return folded(table, self.names, keys)
        return named(table, self.names).filter(pl.col("channel") != OTHER)

    def chosen(self, table: pl.DataFrame) -> str:
        """Return the model that is shown first, of those that a table has."""
        return self.model if self.model in set(table["model"]) else str(table["model"][0])

    def total(self, table: pl.DataFrame, head: str = "channel") -> Mapping[str, Any]:
        """Return the row of the total of the shown model, or of the first that a table has."""
        rows = table.filter(pl.col(head).cast(pl.String) == TOTAL)
        own = rows.filter(model=self.model)
        found = own if len(own) else rows
        return found.row(0, named=True) if len(found) else {}


def number(row: Mapping[str, Any], column: str, unit: str, file: str) -> tuple[str | Number, ...]:
    """Return a figure of a row and, where it is known, its interval, as the words of a sentence.

    >>> row = {"leads": 2.0, "leads_low": 1.0, "leads_high": 4.0}
    >>> [str(word) for word in number(row, "leads", "count", "credits.csv")]
    ['2', ' (', '1', ' to ', '4', ')']
    """
    value, low, high = row.get(column), row.get(f"{column}_low"), row.get(f"{column}_high")
    if value is None:
        return ("unknown",)
    figure = Number(value, unit, file)
    if low is None or high is None:
        return (figure,)
    return (figure, " (", Number(low, unit, file), " to ", Number(high, unit, file), ")")


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))
