"""Learning on a cluster: each task stitches and observes its customers; the driver adds their statistics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

from attribution.channels import ALIKE, look_alike
from attribution.credits import Result
from attribution.engine import attribute as credit
from attribution.engine import check_served, defaults
from attribution.engine import learn as learn_here
from attribution.errors import Fault, ParameterError, TableError
from attribution.learned import Statistics, observers_of, report_of
from attribution.models import Model, named_apart
from attribution.spark.packing import read, unpacked, written
from attribution.spark.tables import Tables, partitions_of
from attribution.spark.telling import merged, once
from attribution.statistics import Observer, Resampling, total
from attribution.statistics.cells import Cell, by_fold, cells_of
from attribution.statistics_file import cell_of, frame_of
from attribution.stitched import FOLDS, StitchReport
from attribution.stitching import stitch
from attribution.stitching.window import Window
from attribution.tables import Reading
from attribution.tables.gate import NO_ROWS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

SCHEMA = "place int, about string, data binary"


def attribute(
    touchpoints: DataFrame,
    outcomes: DataFrame,
    *models: Model,
    intervals: float | None = None,
    replicates: int = Resampling.replicates,
    seed: int = Resampling.seed,
    **how: Any,
) -> Result:
    """Return the credits of every model over tables of Spark: those of one machine, with their intervals.

    ``how`` are the further arguments of ``learn``. The result can be saved, and added to.

    Raises:
        TableError: a table cannot be used.
        ParameterError: a parameter is outside its range, or a model cannot be served.
        ConvergenceError: a chain did not converge.
    """
    learned = learn(touchpoints, outcomes, *models, apart=intervals is not None, **how)
    return credit(learned, intervals=intervals, replicates=replicates, seed=seed)


def learn(
    touchpoints: DataFrame,
    outcomes: DataFrame,
    *models: Model,
    lookback_days: float = Window.lookback_days,
    restart: bool = Window.restart,
    maturity_days: float | None = Window.maturity_days,
    max_touchpoints: int | None = Window.max_touchpoints,
    as_of: datetime | str | None = None,
    columns: Mapping[str, Any] | None = None,
    outcome_names: Sequence[str] | None = None,
    repeated_outcomes: str = "error",
    folds: int = FOLDS,
    reading: Reading | None = None,
    apart: bool = False,
    partitions: int | None = None,
) -> Statistics:
    """Return what the models learn from tables of Spark, as ``stitch`` and ``attribute`` do here.

    Every customer is in one of ``partitions`` tasks (a power of two; twice as many as run at once without
    it), whose rows have to fit into the memory of its Python process: 60 MB a million, more with text ids.
    Only sums travel to the driver. An event_id counts once a customer; accounts are not used.

    Raises:
        TableError: a table cannot be used.
        ParameterError: a parameter is outside its range, or a model cannot be served.
    """
    tables = Tables.of(touchpoints, outcomes, columns, outcome_names)
    window = Window(lookback_days, restart, maturity_days, max_touchpoints)
    how = {
        **asdict(window),
        "as_of": as_of,
        "columns": tables.columns,
        "outcome_names": outcome_names,
        "repeated_outcomes": repeated_outcomes,
        "folds": folds,
        "reading": reading,
    }
    nothing = stitch(*tables.empty.values(), **how)
    if maturity_days is not None and as_of is None:
        how["as_of"] = tables.latest(nothing.outcome_names, reading)
        nothing = stitch(*tables.empty.values(), **how)
    chosen = named_apart(models or defaults(nothing))
    start = learn_here(nothing, chosen, apart=apart)
    places = partitions_of(tables.session, partitions)
    task = Task(tables.messages(), how, tuple(chosen), apart)
    answers = ran(tables.packed(places).mapInArrow(task.learned, SCHEMA))
    parts = [Part.of(**row) for row in sorted(answers, key=lambda row: row["place"])]
    if faults := merged(fault for part in parts for fault in part.faults):
        raise TableError(faults)
    learned = added(start, parts, places)
    report = replace(learned.report, warnings=(*tables.warnings, *learned.report.warnings))
    served = [model for model in chosen if models or len(learned.channels) <= model.most_channels]
    learned = replace(learned, models=tuple(served), report=report)
    for model in served:
        check_served(model, learned)
    return learned


def ran(frame: DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a DataFrame, once the tasks behind it are done.

    Raises:
        ParameterError: the workers lack a package.
    """
    from pyspark.errors import PythonException

    try:
        return list(frame.toArrow().to_pylist())
    except PythonException as error:
        missing = re.search(r"ModuleNotFoundError: (No module named \S+)", str(error))
        if missing is None:
            raise
        raise ParameterError(
            f"the workers of Spark: {missing[1]}: install this package for the Python that they run, "
            "or name the one that has it (PYSPARK_PYTHON)"
        ) from None


@dataclass(frozen=True)
class Task:
    """What every task does, as it is sent there."""

    empty: Mapping[str, bytes]
    how: Mapping[str, Any]
    models: tuple[Model, ...]
    apart: bool

    def learned(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the statistics of the customers in a task, or the faults of their rows."""
        import pyarrow as pa

        mine = unpacked(batches, self.empty)
        if mine is None:
            return
        place, tables = mine
        about, cells = dict[str, Any](), list[Cell]()
        try:
            stitched = stitch(tables["touchpoints"], tables["outcomes"], **self.how)
            learned = learn_here(stitched, self.models, apart=self.apart, threads=1)
            cells = list(cells_of(learned.whole, learned.folds))
            about = {"channels": learned.channels, "report": asdict(learned.report)}
        except TableError as error:  # which another attempt would raise again
            about = {"faults": [asdict(fault) for fault in error.faults]}
        columns = {"place": [place], "about": [json.dumps(about)], "data": [written(frame_of("", cells))]}
        types = pa.schema({"place": pa.int32(), "about": pa.string(), "data": pa.binary()})
        yield pa.RecordBatch.from_pydict(columns, types)


@dataclass(frozen=True)
class Part:
    """The answer of a task."""

    place: int
    about: Mapping[str, Any]
    cells: Sequence[Cell]

    @classmethod
    def of(cls, place: int, about: str, data: bytes) -> Part:
        """Return the answer that a row holds."""
        cells = [cell_of(*row[1:]) for row in read(data).iter_rows()]
        return cls(place, json.loads(about), cells)

    @property
    def faults(self) -> list[Fault]:
        """What is wrong with the rows."""
        found = self.about.get("faults", ())
        return [Fault(**{**each, "examples": tuple(each["examples"])}) for each in found]

    @property
    def channels(self) -> tuple[str, ...]:
        """The vocabulary of the task."""
        return tuple(self.about["channels"])

    @property
    def report(self) -> StitchReport:
        """The counts of the task, without warnings of what a part cannot know."""
        report = report_of(self.about["report"])
        told = (line for line in report.warnings if NO_ROWS not in line and ALIKE not in line)
        return replace(report, warnings=tuple(told))


def added(start: Statistics, parts: Sequence[Part], places: int) -> Statistics:
    """Return the sum of what the tasks learned; as here, neighbours first, folds and places in order."""
    channels = tuple(sorted(set().union(*(part.channels for part in parts))))
    observers = observers_of(start.models)
    found: dict[tuple[int, int], list[tuple[int, Any]]] = {}
    for part in parts:
        known = by_fold(part.cells, observers, part.channels, start.outcome_names)
        for key, statistic in known.items():
            found.setdefault(key, []).append((part.place, statistic.recode(channels)))
    nothing = start.recode(channels)
    whole, folds = dict[Observer, Any](), dict[Observer, Sequence[Any]]()
    for number, observer in enumerate(observers):
        none: Any = nothing.whole[observer]
        if start.folds is None:
            at_place: dict[int, Any] = dict(found.get((number, -1), ()))
            whole[observer] = total(at_place.get(place, none) for place in range(places))
            continue
        of_folds = [found.get((number, fold), [(0, none)]) for fold in range(len(start.folds[observer]))]
        folds[observer] = [total(statistic for _, statistic in each) for each in of_folds]
        whole[observer] = total(folds[observer])
    report = reduce(StitchReport.__add__, (part.report for part in parts), StitchReport())
    if not parts:
        report = replace(start.report, warnings=())
    read = {name: count.read for name, count in report.tables.items()}
    bare = [line for line in start.report.warnings if NO_ROWS in line and not read[line.partition(" ")[0]]]
    told = [line for part in parts for line in part.report.warnings]
    alike = look_alike(channels, "touchpoints (Spark)")
    report = replace(report, warnings=(*bare, *once(told), *alike)).check()
    return replace(start, whole=whole, folds=folds or None, report=report)
