"""Tables: the gate through which every table comes in, and the files in which they go out."""

from attribution.tables.columns import ACCOUNT, OURS, TABLES, Column, check_outcome_names
from attribution.tables.files import STREAMED, SUFFIXES, check_target, unescaped, write_rows, write_table
from attribution.tables.gate import Checked, check_table
from attribution.tables.origin import Origin
from attribution.tables.pieces import PIECE, Part, Pieces, check_pieces
from attribution.tables.reading import Reading
from attribution.tables.rows import REASONS, Counts, RowCount, added, subtracted
from attribution.tables.seal import check_seal
from attribution.tables.sources import Source
from attribution.tables.unfinished import PUBLISHING, discard_unfinished, unfinished
from attribution.tables.values import CONTROL

__all__ = [
    "ACCOUNT",
    "CONTROL",
    "OURS",
    "PIECE",
    "PUBLISHING",
    "REASONS",
    "STREAMED",
    "SUFFIXES",
    "TABLES",
    "Checked",
    "Column",
    "Counts",
    "Origin",
    "Part",
    "Pieces",
    "Reading",
    "RowCount",
    "Source",
    "added",
    "check_outcome_names",
    "check_pieces",
    "check_seal",
    "check_table",
    "check_target",
    "discard_unfinished",
    "subtracted",
    "unescaped",
    "unfinished",
    "write_rows",
    "write_table",
]
