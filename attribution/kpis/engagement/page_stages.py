"""Page stages: who viewed a page as a lead, with the first view of further pages as its stages."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from attribution.errors import ParameterError, TableError
from attribution.kpis.engagement.activity import WHEN
from attribution.kpis.engagement.pages import LONGEST_IDLE, page_views
from attribution.tables import Reading, Source


def page_stages(
    pages: Source,
    stages: Mapping[str, str],
    *,
    columns: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> pl.DataFrame:
    """Return a row a customer, with the first view of each page of ``stages`` as a time, NAME_at.

    The customer enters with the first view of any page, with the columns of that view (campaign, device).
    ``stages`` names pages, as {"carts": "/cart"}. The table is one of leads: ``lead_log`` and ``funnel``
    with stages={"carts": "carts_at"} make the funnel of pages by customer, ``velocity`` how soon each is
    reached.

    Raises:
        TableError: the table cannot be used, or has no customers.
        ParameterError: a page is never viewed, or a name is no plain word or that of a column.

    >>> views = {"customer_id": ["a", "a", "b"], "page": ["home", "/cart", "home"]}
    >>> views["timestamp"] = ["2026-03-02T10:00Z", "2026-03-02T10:02Z", "2026-03-02T10:00Z"]
    >>> page_stages(pl.DataFrame(views), {"carts": "/cart"}).select("customer_id", "carts_at").rows()[1]
    ('b', None)
    """
    viewed = page_views(pages, columns, LONGEST_IDLE, reading or Reading())
    if "customer_id" not in viewed.rows.columns:
        raise TableError.of(
            viewed.where,
            "no column customer_id",
            "who viewed each page: stages are those of customers",
            "map it: columns={'customer_id': ...}",
            column="customer_id",
        )
    seen = viewed.rows["page"].unique().sort()
    for name, page in stages.items():
        if not name.isidentifier() or f"{name}_at" in viewed.names:
            raise ParameterError.out_of_range("stages", name, "a name such as carts, of no column carts_at")
        if page not in seen:
            raise ParameterError.unknown("page", page, seen)
    rows = viewed.rows.select(*viewed.names, WHEN).sort("customer_id", WHEN, maintain_order=True)
    times = [
        pl.col(WHEN).filter(pl.col("page") == page).min().alias(f"{name}_at") for name, page in stages.items()
    ]
    others = pl.exclude("customer_id", "visit_id", "sequence", "seconds", WHEN)
    entered = rows.group_by("customer_id", maintain_order=True).agg(others.first(), *times)
    return entered.rename({"page": "landing_page"})
