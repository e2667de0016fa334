"""Assignment: who was shown which variant, from a table of users, or of counts by variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from attribution.errors import ParameterError, TableError, shown
from attribution.experiments.means import Mean, mean_of
from attribution.experiments.rates import Rate
from attribution.tables import Checked, Column, Reading, Source, check_table

MANY, MOST = 10, 1000  # variants that a message names, and that an experiment may have
OWN = ("variant", "users", "customer_id")


@dataclass(frozen=True, eq=False)
class Assignment:
    """The checked table, and the used rows of each variant, by name."""

    table: Checked
    variants: Mapping[str, pl.DataFrame]

    @property
    def counted(self) -> bool:
        """Whether a row counts several users."""
        return "users" in self.table.frame.columns

    @property
    def users(self) -> dict[str, int]:
        """The users of each variant."""
        if not self.counted:
            return {name: len(rows) for name, rows in self.variants.items()}
        return {name: total(rows["users"]) for name, rows in self.variants.items()}

    def samples(self, metric: str) -> dict[str, Rate] | dict[str, Mean]:
        """Return what is known of each variant: a rate where the metric is counted or 0 or 1, else a mean."""
        values = {name: rows[metric] for name, rows in self.variants.items()}
        users = self.users
        if self.counted or all(each.is_in([0.0, 1.0]).all() for each in values.values()):
            return {name: Rate(users[name], total(each)) for name, each in values.items()}
        return {name: mean_of(each.to_list()) for name, each in values.items()}


def total(counts: pl.Series) -> int:
    """Return the sum of whole numbers, which has no order."""
    return int(counts.cast(pl.Int64).sum())


def assignment(
    source: Source, variant: str, metrics: Sequence[str], customer: str | None, reading: Reading | None
) -> Assignment:
    """Return who was shown which variant, with the rows that cannot be compared set aside.

    Raises:
        ParameterError: the metrics are no list of columns, or a counted table is to have customers.
        TableError: the table cannot be used, a customer has several rows in one variant, or a variant has
            no user.
    """
    check_names(variant, metrics, customer)
    mapping = {"variant": variant} | ({"customer_id": customer} if customer is not None else {})
    extra = [Column(name, "number", "what is compared", required=True) for name in metrics]
    if customer is not None:
        extra.append(Column("customer_id", "id", "whose row it is", required=True))
    table = check_table("experiment", source, reading, mapping, extra)
    table = table.set_aside("null_variant", pl.col("variant").is_null())
    if "users" not in table.frame.columns:
        table = table if customer is None else of_one_variant(table, customer)
    elif customer is None:
        table = of_whole_counts(table, metrics)
    else:
        expected = "none: in a table with a column users a row counts several customers"
        raise ParameterError.out_of_range("customer", customer, expected)
    return by_variant(table)


def check_names(variant: str, metrics: Sequence[str], customer: str | None) -> None:
    """Raise ParameterError unless all are names of columns, the metrics a list of them."""
    for what, name in (("variant", variant), ("customer", customer)):
        if name is not None and not isinstance(name, str):
            raise ParameterError.out_of_range(what, name, "the name of a column")
    listed = not isinstance(metrics, str) and bool(metrics) and all(isinstance(each, str) for each in metrics)
    if not listed or len({*metrics}) < len(metrics) or {*metrics} & {*OWN}:
        expected = f"a list of numeric columns, each once, none of them {', '.join(OWN)}"
        raise ParameterError.out_of_range("metrics", metrics, expected)


def of_whole_counts(table: Checked, metrics: Sequence[str]) -> Checked:
    """Return the counted table without the rows whose counts can be none."""
    counts = [pl.col(name) for name in ("users", *metrics)]
    table = table.set_aside("negative_count", pl.min_horizontal(counts) < 0)
    table = table.set_aside("fractional_count", pl.any_horizontal(each != each.floor() for each in counts))
    above = pl.any_horizontal(pl.col(name) > pl.col("users") for name in metrics)
    return table.set_aside("conversions_above_users", above)


def of_one_variant(table: Checked, customer: str) -> Checked:
    """Return the table without the customers who were shown several variants, whatever else their rows lack.

    Raises:
        TableError: a customer has several rows in one variant.
    """
    keys = table.frame.select("customer_id", "variant").with_row_index("place").drop_nulls()
    seen = keys.group_by("customer_id").agg(pl.col("variant").n_unique().alias("variants"))
    both = keys.join(seen.filter(pl.col("variants") > 1), on="customer_id", how="semi")
    repeated = keys.join(both, on="place", how="anti").filter(pl.col("customer_id").is_duplicated())
    if len(repeated):
        ids = repeated["customer_id"].cast(pl.String).unique().sort()
        raise TableError.of(
            table.where,
            f"{len(ids):,} customers have several rows in one variant",
            "one row a customer, who is what was assigned",
            "add up the rows of a customer first (group by customer and variant, and sum)",
            column=customer,
            count=len(repeated),
            examples=tuple(map(shown, ids.head(5))),
        )
    mark = pl.zeros(len(table.frame), pl.Boolean, eager=True).scatter(both["place"], True)
    return table.set_aside("several_variants", pl.lit(mark))


def by_variant(table: Checked) -> Assignment:
    """Return the used rows of each variant.

    Raises:
        TableError: there are fewer than two variants, or very many, or one without a user.
    """
    found = table.frame["variant"].drop_nulls().unique().cast(pl.String).sort().to_list()
    if len(found) > MOST:
        raise TableError.of(
            table.where,
            f"{len(found):,} variants",
            f"at most {MOST:,} variants, each of them shown to many users",
            "name the column of what was shown, not that of the user",
            column="variant",
        )
    used = table.frame.filter(table.reason.is_null()).with_columns(pl.col("variant").cast(pl.String))
    parts = used.partition_by("variant", as_dict=True)
    made = Assignment(table, {name: parts.get((name,), used.clear()) for name in found})
    if len(found) < 2:
        raise TableError.of(
            table.where,
            f"only the variant {shown(found[0])}" if found else "no variant",
            "a control and at least one other variant",
            "check the column, and that the rows of every variant were exported",
            column="variant",
        )
    empty = [name for name, users in made.users.items() if not users]
    if empty:
        aside = ", ".join(f"{count:,} {reason}" for reason, count in table.count.set_aside.items())
        raise TableError.of(
            table.where,
            f"no user of {', '.join(map(shown, empty[:MANY]))}; found {', '.join(map(shown, found[:MANY]))}",
            "at least one user of every variant" + (f" (rows set aside: {aside})" if aside else ""),
            "leave the rows of that variant out, or bring its users",
            column="variant",
        )
    return made
