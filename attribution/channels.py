"""Channels: names made equal where they are, one sorted vocabulary, and the labels that look alike."""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

import numpy as np
import polars as pl

from attribution.arrays import UInt16
from attribution.errors import TableError, shown
from attribution.tables.categories import distinct, mapped

ALIKE = "channels look alike and are kept apart"
UNATTRIBUTED, TOTAL = "(unattributed)", "(total)"  # rows of our tables that are no channels
MOST = 65_535  # codes are UInt16
RARE = 10  # rows
AROUND = r"^[\s\x1c-\x1f]+|[\s\x1c-\x1f]+$"  # what Python strips
# Cyrillic and Greek letters that are drawn as Latin ones.
LOOKALIKES = str.maketrans("аеорсухіјѕԁԛԝαονρτυικ", "aeopcyxijsdqwaovptuik")


def normalised(name: str) -> str:
    r"""Return the name trimmed and in Unicode's composed form (NFC).

    >>> normalised(" Cafe\u0301 ") == "Caf\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name.strip())


def skeleton(name: str) -> str:
    """Return what is left of a name without case, accents, spaces, signs and invisible characters.

    >>> skeleton("Paid-Search") == skeleton("paid  search")
    True
    """
    plain = unicodedata.normalize("NFKD", name).casefold().translate(LOOKALIKES)
    return "".join(filter(str.isalnum, plain)) or plain


def label(name: str) -> str:
    """Return the name as our tables write it: quoted where it would be taken for one of our rows.

    >>> label("ads"), label("(total)")
    ('ads', '"(total)"')
    """
    return f'"{name}"' if name.strip('"') in (UNATTRIBUTED, TOTAL) else name


def unlabelled(written: str) -> str:
    """Return the name that our tables write so.

    >>> unlabelled('"(total)"'), unlabelled("ads")
    ('(total)', 'ads')
    """
    inner = written[1:-1]
    return inner if label(inner) == written else written


def path_part(name: str, ours: Container[str]) -> str:
    """Return the name as a part of a path "a > b": quoted where it is one of ours or could be taken for more.

    >>> path_part("ads", ["(null)"]), path_part("(null)", ["(null)"]), path_part("a > b", [])
    ('ads', '"(null)"', '"a > b"')
    """
    special = name in ours or ">" in name or '"' in name
    return json.dumps(name, ensure_ascii=False) if special else name


def near_duplicates(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of different names that look alike; they are kept apart, and reported.

    >>> near_duplicates(["Email", "email", "Search"])
    [('Email', 'email')]
    """
    given = pl.Series(sorted(names), dtype=pl.String)
    found = given.filter(skeletons(given).is_duplicated())
    alike = defaultdict(list)
    for name in found:
        alike[skeleton(name)].append(name)
    return [tuple(group) for group in alike.values()]


def skeletons(names: pl.Series) -> pl.Series:
    """Return what ``skeleton`` does of each name: those of ASCII, which most are, all at once."""
    lower = names.str.to_lowercase()
    bare = lower.str.replace_all("[^a-z0-9]", "")
    bare = bare.zip_with(bare != "", lower)
    odd = (names.str.len_bytes() != names.str.len_chars()).arg_true()
    return bare.scatter(odd, [skeleton(name) for name in names[odd]])


def vocabulary(names: pl.Series, where: str) -> tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]:
    """Return the sorted channels, the normalised name of each raw one, and warnings.

    Raises:
        TableError: there are more channels than codes.
    """
    given = names.unique().drop_nulls().cast(pl.String).to_list()
    clean = {raw: normalised(raw) for raw in given}
    channels = tuple(sorted(set(clean.values())))
    if len(channels) > MOST:
        raise too_many(names.drop_nulls().alias("name").value_counts(name="rows"), len(channels), where)
    return channels, clean, look_alike(channels, where)


def look_alike(channels: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the warnings of channels that look alike."""
    return tuple(f"{where}: {ALIKE}: {', '.join(map(shown, group))}" for group in near_duplicates(channels))


def too_many(rows: pl.DataFrame, channels: int, where: str) -> TableError:
    """Return the error of more channels than there are codes, with some of the rarest by their rows."""
    rare = rows.filter(pl.col("rows") < RARE)
    return TableError.of(
        where,
        f"{channels:,} channels",
        f"at most {MOST:,}; a model that compares channels wants some dozens",
        f"map a coarser column to channel, or give the rare ones one name such as (other): "
        f"{len(rare):,} of them have fewer than {RARE} rows",
        column="channel",
        count=int(rows["rows"].sum()),
        examples=tuple(map(shown, rows.sort("rows", "name")["name"].head(5))),
    )


def local_codes(names: pl.Series, where: str) -> tuple[UInt16, tuple[str, ...]]:
    """Return the code of each name in the vocabulary of these names, and that; TableError if it is too large.

    >>> local_codes(pl.Series(["tv", " ads", "tv"]), "touchpoints")[0].tolist()
    [1, 0, 1]
    """
    if not len(names):
        return np.empty(0, np.uint16), ()
    coded = names.dtype in (pl.Categorical, pl.Enum)
    given = distinct(names) if coded else names.unique()
    clean = given.cast(pl.String).str.replace_all(AROUND, "").str.normalize("NFC")
    channels = clean.unique().sort()
    if len(channels) > MOST:
        raise too_many(names.alias("name").value_counts(name="rows"), len(channels), where)
    codes = clean.replace_strict(channels, pl.Series(range(len(channels)), dtype=pl.UInt16))
    told = tuple(channels.to_list())
    if coded:
        return mapped(names, given, codes.to_numpy()), told
    return names.replace_strict(given, codes, return_dtype=pl.UInt16).to_numpy(), told


def renamed(lists: pl.Series, clean: dict[str, str]) -> pl.Series:
    """Return lists of channels with every raw name replaced by its normalised one."""
    changed = {raw: name for raw, name in clean.items() if raw != name}
    if not changed:
        return lists
    return lists.list.eval(pl.element().replace(changed))
