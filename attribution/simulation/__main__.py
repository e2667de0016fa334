"""Write the tables of the sample: `python -m attribution.simulation [FOLDER]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from attribution.simulation.leads import sample_tables


def write_sample(folder: Path) -> None:
    """Write one Parquet file a table into a folder, and print a line on each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in sample_tables().items():
        path = folder / f"{name}.parquet"
        table.write_parquet(path, compression="zstd", compression_level=19)
        print(f"{path}: {table.height:,} rows, {path.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m attribution.simulation", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent.parent / "sample")
    write_sample(parser.parse_args().folder)
