"""The command line as ``python -m attribution``."""

from attribution.cli import program

program()
