"""Sockets to the agent: one connection for each process, shared by threads or by tasks."""
