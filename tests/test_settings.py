"""Settings: every parameter by hand, every setting against a run of its own, what may not matter does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import attribution as at
from attribution import ParameterError, TableError
from attribution.comparison.settings import Sensitivity, sensitivity

UNATTRIBUTED = "(unattributed)"


def day(number: float) -> str:
    """Return an instant so many days into a month."""
    hours = round(number * 24)
    return f"2026-03-{1 + hours // 24:02}T{hours % 24:02}:00:00Z"


def touches(*rows: Sequence[Any], **columns: Sequence[Any]) -> pl.DataFrame:
    """Return touchpoints of rows of customer, day and channel."""
    return pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "timestamp": [day(row[1]) for row in rows],
            "channel": [row[2] for row in rows],
            **columns,
        }
    )


def leads(*rows: tuple[str, float]) -> pl.DataFrame:
    """Return a lead of each customer and day."""
    return pl.DataFrame({"customer_id": [row[0] for row in rows], "timestamp": [day(row[1]) for row in rows]})


def varied(*arguments: Any, **options: Any) -> Sensitivity:
    """Return the sensitivity of small tables, which few folds serve faster."""
    return sensitivity(*arguments, **{"folds": 16, **options})


def share(found: Sensitivity, parameter: str, setting: str, model: str | None = None) -> dict[str, float]:
    """Return the shares above 0 in one setting."""
    rows = found.shares.filter(pl.col("share") > 0, parameter=parameter, setting=setting)
    assert len(rows), f"nothing of {parameter} {setting}"
    if model is None:
        assert rows["model"].n_unique() == 1
    else:
        rows = rows.filter(model=model)
    return {name: round(each, 12) for name, each in rows.select("channel", "share").iter_rows()}


def of(table: pl.DataFrame, channel: str, parameter: str) -> dict[str, Any]:
    """Return the one row of a channel and a parameter."""
    (row,) = table.filter(channel=channel, parameter=parameter).to_dicts()
    return row


def parameters_of(found: Sensitivity) -> list[str]:
    """Return the parameters that were varied, in order of name."""
    return sorted(found.shares["parameter"].unique())


# By hand.


def test_a_window_that_loses_the_old_touchpoint_flips_the_ranks() -> None:
    touched = touches(("a", 0, "mail"), ("a", 19, "ads"), ("b", 0, "mail"))
    found = varied(touched, leads(("a", 20), ("b", 20)), at.FirstTouch())
    assert share(found, "lookback_days", "30") == share(found, "lookback_days", "60") == {"mail": 1}
    assert share(found, "lookback_days", "15") == {"ads": 0.5, UNATTRIBUTED: 0.5}
    assert of(found.table(), "mail", "lookback_days") == {
        "model": "first_touch", "channel": "mail", "parameter": "lookback_days", "share": 1.0,
        "share_least": 0.0, "share_most": 1.0, "swing": 1.0, "rank": 1, "rank_best": 1, "rank_worst": 2,
        "flips": True,
    }  # fmt: skip
    rest = of(found.table(), UNATTRIBUTED, "lookback_days")
    assert (rest["share"], rest["share_most"], rest["rank"], rest["flips"]) == (0.0, 0.5, None, False)
    assert found.flips().select("channel", "parameter").rows() == [
        ("mail", "lookback_days"), ("ads", "lookback_days")
    ]  # fmt: skip


def test_without_restart_an_outcome_sees_what_the_one_before_has_seen() -> None:
    touched = touches(("a", 5, "mail"), ("a", 15, "ads"))
    found = varied(touched, leads(("a", 10), ("a", 20)), at.Linear())
    assert share(found, "restart", "true") == {"ads": 0.5, "mail": 0.5}
    assert share(found, "restart", "false") == {"ads": 0.25, "mail": 0.75}
    assert of(found.table(), "ads", "restart")["flips"]
    given = varied(touched, leads(("a", 10), ("a", 20)), at.Linear(), restart=False)
    assert of(given.table(), "mail", "restart")["share"] == 0.75
    assert share(given, "restart", "true") == {"ads": 0.5, "mail": 0.5}


def test_a_half_life_decides_between_two_old_touchpoints_and_a_new_one() -> None:
    touched = touches(("a", 8, "mail"), ("a", 8.5, "mail"), ("a", 9.5, "ads"))
    touched = touched.with_columns(
        timestamp=pl.Series([day(8), day(8), day(9)]), event_id=pl.Series(["1", "2", "3"])
    )
    found = varied(touched, leads(("a", 10)), at.TimeDecay(half_life=1))
    assert share(found, "half_life", "1") == {"ads": 0.5, "mail": 0.5}
    assert share(found, "half_life", "0.5") == {"ads": round(2 / 3, 12), "mail": round(1 / 3, 12)}
    assert share(found, "half_life", "2") == {
        "ads": round(2**-0.5 / (1 + 2**-0.5), 12),
        "mail": round(1 / (1 + 2**-0.5), 12),
    }


def test_a_chain_of_order_2_knows_that_a_came_before_b() -> None:
    # A > B and B convert; B, A and A do not. Order 1: RE 1/3 and 1, order 2: 1/2 and 1.
    touched = touches(
        *[("1", 1, "A"), ("1", 2, "B"), ("2", 1, "B"), ("3", 1, "B"), ("4", 1, "A"), ("5", 1, "A")]
    )
    found = varied(touched, leads(("1", 3), ("2", 3)), at.Markov())
    assert share(found, "order", "1") == {"A": 0.125, "B": 0.875}
    assert (
        share(found, "order", "2")
        == share(found, "order", "3")
        == {"A": round(1 / 6, 12), "B": round(5 / 6, 12)}
    )
    again = varied(touched, leads(("1", 3), ("2", 3)), at.Markov(order=2)).table()
    assert round(of(again, "A", "order")["share"], 12) == round(1 / 6, 12)


def test_an_order_that_is_not_among_the_varied_ones_is_tried_beside_them() -> None:
    touched = touches(("1", 1, "A"), ("1", 2, "B"), ("2", 1, "A"))
    found = varied(touched, leads(("1", 3)), at.Markov(order=4))
    settings = found.shares.filter(parameter="order")
    assert settings["setting"].unique(maintain_order=True).to_list() == ["4", "1", "2", "3"]
    assert settings.filter("given")["setting"].unique().to_list() == ["4"]


def test_duplicates_count_once_or_every_time() -> None:
    touched = touches(*[("a", 1, "mail")] * 3, ("a", 2, "ads"))
    found = varied(touched, leads(("a", 3)), at.Linear())
    assert share(found, "duplicates", "once") == {"ads": 0.5, "mail": 0.5}
    assert share(found, "duplicates", "every row") == {"ads": 0.25, "mail": 0.75}
    assert of(found.table(), "ads", "duplicates")["flips"]
    assert "without event ids" not in found.shares["setting"]


def test_retries_count_every_time_or_once() -> None:
    touched = touches(*[("a", 1, "mail")] * 3, ("a", 2, "ads"), event_id=["e1", "e2", "e3", "e4"])
    found = varied(touched, leads(("a", 3)), at.Linear())
    assert share(found, "duplicates", "once") == {"ads": 0.25, "mail": 0.75}
    assert share(found, "duplicates", "every row") == {"ads": 0.25, "mail": 0.75}
    assert share(found, "duplicates", "without event ids") == {"ads": 0.5, "mail": 0.5}


def test_a_channel_that_only_duplicates_know_has_no_share_without_them() -> None:
    touched = touches(("a", 1, "mail"), ("a", 2, "ads"), event_id=["e1", "e1"])
    found = varied(touched, leads(("a", 3)), at.Linear())
    assert share(found, "duplicates", "once") == {"mail": 1}
    assert share(found, "duplicates", "every row") == {"ads": 0.5, "mail": 0.5}
    ads = of(found.table(), "ads", "duplicates")
    assert (ads["share"], ads["rank"], ads["rank_best"], ads["flips"]) == (0.0, 2, 1, True)


PAID = {"Paid": ["Paid Search", "Paid Social"]}


def test_a_merged_channel_is_compared_with_the_sum_of_its_parts() -> None:
    touched = touches(("a", 1, "Paid Search"), ("a", 2, "Paid Social"), ("a", 3, "Email"), ("b", 1, "Email"))
    found = varied(touched, leads(("a", 4), ("b", 4)), at.Shapley(), merge=PAID)
    assert share(found, "merge", "apart") == {"Email": round(2 / 3, 12), "Paid": round(1 / 3, 12)}
    assert share(found, "merge", "merged") == {"Email": 0.75, "Paid": 0.25}
    assert set(found.shares.filter(parameter="restart")["channel"]) == {
        "Paid Search", "Paid Social", "Email", UNATTRIBUTED
    }  # fmt: skip
    assert of(found.table(), "Paid", "merge")["swing"] == pytest.approx(1 / 12)


def test_channels_that_look_alike_are_merged_where_there_are_any() -> None:
    touched = touches(("a", 1, "email"), ("a", 2, "E-Mail"), ("a", 3, "ads"))
    found = varied(touched, leads(("a", 4)), at.Shapley())
    assert share(found, "near_duplicates", "apart") == {"E-Mail": round(2 / 3, 12), "ads": round(1 / 3, 12)}
    assert share(found, "near_duplicates", "merged") == {"E-Mail": 0.5, "ads": 0.5}
    assert any("look alike" in line for line in found.warnings)
    plain = varied(touched.filter(pl.col("channel") != "email"), leads(("a", 4)), at.Shapley())
    assert parameters_of(plain) == ["duplicates", "lookback_days", "restart"]


def test_parts_of_a_divided_channel_are_summed() -> None:
    touched = touches(
        ("a", 1, "mail"),
        ("a", 2, "mail"),
        ("a", 2.5, "mail"),
        ("a", 3, "ads"),
        device=["phone", "desk", None, "desk"],
    )
    found = varied(touched, leads(("a", 4)), at.Shapley(), split="device")
    assert share(found, "split", "whole") == {"ads": 0.5, "mail": 0.5}
    assert share(found, "split", "by device") == {"ads": 0.25, "mail": 0.75}


def test_a_part_of_a_direct_channel_is_direct() -> None:
    touched = touches(
        ("a", 1, "mail"), ("a", 2, "Direct"), ("a", 3, "direct"), device=["phone", "phone", "desk"]
    )
    merge = {"None": ["Direct", "direct"]}
    found = varied(touched, leads(("a", 4)), at.LastNonDirect(), split="device", merge=merge)
    for parameter in ("split", "merge", "near_duplicates"):
        assert found.shares.filter(pl.col("share") > 0, parameter=parameter)[
            "channel"
        ].unique().to_list() == ["mail"]
    both = varied(touched, leads(("a", 4)), at.LastNonDirect(), merge={"other": ["mail", "Direct"]})
    assert share(both, "merge", "merged") == {"other": 1}


def test_dividing_keeps_the_order_of_names_within_one_instant() -> None:
    touched = touches(
        ("a", 1, "A b"), ("a", 1, "A"), ("b", 1, "A!"), ("b", 1, "A"), device=["a", None, "a", "z"]
    )
    found = varied(touched, leads(("a", 4), ("b", 4)), at.FirstTouch(), split="device")
    assert share(found, "split", "whole") == share(found, "split", "by device") == {"A": 1}


# What is refused.


@pytest.mark.parametrize(
    ("merge", "told"),
    [
        ({"Paid": ["Paid Serch"]}, "unknown channel in merge= 'Paid Serch'; did you mean 'Paid Search'"),
        ({"Paid": ["Paid Search", "Paid Search"]}, "'Paid Search' is named twice"),
        ({"Paid": ["Paid Search"], "All": ["Email", "Paid Search"]}, "'Paid Search' is named twice"),
        ({"Email": ["Paid Search", "Paid Social"]}, "'Email' is a channel and not among those"),
        ({"Paid": "Paid Search"}, "'merge': got 'Paid Search', expected a list of the channels"),
        ({"Paid": []}, r"'merge': got \[\]"),
        ({"Paid": [1]}, r"'merge': got \[1\]"),
        ({" ": ["Email"]}, "'merge': got ' ', expected a name"),
        ({"a\nb": ["Email"]}, "'merge': got 'a.nb', expected a name"),
        (
            {"Paid": ["Paid Search"], "Paid ": ["Paid Social"]},
            "'merge': got 'Paid ', expected a name of its own",
        ),
    ],
)
def test_a_merge_that_cannot_be_is_refused(merge: Any, told: str) -> None:
    touched = touches(("a", 1, "Paid Search"), ("a", 2, "Paid Social"), ("a", 3, "Email"))
    with pytest.raises(ParameterError, match=told):
        varied(touched, leads(("a", 4)), at.Linear(), merge=merge)


def test_a_split_by_a_column_that_is_not_there_is_refused() -> None:
    touched = touches(("a", 1, "ads"), device=["phone"], tags=[["x"]])
    for split in ("devise", ""):
        with pytest.raises(ParameterError, match=f"unknown column of the touchpoints '{split}'.*device"):
            varied(touched, leads(("a", 4)), at.Linear(), split=split)
    with pytest.raises(ParameterError, match="parameter 'split': got 'tags', expected a column of text"):
        varied(touched, leads(("a", 4)), at.Linear(), split="tags")


def test_a_split_into_more_channels_than_there_are_codes_is_refused() -> None:
    rows = 70_000
    touched = pl.DataFrame({"customer_id": "a", "timestamp": day(1), "channel": "ads", "n": range(rows)})
    with pytest.raises(
        ParameterError, match=r"'split': got 'n', expected .* at most 65,535 channels, not 70,000"
    ):
        varied(touched, leads(("a", 4)), at.Linear(), split="n")


def test_what_stitch_and_attribute_refuse_is_refused() -> None:
    touched, ended = touches(("a", 1, "ads")), leads(("a", 4))
    with pytest.raises(ParameterError, match="lookback_days"):
        varied(touched, ended, lookback_days=-1)
    with pytest.raises(ParameterError, match="given twice"):
        varied(touched, ended, at.Linear(), at.Linear())
    with pytest.raises(ParameterError, match="threads"):
        varied(touched, ended, threads=0)
    with pytest.raises(ParameterError, match="chanel"):
        varied(touched, ended, columns={"chanel": "source"})
    with pytest.raises(TableError, match="channel"):
        varied(touched.drop("channel"), ended)
    with pytest.raises(TypeError, match="lookback"):
        varied(touched, ended, lookback=3)


# Against runs of their own.


def shares_of(
    journeys: at.Stitched, models: Sequence[at.Model], names: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Return by model credit / outcomes of each channel of one run, under other names."""
    found: dict[str, dict[str, float]] = {}
    for model, credits in at.attribute(journeys, *models).items():
        found[model] = {UNATTRIBUTED: credits.unattributed[0] / credits.totals[0]}
        for channel, values in zip(credits.channels, credits.values, strict=True):
            name = names.get(channel, channel)
            found[model][name] = found[model].get(name, 0.0) + values[0] / credits.totals[0]
    return found


def assert_as_alone(
    found: Sensitivity,
    touched: pl.DataFrame,
    ended: pl.DataFrame,
    models: Sequence[at.Model],
    merge: Mapping[str, Sequence[str]],
    split: str,
    **given: Any,
) -> None:
    """Assert that the shares of each setting are those of a run with no other setting."""
    groups = {channel: name for name, channels in merge.items() for channel in channels}
    merged = touched.with_columns(pl.col("channel").replace(groups))
    divided = pl.concat_str("channel", pl.lit(" / "), split).fill_null(pl.col("channel"))
    parts = touched.with_columns(divided)
    whole = dict(zip(parts["channel"], touched["channel"], strict=True))
    every = touched.with_columns(event_id=pl.int_range(pl.len()).cast(pl.String))
    days = given.get("lookback_days", 30.0)
    tables: dict[tuple[str, str], tuple[pl.DataFrame, dict[str, Any], Mapping[str, str]]] = {
        ("lookback_days", f"{days:g}"): (touched, {}, {}),
        ("lookback_days", f"{days / 2:g}"): (touched, {"lookback_days": days / 2}, {}),
        ("lookback_days", f"{days * 2:g}"): (touched, {"lookback_days": days * 2}, {}),
        ("restart", "true"): (touched, {}, {}),
        ("restart", "false"): (touched, {"restart": False}, {}),
        ("duplicates", "once"): (touched, {}, {}),
        ("duplicates", "every row"): (every, {}, {}),
        ("merge", "apart"): (touched, {}, groups),
        ("merge", "merged"): (merged, {}, {}),
        ("split", "whole"): (touched, {}, {}),
        ("split", f"by {split}"): (parts, {}, whole),
    }
    if "event_id" in touched.columns:
        tables["duplicates", "without event ids"] = (touched.drop("event_id"), {}, {})
    expected = {
        (*key, model): shares
        for key, (table, more, names) in tables.items()
        for model, shares in shares_of(at.stitch(table, ended, **{**given, **more}), models, names).items()
    }
    base = at.stitch(touched, ended, **given)
    for value in (3.5, 7.0, 14.0):
        (expected["half_life", f"{value:g}", "time_decay"],) = shares_of(
            base, [at.TimeDecay(half_life=value)], {}
        ).values()
    for order in (1, 2, 3):
        (expected["order", str(order), "markov"],) = shares_of(base, [at.Markov(order=order)], {}).values()
    rows = found.shares.partition_by("parameter", "setting", "model", as_dict=True)
    assert set(rows) == set(expected)
    for key, table in rows.items():
        ours = {name: each for name, each in table.select("channel", "share").iter_rows() if each}
        twin = {name: each for name, each in expected[key].items() if each}  # type: ignore[index]
        assert ours == pytest.approx(twin, rel=1e-9), key


MODELS = (at.FirstTouch(), at.Linear(), at.TimeDecay(), at.Markov(), at.Shapley())


def test_each_setting_of_the_sample_is_that_of_a_run_of_its_own() -> None:
    sample = at.sample.load()
    found = sensitivity(sample.touchpoints, sample.leads, *MODELS, merge=PAID, split="campaign")
    assert_as_alone(found, sample.touchpoints, sample.leads, MODELS, PAID, "campaign")


def test_each_setting_of_july_is_that_of_a_run_of_its_own(data: Any) -> None:
    path = data.need("july2018/touchpoints_and_conversions.csv")
    events = at.split_events(path, columns={"timestamp": "time", "revenue": "conversion_value"})
    halves = pl.col("timestamp").dt.weekday().cast(pl.String).alias("weekday")
    touched, merge = events.touchpoints.with_columns(halves), {"Social": ["Facebook", "Instagram"]}
    found = sensitivity(touched, events.outcomes, *MODELS, merge=merge, split="weekday", lookback_days=4.0)
    assert_as_alone(found, touched, events.outcomes, MODELS, merge, "weekday", lookback_days=4.0)
    assert found.table()["swing"].max() > 0.01


# Laws.


@pytest.fixture(scope="module")
def sample() -> Sensitivity:
    """Return the sensitivity of every model on the sample."""
    tables = at.sample.load()
    return sensitivity(tables.touchpoints, tables.leads, merge=PAID, split="campaign")


def test_every_model_has_its_parameters(sample: Sensitivity) -> None:
    every = {"lookback_days", "restart", "duplicates", "merge", "split"}
    for name in at.MODELS:
        own = {"time_decay": {"half_life"}, "markov": {"order"}}.get(name, set())
        assert set(sample.shares.filter(model=name)["parameter"]) == every | own


def test_shares_sum_to_1_in_every_setting(sample: Sensitivity) -> None:
    keys = ["parameter", "setting", "model"]
    sums = sample.shares.group_by(keys).agg(pl.col("share").sum(), pl.col("given").n_unique())
    assert sums["share"].to_list() == pytest.approx([1.0] * len(sums), rel=1e-12)
    assert sums["given"].unique().to_list() == [1]
    given = sample.shares.filter("given").select(keys).unique()
    assert given.select("parameter", "model").is_unique().all()


def test_the_given_shares_are_those_of_the_credits(sample: Sensitivity) -> None:
    tables = at.sample.load()
    for name, credits in at.attribute(at.stitch(tables.touchpoints, tables.leads)).items():
        rows = sample.shares.filter("given", model=name, parameter="restart")
        ours = dict(rows.select("channel", "share").iter_rows())
        assert ours == pytest.approx(
            {
                channel: n / credits.totals[0]
                for channel, n in credits.table().select("channel", "leads").rows()
            }
        )


def test_ranks_are_those_of_channels_by_share(sample: Sensitivity) -> None:
    for rows in sample.shares.partition_by("parameter", "setting", "model"):
        assert rows.filter(channel=UNATTRIBUTED)["rank"].to_list() == [None]
        channels = rows.filter(pl.col("channel") != UNATTRIBUTED)
        shares = channels["share"].to_list()
        ranks = [1 + sum(other > each + 1e-12 for other in shares) for each in shares]
        assert channels["rank"].to_list() == ranks


def test_the_tornado_is_sorted_and_holds_its_share(sample: Sensitivity) -> None:
    table = sample.table()
    assert table.columns == [
        "model", "channel", "parameter", "share", "share_least", "share_most", "swing", "rank", "rank_best",
        "rank_worst", "flips",
    ]  # fmt: skip
    assert table["swing"].round(9).is_sorted(descending=True)
    assert (table["share_least"] <= table["share"]).all()
    assert (table["share"] <= table["share_most"]).all()
    channels = table.filter(pl.col("channel") != UNATTRIBUTED)
    assert (channels["rank"].is_between(channels["rank_best"], channels["rank_worst"])).all()
    assert (channels["flips"] == (channels["rank_best"] < channels["rank_worst"])).all()
    assert sample.flips().equals(table.filter("flips"))
    assert 0 < len(sample.flips()) < len(table)


def test_rules_of_position_do_not_mind_a_split(sample: Sensitivity) -> None:
    rules = ["first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay"]
    split = sample.table().filter(pl.col("model").is_in(rules), parameter="split")
    assert split["swing"].max() < 1e-12
    assert not split["flips"].any()


def test_the_order_of_the_rows_and_threads_change_no_bit(sample: Sensitivity) -> None:
    tables = at.sample.load()
    again = sensitivity(
        tables.touchpoints.sample(fraction=1.0, shuffle=True, seed=1),
        tables.leads.reverse(),
        merge=PAID,
        split="campaign",
        threads=1,
    )
    assert_frame_equal(again.shares, sample.shares, check_exact=True)
    assert_frame_equal(again.table(), sample.table(), check_exact=True)


def test_two_models_of_one_name_are_told_apart() -> None:
    touched = touches(("1", 1, "A"), ("1", 2, "B"), ("2", 1, "A"))
    found = varied(touched, leads(("1", 3)), at.Markov(), at.Markov(order=2), at.TimeDecay(name="decay"))
    assert set(found.shares["model"]) == {"markov_order_1", "markov_order_2", "decay"}
    order = found.shares.filter(parameter="order", channel="A").select("setting", "given", "model").rows()
    assert order == [
        (each, each == given, f"markov_order_{given}")
        for given in "12"
        for each in (given, *"123".replace(given, ""))
    ]


def test_a_window_that_is_its_own_half_is_not_varied() -> None:
    for days in (0.0, float("inf")):
        found = varied(touches(("a", 1, "ads")), leads(("a", 4)), at.Linear(), lookback_days=days)
        assert parameters_of(found) == ["duplicates", "restart"]


def test_without_outcomes_there_are_no_shares_and_no_flips() -> None:
    found = varied(touches(("a", 1, "ads"), ("a", 2, "mail")), leads())
    assert found.shares["share"].null_count() == len(found.shares) > 0
    assert found.table()["swing"].null_count() == len(found.table())
    assert not len(found.flips())


def test_without_touchpoints_all_is_unattributed() -> None:
    found = varied(touches(("a", 1, "ads")).clear(), leads(("a", 4)), split="channel")
    assert found.table()["channel"].unique().to_list() == [UNATTRIBUTED]
    assert found.table()["share"].unique().to_list() == [1.0]


def test_rows_that_are_set_aside_are_set_aside_in_every_setting() -> None:
    rows = [("a", 1, "mail"), ("a", 2, "ads\t"), ("a", 2, None), ("a", 2, " "), ("a", 3, " ads ")]
    found = varied(
        touches(*rows, device=["x", "y", "z", "x", "y\n"]), leads(("a", 4)), at.Linear(), split="device",
        merge={"all": [" ads", "mail"]},
    )  # fmt: skip
    for parameter, setting in (("split", "whole"), ("split", "by device"), ("restart", "false")):
        assert share(found, parameter, setting) == {"ads": 0.5, "mail": 0.5}
    assert share(found, "merge", "merged") == share(found, "merge", "apart") == {"all": 1}


def test_an_empty_channel_that_has_a_name_is_a_channel_in_every_setting() -> None:
    touched = touches(("a", 1, "mail"), ("a", 2, None), ("a", 3, "ads\t"), device=["x", "y", "z"])
    found = varied(
        touched, leads(("a", 4)), at.Linear(), split="device", merge={"all": ["(none)", "mail"]},
        reading=at.Reading(null_channel="(none)"),
    )  # fmt: skip
    assert share(found, "split", "by device") == {"(none)": 0.5, "mail": 0.5}
    assert share(found, "merge", "merged") == {"all": 1}


def test_a_channel_named_as_one_of_our_rows_is_told_from_it() -> None:
    touched = touches(("a", 1, UNATTRIBUTED), ("a", 2, "mail"), device=["x", "y"])
    found = varied(touched, leads(("a", 4), ("b", 4)), at.Linear(), split="device")
    for setting in ("whole", "by device"):
        assert share(found, "split", setting) == {'"(unattributed)"': 0.25, "mail": 0.25, UNATTRIBUTED: 0.5}


# Where tables come from.


def test_tables_are_read_once() -> None:
    reads = []

    def seen(frame: pl.DataFrame) -> pl.DataFrame:
        reads.append(frame.width)
        return frame

    touched = touches(("a", 1, "mail"), ("a", 2, "ads"), device=["x", "y"]).lazy().map_batches(seen)
    ended = leads(("a", 4)).lazy().map_batches(seen)
    varied(touched, ended, at.Linear(), split="device", merge={"all": ["ads", "mail"]})
    assert len(reads) == 2


def test_files_and_columns_of_other_names_give_the_same(tmp_path: Path, sample: Sensitivity) -> None:
    tables = at.sample.load()
    theirs = {"channel": "medium", "campaign": "utm", "event_id": "hit", "customer_id": "who"}
    tables.touchpoints.rename(theirs).write_csv(tmp_path / "touchpoints.csv")
    tables.leads.write_parquet(tmp_path / "leads.parquet")
    found = sensitivity(
        tmp_path / "touchpoints.csv",
        tmp_path / "leads.parquet",
        merge=PAID,
        split="campaign",
        columns={"touchpoints": theirs},
    )
    assert_frame_equal(found.shares, sample.shares, check_exact=True)


def test_one_mapping_may_serve_both_tables_and_options_of_stitch_are_passed_on() -> None:
    touched = touches(("a", 1, "mail"), ("a", 2, "ads"), ("a", 3, "fairs")).rename({"customer_id": "who"})
    ended = leads(("a", 4)).rename({"customer_id": "who"}).with_columns(signups=2)
    found = varied(
        touched,
        ended,
        at.Linear(),
        columns={"customer_id": "who"},
        outcome_names=["signups"],
        max_touchpoints=2,
    )
    assert (
        share(found, "restart", "true")
        == share(found, "duplicates", "every row")
        == {"ads": 0.5, "fairs": 0.5}
    )


def test_outcomes_that_were_told_again_count_once_in_every_setting() -> None:
    ended = leads(("a", 4), ("a", 4)).with_columns(
        outcome_id=pl.lit("o1"), wins=pl.Series([0, 1]), sql_at=pl.Series([day(5), day(6)])
    )
    with pytest.raises(TableError, match="outcome ids stand for different outcomes"):
        varied(touches(("a", 1, "ads")), ended, at.Linear())
    found = varied(touches(("a", 1, "ads")), ended, at.Linear(), repeated_outcomes="latest")
    assert share(found, "restart", "true") == {"ads": 1}


def test_what_the_base_run_warns_of_is_told_once() -> None:
    touched = touches(("a", 1, "ads")).with_columns(pl.col("timestamp").str.strip_chars_end("Z"))
    ended = leads(("a", 4)).with_columns(pl.col("timestamp").str.strip_chars_end("Z"))
    found = varied(touched, ended, at.Markov())
    assert len(set(found.warnings)) == len(found.warnings)
    assert sum("zone" in line for line in found.warnings) == 2
    assert sum("every journey converts" in line for line in found.warnings) == 1
