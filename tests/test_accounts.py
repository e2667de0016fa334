"""Accounts: customers who belong together are drawn together, and nothing else about them changes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from test_intervals import DRAWS, FEW, bits, by_customer, linear_twin, standard_errors

import attribution as at
from attribution.journeys import Journeys
from attribution.models import Linear, Markov
from attribution.statistics import Resampling
from attribution.stitched import Stitched
from attribution.stitching.accounts import Accounts
from attribution.stitching.hashing import hashed

START = pl.datetime(2026, 3, 1, time_zone="UTC")
CHANNELS = np.array(["Ads", "Email", "Search", "Social"])


def clustered_world(accounts: int, seed: int = 0, alone: int = 200) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return tables in which whole accounts of four customers convert together; some customers have none."""
    draws = np.random.default_rng(seed)
    customers = 4 * accounts + alone
    account = np.minimum(np.arange(customers) // 4, accounts)
    who = np.repeat(np.arange(customers), draws.integers(1, 4, customers))
    favourite = draws.integers(0, 4, accounts + 1)[account]
    channel = np.where(draws.random(len(who)) < 0.7, favourite[who], draws.integers(0, 4, len(who)))
    keen = draws.random(accounts + 1) < 0.06
    keen[-1] = False
    wins = np.where(keen[account], 0.9, 0.02) > draws.random(customers)
    won = np.flatnonzero(wins)
    owned = np.where(account < accounts, account, -1)
    touchpoints = pl.DataFrame({"customer_id": who, "minute": draws.integers(0, 20_000, len(who))}).select(
        pl.format("c{}", "customer_id").alias("customer_id"),
        (START + pl.duration(minutes="minute")).alias("timestamp"),
        pl.Series("channel", CHANNELS[channel]),
        account_of(owned[who]),
    )
    outcomes = pl.DataFrame({"customer_id": won}).select(
        pl.format("c{}", "customer_id").alias("customer_id"),
        (START + pl.duration(minutes=21_000)).alias("timestamp"),
        pl.Series("wins", (draws.random(len(won)) < 0.5).astype(float)),
        pl.Series("revenue", draws.integers(1, 9, len(won)).astype(float)),
        account_of(owned[won]),
    )
    return touchpoints, outcomes


def account_of(numbers: np.ndarray) -> pl.Series:
    """Return accounts by number as text; null where there is none."""
    return pl.Series(
        "account_id", [f"firm {n}" if n >= 0 else None for n in numbers.tolist()], dtype=pl.String
    )


@pytest.fixture(scope="module")
def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    return clustered_world(250, alone=150)


def bare(*tables: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the tables without their accounts."""
    return [table.drop("account_id", strict=False) for table in tables]


def in_place(where: str, tables: tuple[pl.DataFrame, pl.DataFrame], **more: Any) -> Stitched:
    """Return the journeys of tables that name accounts in one of the places where they may stand."""
    touchpoints, outcomes = tables
    if where == "touchpoints":
        return at.stitch(touchpoints, *bare(outcomes), **more)
    if where == "outcomes":
        return at.stitch(*bare(touchpoints), outcomes, **more)
    if where == "both":
        return at.stitch(touchpoints, outcomes, **more)
    known = pl.concat([each.select("customer_id", "account_id") for each in tables]).unique()
    journeys = at.stitch(*bare(touchpoints, outcomes)).table()
    return at.from_journeys(journeys.join(known, on="customer_id", how="left", maintain_order="left"), **more)


PLACES = ("touchpoints", "outcomes", "both", "journeys")


def folds_of(stitched: Stitched) -> dict[str, set[int]]:
    """Return in which folds each customer is met."""
    fold = np.repeat(np.arange(len(stitched.folds)), [len(batch.journeys) for batch in stitched])
    journeys = stitched.name(0, Journeys.joined([batch.journeys for batch in stitched]))
    found = defaultdict(set)
    for customer, number in zip(journeys["customer_id"], fold.tolist(), strict=True):
        found[customer].add(number)
    return found


@pytest.mark.parametrize(
    ("where", "folds"), [("touchpoints", 64), ("outcomes", 16), ("both", 1024), ("journeys", 128)]
)
def test_all_customers_of_an_account_are_in_one_fold(
    where: str, folds: int, tables: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    stitched = in_place(where, tables, folds=folds)
    assert stitched.owners == "accounts"
    named = (
        tables[1]
        if where == "outcomes"
        else pl.concat([t.select("customer_id", "account_id") for t in tables])
    )
    owner = dict(named.drop_nulls("account_id").select("customer_id", "account_id").iter_rows())
    found = folds_of(stitched)
    of_account, members = defaultdict(set), defaultdict(set)
    for customer, numbers in found.items():
        assert len(numbers) == 1
        if customer in owner:
            of_account[owner[customer]] |= numbers
            members[owner[customer]].add(customer)
    assert all(len(numbers) == 1 for numbers in of_account.values())
    assert sum(len(each) > 1 for each in members.values()) > 15
    assert len(set.union(*of_account.values())) > min(folds, len(of_account)) / 3
    alone = [numbers for customer, numbers in found.items() if customer not in owner]
    assert len(set.union(*alone)) > min(folds, len(alone)) / 3


@pytest.mark.parametrize("where", PLACES)
def test_accounts_are_counted_and_who_has_none_is_an_account_of_its_own(
    where: str, tables: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    stitched = in_place(where, tables)
    customers = pl.concat([table.select("customer_id") for table in tables]).n_unique()
    named = (
        tables[1].drop_nulls()
        if where == "outcomes"
        else pl.concat([t.select("customer_id", "account_id") for t in tables]).drop_nulls()
    )
    accounts = named["account_id"].n_unique() + customers - named["customer_id"].n_unique()
    assert stitched.report.notes["accounts"] == accounts
    assert stitched.report.notes["customers"] == customers > accounts
    assert not [line for line in stitched.report.warnings if "account" in line]


@pytest.mark.parametrize("where", PLACES)
def test_no_customer_is_merged_or_split_by_accounts(
    where: str, tables: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    plain = at.stitch(*bare(*tables), folds=16)
    clustered = in_place(where, tables, folds=16)
    journeys = clustered.table()
    assert "account_id" in journeys.columns or where == "journeys"
    same = plain.table().columns
    assert_frame_equal(journeys.select(same).sort("journey_id"), plain.table().sort("journey_id"))
    ours, theirs = (at.attribute(each, Linear(), Markov(order=2)) for each in (clustered, plain))
    for name, credits in ours.items():
        assert credits.values == pytest.approx(theirs[name].values, rel=1e-9)


IDS = st.one_of(
    st.integers(-50, 50),
    st.integers(-(10**17), 10**17),
    st.text(alphabet="ab0 -é", max_size=4),
    st.integers(0, 300).map(lambda n: f"c{n}"),
)


@FEW
@given(
    ids=st.lists(IDS, min_size=1, max_size=40),
    named=st.lists(st.sampled_from(["x", "y", "0", "c1", None]), min_size=40, max_size=40),
)
def test_hashes_with_accounts_tell_the_same_customers_apart(ids: list[Any], named: list[str | None]) -> None:
    texts = [str(each) for each in ids]
    owner = dict(zip(texts, named, strict=False))
    table = pl.DataFrame(
        {"customer_id": list(owner), "account_id": list(owner.values())},
        schema={"customer_id": pl.String, "account_id": pl.String},
    ).drop_nulls()
    customers = pl.Series("customer_id", texts, dtype=pl.String)
    own = hashed(customers)
    high, low = Accounts(table).clustered(customers, *own)
    assert len(set(zip(high.tolist(), low.tolist(), strict=True))) == len(set(texts))
    plain = Accounts().clustered(customers, *own)
    assert [each.tolist() for each in plain] == [each.tolist() for each in own]
    first = defaultdict(set)
    for text, bits_of in zip(texts, (high >> np.uint64(48)).tolist(), strict=True):
        first[owner[text]].add(bits_of)
    assert all(len(each) == 1 for name, each in first.items() if name is not None)
    for text, ours, theirs in zip(texts, high.tolist(), own[0].tolist(), strict=True):
        assert owner[text] is not None or ours == theirs


def by_account(stitched: Stitched) -> pl.DataFrame:
    """Return the journeys table with the owner of each journey: the account, or the customer."""
    return stitched.table().with_columns(
        owner=pl.coalesce("account_id", pl.format("alone {}", "customer_id"))
    )


MANY = 1500  # accounts


@pytest.fixture(scope="module")
def grouped() -> Stitched:
    return at.stitch(*clustered_world(MANY, seed=1), folds=1024)


def test_standard_errors_are_those_of_accounts_drawn_one_by_one(grouped: Stitched) -> None:
    credits = at.attribute(grouped, Linear(), intervals=0.95, replicates=DRAWS)["linear"]
    owned, owners = by_customer(by_account(grouped), "owner")
    assert owners == grouped.report.notes["accounts"] == MANY + 200
    per_owner = linear_twin(owned, grouped.channels)
    truth = standard_errors(per_owner, lambda sums: sums)
    ours = credits.replicates.values.std(axis=0)[:-1]
    assert (credits.values[:, 0] > 50).all()
    ratio = ours / truth.reshape(-1, 3)[:-1]
    assert ((ratio > 0.9) & (ratio < 1.1)).all(), ratio


def test_whole_accounts_that_convert_together_are_less_sure_than_their_customers(grouped: Stitched) -> None:
    apart = at.stitch(*bare(*clustered_world(MANY, seed=1)), folds=1024)
    assert (apart.owners, grouped.owners) == ("customers", "accounts")
    drawn: dict[str, Any] = {"intervals": 0.95, "replicates": 300}
    results = [at.attribute(each, Linear(), Markov(), **drawn) for each in (grouped, apart)]
    for name in ("linear", "markov"):
        together, alone = (each[name].replicates.values.std(axis=0)[:-1, 0] for each in results)
        assert (together > 1.2 * alone).all()
        assert (together / alone).mean() > 1.4


# Names, types, and accounts that contradict each other.


def test_a_customer_of_several_accounts_belongs_to_the_first_by_name_and_is_told(
    tables: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    touchpoints, outcomes = tables
    moved = outcomes.with_columns(
        account_id=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("aaa")).otherwise("account_id")
    )
    stitched = at.stitch(touchpoints, moved)
    told = "3 customers belong to more than one account: the first by name counts"
    assert [line for line in stitched.report.warnings if "account" in line] == [told]
    journeys = stitched.table()
    mine = journeys.filter(pl.col("customer_id").is_in(outcomes["customer_id"][:3].to_list()))
    assert set(mine["account_id"]) == {"aaa"}
    assert all(len(numbers) == 1 for numbers in folds_of(stitched).values())
    told_again = at.from_journeys(journeys).report.warnings
    assert not [line for line in told_again if "account" in line]


def test_accounts_that_contradict_each_other_in_a_journeys_table_are_told() -> None:
    journeys = at.stitch(*clustered_world(30), folds=16).table().drop_nulls("account_id")
    twice = pl.concat(
        [journeys, journeys.head(5).with_columns(pl.format("{}x", "journey_id"), account_id=pl.lit("aaa"))]
    )
    lines = at.from_journeys(twice).report.warnings
    several = journeys.head(5)["customer_id"].n_unique()
    assert f"{several} customers belong to more than one account: the first by name counts" in lines


@pytest.mark.parametrize("nested", [False, True])
def test_accounts_may_stand_under_another_name(
    nested: bool, tables: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    expected = bits(at.attribute(at.stitch(*tables, folds=16), Linear(), intervals=0.95, replicates=100))
    renamed = [table.rename({"account_id": "Firm"}) for table in tables]
    columns: Any = {"account_id": "Firm"}
    columns = {"touchpoints": columns, "outcomes": columns} if nested else columns
    stitched = at.stitch(*renamed, columns=columns, folds=16)
    assert stitched.owners == "accounts"
    assert bits(at.attribute(stitched, Linear(), intervals=0.95, replicates=100)) == expected
    assert at.stitch(*renamed).owners == "customers"
    journeys = stitched.table().rename({"account_id": "Firm"})
    assert at.from_journeys(journeys, columns={"account_id": "Firm"}).report.notes["accounts"] == 400


def numbered(table: pl.DataFrame, kind: Any) -> pl.DataFrame:
    """Return the table with customers and accounts as numbers, of a type."""
    return table.with_columns(
        pl.col("customer_id").str.strip_prefix("c").cast(pl.Int64),
        pl.col("account_id").str.strip_prefix("firm ").cast(pl.Int64).cast(kind),
    )


def test_integer_and_text_ids_are_the_same_accounts(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    made = {}
    for name, kinds in {
        "whole": (pl.Int64, pl.Int64),
        "short": (pl.Int32, pl.UInt16),
        "text": (pl.String, pl.String),
        "mixed": (pl.Int64, pl.String),
        "categories": (pl.Int64, pl.String),
    }.items():
        given_tables = [numbered(table, kind) for table, kind in zip(tables, kinds, strict=True)]
        if name == "categories":
            given_tables[1] = given_tables[1].with_columns(pl.col("account_id").cast(pl.Categorical))
        if name == "text":
            given_tables = [
                table.with_columns(pl.col("customer_id").cast(pl.String)) for table in given_tables
            ]
        stitched = at.stitch(*given_tables, folds=64)
        assert stitched.report.notes["accounts"] == 400
        assert not [line for line in stitched.report.warnings if "account" in line]
        made[name] = bits(at.attribute(stitched, Linear(), Markov(), intervals=0.95, replicates=100))
    assert all(each == made["whole"] for each in made.values())


def test_blank_and_missing_accounts_are_none(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    customers = at.attribute(at.stitch(*bare(*tables), folds=16), Linear(), intervals=0.95, replicates=100)
    for blank in (pl.lit(""), pl.lit(None, pl.String), pl.lit(None)):
        stitched = at.stitch(*(table.with_columns(account_id=blank) for table in tables), folds=16)
        assert stitched.report.notes["accounts"] == stitched.report.notes["customers"]
        result = at.attribute(stitched, Linear(), intervals=0.95, replicates=100)
        ours, theirs = result["linear"].replicates.values, customers["linear"].replicates.values
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_fewer_accounts_than_folds_are_told(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    crowded = [table.with_columns(account_id=pl.col("customer_id").str.slice(1, 2)) for table in tables]
    stitched = at.stitch(*crowded)
    known = stitched.report.notes["accounts"]
    assert 64 <= known < 128
    linear = at.attribute(stitched, Linear(), intervals=0.95)["linear"]
    assert linear.unsure == (
        f"no intervals: {known} accounts are fewer than the 256 folds that are drawn from: "
        "stitch with folds=64"
    )
    better = at.attribute(at.stitch(*crowded, folds=64), Linear(), intervals=0.95)["linear"]
    assert better.replicates is not None


# The journeys table carries them.


@pytest.mark.parametrize(("kind", "folds"), [("frame", 64), ("file", 16), ("numbers", 32)])
def test_journeys_that_are_read_again_give_the_same_bits(
    kind: str, folds: int, tables: tuple[pl.DataFrame, pl.DataFrame], tmp_path: Path
) -> None:
    used = [numbered(table, pl.Int64) for table in tables] if kind == "numbers" else list(tables)
    stitched = at.stitch(*used, folds=folds)
    journeys: Any = stitched.table()
    assert journeys["account_id"].null_count() not in (0, len(journeys))
    if kind == "file":
        at.write_table(journeys, tmp_path / "journeys.parquet")
        journeys = tmp_path / "journeys.parquet"
    again = at.from_journeys(journeys, folds=folds)
    assert again.owners == "accounts"
    models = (Linear(), at.TimeDecay(), Markov(), Markov(order=2, name="second"))
    ours, theirs = (at.attribute(each, *models, intervals=0.95, replicates=100) for each in (again, stitched))
    for name in theirs:
        assert ours[name].values.tobytes() == theirs[name].values.tobytes()
    assert bits(ours) == bits(theirs)


def test_replicates_with_accounts_do_not_depend_on_rows_pieces_and_threads(
    tables: tuple[pl.DataFrame, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attribution.statistics.observing.SMALL_FOLD", 0)
    expected = bits(at.attribute(at.stitch(*tables), Markov(), intervals=0.95, replicates=100))
    for seed, piece_rows in enumerate([97, 10**6]):
        mixed = [table.sample(fraction=1, shuffle=True, seed=seed) for table in tables]
        stitched = at.stitch(*mixed, piece_rows=piece_rows)
        made = at.attribute(stitched, Markov(), intervals=0.95, replicates=100, threads=1 + 3 * seed)
        assert bits(made) == expected
    assert Resampling(0.95, 100).weights(256).shape == (100, 256)
