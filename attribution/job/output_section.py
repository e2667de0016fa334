"""The section of the outputs: the folder of results, its files, and what some of them need."""

from __future__ import annotations

from pydantic import Field

from attribution.job.loop_sections import FileName, file
from attribution.job.section import Section, field_of
from attribution.patterns import FEWEST

OF_JOURNEYS = ("journeys", "log", "paths", "path_lengths", "time_lags", "transitions")


class Outputs(Section):
    """The folder of results, below that of the job file, and its files; what has no name is not made."""

    folder: str = Field("results", min_length=1)
    credits: FileName | None = file("credits.csv")
    kpis: FileName | None = file("kpis.csv")
    report: FileName | None = file("report.csv")
    rejected: FileName | None = file("rejected.parquet")
    journeys: FileName | None = file(None)
    log: FileName | None = file(None)
    log_columns: list[str] = Field([], description="further columns of the log, by name")
    comparison: FileName | None = file(None)
    paths: FileName | None = file(None)
    fewest_customers: int = field_of(FEWEST)[1]
    path_lengths: FileName | None = file(None)
    time_lags: FileName | None = file(None)
    transitions: FileName | None = file(None)
    costs: FileName | None = file(None)

    def files(self, spends: bool) -> list[str | None]:
        """Return the names of the files that are made, where something is spent or nothing."""
        names = ("credits", "report", "rejected", "comparison", *OF_JOURNEYS, "costs")
        return [*(getattr(self, name) for name in names), self.kpis if spends else None]

    @property
    def of_journeys(self) -> dict[str, str | None]:
        """The files for which the journeys have to be here, by key."""
        return {f"outputs.{name}": getattr(self, name) for name in OF_JOURNEYS}
