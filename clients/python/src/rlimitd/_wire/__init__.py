"""Requests and responses as they travel between the client and the agent."""
