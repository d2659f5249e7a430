"""Tests mirror the rooms; as a package, so that `tests/planner` never shadows `planner`."""
