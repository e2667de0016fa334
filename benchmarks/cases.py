"""Cases: event logs by size and shape, one line each; the same case is the same bytes everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHAPES = ("ordinary", "one customer", "one touchpoint each", "one instant", "reversed")


@dataclass(frozen=True)
class Case:
    """What is generated: so many journeys, of so many channels, by customers with such ids."""

    journeys: int
    channels: int = 12
    ids: str = "integer"  # or text: 32 hexadecimal characters
    shape: str = "ordinary"
    touchpoints: int | None = None  # of the one customer
    seed: int = 1

    @property
    def name(self) -> str:
        """What tells this case from every other, as the name of a folder."""
        parts = [f"{self.journeys}_journeys", f"{self.channels}_channels", self.ids]
        parts += [self.shape.replace(" ", "_")] * (self.shape != "ordinary")
        parts += [f"{self.touchpoints}_touchpoints"] * (self.touchpoints is not None)
        parts += [f"seed_{self.seed}"] * (self.seed != 1)
        return "-".join(parts)

    def files(self, data: Path) -> tuple[Path, Path]:
        """Return the touchpoints and the outcomes, generated if they are not there."""
        folder = data / self.name
        paths = folder / "touchpoints.parquet", folder / "outcomes.parquet"
        if not all(path.exists() for path in paths):
            folder.mkdir(parents=True, exist_ok=True)
            # A process of its own: what a parent has held counts as the peak memory of its children.
            command = [sys.executable, "-m", "benchmarks.event_logs", json.dumps(asdict(self)), str(folder)]
            subprocess.run(command, cwd=ROOT, check=True)
        return paths


def thousand(journeys: int, **options: object) -> Case:
    """Return a case of thousands of journeys."""
    return Case(journeys * 1_000, **options)  # type: ignore[arg-type]


def million(journeys: float, **options: object) -> Case:
    """Return a case of millions of journeys."""
    return Case(round(journeys * 1_000_000), **options)  # type: ignore[arg-type]
