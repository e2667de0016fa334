"""Event logs: a case as two Parquet files in order of time, generated in chunks and never held at once."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.cases import Case

DAYS = 90
SPAN = 28  # days in which the touchpoints of a journey lie: less than the lookback window of 30
MICROSECONDS = 86_400_000_000  # a day
START = 1_767_225_600_000_000  # 2026-01-01 UTC
CHUNK = 1_000_000  # journeys drawn at once
ROW_GROUP = 1_000_000
ROW = np.dtype([("customer", np.int64), ("time", np.int64), ("channel", np.uint16)])
INSTANT = pa.timestamp("us", "UTC")
GOLDEN = 0.6180339887498949
HEXADECIMAL = np.frombuffer(b"0123456789abcdef", np.uint8)


def write_event_log(case: Case, folder: Path) -> None:
    """Write touchpoints.parquet and outcomes.parquet of the case into the folder."""
    days = [folder / f"day {day}" for day in range(DAYS + 1)]
    try:
        outcomes = scatter_by_day(case, days)
        write(folder / "outcomes.parquet", case, [outcomes])
        write(folder / "touchpoints.parquet", case, of_days(case, days))
    finally:
        for day in days:
            day.unlink(missing_ok=True)


def scatter_by_day(case: Case, days: list[Path]) -> dict[str, np.ndarray]:
    """Append every touchpoint to the file of its day; return the outcomes in order of time."""
    ended = []
    files = [day.open("wb") for day in days]
    for chunk in range(0, case.journeys, CHUNK):
        random = np.random.Generator(np.random.PCG64([case.seed, chunk]))
        rows, outcomes = draw_chunk(case, chunk, min(CHUNK, case.journeys - chunk), random)
        ended.append(outcomes)
        day = ((rows["time"] - START) // MICROSECONDS).astype(np.uint8)
        rows = rows[np.argsort(day, kind="stable")]
        edges = np.cumsum(np.bincount(day, minlength=len(days)))
        for file, part in zip(files, np.split(rows, edges[:-1]), strict=True):
            part.tofile(file)
    for file in files:
        file.close()
    joined = {name: np.concatenate([each[name] for each in ended]) for name in ended[0]}
    order = np.argsort(joined["time"], kind="stable")
    return {name: values[order] for name, values in joined.items()}


def draw_chunk(
    case: Case, first: int, journeys: int, random: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the touchpoints and outcomes of the journeys from the first on."""
    lengths = draw_lengths(case, journeys, random)
    rows = np.empty(int(lengths.sum()), ROW)
    begun = START + (random.random(journeys) * (DAYS - SPAN - 1) * MICROSECONDS).astype(np.int64)
    rows["customer"] = np.repeat(scrambled(case, np.arange(first, first + journeys)), lengths)
    rows["channel"] = draw_channels(case.channels, len(rows), random)
    rows["time"] = np.repeat(begun, lengths) + (random.random(len(rows)) * SPAN * MICROSECONDS).astype(
        np.int64
    )
    # Nine of ten outcomes come after all touchpoints of the customer, the others at any time between them.
    ended = begun + ((SPAN + random.random(journeys)) * MICROSECONDS).astype(np.int64)
    between = begun + (random.random(journeys) * SPAN * MICROSECONDS).astype(np.int64)
    ended = np.where(random.random(journeys) < 0.1, between, ended)
    if case.shape == "one customer":  # all the time, and no two touchpoints at one instant
        step = DAYS * MICROSECONDS // len(rows)
        rows["time"] = START + np.arange(len(rows)) * step + random.integers(0, step, len(rows))
        ended[:] = START + DAYS * MICROSECONDS - 1
    if case.shape == "one instant":  # and no two touchpoints of a customer with one channel
        start = np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows["channel"] = (rows["channel"][start] + np.arange(len(rows)) - start) % case.channels
        rows["time"] = ended[:] = START
    converts = random.random(journeys) < (1 if case.shape == "one customer" else 0.04)
    leads = int(converts.sum())
    return rows, {
        "customer": scrambled(case, np.arange(first, first + journeys))[converts],
        "time": ended[converts],
        "leads": np.ones(leads),
        "wins": (random.random(leads) < 0.3).astype(np.float64),
        "revenue": np.round(np.exp(3 + 0.6 * random.standard_normal(leads)), 2),
    }


def draw_lengths(case: Case, journeys: int, random: np.random.Generator) -> np.ndarray:
    """Return touchpoints a journey: geometric with mean 4, at most 50, or what the shape says."""
    if case.shape == "one customer":
        return np.array([case.touchpoints])
    if case.shape == "one touchpoint each":
        return np.ones(journeys, np.int64)
    drawn = 1 + np.floor(np.log1p(-random.random(journeys)) / math.log(0.75))
    return np.minimum(drawn, 50).astype(np.int64)


def draw_channels(channels: int, touchpoints: int, random: np.random.Generator) -> np.ndarray:
    """Return the codes of channels, Zipf(1.1)."""
    odds = np.arange(1, channels + 1) ** -1.1
    steps = np.cumsum(odds / odds.sum())
    return np.searchsorted(steps, random.random(touchpoints)).clip(max=channels - 1)


def scrambled(case: Case, journeys: np.ndarray) -> np.ndarray:
    """Return the customers of journeys: every number below the number of journeys once, in no order."""
    step = max(1, round(case.journeys * GOLDEN))
    while math.gcd(step, case.journeys) > 1:
        step += 1
    return journeys * step % case.journeys


def of_days(case: Case, days: list[Path]) -> Iterator[dict[str, np.ndarray]]:
    """Yield the touchpoints of each day in order of time, which one shape turns round."""
    back = -1 if case.shape == "reversed" else 1
    for day in days[::back]:
        rows = np.fromfile(day, ROW)
        rows = rows[np.argsort(rows["time"], kind="stable")[::back]]
        yield {name: rows[name] for name in ROW.names or ()}


def write(
    path: Path, case: Case, parts: Iterator[dict[str, np.ndarray]] | list[dict[str, np.ndarray]]
) -> None:
    """Write the parts one after the other, in full row groups; the file appears when it is whole."""
    unfinished, rest, writer = path.with_suffix(".unfinished"), None, None
    for part in parts:
        table = as_table(case, part)
        rest = table if rest is None else pa.concat_tables([rest, table])
        writer = writer or pq.ParquetWriter(
            unfinished, table.schema, compression="zstd", use_dictionary=["channel"]
        )
        full = len(rest) // ROW_GROUP * ROW_GROUP
        if full:
            writer.write_table(rest.slice(0, full), row_group_size=ROW_GROUP)
            rest = rest.slice(full)
    assert writer is not None
    assert rest is not None
    if len(rest):
        writer.write_table(rest)
    writer.close()
    unfinished.rename(path)


def as_table(case: Case, part: dict[str, np.ndarray]) -> pa.Table:
    """Return arrays as the columns customer_id, timestamp, channel or outcomes."""
    customers = pa.array(part["customer"]) if case.ids == "integer" else text_ids(part["customer"])
    columns = {"customer_id": customers, "timestamp": pa.array(part["time"]).cast(INSTANT)}
    if "channel" in part:
        names = pa.array([f"channel {code:03}" for code in range(case.channels)])
        columns["channel"] = names.take(pa.array(part["channel"]))
    columns |= {name: pa.array(part[name]) for name in ("leads", "wins", "revenue") if name in part}
    return pa.table(columns)


def text_ids(customers: np.ndarray) -> pa.Array:
    """Return 32 hexadecimal characters for each customer: two rounds of splitmix64."""
    mixed = np.empty((len(customers), 2), np.uint64)
    for half in range(2):
        z = customers.astype(np.uint64) * np.uint64(2) + np.uint64(half + 1)
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed[:, half] = z ^ (z >> np.uint64(31))
    octets = mixed.view(np.uint8)
    digits = HEXADECIMAL[np.stack([octets >> 4, octets & 15], axis=-1)].reshape(-1)
    edges = np.arange(0, 32 * len(customers) + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(customers), pa.py_buffer(edges), pa.py_buffer(digits))


if __name__ == "__main__":
    write_event_log(Case(**json.loads(sys.argv[1])), Path(sys.argv[2]))
