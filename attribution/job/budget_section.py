"""The section of the budget: what is to be planned, within which bounds, and the files of the plan."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field, model_validator

from attribution.budget import FixedBudget, Scenario, TargetCostPerLead
from attribution.job.loop_sections import FileName, Period, file
from attribution.job.section import Section

Amounts = dict[str, float]


class Budget(Section):
    """The spend by channel that brings the most, of a total or at a cost, and the curves behind it."""

    total: float | None = Field(None, description="money a period to share among the channels")
    target_cost_per_lead: float | None = Field(None, description="what an outcome may cost on average")
    period: Period = Field("week", description="day, week, month, quarter or year, of which all money is")
    models: list[str] | None = Field(
        None, min_length=1, description="names of models: the plan is of the first; all without it"
    )
    outcome: str | None = Field(None, description="what is to be most; the first outcome without it")
    floors: Amounts = Field({}, description="least spend a period, channel = money")
    caps: Amounts = Field({}, description="most spend a period, channel = money")
    largest_share: float | Amounts | None = Field(
        None, description="largest change as a share of the spend now, a number or channel = number"
    )
    largest_amount: float | Amounts | None = Field(
        None, description="largest change in money a period, a number or channel = number"
    )
    locked: list[str] = Field([], description="channels whose spend stays")
    half_life: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="days in which what spend brings halves; fitted without it",
    )
    complete_from: date | None = Field(None, description="a day: periods that begin before it are left out")
    complete_before: date | None = Field(None, description="a day: periods from it on are left out")
    hold_unsure: bool = Field(
        True, description="true or false: leave channels whose gain cannot be told from zero"
    )
    response: FileName | None = file(None)
    curve: FileName | None = file(None)
    backtest: FileName | None = file(None)
    backtest_periods: int = Field(4, ge=1, description="last periods that are foretold")
    file: FileName = file("allocation.csv")

    @model_validator(mode="after")
    def check_scenario(self) -> Budget:
        """Refuse a section that asks for no plan, or for two."""
        if (self.total is None) == (self.target_cost_per_lead is None):
            raise ValueError("either total or target_cost_per_lead")
        return self

    @property
    def files(self) -> list[str | None]:
        """The names of the outputs."""
        return [self.file, self.response, self.curve, self.backtest]

    @property
    def asked(self) -> str:
        """What the plan is for, in words."""
        if self.total is not None:
            return f"{self.total:,.2f} a {self.period}"
        return f"at most {self.target_cost_per_lead:,.2f} an outcome"

    def scenario(self) -> Scenario:
        """Return the scenario.

        Raises:
            ParameterError: a number or a bound cannot be.
        """
        limits: dict[str, Any] = {
            "floors": self.floors,
            "caps": self.caps,
            "largest_share": self.largest_share,
            "largest_amount": self.largest_amount,
            "locked": tuple(self.locked),
        }
        if self.total is not None:
            return FixedBudget(self.total, **limits)
        assert self.target_cost_per_lead is not None
        return TargetCostPerLead(self.target_cost_per_lead, **limits)

    def curves(self) -> dict[str, Any]:
        """Return what curves are fitted to, and how, as arguments."""
        return {
            "model": None if self.models is None else self.models[0],
            "outcome": self.outcome,
            "half_life": self.half_life,
            "complete_from": self.complete_from,
            "complete_before": self.complete_before,
        }
