"""Promises of agents/runtime."""
