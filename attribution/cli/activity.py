"""Activity: which tables of visits, pages and ad touchpoints the verbs read, with goals and conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from attribution.cli import options
from attribution.cli.show import say
from attribution.errors import ParameterError
from attribution.kpis import Activity, Goal, ad_log, web_log
from attribution.stitched import FOLDS
from attribution.tables import Reading, RowCount


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ActivityOptions:
    """What was counted before there was a lead."""

    visits: Annotated[
        str | None, Parameter(help="Table of visits: timestamp, visit_id, customer_id, channel, ...")
    ] = None
    visits_columns: Annotated[
        str | None, Parameter(help="Columns of the visits table, as OURS=THEIRS,...")
    ] = None
    pages: Annotated[
        str | None, Parameter(help="Table of page views: timestamp, page, and visit_id or customer_id.")
    ] = None
    pages_columns: Annotated[str | None, Parameter(help="Columns of the pages table, as OURS=THEIRS,...")] = (
        None
    )
    ad_touchpoints: Annotated[
        str | None,
        Parameter(help="Touchpoints with a kind (impression, click): which users saw and clicked."),
    ] = None
    ad_touchpoints_columns: Annotated[
        str | None, Parameter(help="Columns of that table, as OURS=THEIRS,...")
    ] = None
    goal: Annotated[
        list[str] | None,
        Parameter(
            help="What a visit may reach, NAME=CONDITION in SQL: signup=page = '/thanks'; may be repeated.",
            negative="",
        ),
    ] = None
    goal_values: Annotated[str | None, Parameter(help="What each goal is worth, as NAME=VALUE,...")] = None
    goal_layers: Annotated[
        str | None, Parameter(help="Layer of goals, as NAME=LAYER,...: signup=lead_generation.")
    ] = None
    qualified: Annotated[
        str | None, Parameter(help="Which visits are qualified, in SQL: page_views >= 3 AND seconds > 60.")
    ] = None
    idle_minutes: Annotated[
        float, Parameter(help="Minutes without a page view that end a visit, where pages have no visit_id.")
    ] = 30.0

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are read."""
        return tuple(path for path in (self.visits, self.pages, self.ad_touchpoints) if path is not None)

    def logs(
        self,
        reading: Reading,
        intervals: float | None = None,
        draws: options.DrawOptions | None = None,
        folds: int = FOLDS,
    ) -> list[Activity]:
        """Return the tables as activity; ParameterError for goals that nothing reaches."""
        how = (draws or options.DrawOptions()).given(intervals)
        logs = []
        if self.visits is not None or self.pages is not None:
            columns = {
                "visits": options.mapping(self.visits_columns, "--visits-columns"),
                "pages": options.mapping(self.pages_columns, "--pages-columns"),
            }
            logs.append(
                web_log(
                    self.visits,
                    self.pages,
                    goals=self.goals(),
                    qualified=self.qualified,
                    idle_minutes=self.idle_minutes,
                    columns=columns,
                    folds=folds,
                    reading=reading,
                    **how,
                )
            )
        elif self.goal or self.goal_values or self.goal_layers or self.qualified:
            raise ParameterError("--goal, its values and layers, and --qualified need --visits or --pages")
        if self.ad_touchpoints is not None:
            columns_of = options.mapping(self.ad_touchpoints_columns, "--ad-touchpoints-columns")
            logs.append(ad_log(self.ad_touchpoints, columns=columns_of, folds=folds, reading=reading, **how))
        return logs

    def goals(self) -> list[Goal]:
        """Return the goals with their values and layers, checked."""
        conditions = {
            name.strip(): when for name, _, when in (each.partition("=") for each in self.goal or ())
        }
        if len(conditions) < len(self.goal or ()) or "" in conditions.values():
            allowed = "NAME=CONDITION, each name once"
            raise ParameterError.out_of_range("--goal", ", ".join(self.goal or ()), allowed)
        values = options.mapping(self.goal_values, "--goal-values")
        layers = options.mapping(self.goal_layers, "--goal-layers")
        for name in (*values, *layers):
            if name not in conditions:
                raise ParameterError.unknown("goal", name, conditions)
        return [
            Goal(name, when, amount(name, values.get(name)), layers.get(name, ""))
            for name, when in conditions.items()
        ]


def amount(name: str, text: str | None) -> float | None:
    """Return the value of a goal; ParameterError where it is no number."""
    try:
        return None if text is None else float(text)
    except ValueError:
        raise ParameterError.out_of_range(f"value of goal {name}", text, "a number >= 0") from None


def show_counts(tables: dict[str, RowCount]) -> None:
    """Say of each table how many rows were read, used and set aside, on standard error."""
    for name, rows in tables.items():
        aside = ", ".join(f"{count:,} {reason}" for reason, count in rows.set_aside.items())
        say(f"{name}: {rows.read:,} rows read, {rows.used:,} used{', set aside: ' if aside else ''}{aside}")
