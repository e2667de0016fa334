"""Tables: the gate through which every table comes in, and the files in which they go out."""

from attribution.tables.columns import TABLES, Column
from attribution.tables.files import check_target, write_table
from attribution.tables.gate import Checked, check_table
from attribution.tables.reading import Reading
from attribution.tables.rows import Counts, RowCount, added
from attribution.tables.sources import Source

__all__ = [
    "TABLES",
    "Checked",
    "Column",
    "Counts",
    "Reading",
    "RowCount",
    "Source",
    "added",
    "check_table",
    "check_target",
    "write_table",
]
