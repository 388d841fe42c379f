"""The shared code of the benchmark scripts. It needs only Python's standard library."""
