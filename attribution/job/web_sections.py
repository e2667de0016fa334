"""The sections of what happens before the lead: pages, goals, and the tables of engagement."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from attribution.job.loop_sections import FileName, file
from attribution.job.section import Columns, Section
from attribution.kpis import Goal as ReachedGoal


class Visits(Section):
    """The visits, with the condition that makes one qualified."""

    path: str = Field(min_length=1)
    columns: Columns = Field(default_factory=dict)
    qualified: str | None = Field(None, description="condition on visits in SQL, for their abandonment")


class Pages(Section):
    """The page views; without a table of visits they are cut into visits by idle time."""

    path: str = Field(min_length=1)
    columns: Columns = Field(default_factory=dict)
    idle_minutes: float = Field(30.0, gt=0, description="minutes without a page view that end a visit")
    qualified: str | None = Field(None, description="condition on visits in SQL, where there is no [visits]")


class Goal(Section):
    """What a visit may reach, with its value and layer."""

    name: str = Field(min_length=1)
    when: str = Field(min_length=1, description="condition on page views or visits, in SQL")
    value: float | None = Field(None, ge=0, description="what reaching it is worth")
    layer: str = Field("", description="what it belongs to: lead_generation, awareness")

    @model_validator(mode="after")
    def check_goal(self) -> Goal:
        """Refuse what is no goal."""
        self.built()
        return self

    def built(self) -> ReachedGoal:
        """Return it as a value."""
        given: Any = self.model_dump()
        return ReachedGoal(**given)


class Engagement(Section):
    """What happened before the lead, by cell: of visits, pages, and the ads of the spend table."""

    file: FileName = file(...)
    by: list[str] = Field(["channel"], min_length=1)
