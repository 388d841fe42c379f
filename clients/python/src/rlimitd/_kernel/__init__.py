"""System calls, /proc, and the process that a call is about."""
