"""Turns an agent definition into a service: A2A, MCP, model, store, telemetry.

What lives here knows agents and wires, and nothing about Kubernetes. The planner and the specialists stand on it;
it imports none of them.
"""

# First of all: the libraries read these at import.
from agents.runtime import environment as environment
from agents.runtime import imports

imports.install()
