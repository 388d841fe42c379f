"""What the benchmarks' scripts share. Nothing but Python's standard library."""
