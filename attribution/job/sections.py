"""The sections of a job file: every key with its type, range and meaning."""

from __future__ import annotations

from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from attribution.errors import shown
from attribution.job.budget_section import Budget
from attribution.job.loop_sections import FileName, Funnel, Trend, Value, Velocity, file
from attribution.job.output_section import Outputs
from attribution.job.section import Columns, Section, field_of, section_of
from attribution.job.spark_section import Spark
from attribution.job.web_sections import Engagement, Goal, Pages, Visits
from attribution.manifest import NAME, PAGE, TIMING
from attribution.models import MODELS, Model
from attribution.parameters import parameters
from attribution.rare_channels import KEPT
from attribution.statistics import Resampling
from attribution.stitched import FOLDS, fold_bits
from attribution.stitching.window import Window
from attribution.tables import REASONS, Reading

DRAWN = parameters(Resampling)
WindowSection: Any = section_of(Window, "Window")
ReadingSection: Any = section_of(Reading, "Reading")
LABEL = (str | None, Field(None, description="name of the model in the tables, where two are alike"))
ModelSections: Any = [
    section_of(model, model.__name__, name=(Literal[name], Field(description="the model")), label=LABEL)
    for name, model in MODELS.items()
]
AnyModel: Any = Annotated[reduce(or_, ModelSections), Field(discriminator="name")]


class Source(Section):
    """A table: a Parquet, CSV or NDJSON file, or a glob of them, relative to the job file."""

    path: str = Field(min_length=1)
    columns: Columns = Field(default_factory=dict)


class Outcomes(Source):
    """The outcomes; their names in order, the first being what models learn from."""

    names: list[str] | None = Field(None, min_length=1)
    repeated: Literal["error", "latest"] = "error"


class Events(Source):
    """One table of touchpoints and conversions, in place of the two."""

    flag: Literal["row", "journey"] = "row"


class Spend(Source):
    """The money by channel; a column cost_type makes it a ledger of costs."""

    repeated: Literal["error", "sum"] = "error"
    lag_days: float = Field(
        0.0, ge=0, description="days from the spend to the leads it counts for, by period"
    )


class Breakdown(Section):
    """A KPI table by further dimensions: periods, and columns of the touchpoints and the outcomes."""

    file: FileName = file(...)
    by: list[str] = Field(min_length=1)
    models: list[str] | None = Field(None, min_length=1, description="names of models; all without it")
    reprocess_days: int | None = Field(
        None, ge=0, description="periods that ended longer ago than this keep what was published"
    )


class Intervals(Section):
    """How sure the figures are: their intervals, from customers (or accounts) that are drawn anew."""

    level: float = field_of(DRAWN["intervals"])[1]
    replicates: int = field_of(DRAWN["replicates"])[1]
    seed: int = field_of(DRAWN["seed"])[1]
    folds: int = Field(FOLDS, description="into how many folds customers are dealt, a power of two")

    def arguments(self) -> dict[str, Any]:
        """Return them as arguments of the function attribute."""
        return {"intervals": self.level, "replicates": self.replicates, "seed": self.seed}


class Gate(Section):
    """When the quality of the data stops the run, before anything is written."""

    max_rejected: float = Field(0.01, ge=0, le=1, description="share of a table's rows")
    fail_on: list[Literal[REASONS]] = Field(  # type: ignore[valid-type]
        [], description=f"reasons for which not one row may be set aside: {', '.join(REASONS)}"
    )


class Job(Section):
    """A run of the river from a file: sources, models, windows, outputs."""

    name: str | None = Field(None, min_length=1, description="name of the job; that of the file without it")
    touchpoints: Source | None = None
    outcomes: Outcomes | None = None
    events: Events | None = None
    spark: Spark | None = None
    spend: Spend | None = None
    rates: Source | None = Field(None, description="currency and rate, for spend in several currencies")
    visits: Visits | None = None
    pages: Pages | None = None
    goals: list[Goal] = Field(default_factory=list)
    as_of: datetime | date | str | None = Field(None, description="end of the data; later rows are set aside")
    most_channels: int | None = field_of(KEPT)[1]
    window: WindowSection = WindowSection()
    reading: ReadingSection = ReadingSection()
    models: list[AnyModel] = Field([], description="every rule with its defaults and Markov without them")
    intervals: Intervals | None = Field(None, description="no intervals without it")
    breakdowns: list[Breakdown] = Field(default_factory=list)
    funnels: list[Funnel] = Field(default_factory=list)
    velocities: list[Velocity] = Field(default_factory=list)
    values: list[Value] = Field(default_factory=list)
    trends: list[Trend] = Field(default_factory=list)
    engagements: list[Engagement] = Field(default_factory=list)
    budget: Budget | None = None
    outputs: Outputs = Field(default_factory=Outputs)
    gate: Gate = Field(default_factory=Gate)

    @model_validator(mode="after")
    def check_whole(self) -> Job:
        """Refuse sources that are not one choice, and files that two outputs claim."""
        pair = (self.touchpoints is not None) + (self.outcomes is not None)
        others = (self.events is not None) + (self.spark is not None)
        if (pair, others) not in ((2, 0), (0, 1)):
            raise ValueError("either [touchpoints] and [outcomes], or [events], or [spark]")
        if self.spark is not None:
            self.check_for_spark()
        if self.intervals is not None:
            fold_bits(self.intervals.folds)
        if self.breakdowns and self.spend is None:
            raise ValueError("[spend] for [[breakdowns]]")
        if self.budget is not None and self.spend is None:
            raise ValueError("[spend] for [budget]")
        if self.rates is not None and self.spend is None:
            raise ValueError("[spend] for [rates]")
        if self.outputs.costs is not None and self.spend is None:
            raise ValueError("[spend] for outputs.costs")
        self.check_web()
        files = [name for name in self.files() if name is not None]
        for name in files:
            if files.count(name) > 1 or name in (NAME, TIMING, PAGE):
                raise ValueError(f"a file name of its own for each output, and not {shown(name)}")
            if not name.endswith((".parquet", ".csv")):
                raise ValueError(f"file names in .parquet or .csv, not {shown(name)}")
        late = [each for each in self.breakdowns if each.reprocess_days is not None]
        if any(not each.file.endswith(".parquet") for each in late):
            raise ValueError("a .parquet file where reprocess_days reads what was published")
        moving = [each for each in late if any(name.startswith("touchpoint_") for name in each.by)]
        lookback = self.window.lookback_days
        if any(cast(int, each.reprocess_days) < lookback for each in moving):
            raise ValueError(
                f"reprocess_days of at least {lookback:g}, the lookback window, for touchpoint_ periods: "
                "late leads change them that far back"
            )
        return self

    def check_web(self) -> None:
        """Refuse goals and tables of engagement without what they are made of."""
        web = [each for each in (self.visits, self.pages) if each is not None]
        if self.goals and not web:
            raise ValueError("[visits] or [pages] for [[goals]]")
        if web and not self.engagements and self.spend is None:
            raise ValueError("[[engagements]], or [spend] for the KPIs, for [visits] and [pages]")
        if self.engagements and not web and self.spend is None:
            raise ValueError("[visits], [pages] or [spend] for [[engagements]]")
        if len([each for each in web if each.qualified is not None]) > 1:
            raise ValueError("qualified once, in [visits]")

    def check_for_spark(self) -> None:
        """Refuse what needs the journeys here."""
        here = {
            "[[breakdowns]]": self.breakdowns,
            "[[funnels]], [[velocities]], [[values]] or [[trends]]": self.loop,
            "[visits], [pages] or [[engagements]]": self.visits or self.pages or self.engagements,
            "[budget]": self.budget,
            **self.outputs.of_journeys,
            "most_channels": self.most_channels,
        }
        if asked := [key for key, value in here.items() if value]:
            raise ValueError(f"no {' and no '.join(asked)} with [spark]: journeys stay where they are")

    @property
    def loop(self) -> list[Any]:
        """The tables of the closed loop, which are made of the log."""
        return [*self.funnels, *self.velocities, *self.values, *self.trends]

    def files(self) -> list[str | None]:
        """Return the names of the outputs."""
        return [
            *self.outputs.files(self.spend is not None),
            *(each.file for each in [*self.breakdowns, *self.loop, *self.engagements]),
            *(self.budget.files if self.budget else []),
        ]

    def built(self) -> list[Model]:
        """Return the models as values, their parameters checked together."""
        return [built(each) for each in self.models]


def built(section: Any) -> Model:
    """Return the model that a section describes."""
    given = section.model_dump(exclude={"name", "label"})
    values: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    if section.label:
        values["name"] = section.label
    return MODELS[section.name](**values)
