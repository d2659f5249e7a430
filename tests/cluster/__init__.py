"""Promises of agents/cluster."""
