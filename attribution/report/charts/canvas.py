"""Canvas: what all charts share: their colours and type, and tables as the few fields that they draw."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

import altair as alt
import polars as pl

from attribution.channels import TOTAL, UNATTRIBUTED
from attribution.errors import ParameterError
from attribution.rare_channels import OTHER

Chart: TypeAlias = alt.Chart | alt.LayerChart


class Tabular(Protocol):
    """A value with a table."""

    def table(self) -> pl.DataFrame:
        """Return the table."""


Table: TypeAlias = Tabular | pl.DataFrame

# Okabe and Ito's colours, which the colour-blind tell apart, and darker ones of other hues for the rest.
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#6a3d9a", "#5f6b76"),
    *("#8c2d04", "#00695c", "#ad1457", "#1a237e", "#7a7a00", "#a1887f", "#37474f", "#c62828"),
)
INK, FAINT, ACCENT, GOOD, BAD = "#1b2733", "#5f6b76", "#0072b2", "#00795a", "#b3470a"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
WIDTH = 640  # pixels where nothing says how wide the place is
NARROW = "width < 420 ? 2 : 4"  # columns of a legend, on a phone and on a desk
SHORT = {"mqls": "MQLs", "sqls": "SQLs", "kpi": "KPI", "kpis": "KPIs"}
NAME = 130  # pixels of a channel's name beside an axis
ROWS = (UNATTRIBUTED, TOTAL, OTHER)  # of a table that are no channels


def frame_of(source: Table) -> pl.DataFrame:
    """Return the table of what has one."""
    return source if isinstance(source, pl.DataFrame) else source.table()


def long(
    table: pl.DataFrame, names: Iterable[str], keys: Sequence[str], name: str = "outcome"
) -> pl.DataFrame:
    """Return one row a figure: its keys, its name, ``value``, and the ends ``low`` and ``high`` if known.

    >>> table = pl.DataFrame({"channel": ["ads"], "leads": [2.0], "leads_low": [1.0], "leads_high": [3.0]})
    >>> long(table, ["leads"], ["channel"]).row(0)
    ('ads', 'leads', 2.0, 1.0, 3.0)
    """
    parts = []
    for each in names:
        ends = [f"{each}_low", f"{each}_high"]
        known = [
            (pl.col(end) if end in table.columns else pl.lit(None)).cast(pl.Float64).alias(short)
            for end, short in zip(ends, ("low", "high"), strict=True)
        ]
        value = pl.col(each).cast(pl.Float64).alias("value")
        parts.append(table.with_columns(value, *known, pl.lit(each).alias(name)))
    columns = [*keys, name, "value", "low", "high"]
    return pl.concat([part.select(columns) for part in parts]) if parts else pl.DataFrame(schema=columns)


def outcomes_of(table: pl.DataFrame) -> list[str]:
    """Return the outcomes of a table of credits: its numbers that are no end of an interval.

    >>> outcomes_of(pl.DataFrame({"model": ["linear"], "leads": [1.0], "leads_low": [0.5], "reason": ["x"]}))
    ['leads']
    """
    ends = {f"{name}{end}" for name in table.columns for end in ("_low", "_high")}
    return [name for name, kind in table.schema.items() if kind == pl.Float64 and name not in ends]


def values(table: pl.DataFrame) -> alt.InlineData:
    """Return the rows of a table as data of a chart; days as text."""
    days = [name for name, kind in table.schema.items() if kind == pl.Date]
    return alt.InlineData(values=table.with_columns(pl.col(days).cast(pl.String)).to_dicts())


def choice(name: str, options: Sequence[str], chosen: str | None = None) -> alt.Parameter:
    """Return a parameter of a chart that its reader chooses from a list.

    Raises:
        ParameterError: what is chosen is not on the list.
    """
    if chosen is not None and chosen not in options:
        raise ParameterError.unknown(name, chosen, options)
    bind = alt.binding_select(options=list(options), name=f"{words(name)} ")
    return alt.param(name=name, value=chosen or options[0], bind=bind)


def words(name: str) -> str:
    """Return a name as words.

    >>> words("cost_per_lead")
    'Cost per lead'
    """
    spelled = " ".join(SHORT.get(word, word) for word in name.strip("_").split("_"))
    return spelled[:1].upper() + spelled[1:]


def channels_of(table: pl.DataFrame) -> list[str]:
    """Return the channels of a table in its order, the total first.

    >>> channels_of(pl.DataFrame({"channel": ["ads", "(total)", "ads"]}))
    ['(total)', 'ads']
    """
    return sorted(table["channel"].unique(maintain_order=True), key=lambda name: name != TOTAL)


def reaching(chart: alt.Chart, figure: str = "") -> alt.Chart:
    """Return the chart with the ends of its intervals as ``bottom`` and ``top``: the figure without one."""
    low, high = (f"{figure}_{end}".removeprefix("_") for end in ("low", "high"))
    value = figure or "value"
    return chart.transform_calculate(
        bottom=f"isValid(datum.{low}) ? datum.{low} : datum.{value}",
        top=f"isValid(datum.{high}) ? datum.{high} : datum.{value}",
    )


def layered(*charts: alt.Chart) -> alt.LayerChart:
    """Return charts on top of each other."""
    return alt.LayerChart(layer=list(charts))


def finished(chart: Chart, title: str, height: int, chosen: Sequence[str] = (), note: str = "") -> Chart:
    """Return the chart with its title, size and type; below the title what is chosen, and a note."""
    told = [f"'{name}: ' + {name}" for name in chosen] + [json.dumps(note)] * bool(note)
    header = alt.ExprRef(f"[{json.dumps(title)}, {below}]") if (below := " + ', ' + ".join(told)) else title
    axis = {"labelColor": INK, "titleColor": FAINT, "gridColor": "#e3e8ec", "domainColor": "#9aa5ae"}
    made: Chart = (
        chart.properties(width=WIDTH, height=height, title=alt.TitleParams(header), description=title)
        .configure(font=FONT, background="white", padding=8)
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", **axis)
        .configure_axisY(labelLimit=NAME)
        .configure_axisQuantitative(labelOverlap=True, labelSeparation=10)
        .configure_legend(
            **{"labelFontSize": 12, "titleFontSize": 12, "labelColor": INK, "orient": "bottom"},
            columns=alt.ExprRef(NARROW),
            columnPadding=16,
            symbolOpacity=1,
        )
        .configure_title(fontSize=14, anchor="start", color=INK, offset=12)
        .configure_view(stroke=None)
    )
    return made


def colour(field: str, domain: Sequence[str]) -> alt.Color:
    """Return colours by a field, the same ones for the same names whatever is shown."""
    scale = alt.Scale(domain=list(domain), range=[COLOURS[i % len(COLOURS)] for i in range(len(domain))])
    return alt.Color(f"{field}:N", title=None, scale=scale, legend=alt.Legend(labelLimit=NAME))


def tips(*fields: tuple[str, str, str]) -> list[alt.Tooltip]:
    """Return what hovering tells: field, its words, and the format of its number."""
    return [
        alt.Tooltip(f"{field}:{'Q' if form else 'N'}", title=title, format=form)
        if form
        else alt.Tooltip(f"{field}:N", title=title)
        for field, title, form in fields
    ]


def form_of(unit: str) -> str:
    """Return how a number of a unit is written, in the words of d3.

    >>> form_of("share"), form_of("money")
    ('.1%', ',.2f')
    """
    return ".1%" if unit == "share" else ",.2f"
