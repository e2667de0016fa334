"""Benchmarks: whole processes of ours and of others over the same event logs, interleaved and compared."""
