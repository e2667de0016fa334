"""Assignment: who was shown which variant, from a table of users, or of counts by variant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from attribution.errors import Fault, ParameterError, TableError, shown
from attribution.experiments.metric import (
    Metric,
    check_users,
    checked_cells,
    metric_of,
    of_whole_counts,
    parts_of,
    users_of,
)
from attribution.experiments.names import checked_metrics
from attribution.tables import Checked, Column, Reading, Source, check_table
from attribution.tables.sources import read

MOST = 1000  # variants that an experiment may have
CUSTOMER = Column("customer_id", "id", "whose row it is", required=True)


@dataclass(frozen=True, eq=False)
class Assignment:
    """The checked table of all who were assigned, how many to each variant, and what is compared of them."""

    table: Checked
    users: Mapping[str, int]
    metrics: tuple[Metric, ...]


def assignment(
    source: Source, variant: str, metrics: Iterable[str], customer: str | None, reading: Reading | None
) -> Assignment:
    """Return who was shown which variant, with the rows that cannot be compared set aside.

    A row is set aside from all metrics where nobody can tell who was shown what, and from one where the cell
    of that one is missing.

    Raises:
        ParameterError: the metrics are no list of columns, or a counted table is to have customers.
        TableError: the table cannot be used, a customer has several rows in one variant, or a variant has
            no user, or none with a value of a metric.
    """
    names = checked_metrics(variant, metrics, customer)
    mapping = {"variant": variant}
    wanted, ids = {variant, "users", *names}, [] if customer is None else [customer]
    source = read(source, "experiment", {*wanted, *ids}, (reading or Reading()).delimiter, ids)
    whose = mapping if customer is None else mapping | {"customer_id": customer}
    table, *cells = all_checked(
        lambda: check_table("experiment", source, reading, whose, [CUSTOMER] if ids else []),
        *(lambda name=name: checked_cells(source, mapping, name, reading) for name in names),
    )
    table = without_spaces(table)
    if "users" not in table.frame.columns:
        table = table if customer is None else of_one_variant(table, customer)
    elif customer is None:
        table = of_whole_counts(table, "users")
    else:
        expected = "none: in a table with a column users a row counts several customers"
        raise ParameterError.out_of_range("customer", customer, expected)
    variants = variants_of(table)
    users = users_of(parts_of(table, variants))
    remedy = "leave the rows of that variant out, or bring its users"
    check_users(users, table.where, "variant", table.count.set_aside, remedy)
    found = [
        metric_of(name, table, each, source.frame[name], variants)
        for name, each in zip(names, cells, strict=True)
    ]
    return Assignment(table, users, tuple(found))


def all_checked(*checks: Callable[[], Checked]) -> list[Checked]:
    """Return what each check gives.

    Raises:
        TableError: with the faults of all of them, each once.
    """
    found: list[Checked] = []
    faults: dict[Fault, None] = {}
    for check in checks:
        try:
            found.append(check())
        except TableError as error:
            faults |= dict.fromkeys(error.faults)
    if faults:
        raise TableError([*faults])
    return found


def without_spaces(table: Checked) -> Checked:
    """Return the table with no space around its variants, and the rows without one set aside."""
    names = table.frame["variant"].str.strip_chars()
    table = replace(table, frame=table.frame.with_columns(names))
    return table.set_aside("null_variant", pl.col("variant").is_null())


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


def variants_of(table: Checked) -> list[str]:
    """Return the variants in order of name.

    Raises:
        TableError: there are fewer than two of them, or very many.
    """
    found = table.frame["variant"].drop_nulls().unique().sort().to_list()
    if len(found) > MOST:
        raise TableError.of(
            table.where,
            f"{len(found):,} variants",
            f"at most {MOST:,} variants, each of them shown to many users",
            "name the column of what was shown, not that of the user",
            column="variant",
        )
    if len(found) < 2:
        raise TableError.of(
            table.where,
            f"only the variant {shown(found[0])}" if found else "no variant",
            "a control and at least one other variant",
            "check the column, and that the rows of every variant were exported",
            column="variant",
        )
    return found
