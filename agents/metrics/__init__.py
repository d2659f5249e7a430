"""The metrics analyst: usage, saturation and sizing of workloads and nodes, as numbers with their source."""
