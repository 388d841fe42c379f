"""Records the output of the programs. Needs only Python's standard library."""
