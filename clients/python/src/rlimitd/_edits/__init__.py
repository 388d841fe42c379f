"""How a batch of edits is divided between the kernel and the agent, applied, and undone."""
