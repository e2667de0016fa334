"""Periods: what was measured by period, beside the year before, taken apart, and foretold."""
