"""Accounts: which customers belong together, so that they are drawn together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from attribution.arrays import UInt64
from attribution.stitching.hashing import hashed
from attribution.tables import Checked, Counts

OF_ACCOUNT = 16  # first bits of the hash that an account decides: folds and partitions are made of fewer


@dataclass(frozen=True, eq=False)
class Accounts:
    """The account of each customer who has one; without a column account_id nobody has."""

    table: pl.DataFrame | None = None  # customer_id, account_id: text
    notes: Counts = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there are any."""
        return self.table is not None

    def of(self, customers: pl.Series) -> pl.Series:
        """Return the account of each customer, null where there is none."""
        assert self.table is not None
        asked = customers.cast(pl.String).alias("customer_id").to_frame()
        return asked.join(self.table, on="customer_id", how="left", maintain_order="left")["account_id"]

    def clustered(self, customers: pl.Series, high: UInt64, low: UInt64) -> tuple[UInt64, UInt64]:
        """Return hashes of customers whose first bits are those of the account, so that it is in one fold.

        What the first bits of the customer's own hash told goes into the low half, where that is free.
        """
        if self.table is None:
            return high, low
        accounts = self.of(customers)
        theirs, _ = hashed(accounts.fill_null(""))
        own = np.uint64((1 << 64 - OF_ACCOUNT) - 1)
        joint = (theirs & ~own) | (high & own)
        return np.where(accounts.is_null().to_numpy(), high, joint), np.where(low == 0, high, low)


def accounts_of(*tables: Checked) -> Accounts:
    """Return the accounts that the tables name; of several of one customer, the first by name counts."""
    pairs = [
        table.used.select(pl.col("customer_id").cast(pl.String), pl.col("account_id").str.strip_chars())
        .drop_nulls()
        .unique()
        for table in tables
        if {"customer_id", "account_id"} <= set(table.used.columns)
    ]
    if not pairs:
        return Accounts()
    named = pl.concat(pairs).filter(pl.col("account_id") != "").unique()
    grouped = named.group_by("customer_id").agg(pl.col("account_id").min(), pl.len().alias("named"))
    several = int((grouped["named"] > 1).sum())
    table = grouped.drop("named")
    customers = pl.concat([each.used["customer_id"].cast(pl.String).unique() for each in tables]).n_unique()
    accounts = table["account_id"].n_unique() + customers - len(table)
    warning = f"{several:,} customers belong to more than one account: the first by name counts"
    return Accounts(table, {"accounts": accounts}, (warning,) if several else ())
