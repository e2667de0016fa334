"""Spelling: the unit of a column of any of our tables, by its name, and its words."""

from __future__ import annotations

from attribution.kpis.dictionary import KPIS

UNITS = {kpi.name: kpi.unit for kpi in KPIS}
SHARES = ("_share", "_rate", "probability")  # how names of shares end
BETWEEN, WITHIN = "_to_", "within_"  # in the names of rates from stage to stage, and of velocity
MOST_DIGITS = 9  # smaller is what adding up leaves behind


def unit_of(column: str) -> str:
    """Return the unit of a column: count, share, ratio, money, seconds, days or months.

    >>> unit_of("win_rate"), unit_of("mqls_to_sqls"), unit_of("spend_now"), unit_of("leads")
    ('share', 'share', 'money', 'count')
    """
    name = column.removesuffix("_low").removesuffix("_high").removesuffix("_shrunken")
    if name in UNITS:
        return UNITS[name]
    if BETWEEN in name or name.startswith(WITHIN) or name.endswith(SHARES):
        return "share"
    if name.endswith(
        ("spend_now", "spend_proposed", "_cost", "cost_now", "cost_proposed", "_spend", "revenue")
    ):
        return "money"
    return "days" if name.endswith(("_days", "_days_of_reached")) else "count"


def spelled(value: float, unit: str) -> str:
    """Return a number as people read it: a share in percent, more digits where it is small.

    >>> spelled(0.2804, "share"), spelled(1234.56, "money"), spelled(38.76, "money"), spelled(209.02, "count")
    ('28.0 %', '1,235', '38.76', '209')
    >>> spelled(0.0016, "money"), spelled(-0.00002, "share")
    ('0.002', '-0.002 %')
    """
    size = abs(value)
    if unit == "share":
        return f"{rounded(100 * value, 1 if size >= 0.0995 or not size else 2)} %"
    if size >= 1000 or (unit == "count" and size >= 100) or (unit == "count" and value == int(value)):
        return rounded(value, 0)
    return rounded(value, 1 if unit in ("count", "days", "months") and size >= 1 else 2)


def rounded(value: float, digits: int) -> str:
    """Return a number with so many digits behind its point, with more where they would all be 0.

    >>> rounded(0.0, 2), rounded(0.004, 2), rounded(-1e-15, 2)
    ('0.00', '0.004', '0.00')
    """
    known = next((more for more in range(digits, MOST_DIGITS + 1) if round(value, more)), digits)
    return f"{round(value, known) + 0.0:,.{known}f}"  # -0.0 is 0.0
