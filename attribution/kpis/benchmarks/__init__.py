"""Benchmarks: what KPIs are elsewhere, by an analyst's own table, and which cell is held to which of them."""
