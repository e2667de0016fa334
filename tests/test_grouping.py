"""Grouping: each rule by hand, pages and click ids, a naive twin, rule files that cannot be, real events."""

from __future__ import annotations

import csv
import json
import re
import tomllib
import warnings
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import done, refused

import attribution as at
from attribution.errors import ParameterError, TableError
from attribution.grouping import channels_of
from attribution.grouping.events import classified
from attribution.grouping.rules import OURS as RULES
from attribution.grouping.rules import Rules, load_rules
from attribution.grouping.sites import OURS as SITES
from attribution.grouping.sites import load_sites

# Source, medium, campaign and their channel, in the order of the rules of the default channel group.
BY_HAND: list[tuple[str | None, str | None, str | None, str]] = [
    ("(direct)", "(none)", None, "Direct"),
    ("(direct)", "(not set)", "(not set)", "Direct"),
    (None, None, None, "Direct"),
    ("", "  ", "", "Direct"),
    ("google", "cpc", "EU Cross-Network 7", "Cross-network"),
    ("amazon", "cpc", None, "Paid Shopping"),
    ("google", "ppc", "Spring Shopping", "Paid Shopping"),
    ("bing", "paid", None, "Paid Search"),
    ("facebook", "paidsocial", None, "Paid Social"),
    ("youtube.com", "cpv-cpc", None, "Paid Video"),
    ("newssite", "banner", None, "Display"),
    ("newssite", "retargeting", None, "Paid Other"),
    ("etsy.com", "referral", None, "Organic Shopping"),
    ("partner", "referral", "shop", "Organic Shopping"),
    ("partner", "social-media", None, "Organic Social"),
    ("m.facebook.com", "referral", None, "Organic Social"),
    ("partner", "in-video", None, "Organic Video"),
    ("vimeo", "referral", None, "Organic Video"),
    ("unheard", "organic", None, "Organic Search"),
    ("www.google.co.uk", "referral", None, "Organic Search"),
    ("support.google.com", "referral", None, "Referral"),
    ("partner", "link", None, "Referral"),
    ("newsletter", "E-Mail", None, "Email"),
    ("e_mail", "weekly", None, "Email"),
    ("e mail", "referral", None, "Referral"),  # it stands before Email
    ("partner", "affiliate", None, "Affiliates"),
    ("podcast", "audio", None, "Audio"),
    ("sms", "text", None, "SMS"),
    ("provider", "sms", None, "SMS"),
    ("app", "webpush", None, "Mobile Push"),
    ("app", "mobile_ad", None, "Mobile Push"),
    ("firebase", "x", None, "Mobile Push"),
    ("partner", "poster", None, "Unassigned"),
    ("(not set)", "(not set)", "(not set)", "Unassigned"),
    ("(direct)", "poster", None, "Unassigned"),
    ("(direct)", None, None, "Unassigned"),
    # What follows from the order.
    ("linkedin", "social", None, "Organic Social"),  # even where it was paid for
    ("google", "cpm", None, "Paid Search"),  # .*cp.* stands before Display
    ("unheard", "cpm", None, "Display"),
    ("unheard", "cpc", None, "Paid Other"),
    ("unheard", "referral", "workshop", "Referral"),  # k before shop is none of [^a-df-z]
    ("unheard", "referral", "eshop", "Organic Shopping"),
    ("unheard", "referral", "my-shop", "Organic Shopping"),
    # What stands before its neighbour.
    ("(direct)", "(none)", "cross-network", "Direct"),
    ("amazon", "cpc", "cross-network", "Cross-network"),
    ("youtube", "cpm", None, "Paid Video"),
    ("unheard", "sm", "shop", "Organic Shopping"),
    ("vimeo", "social", None, "Organic Social"),
    ("google", "video", None, "Organic Video"),
    ("email", "affiliate", None, "Email"),
    ("sms", "audio", None, "Audio"),
    ("sms", "push", None, "SMS"),
    # Short names, and what stands before a host.
    *((name, "referral", None, "Organic Social") for name in ("fb", "ig", "vk", "fb.me", "m.me")),
    *((f"{name}.facebook.com", "cpc", None, "Paid Social") for name in ("touch", "web", "business", "lm")),
    *((name, "referral", None, "Organic Social") for name in ("vk.com", "m.vk.com", "messenger")),
    *((name, "referral", None, "Organic Video") for name in ("twitch.tv", "m.twitch.tv", "www.youtu.be")),
    *((name, "referral", None, "Referral") for name in ("ig.com", "ig.com.br", "t.co.uk", "me", "web.de")),
]  # fmt: skip
CLICKED = {
    **dict.fromkeys(("gclid", "gbraid", "wbraid", "msclkid"), "Paid Search"),
    **dict.fromkeys(("ttclid", "li_fat_id", "twclid", "epik", "rdt_cid"), "Paid Social"),
    "dclid": "Display",
    "srsltid": "Organic Search",  # Google puts it on its free listings
    "fbclid": "Organic Social",  # Facebook puts it on every link that leaves it
}
CELLS = ("source", "medium", "campaign")


def visits(rows: list[tuple[Any, ...]], names: tuple[str, ...] = CELLS) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def channels(table: pl.DataFrame, **more: Any) -> list[str | None]:
    return channels_of(table, **more).table()["channel"].to_list()


def page(url: str | None, *cells: str | None) -> str | None:
    """Return the channel of one row of a url and cells that are given in order, else empty."""
    row = (*cells, *[None] * (3 - len(cells)), url)
    return channels(visits([row], (*CELLS, "url")))[0]


# The rules.


@pytest.mark.parametrize(("source", "medium", "campaign", "channel"), BY_HAND)
def test_a_rule_by_hand(source: str | None, medium: str | None, campaign: str | None, channel: str) -> None:
    row = (source, medium, campaign)
    upper = tuple(cell and f" {cell.upper()} " for cell in row)
    assert channels(visits([row, upper])) == [channel, channel]


def test_every_rule_has_a_case_by_hand() -> None:
    rules = load_rules(None, load_sites())
    assert len(rules.ordered) == 18
    assert {rule.channel for rule in rules.ordered} | {rules.otherwise} == {row[3] for row in BY_HAND}
    assert set(rules.click_ids) == set(CLICKED)


# Neighbours that no row tells apart: a site is of one kind, a medium one of both, and what is paid for and
# at a shop is Paid Shopping before either.
APART = {
    ("Paid Search", "Paid Social"),
    ("Paid Social", "Paid Video"),
    ("Paid Other", "Organic Shopping"),
    ("Affiliates", "Audio"),
}


def by_hand(rules: Rules) -> list[str]:
    """Return the channels of the cases by hand by other rules than ours."""
    cells = visits([row[:3] for row in BY_HAND]).select(
        pl.all().fill_null("").str.strip_chars().str.to_lowercase()
    )
    return classified(cells, rules, load_sites()).to_list()


def test_every_rule_is_needed_where_it_stands() -> None:
    rules = load_rules(None, load_sites())
    expected = [row[3] for row in BY_HAND]
    assert by_hand(rules) == expected
    for place, (first, second) in enumerate(pairwise(rules.ordered)):
        order = list(rules.ordered)
        order[place : place + 2] = second, first
        swapped = by_hand(replace(rules, ordered=tuple(order)))
        pair = (first.channel, second.channel)
        assert (swapped == expected) == (pair in APART), pair
    for rule in rules.ordered:
        rest = tuple(each for each in rules.ordered if each is not rule)
        assert by_hand(replace(rules, ordered=rest)) != expected, rule.channel


def test_no_site_of_ours_is_said_twice() -> None:
    sites = load_sites()
    for name, kind in sites.category.items():
        rest = {each: other for each, other in sites.category.items() if each != name}
        found = pl.select(replace(sites, category=rest).of(pl.lit(name))).item()
        assert found != kind, f"{name} is {kind} without its entry"


# The naive twin: the rules said once more, in plain Python.


def kind_of(source: str, known: dict[str, list[str]]) -> str:
    first, _, rest = source.partition(".")
    host = rest if first in ("www", "m", "l", "lm", "touch", "web") and "." in rest.strip(".") else source
    bare = re.sub(r"(\.(co|com|org|net))?\.[a-z][a-z][a-z]?$", "", host)
    for name in (host, bare) if len(bare) > 2 and "." not in bare else (host,):
        for kind, names in known.items():
            if name in names:
                return kind
    return ""


def twin(cells: tuple[str | None, ...], known: dict[str, list[str]]) -> str:
    source, medium, campaign = ((cell or "").strip().lower() for cell in cells)
    kind = kind_of(source, known)
    paid = "cp" in medium or medium in ("ppc", "retargeting") or medium.startswith("paid")
    at_shop = [place.start() for place in re.finditer("shop", campaign)]
    shop = any(i == 0 or campaign[i - 1] not in "abcdfghijklmnopqrstuvwxyz" for i in at_shop)
    shop = shop or "shopping" in campaign
    mails = ("email", "e-mail", "e_mail", "e mail")
    socials = ("social", "social-network", "social-media", "sm", "social network", "social media")
    rules = (
        (source == "(direct)" and medium in ("(none)", "(not set)"), "Direct"),
        (source == "" and medium == "", "Direct"),
        ("cross-network" in campaign, "Cross-network"),
        ((kind == "shopping" or shop) and paid, "Paid Shopping"),
        (kind == "search" and paid, "Paid Search"),
        (kind == "social" and paid, "Paid Social"),
        (kind == "video" and paid, "Paid Video"),
        (medium in ("display", "banner", "expandable", "interstitial", "cpm"), "Display"),
        (paid, "Paid Other"),
        (kind == "shopping" or shop, "Organic Shopping"),
        (kind == "social" or medium in socials, "Organic Social"),
        (kind == "video" or "video" in medium, "Organic Video"),
        (kind == "search" or medium == "organic", "Organic Search"),
        (medium in ("referral", "app", "link"), "Referral"),
        (source in mails or medium in mails, "Email"),
        (medium == "affiliate", "Affiliates"),
        (medium == "audio", "Audio"),
        (source == "sms" or medium == "sms", "SMS"),
        (medium.endswith("push") or "mobile" in medium or "notification" in medium, "Mobile Push"),
        (source == "firebase", "Mobile Push"),
    )
    return next((channel for holds, channel in rules if holds), "Unassigned")


SOURCES = (
    *("(direct)", "google", "Google.com", "www.google.de", "support.google.com", "facebook"),
    *("l.facebook.com", "x.com", "x", "t.co", "ask.com", "ask.fm", "Amazon.co.uk", "youtube"),
    *("m.youtube.com", "email", "sms", "firebase", "news", "(not set)", "shopping.google.com"),
    *(" bing ", "", None, "linkedin", "a.bing.com", "m.me", "me", "fb", "ig", "ig.com", "web.facebook.com"),
)  # fmt: skip
MEDIA = (
    *("(none)", "(not set)", "cpc", "CPM", "ppc", "Paid-social", "retargeting", "xcpx", "banner", "display"),
    *("organic", "social", "Social Media", "sm", "video", "referral", "app", "e-mail", "e_mail", "affiliate"),
    *("audio", "sms", "push", "push2", "Mobile", "notifications", "poster", " ", "", None, "repaid"),
)  # fmt: skip
CAMPAIGNS = ("shop", "Eshop", "workshop", "winter shopping", "cross-network", "(not set)", "", None, "a_shop")


def test_random_rows_are_as_the_twin_says_and_keep_their_place() -> None:
    draw = np.random.default_rng(7)
    known = tomllib.loads(SITES.read_text())["sites"]
    choices = [draw.integers(len(values), size=4_000) for values in (SOURCES, MEDIA, CAMPAIGNS)]
    rows = [(SOURCES[i], MEDIA[j], CAMPAIGNS[k]) for i, j, k in zip(*choices, strict=True)]
    found = channels(visits(rows))
    assert found == [twin(row, known) for row in rows]
    assert len(set(found)) == 19
    backwards = channels(visits(rows[::-1]))
    assert backwards[::-1] == found


def test_random_pages_are_as_the_twin_says() -> None:
    draw = np.random.default_rng(8)
    known = tomllib.loads(SITES.read_text())["sites"]
    rows, expected = [], []
    for _ in range(1_000):
        pair = [(SOURCES, MEDIA, CAMPAIGNS)[i][draw.integers(9)] for i in range(3)]
        given = [each if draw.random() < 0.3 else None for each in pair]
        escape = (quote, quote_plus)[draw.integers(2)]
        said = [f"utm_{name}={escape(value)}" for name, value in zip(CELLS, pair, strict=True) if value]
        url = f"https://a.com/p?{'&'.join(draw.permutation([*said, 'y=2', 'z']))}#utm_medium=cpc"
        query = parse_qs(urlsplit(url).query)
        full = [
            cell if cell and cell.strip() else query.get(f"utm_{name}", [None])[0]
            for cell, name in zip(given, CELLS, strict=True)
        ]
        rows.append((*given, url))
        expected.append(twin(tuple(full), known))
    assert channels(visits(rows, (*CELLS, "url"))) == expected


# Pages and click ids.


def test_the_query_of_a_page_speaks_where_the_cells_are_empty() -> None:
    url = "https://shop.com/a?x=1&UTM_Source=Google&utm_medium=c%70c&utm_campaign=spring+shopping#top"
    assert page(url) == "Paid Shopping"
    assert page(url, "newsletter") == "Paid Shopping"  # cell by cell: newsletter / cpc / spring shopping
    assert page(url, "newsletter", "email", "x") == "Email"
    assert page(url, " ", "", None) == "Paid Shopping"
    assert page(url, "(direct)", "(none)", "(not set)") == "Direct"  # these literals are no empty cells
    assert page("https://a.com/?utm_medium=social%20media") == "Organic Social"
    assert page("https://a.com/?utm_source=&utm_source=%20&utm_medium=organic") == "Organic Search"
    assert page("https://a.com/?utm_source=e%2Dmail") == "Email"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://a.com/utm_medium=cpc",
        "https://a.com/?xutm_medium=cpc",
        "https://a.com/#?utm_medium=cpc",
        "https://a.com/?to=/b?utm_medium=cpc",
        "https://a.com/?gclid=",
        "https://a.com/?gclid",
        "no url at all",
    ],
)
def test_what_is_no_parameter_says_nothing(url: str | None) -> None:
    assert page(url) == "Direct"


@pytest.mark.parametrize(("name", "channel"), CLICKED.items())
def test_a_click_id_without_utm_stands_for_its_platform(name: str, channel: str) -> None:
    assert page(f"https://a.com/?b=1&{name}=Abc-_9") == channel
    assert page(f"https://a.com/?{name.upper()}=1") == channel
    assert page(f"https://a.com/?{name}=1&utm_source=news&utm_medium=email") == "Email"
    assert page(f"https://a.com/?{name}=1&utm_source=partner") == "Unassigned"
    assert page(f"https://a.com/?{name}=1", "google", "organic") == "Organic Search"


def test_of_several_click_ids_the_first_of_the_rules_counts_and_a_campaign_stays() -> None:
    assert page("https://a.com/?fbclid=1&gclid=2") == "Paid Search"
    assert page("https://a.com/?srsltid=1&gclid=2") == "Paid Search"
    assert page("https://a.com/?fbclid=1&srsltid=2") == "Organic Search"
    assert page("https://a.com/?gclid=2&utm_campaign=shop") == "Paid Shopping"


def test_a_table_of_pages_alone_is_enough() -> None:
    pages = pl.DataFrame({"landing_page": ["https://a.com/?utm_medium=email", "https://a.com/"]})
    found = channels_of(pages, columns={"url": "landing_page"})
    assert found.table()["channel"].to_list() == ["Email", "Direct"]
    assert [line.partition(": ")[2][:16] for line in found.warnings] == [
        "no column source",
        "no column medium",
    ]


# The table.


def test_all_else_stays_as_it_was_and_channel_is_replaced_in_its_place() -> None:
    table = pl.DataFrame(
        {
            "channel": ["old", None],
            "src": pl.Series(["Google", "bing"], dtype=pl.Categorical),
            "medium": ["cpc", "organic"],
            "n": [2, None],
            "tags": [["a"], []],
        }
    )
    with pytest.warns(UserWarning, match=r"the column channel is replaced; rename it before, to keep"):
        found = at.with_channels(table, columns={"source": "src"})
    assert found.columns == table.columns
    assert found["channel"].to_list() == ["Paid Search", "Organic Search"]
    assert_frame_equal(found.drop("channel"), table.drop("channel"))
    with pytest.warns(UserWarning, match="is replaced"):
        again = at.with_channels(found, columns={"source": "src"})
    assert_frame_equal(again, found)
    appended = at.with_channels(table.drop("channel"), columns={"source": "src"})
    assert appended.columns == ["src", "medium", "n", "tags", "channel"]


def test_a_column_channel_that_is_read_is_replaced_after_it_was_and_told() -> None:
    table = pl.DataFrame({"channel": ["google", "news"], "medium": ["cpc", "referral"]})
    found = channels_of(table, columns={"source": "channel"})
    assert found.table()["channel"].to_list() == ["Paid Search", "Referral"]
    assert found.table().columns == ["channel", "medium"]
    assert found.warnings == (
        "events (DataFrame): the column channel is replaced after it was read as source; rename it before, "
        "to keep what it holds",
    )
    assert table["channel"].to_list() == ["google", "news"]
    assert not channels_of(table.rename({"channel": "source"})).warnings


@pytest.mark.parametrize("columns", ["x", "source=x", ["source"], 3])
def test_columns_that_map_nothing_are_refused(columns: Any) -> None:
    with pytest.raises(ParameterError, match=r"parameter 'columns': got .*, expected a mapping, as"):
        at.with_channels(visits([]), columns=columns)


@pytest.mark.parametrize("name", ["rules", "sites"])
@pytest.mark.parametrize("given", [3, {"version": "1"}, b"rules.toml"])
def test_rules_and_sites_that_are_no_path_are_refused(name: str, given: Any) -> None:
    with pytest.raises(ParameterError, match=f"parameter '{name}': got .*, expected the path of a TOML file"):
        at.with_channels(visits([]), **{name: given})


def test_what_is_unassigned_is_told_with_its_most_frequent_cells() -> None:
    table = visits([("a", "Poster", None)] * 3 + [("b", "wall", "c"), ("google", "cpc", None)])
    with pytest.warns(
        UserWarning, match=r"4 of 5 rows are Unassigned.*: 'a' / 'poster' / ''; 'b' / 'wall' / 'c'$"
    ):
        assert at.with_channels(table)["channel"].to_list() == ["Unassigned"] * 4 + ["Paid Search"]
    found = channels_of(table)
    assert found.counts.rows() == [("Unassigned", 4), ("Paid Search", 1)]
    assert found.rules.endswith(tomllib.loads(RULES.read_text())["version"])
    assert not channels_of(table[-1:]).warnings


def test_a_table_without_rows_has_no_channel_and_says_so() -> None:
    found = channels_of(visits([]))
    assert found.table().schema["channel"] == pl.String
    assert not len(found.counts)
    assert any("no rows" in line for line in found.warnings)


def test_a_row_that_does_not_fit_the_header_has_no_channel_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("id,source,medium\n1,google,cpc\n2,bing,organic,odd\n3,,\n")
    found = channels_of(path)
    assert found.table()["channel"].to_list() == ["Paid Search", None, "Direct"]
    assert found.counts["rows"].sum() == 2
    assert any("1 rows have no channel" in line for line in found.warnings)


@pytest.mark.parametrize(
    ("table", "columns", "said"),
    [
        ({"source": ["a"]}, {}, r"no column 'medium'.*\n.*or url has it\)\n.*--columns medium=\.\.\."),
        ({"medium": ["a"], "campaign": ["b"]}, {}, "no column 'source'; found 'medium', 'campaign'"),
        ({"source": ["a"], "medium": ["b"]}, {"url": "page"}, "no column 'page'"),
        ({"source": ["a"], "mdium": ["b"]}, {"medium": "medum"}, "did you mean 'mdium'"),
        ({"source": ["a"], "medium": ["b"]}, {"chanel": "source"}, "no column of the sources table"),
        ({"source": [["a"]], "medium": ["b"]}, {}, "type List"),
    ],
)
def test_a_table_that_cannot_be_grouped_is_refused(table: Any, columns: dict[str, str], said: str) -> None:
    with pytest.raises(TableError, match=said):
        at.with_channels(pl.DataFrame(table), columns=columns)


# Files of rules and sites.

RULE = '[[rules]]\nchannel = "Mail"\nany = [{ medium = "mail" }]\n'
HEAD = 'version = "1"\nname = "ours"\notherwise = "Rest"\n'


def test_rules_and_sites_of_an_analyst_take_the_place_of_ours(tmp_path: Path) -> None:
    rules, sites = tmp_path / "rules.toml", tmp_path / "sites.toml"
    assistant = (
        '[[rules]]\nchannel = "AI"\nany = [{ site = "ai", medium = "^referral$" }, { source = "bot|gpt" }]\n'
    )
    rules.write_text(f'{HEAD}[click_ids]\noclid = {{ source = "our-gpt" }}\n{assistant}{RULE}')
    sites.write_text('version = "2"\n[sites]\nai = ["chat.ai", "Talker"]\n')
    rows = [
        ("chat.ai", "referral"),
        ("talker.com", "referral"),
        ("talker", "x"),
        ("aGPTb", None),
        ("a", "MAILS"),
    ]
    given = visits([*rows, (None, None)], ("source", "medium"))
    found = channels_of(given, rules=rules, sites=sites)
    assert found.table()["channel"].to_list() == ["AI", "AI", "Rest", "AI", "Mail", "Rest"]
    assert (found.rules, found.sites) == ("ours, 1", f"sites file {sites}, 2")
    assert channels_of(given).sites == f"sites of the package, {tomllib.loads(SITES.read_text())['version']}"
    assert "2 of 6 rows are Rest" in found.warnings[0]
    assert channels(visits([("https://a.com/?oclid=1",)], ("url",)), rules=rules, sites=sites) == ["AI"]


def test_a_thousand_rules_are_as_good_as_one(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    many = "".join(f'[[rules]]\nchannel = "c{i}"\nany = [{{ medium = "^m{i}$" }}]\n' for i in range(1_000))
    rules.write_text(HEAD + many)
    assert channels(visits([("a", "m999", None), ("a", "m", None)]), rules=rules) == ["c999", "Rest"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD.replace('version = "1"\n', "") + RULE, "got nothing as version, expected the version"),
        (HEAD.replace('"1"', "1") + RULE, "got 1 as version"),
        (HEAD.replace('"Rest"', '" "') + RULE, "got ' ' as otherwise"),
        (HEAD, r"got no rules, expected \[\[rules\]\]"),
        (HEAD + "rules = [1]", r"rule 1: got 1, expected a table"),
        (f"{HEAD}vresion = 1\n{RULE}", "unknown key 'vresion'; did you mean 'version'"),
        (HEAD + RULE + RULE.replace("channel", "chanel"), "rule 2: got nothing as channel"),
        (HEAD + RULE + RULE.replace("any", "all"), r"rule 2 \(Mail\): unknown key 'all'"),
        (HEAD + RULE.replace("medium", "media"), r"rule 1 \(Mail\): unknown key 'media'; did you mean"),
        (HEAD + RULE.replace('{ medium = "mail" }', ""), r"rule 1 \(Mail\): got no conditions"),
        (HEAD + RULE.replace('{ medium = "mail" }', "{}"), r"rule 1 \(Mail\): got {} in any"),
        (HEAD + RULE.replace('"mail"', "3"), r"rule 1 \(Mail\): got 3 as medium"),
        (HEAD + RULE.replace('"mail"', '""'), r"rule 1 \(Mail\): got '' as medium"),
        (HEAD + RULE.replace('"mail"', '"(a"'), r"rule 1 \(Mail\): got '\(a' as medium.*: unclosed group"),
        (HEAD + RULE.replace('"mail"', '"(?=a)"'), r"rule 1 \(Mail\).*look-around"),
        (HEAD + RULE.replace('"mail"', '"((a{999}){999}){9}"'), r"rule 1 \(Mail\).*a regular expression: "),
        (HEAD + RULE.replace('"mail"', '"$paid"'), r"rule 1 \(Mail\): unknown pattern '\$paid'"),
        (
            f'{HEAD}[patterns]\npaid = "["\n{RULE}'.replace('"mail"', '"$paid"'),
            r"pattern 'paid': got '\[', expected a regular expression: unclosed",
        ),
        (f'{HEAD}[patterns]\nodd = "("\n{RULE}', r"pattern 'odd': got '\(', expected a regular expression"),
        (f"{HEAD}[patterns]\nodd = 1\n{RULE}", "pattern 'odd': got 1 as odd, expected a regular expression"),
        (
            f'{HEAD}[patterns]\na = "^x$"\nb = " $a"\n{RULE}'.replace('"mail"', '"$b"'),
            r"pattern 'b': got '\$a', expected a regular expression: it names no other",
        ),
        (
            HEAD + RULE.replace('"mail"', "'(?-i)Mail'"),
            r"rule 1 \(Mail\): got '\(\?-i\)Mail' as medium, expected .* without \(\?-i: case does not count",
        ),
        (HEAD + RULE.replace('"mail"', "'a(?s-mi:B)'"), r"without \(\?s-mi: case"),
        (f"{HEAD}[patterns]\nodd = '(?-i)A'\n{RULE}", r"pattern 'odd': got .* without \(\?-i: case"),
        (HEAD + RULE.replace("medium", "site"), r"rule 1 \(Mail\): unknown category of sites 'mail'"),
        (f"{HEAD}[click_ids]\ngclid = 1\n{RULE}", "click id 'gclid': got 1"),
        (f'{HEAD}[click_ids]\ngclid = {{ medium = "a" }}\n{RULE}', "click id 'gclid': got nothing as source"),
        (f"{HEAD}patterns = 1\n{RULE}", "got 1 as patterns"),
        ("version = ", "is no TOML"),
        ("[" * 5_000, "is no TOML"),
    ],
)  # fmt: skip
def test_a_bad_file_of_rules_is_refused_by_its_name_and_the_rule(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=said) as told:
        at.with_channels(visits([("a", "b", "c")]), rules=path)
    assert str(told.value).startswith(f"rules file {path}")
    assert "\n" not in str(told.value) or "TOML" in str(told.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[sites]\nsearch = ["a"]', "got nothing as version"),
        ('version = "1"', "got no categories"),
        ('version = "1"\n[sites]\nsearch = "a"', "got 'a' as search, expected a list"),
        ('version = "1"\n[sites]\nsearch = ["a", " "]', "expected a list of sites"),
        ('version = "1"\n[sites]\nsearch = ["a"]\nsocial = ["A"]', "site 'a' is search and social"),
        ('version = "1"\n[site]\nsearch = ["a"]', "unknown key 'site'; did you mean 'sites'"),
    ],
)
def test_a_bad_file_of_sites_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=said) as told:
        at.with_channels(visits([("a", "b", "c")]), sites=path)
    assert str(told.value).startswith(f"sites file {path}")


def test_sites_without_a_category_of_the_rules_are_refused_by_their_file(tmp_path: Path) -> None:
    path, rules = tmp_path / "sites.toml", tmp_path / "rules.toml"
    path.write_text('version = "1"\n[sites]\nshoping = ["a"]')
    said = (
        rf"^sites file {re.escape(str(path))}: no category 'shopping'; did you mean 'shoping'\?, which rules "
        r"file .*rules\.toml, rule 3 \(Paid Shopping\) asks for; it has shoping$"
    )
    with pytest.raises(ParameterError, match=said):
        at.with_channels(visits([("a", "b", "c")]), sites=path)
    rules.write_text(HEAD + RULE.replace("medium", "site"))
    said = (
        rf"^rules file {re.escape(str(rules))}, rule 1 \(Mail\): unknown category of sites 'mail'; sites of"
    )
    with pytest.raises(ParameterError, match=said):
        at.with_channels(visits([("a", "b", "c")]), rules=rules)


def test_sites_are_known_with_what_stands_before_a_host_and_without(tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    entries = ["www.news.tv", "M.Chat.org", "web.de", "touch.forum.example", "ab", "m.me"]
    kinds = {"search": entries, "shopping": ["x1"], "social": ["x2"], "video": ["x3"]}
    lines = ['version = "1"', "[sites]", *(f"{kind} = {names}" for kind, names in kinds.items())]
    path.write_text("\n".join(lines))
    known = ["news.tv", "www.news.tv", "m.news.tv", "chat.org", "m.chat.org", "web.de", "www.web.de", "ab"]
    known += ["forum.example", "web.forum.example", "m.me"]
    other = ["de", "me", "news", "ab.com", "a.news.tv", "chat.com", "forum.exampl"]
    rows = visits([(source, "x", None) for source in (*known, *other)])
    found = channels(rows, sites=path)
    assert found == ["Organic Search"] * len(known) + ["Unassigned"] * len(other)
    path.write_text('version = "1"\n[sites]\nsearch = ["www.a.com"]\nsocial = ["m.a.com"]')
    with pytest.raises(ParameterError, match=r"site 'a\.com' is search and social"):
        at.with_channels(rows, sites=path)


def test_files_that_begin_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    rules, sites = tmp_path / "rules.toml", tmp_path / "sites.toml"
    rules.write_text(HEAD + RULE, encoding="utf-8-sig")
    sites.write_text('version = "1"\n[sites]\nsearch = ["a"]', encoding="utf-8-sig")
    assert channels(visits([("a", "mail", None)]), rules=rules, sites=sites) == ["Mail"]


def test_a_flag_that_is_no_flag_or_does_no_harm_is_read(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    for text, medium in ((r"^\(?-i$", "-I"), ("(?x) ^ m ail $", "MAIL"), ("(?s-m:^M)ail", "mail")):
        rules.write_text(HEAD + RULE.replace('"mail"', f"'{text}'"))
        assert channels(visits([("a", medium, None)]), rules=rules) == ["Mail"]


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"none\.toml: cannot be read"):
        at.with_channels(visits([]), rules=tmp_path / "none.toml")
    (tmp_path / "large.toml").write_text("#" * 1_100_000)
    with pytest.raises(ParameterError, match="got 1,100,000 bytes"):
        at.with_channels(visits([]), rules=tmp_path / "large.toml")


# Real events, and the command line.

SNOWPLOW = {"source": "mkt_source", "medium": "mkt_medium", "campaign": "mkt_campaign"}


def test_the_events_of_snowplow_have_the_channels_that_a_hand_counts(data: Any) -> None:
    path = data.need("snowplow_events/events.csv")
    by_hand: Counter[str] = Counter()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            source, medium = row["mkt_source"], row["mkt_medium"]
            if (source, medium) in (("(direct)", "(none)"), ("", "")):
                by_hand["Direct"] += 1
            elif source == "google":
                by_hand[{"organic": "Organic Search", "cpc": "Paid Search"}[medium]] += 1
            elif source in ("youtube.com", "quora.com"):
                by_hand[{"youtube.com": "Organic Video", "quora.com": "Organic Social"}[source]] += 1
            else:
                by_hand[{"referral": "Referral", "affiliate": "Affiliates"}[medium]] += 1
    assert (by_hand["Direct"], by_hand["Paid Search"], by_hand.total()) == (47, 3, 98)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = at.with_channels(path, columns=SNOWPLOW)
    assert dict(found["channel"].value_counts().iter_rows()) == dict(by_hand)
    assert_frame_equal(found.drop("channel"), pl.read_csv(path, infer_schema=False))


def test_the_command_writes_the_table_and_shows_the_counts(tmp_path: Path) -> None:
    events, out = tmp_path / "events.csv", tmp_path / "touchpoints.csv"
    rows = "a,2026-03-01,google,cpc\nb,2026-03-02,news,poster\n+4,2026-03-02,,\n"
    events.write_text(f"customer_id,timestamp,from,medium\n{rows}")
    arguments = ("channels", events, "--columns", "source=from")
    ran = done(*arguments, "--out", out)
    assert re.search(r"Paid Search\s+│\s+1 ", ran.out)
    assert re.search(r"\(total\)\s+│\s+3 ", ran.out)
    assert "1 of 3 rows are Unassigned" in ran.err
    assert "1 cells begin as a formula does" in ran.err
    written = pl.read_csv(out)
    assert written["channel"].to_list() == ["Paid Search", "Unassigned", "Direct"]
    assert written["customer_id"].to_list() == ["a", "b", "'+4"]
    done(*arguments, "--out", tmp_path / "touchpoints.parquet")
    parquet = pl.read_parquet(tmp_path / "touchpoints.parquet")
    with pytest.warns(UserWarning, match="Unassigned"):
        assert_frame_equal(parquet, at.with_channels(events, columns={"source": "from"}))
    counts = json.loads(done(*arguments, "--json").out)
    assert {row["channel"]: row["rows"] for row in counts} == dict.fromkeys(written["channel"], 1)
    assert "holds something else" in refused(
        6, "channels", events, "--columns", "medium=from,source=medium", "--out", out
    )


def test_the_command_takes_rules_and_refuses_bad_ones(tmp_path: Path) -> None:
    events, rules = tmp_path / "events.csv", tmp_path / "rules.toml"
    events.write_text("source,medium\na,mail\n")
    rules.write_text(HEAD + RULE)
    ran = done("channels", events, "--rules", rules)
    assert "Mail" in ran.out
    assert "rules: ours, 1; sites: sites of the package, 20" in ran.err
    assert "a column channel, which is replaced" in re.sub(r"\s+", " ", done("channels", "--help").out)
    events.write_text("source,medium,channel\na,mail,old\n")
    assert "warning: events" in done("channels", events).err
    rules.write_text(HEAD + RULE.replace('"mail"', '"("'))
    assert f"rules file {rules}, rule 1 (Mail)" in refused(2, "channels", events, "--rules", rules)
    rules.write_text(HEAD + RULE)
    assert "also an input" in refused(6, "channels", events, "--out", events)
