"""Page stages: who viewed a page as a lead, with the first view of further pages as its stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.kpis.engagement.activity import WHEN
from attribution.kpis.engagement.pages import LONGEST_IDLE, checked_pages, in_visits
from attribution.tables import Reading, RowCount, Source


@dataclass(frozen=True, eq=False)
class PageStages:
    """A row a customer, how many page views were read, used and set aside, and warnings."""

    leads: pl.DataFrame
    rows: RowCount
    warnings: tuple[str, ...] = ()

    def table(self) -> pl.DataFrame:
        """Return the table of leads: a row a customer, a column NAME_at a page."""
        return self.leads


def page_stages(
    pages: Source,
    stages: Mapping[str, str],
    *,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> PageStages:
    """Return who viewed pages as leads, with the first view of each page of ``stages`` as a time, NAME_at.

    The customer enters with the first view of any page, with the columns of that view (campaign, device).
    ``stages`` names pages, as {"carts": "/cart"}. ``lead_log`` and ``funnel`` with
    stages={"carts": "carts_at"} make the funnel of pages by customer, ``velocity`` how soon each is reached.

    Raises:
        TableError: the table cannot be used, or has no customers.
        ParameterError: a page is never viewed, or a name is no plain word or that of a column.

    >>> views = {"customer_id": ["a", "a", "b"], "page": ["home", "/cart", "home"]}
    >>> views["timestamp"] = ["2026-03-02T10:00Z", "2026-03-02T10:02Z", "2026-03-02T10:00Z"]
    >>> leads = page_stages(pl.DataFrame(views), {"carts": "/cart"}).table()
    >>> leads.select("customer_id", "landing_page", "carts_at").rows()[1]
    ('b', 'home', None)
    """
    if not isinstance(stages, Mapping) or not all(
        isinstance(each, str) for pair in stages.items() for each in pair
    ):
        raise ParameterError.out_of_range("stages", stages, 'names and pages, as {"carts": "/cart"}')
    opened = checked_pages(pages, columns, reading or Reading())
    if "customer_id" not in opened.has:
        raise TableError.of(
            opened.table.where,
            "no column customer_id",
            "who viewed each page: stages are those of customers",
            "map it: columns={'customer_id': ...} (--pages-columns customer_id=...)",
            column="customer_id",
        )
    opened = opened.set_aside("null_user", pl.col("customer_id").is_null())
    viewed = in_visits(opened, "customer_id", LONGEST_IDLE)
    seen = viewed.rows["page"].unique().sort()
    for name, page in stages.items():
        if not name.isidentifier() or f"{name}_at" in viewed.names:
            raise ParameterError.out_of_range("stages", name, "a name such as carts, of no column carts_at")
        if page not in seen:
            raise ParameterError.unknown("page", page, seen)
    times = [
        pl.col(WHEN).filter(pl.col("page") == page).min().alias(f"{name}_at") for name, page in stages.items()
    ]
    own = ("customer_id", "visit_id", "sequence", "seconds", "page", "landing_page")
    others = [name for name in viewed.names if name not in own]
    landing = pl.col("page").first().alias("landing_page")
    entered = viewed.rows.group_by("customer_id", maintain_order=True)
    leads = entered.agg(pl.col(others).first(), landing, *times)
    return PageStages(leads, opened.table.count, viewed.warnings)
