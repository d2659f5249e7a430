"""Promises of agents/auditor."""
