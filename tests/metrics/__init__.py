"""Promises of agents/metrics."""
