"""The recorder of what the programs print. Nothing but Python's standard library."""
