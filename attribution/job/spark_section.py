"""The section of Spark: tables that a cluster holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from attribution.job.section import Columns, Section


class SparkTable(Section):
    """A table that Spark holds: one of its catalog, or Parquet files."""

    table: str | None = Field(None, min_length=1, description="name in the catalog")
    path: str | None = Field(None, min_length=1, description="Parquet files, as Spark finds them")
    columns: Columns = Field(default_factory=dict)

    @model_validator(mode="after")
    def check_one(self) -> SparkTable:
        """Refuse a table that has two places or none."""
        if (self.table is None) == (self.path is None):
            raise ValueError("either table or path")
        return self

    @property
    def place(self) -> str:
        """Where the table is."""
        return str(self.table or self.path)


class SparkOutcomes(SparkTable):
    """Outcomes that Spark holds."""

    names: list[str] | None = Field(None, min_length=1)
    repeated: Literal["error", "latest"] = "error"


class Spark(Section):
    """Touchpoints and outcomes on a cluster, in place of the two here; the session that exists is used."""

    touchpoints: SparkTable
    outcomes: SparkOutcomes
    master: str | None = Field(None, description="of a session that is begun, such as local[4]")
    config: dict[str, str] = Field({}, description="settings of a session that is begun")
    partitions: int | None = Field(None, ge=1, description="tasks that stitch, a power of two")
