"""The executor: the only specialist that can change a cluster, one approved Action at a time."""
