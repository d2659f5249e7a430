"""The command line and the composition root: the one room that may import all others, and that none imports."""

import gc

# Before the first import: importing makes half a million objects that stay, and collecting among them is wasted work.
# Services tune the collector anew when everything is imported (agents.runtime.serve).
gc.set_threshold(100_000, 50, 100)
